"""What the objectives beside default have in common: each model is measured alone, and has one short page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, Protocol, TypeVar

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.job_configs.job_config import default_of
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.contracts.job_configs.training_choices import with_features
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.gate.objective_promotion import decide_objective
from arrears.reports.objective_page import Frame, ObjectivePage, render_objective_page
from arrears.scoring.document import ModelDocument
from spark_jobs.data.unlearnable import refuse_unlearnable
from spark_jobs.engines.interface import FittedModel
from spark_jobs.measuring.model_report import provenance_of
from spark_jobs.measuring.unlearnt import Unlearnt
from spark_jobs.objectives.objective_rows import held_out_rows, training_rows
from spark_jobs.objectives.protocol import ComparedModels, FittedObjective, MeasuredObjective, ReadyTraining

# The settings of a preparation that reach the engines of these objectives.
PREPARATION = ("features", "missing", "missing_flags", "outliers", "encoding", "deciles", "interactions")


class Evaluation(Protocol):
    """What was measured of one model."""

    def metrics(self) -> dict[str, float]:
        """The figures by name, as MLflow keeps them."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """All of it, for machines."""
        ...


E = TypeVar("E", bound=Evaluation)


@dataclass(frozen=True)
class BesideDefault(Generic[E]):
    """An objective whose models are fitted to a table and measured one by one.

    Attributes:
        fit_model: trains, and gives the model with its document.
        measure_model: measures a model on some held-out rows.
        page: the report on what was measured, of the candidate and of the champion.
        shown: the settings that reach the engines, and that the report shows. The others belong to default models.
    """

    name: str
    fit_model: Callable[[SparkSession, TrainModelConfig, DatasetDescription], tuple[FittedModel, ModelDocument]]
    measure_model: Callable[[DataFrame, EvaluateModelConfig, DatasetDescription, bytes, ModelDocument], E]
    page: Callable[[E, E | None, Frame, bytes, ModelDocument], ObjectivePage]
    shown: tuple[str, ...]

    def ready(self, spark: SparkSession, config: TrainModelConfig, description: DatasetDescription) -> ReadyTraining:
        """What knows the default is no leak here, and each engine refuses by itself what does not fit.

        Raises:
            BadInput: the features hold nothing that could be learnt.
        """
        selected = with_features(description, [name for name in config.features if name in description.features])
        refuse_unlearnable(training_rows(spark, config), selected)

        def fit(_: str) -> FittedObjective:
            fitted, document = self.fit_model(spark, config, description)
            return FittedObjective(fitted, document, {"task": self.name, "engine": fitted.engine, **fitted.facts})

        return ReadyTraining(fit)

    def measure(self, spark: SparkSession, config: EvaluateModelConfig, models: ComparedModels) -> MeasuredObjective:
        """Measures a model on all held-out rows, and candidate and champion on those that neither has learnt from."""
        description, document, unlearnt = models.description, models.document, models.unlearnt
        files, serving, trained = models.candidate, models.champion, models.trained
        held_out = held_out_rows(spark, config)
        evaluation = self.measure_model(held_out, config, description, files.model, document)
        champion, on_shared_rows = None, evaluation
        if serving is not None and not unlearnt.problem:
            theirs = ModelDocument.from_json(serving.document)
            shared = unlearnt.of(held_out)
            champion = self.measure_model(shared, config, description, serving.model, theirs)
            if unlearnt.left_out:
                on_shared_rows = self.measure_model(shared, config, description, files.model, document)
        compared = {} if serving is None else _compared(unlearnt, on_shared_rows.metrics() if champion else {})
        metrics = evaluation.metrics() | compared
        beside = None if serving is None else champion.metrics() if champion else {}
        decision = decide_objective(self.name, metrics, beside)
        frame = Frame(
            dataset=config.dataset,
            dataset_version=config.dataset_version,
            decision=decision,
            champion_name=f"version {config.champion_version}",
            alike=on_shared_rows.metrics() if champion and unlearnt.left_out else None,
            parameters=self._shown_settings(trained.parameters),
            provenance=provenance_of(config, models.manifest, document, trained.tags),
            links=trained.links,
            as_of=trained.as_of,
            measured_at=trained.measured_at,
        )
        page = self.page(evaluation, champion, frame, files.model, document)
        numbers = {"task": self.name, **evaluation.to_dict(), "champion": beside or None, "decision": asdict(decision)}
        logged = {f"champion_{name}": value for name, value in (beside or {}).items()}
        return _measured_objective(page, metrics, {**metrics, **logged}, numbers)

    def _shown_settings(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """The settings that the report shows: `objective_spec` leaves the default of iterations to the engine."""
        own = str(default_of(TrainModelConfig, "iterations"))
        settings = {name: parameters[name] for name in self.shown if name in parameters}
        return settings | ({"iterations": "the engine's own"} if settings.get("iterations") == own else {})


def _compared(unlearnt: Unlearnt, alike: Mapping[str, float]) -> dict[str, float]:
    """How many rows candidate and champion are compared on, and the candidate's figures on them."""
    counts = {"rows": unlearnt.rows, "defaults": unlearnt.defaults}
    counted = {name: float(value) for name, value in counts.items() if value is not None}
    return {f"compared_{name}": value for name, value in {**alike, **counted}.items()}


def _measured_objective(
    page: ObjectivePage, metrics: Mapping[str, float], logged: Mapping[str, float], numbers: Mapping[str, Any]
) -> MeasuredObjective:
    """The report's files and the mail's figures.

    Args:
        metrics: of the candidate.
        logged: those, and the champion's beside.
        numbers: all of the evaluation, for machines.
    """
    return MeasuredObjective(
        metrics=logged,
        files={
            "report.html": render_objective_page(page).encode(),
            "metrics.json": json.dumps(metrics, indent=1).encode(),
            "evaluation.json": json.dumps(numbers, indent=1).encode(),
            **{f"{stem}.png": png for stem, png in page.plots.items()},
        },
        figures={tile.name: f"{tile.value} ({tile.note})" for tile in page.tiles},
        mailed=(*(f"{stem}.png" for stem in page.plots), "report.html"),
    )
