"""Registers a trained model and makes it champion if it has earned it.

Reads the figures that evaluate_model left in the MLflow run; writes a registry version and, under the model's lock, the
champion's alias. Fails when the champion has changed since the comparison.
"""

from __future__ import annotations

from collections.abc import Mapping

from arrears.contracts.catalogue import registered_model
from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.facts import JobResult
from arrears.contracts.jobs import PromoteModelConfig
from arrears.model.decisions import Decision, decide
from arrears.stores.locks import held_lock
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.launch import launch_plain

LOCK_WAIT_SECONDS = 60.0


def run(config: PromoteModelConfig) -> JobResult:
    """Decides by the figures, registers the model, and moves the alias."""
    objects, models = Objects(), Models()
    manifest = objects.get_json(config.catalogue.dataset_manifest(config.dataset, config.dataset_version))
    metrics, _, tags = models.run_facts(config.mlflow_run_id)
    _refuse_other_evaluation(config, tags)
    name = registered_model(config.dataset)
    with held_lock(objects, config.catalogue.lock(f"model-{name}"), wait_seconds=LOCK_WAIT_SECONDS) as lock:
        decision = _decide(metrics, config, manifest["description"]["floors"])
        version = models.register(config.mlflow_run_id, name, tags={"decision": decision.outcome})
        present = models.champion(name)
        if present not in (config.champion_version, version):
            raise BadConfiguration(
                f"{name}'s champion became version {present} while this run compared with"
                f" {config.champion_version or 'none'}: run training again, so that the two are compared"
            )
        if decision.outcome == "promoted":
            lock.check()
            models.make_champion(name, version)
    figures = {
        "decision": decision.outcome,
        "model": f"{name} version {version}",
        "champion before": config.champion_version or "none",
        **{f"reason {number}": reason for number, reason in enumerate(decision.reasons, start=1)},
    }
    return JobResult(figures, {"decision": decision.outcome, "model_version": version, "model_name": name})


def _decide(metrics: Mapping[str, float], config: PromoteModelConfig, floors: Mapping[str, float]) -> Decision:
    prefix = "champion_"
    champion = {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}
    return decide(metrics, champion if config.champion_version else None, floors)


def _refuse_other_evaluation(config: PromoteModelConfig, tags: Mapping[str, str]) -> None:
    measured = tags.get("arrears.evaluated_on"), tags.get("arrears.compared_with", "")
    if measured[0] is None:
        raise UpstreamNotReady(f"MLflow run {config.mlflow_run_id} has not been evaluated: run evaluate_model first")
    if measured != (config.dataset_version, config.champion_version or ""):
        raise BadConfiguration(
            f"MLflow run {config.mlflow_run_id} was evaluated on {measured[0]} against champion"
            f" {measured[1] or 'none'}, not on {config.dataset_version} against {config.champion_version or 'none'}:"
            " run evaluate_model again"
        )


if __name__ == "__main__":
    launch_plain(run, PromoteModelConfig)
