"""Makes an earlier champion champion again, and writes who wanted it and why into the log of decisions.

Reads the log and the registry. Writes one entry of the log and, under the model's lock, the aliases. Fails when there
is no earlier champion, when the named version never was one, or when the log is broken.
"""

from __future__ import annotations

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import RollbackModelConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.promotion_log import REIGN_BEGINS, PromotionRecord, lawful_reigns
from arrears.promotion.succession import Succession, succession
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.launch import launch_plain

BY_HAND = "by-hand"


def run(config: RollbackModelConfig) -> JobResult:
    """Finds the version to bring back, writes the log, moves the aliases. A rerun of the same run changes nothing."""
    models = Models()
    with succession(config, Objects(), changed_by_hand=True) as held:
        done = _done_already(held, config)
        record = done or _record(held, config)
        if done is None:
            models.run_of_version(held.name, record.version)  # it may have been deleted
            held.record(record)
        held.crown_the_latest()
        held.tag(record.version, record.kind)
    figures = {
        **_overridden(held, record.version),
        "decision": record.kind,
        "champion": f"{held.name} version {record.version}",
        "champion before": record.champion_before or "none",
        "reason": record.why,
        "asked for by": record.who,
    }
    values = {"decision": record.kind, "model_version": record.version, "model_name": held.name}
    return JobResult(figures, values)


def _overridden(held: Succession, version: str) -> dict[str, str]:
    """Says first that the version that comes back had become champion by an override. Empty where it had not."""
    made = [record for record in held.records if record.kind == "promoted" and record.version == version]
    if not made or not made[-1].override:
        return {}
    by, rules = made[-1], "; ".join(made[-1].rules_set_aside)
    return {"OVERRIDE": f"version {version} became champion as {by.who} set aside {rules}, because: {by.override}"}


def _done_already(held: Succession, config: RollbackModelConfig) -> PromotionRecord | None:
    """The entry that this very run has written before it was repeated."""
    begun = [record for record in held.records if record.kind in REIGN_BEGINS]
    latest = begun[-1] if begun else None
    same = latest is not None and (latest.kind, latest.request) == ("rolled back", config.run_label)
    return latest if same and config.run_label != BY_HAND else None


def _record(held: Succession, config: RollbackModelConfig) -> PromotionRecord:
    present = held.champion or ""
    return PromotionRecord(
        kind="rolled back",
        model=held.name,
        version=_target(held, config, present),
        champion_before=present,
        request=config.run_label,
        who=config.requested_by or "unknown",
        why=config.reason.strip(),
    )


def _target(held: Succession, config: RollbackModelConfig, present: str) -> str:
    reigned = lawful_reigns(held.records)
    earlier = [version for version in reigned if version != present]
    if config.to_version is None:
        if not earlier:
            raise BadConfiguration(
                f"{held.name} has no champion before version {present or 'none'}: nothing to bring back"
            )
        return earlier[-1]
    if config.to_version not in reigned:
        champions = ", ".join(dict.fromkeys(reigned)) or "none"
        raise BadConfiguration(
            f"version {config.to_version} of {held.name} never was champion, only the gate can make it one; earlier"
            f" champions: {champions}"
        )
    if config.to_version == present == reigned[-1]:
        raise BadConfiguration(f"version {present} is the champion of {held.name} already")
    return config.to_version


if __name__ == "__main__":
    launch_plain(run, RollbackModelConfig)
