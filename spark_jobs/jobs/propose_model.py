"""Registers an evaluated model as challenger, for a person to approve, and says what each rule of the gate says of it.

Reads the figures that evaluate_model left in the MLflow run. Writes a registry version and, under the model's lock, the
challenger's alias. Fails when the champion has changed since the comparison.
"""

from __future__ import annotations

from arrears.contracts.job_configs.jobs import ProposeModelConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.model.gate.rules import Verdict
from arrears.promotion.candidates import Candidate, judged_candidate, require_champion, rule_figures
from arrears.promotion.succession import succession
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.launch import launch_plain

_WOULD_BE = {
    "promoted": "Every rule of the gate is met: an approval makes it the champion.",
    "kept": "It does not stand up to the champion: an approval alone promotes nothing.",
    "refused": "It does not meet the rules of the gate: an approval alone promotes nothing.",
}


def run(config: ProposeModelConfig) -> JobResult:
    """Judges, registers, and names the model as challenger."""
    objects, models = Objects(), Models()
    with succession(config, objects) as held:
        candidate = judged_candidate(config, models, objects)
        version = models.register(config.mlflow_run_id, held.name, tags={"decision": "awaits approval"})
        require_champion(held.name, held.champion, config, version)
        if held.champion != version:
            held.challenge(version)
    link = models.run_url(config.mlflow_run_id)
    values = {
        "proposed_version": version,
        "judged": candidate.digest,
        "unmet_rules": str(len(candidate.decision.unmet)),
        "summary": _summary(f"{held.name} version {version}", config.champion_version, candidate, link),
    }
    figures = {"awaits approval": f"{held.name} version {version}", **rule_figures(candidate.decision.verdicts)}
    return JobResult(figures, values, links={"MLflow run": link})


def _summary(model: str, champion: str | None, candidate: Candidate, link: str) -> str:
    """What the approver reads, in Markdown."""
    rows = [
        f"| {verdict.rule} | {_shown(verdict)} | {'met' if verdict.met else '**NOT MET**'} | {verdict.reason} |"
        for verdict in candidate.decision.verdicts
    ]
    return "\n".join(
        [
            f"**{model}** asks to become champion; the champion is version {champion or 'none'}.",
            "",
            _WOULD_BE[candidate.decision.outcome],
            *_would_set_aside(candidate),
            "",
            "| rule | value | verdict | why |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            f"[MLflow run]({link})",
        ]
    )


def _would_set_aside(candidate: Candidate) -> list[str]:
    unmet = candidate.decision.unmet
    if not unmet:
        return []
    return ["", "**An override would set aside:**", "", *(f"* {verdict.rule}: {verdict.reason}" for verdict in unmet)]


def _shown(verdict: Verdict) -> str:
    if verdict.value is None:
        return "" if verdict.met else "missing"
    return f"{verdict.value:.4f}"


if __name__ == "__main__":
    launch_plain(run, ProposeModelConfig)
