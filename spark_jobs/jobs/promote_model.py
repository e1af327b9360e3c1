"""Makes a trained model champion if the gate lets it through, and writes every decision into the log.

Reads the figures that evaluate_model left in the MLflow run, and judges them anew. Writes a registry version and, under
the model's lock, entries of the log of decisions and the aliases. An override is put at the top of the report. Fails
when the champion has changed since the comparison, when the log is broken, or when an approval is demanded and no named
person has answered.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import PromoteModelConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.promotion_log import Kind, PromotionRecord
from arrears.model.gate.promotion import Decision, overridden
from arrears.promotion.candidates import Candidate, judged_candidate, require_champion, rule_figures
from arrears.promotion.promoted_report import put_override_first
from arrears.promotion.succession import Succession, succession
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.launch import launch_plain

GATE = "the gate"
NOBODY = "nobody"
UNKNOWN = "unknown"
NO_REASON = "no reason given"
OVERRIDE_REFUSED = "override refused: no rule is unmet"
_NAMELESS = ("", "anonymous")  # the latter answers where Airflow asks nobody to log in


def run(config: PromoteModelConfig) -> JobResult:
    """Judges, registers, decides, writes the log, and moves the aliases."""
    objects, models = Objects(), Models()
    with succession(config, objects) as held:
        candidate = judged_candidate(config, models, objects)
        _refuse_unproven_answer(config, candidate)
        version = models.register(config.mlflow_run_id, held.name, tags={})
        require_champion(held.name, held.champion, config, version)
        kind, decision = _decided(config, candidate.decision)
        record = _record(held.name, version, config, candidate)
        decided = replace(record, kind=kind, who=_who(config, decision))
        decided = replace(decided, override=decision.override, set_aside=decision.set_aside)
        if config.approval == "human":
            held.record(_answer_record(config, record))
        if kind != "rejected" and held.champion != version:
            held.record(decided)
        _name(held, version, kind, decision)
        held.tag(version, kind)
        if decided.override:
            put_override_first(config, decided, objects, models)
    values = {
        "decision": kind,
        "model_version": version,
        "model_name": held.name,
        "set_aside": "; ".join(decision.set_aside),
    }
    if config.gate_override and not decision.unmet:
        values["override"] = OVERRIDE_REFUSED
    return JobResult(_figures(config, held.name, version, kind, decision), values)


def _decided(config: PromoteModelConfig, decision: Decision) -> tuple[Kind, Decision]:
    if config.approval == "human" and config.answer != "Approve":
        return "rejected", decision
    final = overridden(decision, config.override_reason)
    return final.outcome, final


def _name(held: Succession, version: str, kind: Kind, decision: Decision) -> None:
    """Gives the version the alias that it has earned."""
    if held.champion == version:
        held.stand_down(version)
    elif kind == "promoted":
        held.crown_the_latest()
    elif decision.outcome != "refused":
        held.challenge(version)
    else:
        held.stand_down(version)


def _refuse_unproven_answer(config: PromoteModelConfig, candidate: Candidate) -> None:
    """Trusts nothing that came before: an approval must name who, when, and the very figures that stand in MLflow."""
    if config.approval == "auto":
        return
    problems = []
    if not config.answer:
        problems.append("approval is human and nobody was asked: approve_model must run before promote_model")
    if config.answer == "Approve" and config.approver.strip().lower() in _NAMELESS:
        problems.append("an approval needs a named person")
    if config.answer and not _is_time(config.answered_at):
        problems.append(f"answered_at {config.answered_at!r} is no time such as 2026-01-31T12:00:00+00:00")
    if config.answer and config.judged != candidate.digest:
        problems.append("the figures in MLflow are not those that the approver saw: clear propose_model and ask again")
    if problems:
        raise BadConfiguration(*problems)


def _record(name: str, version: str, config: PromoteModelConfig, candidate: Candidate) -> PromotionRecord:
    return PromotionRecord(
        kind="refused",
        model=name,
        version=version,
        champion_before=config.champion_version or "",
        request=config.run_label,
        who=GATE,
        why="; ".join(candidate.decision.reasons),
        mlflow_run_id=config.mlflow_run_id,
        metrics=candidate.metrics,
        verdicts=candidate.verdicts,
    )


def _who(config: PromoteModelConfig, decision: Decision) -> str:
    if not decision.override:
        return GATE
    return config.approver or config.requested_by or UNKNOWN


def _answer_record(config: PromoteModelConfig, record: PromotionRecord) -> PromotionRecord:
    """The log's entry about the approver's answer."""
    kind: Kind = "approved" if config.answer == "Approve" else "rejected"
    silence = f"no answer until {config.answered_at}"
    why = (config.approval_reason.strip() or NO_REASON) if config.approver else silence
    return replace(record, kind=kind, who=config.approver or NOBODY, why=f"{why} (answered at {config.answered_at})")


def _figures(
    config: PromoteModelConfig, name: str, version: str, kind: Kind, decision: Decision
) -> dict[str, str | float | int | None]:
    """An override first, then the decision, every rule with its verdict, and what people said."""
    figures: dict[str, str | float | int | None] = {}
    if decision.override:
        figures["OVERRIDE"] = (
            f"{_who(config, decision)} set aside {'; '.join(decision.set_aside)}, because: {decision.override}"
        )
    figures |= {
        "decision": kind,
        "model": f"{name} version {version}",
        "champion before": config.champion_version or "none",
    }
    if config.gate_override and not decision.unmet:
        figures["gate_override"] = OVERRIDE_REFUSED
    figures |= rule_figures(decision.verdicts)
    if config.approval == "human":
        figures["approval"] = f"{config.answer} by {config.approver or NOBODY}: {config.approval_reason or NO_REASON}"
    if kind in ("kept", "refused"):
        figures["to promote it nevertheless"] = "run training again from its form, with gate_override on and the reason"
    return figures


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


if __name__ == "__main__":
    launch_plain(run, PromoteModelConfig)
