"""What every engine is given and gives back. Engines read rows through a factory and store nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from arrears.scoring.preparation import Preparation
from spark_jobs.engines.row_groups import ReadSlices, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from arrears.scoring.document import LevelRates

VALIDATION_SHARD = -1  # ends a training early, and the cut-off is chosen on it
CALIBRATION_SHARD = -2  # no engine sees it: probabilities are fitted to its outcomes


class Progress(Protocol):
    """Where a training leaves its progress for another attempt. Picklable, so that it travels to the tasks."""

    def load(self, key: str) -> bytes | None:
        """What an earlier attempt left. None where there is nothing."""
        ...

    def save(self, key: str, content: bytes) -> None:
        """Replaces it whole: a reader sees the earlier or the later one, never a part."""
        ...

    def remove(self, key: str) -> None:
        """Removes it. It is no error if there is none."""
        ...


@dataclass(frozen=True)
class TrainingSpec:
    """How to train: raw inputs, what is done to them before the model, and the settings that the analyst chose.

    Attributes:
        options: more settings of the engine, by the engine's own names.
        monotone: feature → 1 where a higher value may only raise the default probability, -1 where only lower it.
        class_weights: how much a non-default and a default count, in training and on the validation slice.
        stopping_weights: how much they count on the validation slice besides, where the training rows are resampled.
        text: free-text features, for engines that take them.
        weight: column that tells how much a training row counts. None: all count alike.
        progress: where a long training leaves its progress. None: a lost task starts anew.
    """

    label: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    iterations: int
    depth: int
    early_stopping_rounds: int
    seed: int
    threads: int
    shards: int = 1
    learning_rate: float | None = None
    encoded: tuple[LevelRates, ...] = ()
    preparation: Preparation = field(default_factory=Preparation)
    options: Mapping[str, Any] = field(default_factory=dict)
    monotone: Mapping[str, int] = field(default_factory=dict)
    class_weights: tuple[float, float] = (1.0, 1.0)
    stopping_weights: tuple[float, float] = (1.0, 1.0)
    text: tuple[str, ...] = ()
    weight: str | None = None
    progress: Progress | None = None

    def direction(self, name: str) -> int:
        """Which way an input may move the default probability: 1, -1, or 0 for both. A number's decile goes its way."""
        of_decile = {step.output: step.column for step in self.preparation.deciles}
        return self.monotone.get(of_decile.get(name, name), 0)

    def of_every_row(self) -> TrainingSpec:
        """The same with no row dropped as an outlier: a model in use must score them all, and so it is judged."""
        steps = tuple(step for step in self.preparation.outliers if step.treatment != "drop")
        return replace(self, preparation=replace(self.preparation, outliers=steps))


@dataclass(frozen=True)
class FittedModel:
    """A trained model as bytes, and what is worth knowing of its training.

    Attributes:
        model: the model's file, in ``model_format`` (see ``arrears.scoring.scorers``).
        file_name: what the file is called where it is kept.
        engine: which library trained it, and its version.
        example: one made-up borrower (medians and commonest levels), never a real one.
    """

    model: bytes
    engine: str
    facts: dict[str, float | int | str]
    example: dict[str, float | str | None] = field(default_factory=dict)
    model_format: str = "catboost"
    file_name: str = "model.cbm"

    def numbers(self) -> dict[str, float]:
        """Those of the facts that are numbers, for MLflow."""
        return {name: float(fact) for name, fact in self.facts.items() if not isinstance(fact, str)}


class Fit(Protocol):
    """Trains on a snapshot's rows outside the validation slice, which only ends a training early."""

    def __call__(self, spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> FittedModel:
        """Raises BadConfiguration where the spec asks for what the engine cannot do. Names all of it."""
        ...


@dataclass(frozen=True)
class Engine:
    """One library behind the common interface, and what it can take as it comes.

    Attributes:
        fit: trains.
        takes_categories: levels need not be turned into numbers before.
        takes_missing: missing numbers need not be filled before.
        merges_shards: N tasks on N shards make one model.
        needs_evidence: reads weights of evidence alone.
        stops_early: the validation slice ends its trainings, and ``trees`` among its facts tells when.
        adds_up_shards: its ``trees`` are those of all shards together.
    """

    name: str
    fit: Fit
    takes_categories: bool = False
    takes_missing: bool = False
    merges_shards: bool = False
    takes_text: bool = False
    takes_monotone: bool = False
    option_problems: Callable[[Mapping[str, Any]], Sequence[str]] = lambda options: ()
    kept_whole_by: Callable[[Mapping[str, Any], tuple[str, ...]], Sequence[str]] = lambda options, text: ()
    needs_evidence: bool = False
    stops_early: bool = False
    adds_up_shards: bool = False
