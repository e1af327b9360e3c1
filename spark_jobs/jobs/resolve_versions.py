"""Pins a run to one dataset version and one champion.

Reads the activation records and the model registry. Writes the run's pins once (a rerun reads them back). Fails when no
dataset version is in force on the business date, or, where one is needed, when there is no champion.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from arrears.contracts.addresses import registered_model
from arrears.contracts.errors import UpstreamNotReady
from arrears.contracts.job_configs.jobs import ResolveVersionsConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.launch import launch_plain


def run(config: ResolveVersionsConfig) -> JobResult:
    """Finds what is in force, keeps it under the run's own address, and returns it."""
    objects = Objects()
    if objects.exists(config.pins):
        pins = objects.get_json(config.pins)
    else:
        pins = _in_force(objects, config)
        if not objects.create(config.pins, json.dumps(pins, indent=1, sort_keys=True).encode()):
            pins = objects.get_json(config.pins)
    if config.needs_champion and not pins["champion_version"]:
        objects.delete(config.pins)  # a retry after the first training must not be held to "none"
        raise UpstreamNotReady(f"{pins['model_name']} has no champion: run the training DAG first")
    figures = {"dataset version": pins["dataset_version"], "champion": pins["champion_version"] or "none yet"}
    return JobResult(figures=figures, values=pins)


def _in_force(objects: Objects, config: ResolveVersionsConfig) -> dict[str, str]:
    model_name = registered_model(config.dataset, config.task)
    return {
        "dataset_version": _dataset_version(objects, config),
        "model_name": model_name,
        "champion_version": Models().champion(model_name) or "",
    }


def _dataset_version(objects: Objects, config: ResolveVersionsConfig) -> str:
    records = objects.list(config.addresses.activations(config.dataset))
    dated = {PurePosixPath(record.uri).stem: record.uri for record in records}
    in_force = max((date for date in dated if date <= config.as_of), default=None)
    if in_force is None:
        later = f"; the first is in force from {min(dated)}" if dated else ""
        raise UpstreamNotReady(
            f"no version of data set {config.dataset} is in force on {config.as_of}{later}: run generate_data for a"
            " date up to it"
        )
    record: dict[str, Any] = objects.get_json(dated[in_force])
    return str(record["dataset_version"])


if __name__ == "__main__":
    launch_plain(run, ResolveVersionsConfig)
