"""The tasks beside default behind one way: fit, measure, report. Jobs call it when a configuration asks for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from types import ModuleType
from typing import Any

from pyspark.sql import SparkSession

from arrears.contracts.job_configs.job_config import default_of
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.contracts.objectives import LOSS, NEXT_PRODUCT, SEGMENTS
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.gate.objective_promotion import decide_task
from arrears.reports.task_page import Frame, TaskPage, render_task_page
from arrears.scoring.document import ModelDocument
from arrears.stores.models import ModelFiles
from spark_jobs.measuring.model_report import provenance_of
from spark_jobs.measuring.trained import TrainedRun
from spark_jobs.measuring.unlearnt import Unlearnt
from spark_jobs.objectives.objective_rows import FittedTask, MeasuredTask, held_out_rows

# The settings that reach each task's engines; the others belong to default models.
_PREPARATION = ("features", "missing", "missing_flags", "outliers", "encoding", "deciles", "interactions")
_SHOWN = {
    LOSS: (
        *("engine", "engine_options", "iterations", "learning_rate", "depth", "early_stopping_rounds"),
        *("validation_share", *_PREPARATION, "threads", "seed"),
    ),
    SEGMENTS: ("engine", "engine_options", "iterations", "clusters", *_PREPARATION, "seed"),
    NEXT_PRODUCT: ("engine", "engine_options", "iterations", "seed"),
}
_MODULES = {LOSS: "loss", SEGMENTS: "segments", NEXT_PRODUCT: "next_product"}


def fit_task(spark: SparkSession, config: TrainModelConfig, description: DatasetDescription) -> FittedTask:
    """Trains the model that ``config.task`` asks for, on the pinned version of the training set."""
    found: FittedTask = _module(config.task).fit(spark, config, description)
    return found


def measure_task(
    spark: SparkSession,
    config: EvaluateModelConfig,
    manifest: Mapping[str, Any],
    files: ModelFiles,
    serving: ModelFiles | None,
    unlearnt: Unlearnt,
    trained: TrainedRun,
) -> MeasuredTask:
    """Measures a model of a task beside default on the held-out rows, and beside the champion on shared ones.

    Args:
        manifest: of the dataset version.
        files: the candidate; its document tells the task.
        serving: the present champion of the task; None: there is none.
        unlearnt: the rows that the two may be compared on.
        trained: the model's MLflow run.
    """
    description = DatasetDescription.from_dict(manifest["description"])
    document = ModelDocument.from_json(files.document)
    module = _module(document.task)
    held_out = held_out_rows(spark, config)
    found = module.measure(held_out, config, description, files.model, document)
    champion, alike = None, found
    if serving is not None and not unlearnt.problem:
        theirs = ModelDocument.from_json(serving.document)
        shared = unlearnt.of(held_out)
        champion = module.measure(shared, config, description, serving.model, theirs)
        if unlearnt.left_out:
            alike = module.measure(shared, config, description, files.model, document)
    metrics = found.metrics() | ({} if serving is None else _compared(unlearnt, alike.metrics() if champion else {}))
    beside = None if serving is None else champion.metrics() if champion else {}
    decision = decide_task(document.task, metrics, beside)
    frame = Frame(
        dataset=config.dataset,
        dataset_version=config.dataset_version,
        decision=decision,
        champion_name=f"version {config.champion_version}",
        alike=alike.metrics() if champion and unlearnt.left_out else None,
        parameters=_told(document.task, trained.parameters),
        provenance=provenance_of(config, manifest, document, trained.tags),
        links=trained.links,
        as_of=trained.as_of,
        measured_at=trained.measured_at,
    )
    page: TaskPage = module.page(found, champion, frame, files.model, document)
    numbers = {"task": document.task, **found.to_dict(), "champion": beside or None, "decision": asdict(decision)}
    logged = {f"champion_{name}": value for name, value in (beside or {}).items()}
    return _kept(page, metrics, {**metrics, **logged}, numbers)


def _compared(unlearnt: Unlearnt, alike: Mapping[str, float]) -> dict[str, float]:
    """How many rows candidate and champion are compared on, and the candidate's figures on them."""
    counts = {"rows": unlearnt.rows, "defaults": unlearnt.defaults}
    known = {name: float(value) for name, value in counts.items() if value is not None}
    return {f"compared_{name}": value for name, value in {**alike, **known}.items()}


def _told(task: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """The settings that a task's report shows: `task_spec` leaves the default of iterations to the engine."""
    own = str(default_of(TrainModelConfig, "iterations"))
    told = {name: parameters[name] for name in _SHOWN[task] if name in parameters}
    return told | ({"iterations": "the engine's own"} if told.get("iterations") == own else {})


def _kept(
    page: TaskPage, metrics: Mapping[str, float], logged: Mapping[str, float], numbers: Mapping[str, Any]
) -> MeasuredTask:
    """The report's files and what the mail tells.

    Args:
        metrics: of the candidate.
        logged: those, and the champion's beside.
        numbers: all of the evaluation, for machines.
    """
    return MeasuredTask(
        metrics=logged,
        files={
            "report.html": render_task_page(page).encode(),
            "metrics.json": json.dumps(metrics, indent=1).encode(),
            "evaluation.json": json.dumps(numbers, indent=1).encode(),
            **{f"{stem}.png": png for stem, png in page.plots.items()},
        },
        figures={tile.name: f"{tile.value} ({tile.note})" for tile in page.tiles},
        mailed=(*(f"{stem}.png" for stem in page.plots), "report.html"),
    )


def _module(task: str) -> ModuleType:
    return import_module(f"spark_jobs.objectives.{_MODULES[task]}")
