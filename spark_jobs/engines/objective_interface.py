"""What the engines of the objectives beside default are given: prepared rows, and the settings that the analyst chose.

These models are small beside a default model (losses are known of defaults alone, segments and tastes are a few
numbers), so rows come as a lazy table rather than as a pinned snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pyspark import StorageLevel
from pyspark.ml.functions import array_to_vector
from pyspark.ml.param import Params
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.preparation import Preparation
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.model_rows import Moments, with_fills
from spark_jobs.transforms.training.model_inputs import INPUTS, to_model_inputs
from spark_jobs.transforms.training.training_rows import ROW_ORDER

TARGET = "_target"
IS_VALIDATION = "is_validation"
VECTOR = "features"
ROWS_A_PARTITION = 50_000
MOST_PARTITIONS = 64


@dataclass(frozen=True)
class ObjectiveRows:
    """Rows to learn from: raw features, ``row_order``, and of a loss model ``target`` and ``is_validation``.

    Attributes:
        row_count: how many they are.
        preparation: what is done to the features before the model sees them.
    """

    rows: DataFrame
    row_count: int
    numeric: tuple[str, ...]
    categorical: tuple[str, ...] = ()
    preparation: Preparation = field(default_factory=Preparation)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The numbers that the model sees, in order."""
        return self.preparation.outputs(self.numeric, self.categorical)[0]

    @property
    def partitions(self) -> int:
        """How many parts the rows are split into: by their number alone, so that a model does not depend on files."""
        return max(1, min(MOST_PARTITIONS, self.row_count // ROWS_A_PARTITION))


@dataclass(frozen=True)
class ObjectiveSpec:
    """How to train.

    Attributes:
        iterations: most trees or steps. None: the engine's own default.
        clusters: how many segments.
        options: more settings of the engine, by the engine's own names.
    """

    seed: int
    threads: int = 1
    iterations: int | None = None
    depth: int = 6
    learning_rate: float | None = None
    early_stopping_rounds: int = 50
    clusters: int = 4
    options: Mapping[str, Any] = field(default_factory=dict)


FitObjective: TypeAlias = Callable[[ObjectiveRows, ObjectiveSpec], FittedModel]


@contextmanager
def model_vectors(objective_rows: ObjectiveRows) -> Iterator[tuple[DataFrame, Moments]]:
    """The rows as MLlib reads them, in an order and in parts that no partitioning of the source changes.

    Grain: one row per row. Columns: ``features`` (vector; what is missing or infinite is the input's mean),
    ``target`` and ``is_validation`` where they are given, ``row_order``. Beside them the moments of the inputs.
    """
    carry = {TARGET: "double", IS_VALIDATION: "boolean"}
    carried = {name: kind for name, kind in carry.items() if name in objective_rows.rows.columns} | {
        ROW_ORDER: "bigint"
    }
    ready = to_model_inputs(
        objective_rows.rows,
        objective_rows.preparation,
        numeric=objective_rows.numeric,
        categorical=objective_rows.categorical,
        carry=carried,
    )
    partitioned = ready.repartition(objective_rows.partitions, ROW_ORDER).sortWithinPartitions(ROW_ORDER)
    persisted = partitioned.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        moments = _moments(persisted, len(objective_rows.inputs))
        yield (
            with_fills(persisted, moments.means).select(array_to_vector(F.col(INPUTS)).alias(VECTOR), *carried),
            moments,
        )
    finally:
        persisted.unpersist()


def _moments(rows: DataFrame, width: int) -> Moments:
    """Means and deviations of each input over the rows where it has a finite value. 0 where there are none."""
    values = [F.col(INPUTS)[place].cast("double") for place in range(width)]
    # An infinite number less itself is no number.
    finite = [F.when(~F.isnan(value - value), value) for value in values]
    (row,) = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        F.array(*(F.count(value) for value in finite)).alias("counts"),
        F.array(*(F.coalesce(F.avg(value), F.lit(0.0)) for value in finite)).alias("means"),
        F.array(*(F.coalesce(F.stddev_samp(value), F.lit(0.0)) for value in finite)).alias("deviations"),
    ).collect()
    return Moments(row["rows"], 0, tuple(row["counts"]), tuple(row["means"]), tuple(row["deviations"]))


def with_options(learner: Any, options: Mapping[str, Any], *, ours: Collection[str]) -> Any:
    """Hands an MLlib learner the settings that the analyst gave by MLlib's own names.

    Args:
        ours: names that Arrears sets itself, by other settings.

    Raises:
        BadConfiguration: names every setting that the learner does not have, that is ours, or that does not fit.
    """
    problems = []
    for name, value in options.items():
        kind = type(learner).__name__
        if name in ours or not isinstance(learner, Params) or not learner.hasParam(name):
            problems.append(f"engine_options: {kind} takes no {name} here")
            continue
        try:
            learner.set(learner.getParam(name), value)
        except (TypeError, ValueError):
            problems.append(f"engine_options: {value!r} is no {name} of {kind}")
    if problems:
        raise BadConfiguration(*problems)
    return learner
