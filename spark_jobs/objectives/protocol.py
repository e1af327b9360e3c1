"""The interface of an objective: how a training is made ready and run, and how its model is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pyspark.sql import SparkSession

from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.scoring.document import ModelDocument
from arrears.stores.models import ModelFiles
from spark_jobs.data.leak_check import LeakCheck
from spark_jobs.engines.interface import FittedModel
from spark_jobs.measuring.trained import TrainedRun
from spark_jobs.measuring.unlearnt import Unlearnt


@dataclass(frozen=True)
class FittedObjective:
    """A trained model, and the document that it needs to answer.

    Attributes:
        figures: of the training, for the mail.
    """

    fitted: FittedModel
    document: ModelDocument
    figures: Mapping[str, float | int | str]


@dataclass(frozen=True)
class ReadyTraining:
    """A training that has passed every check.

    Attributes:
        fit: trains a model on the pinned version of the training set, for the MLflow run of this id.
        leaks: what the leak check found and a reason overrides. None: there is no leak check for this objective.
    """

    fit: Callable[[str], FittedObjective]
    leaks: LeakCheck | None = None


@dataclass(frozen=True)
class ComparedModels:
    """The model to measure, and what it is measured beside.

    Attributes:
        manifest: of the dataset version.
        champion: the present champion of the objective. None: there is none.
        unlearnt: the held-out rows that the two may be compared on.
        trained: the candidate's MLflow run.
    """

    manifest: Mapping[str, Any]
    candidate: ModelFiles
    champion: ModelFiles | None
    unlearnt: Unlearnt
    trained: TrainedRun

    @property
    def description(self) -> DatasetDescription:
        """Of the data set, as it was when the version was made."""
        return DatasetDescription.from_dict(self.manifest["description"])

    @property
    def document(self) -> ModelDocument:
        """The candidate's own."""
        return ModelDocument.from_json(self.candidate.document)


@dataclass(frozen=True)
class MeasuredObjective:
    """What an evaluation leaves: numbers by name, the report's files, what the mail tells, and which it attaches."""

    metrics: Mapping[str, float]
    files: Mapping[str, bytes]
    figures: Mapping[str, float | int | str | None]
    mailed: Sequence[str] = ()


class Objective(Protocol):
    """What a model can learn. One implementation for each of ``arrears.contracts.objectives``."""

    def ready(self, spark: SparkSession, config: TrainModelConfig, description: DatasetDescription) -> ReadyTraining:
        """Makes a training ready, and refuses what cannot be learnt before anything is logged.

        Raises:
            BadConfiguration: choices do not fit the data set or the engine. Names all of them.
            BadInput: there are leaks, and no reason to train in spite of them.
        """
        ...

    def measure(self, spark: SparkSession, config: EvaluateModelConfig, models: ComparedModels) -> MeasuredObjective:
        """Measures a model on the held-out rows, and beside the champion on rows that neither has learnt from.

        Raises:
            BadInput: the held-out rows do not fit a model, or tell nothing of it.
        """
        ...
