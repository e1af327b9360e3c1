"""What Spark MLlib's classifiers share: how rows reach them, and how what they learnt leaves the JVM as plain tables.

The same rows and seed give the same model on any cluster and any files: rows are split into parts by their hash and
count, and sorted. Up to 100,000 rows, which are one part, to the bit. Beyond, Spark adds the parts' sums as they
arrive, so the last digits of a coefficient may differ, and a split may where two are equally good.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.scorers import load_scorer
from arrears.scoring.scorers.plain_tables import written
from spark_jobs.engines.examples import example_borrower
from spark_jobs.engines.interface import VALIDATION_SHARD, Engine, FittedModel, TrainingSpec
from spark_jobs.engines.model_rows import (
    INPUTS,
    IS_VALIDATION,
    LABEL,
    WEIGHT,
    Facts,
    Moments,
    directions,
    input_moments,
    input_names,
    parts_of,
    row_facts,
    to_model_rows,
    with_fills,
)
from spark_jobs.engines.row_groups import ReadSlices, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger(__name__)

MODEL_FORMAT, FILE_NAME = "tables", "model.json"
VECTOR = "features"

_PROGRESS_SECONDS = 30.0
_OURS = frozenset(
    {"featuresCol", "labelCol", "weightCol", "predictionCol", "probabilityCol", "rawPredictionCol", "leafCol"}
    | {"validationIndicatorCol", "threshold", "thresholds", "seed", "maxIter", "numTrees", "maxDepth", "stepSize"}
    | {"family", "modelType", "smoothing", "lowerBoundsOnCoefficients", "upperBoundsOnCoefficients"}
    | {"lowerBoundsOnIntercepts", "upperBoundsOnIntercepts"}
)


@dataclass(frozen=True)
class Learner:
    """One of MLlib's classifiers.

    Attributes:
        kind: MLlib's class.
        estimator: one of that class, set up for a spec and the directions of its inputs.
        tables: what it learnt as a model of ``arrears.scoring.scorers.plain_tables``, and facts of its training.
        keeps_directions: can be held to rise or fall with an input.
        takes_learning_rate: has a step size.
        reads_validation: ends early by the validation slice.
    """

    name: str
    kind: str
    estimator: Callable[[SparkSession, TrainingSpec, Sequence[int]], Any]
    tables: Callable[[SparkSession, Any, Moments], tuple[Any, Facts]]
    keeps_directions: bool = False
    takes_learning_rate: bool = False
    reads_validation: bool = False


def fit_learner(
    learner: Learner, spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices
) -> FittedModel:
    """Trains one of MLlib's classifiers.

    Raises:
        BadConfiguration: the spec asks for what the classifier cannot do. Names all of it. Declared directions that it
            cannot keep are no error, but a fact.
    """
    estimator = checked_estimator(learner, spark, spec)
    ends_early = learner.reads_validation and bool(snapshot.shard(VALIDATION_SHARD))
    if ends_early:
        estimator.setValidationIndicatorCol(IS_VALIDATION)
    with prepared_rows(spark, snapshot, spec, read) as (rows, moments):
        vectors = to_vectors(rows, moments)
        training = vectors if ends_early else vectors.where(f"NOT {IS_VALIDATION}")
        started = time.monotonic()
        with log_progress(learner.name):
            fitted = estimator.fit(training)
        model, facts = learner.tables(spark, fitted, moments)
        facts |= {"train_seconds": time.monotonic() - started, **row_facts(snapshot, spec, moments.rows)}
        if spec.monotone and not learner.keeps_directions:
            facts["directions_left_aside"] = ", ".join(sorted(spec.monotone))
        return finished(learner.name, model, facts, rows, example_borrower(spark, snapshot, spec, read))


def checked_estimator(learner: Learner, spark: SparkSession, spec: TrainingSpec) -> Any:
    """MLlib's estimator with every option of the analyst, before any row is read."""
    from pyspark.errors import IllegalArgumentException

    names = input_names(spec)
    problems = []
    if spec.learning_rate is not None and not learner.takes_learning_rate:
        problems.append(f"{learner.name} has no learning rate: leave --learning-rate out")
    estimator = learner.estimator(spark, spec, directions(spec))
    estimator.setFeaturesCol(VECTOR).setLabelCol(LABEL).setWeightCol(WEIGHT)
    problems += option_problems(learner, spec.options)
    if problems:
        raise BadConfiguration(*problems)
    try:
        for option, value in spec.options.items():
            estimator.set(estimator.getParam(option), value)
        estimator._transfer_params_to_java()
    except IllegalArgumentException as error:
        raise BadConfiguration(f"{learner.name} refuses its options: {str(error).splitlines()[0]}") from None
    log.info("%s: %d inputs, options %s", learner.name, len(names), dict(spec.options) or "as the library has them")
    return estimator


def option_problems(learner: Learner, options: Mapping[str, Any]) -> list[str]:
    """Every option that MLlib does not have by that name, that is not open to choice, or that is not of its kind."""
    from pyspark.ml import classification
    from pyspark.ml.param import Param

    kind = getattr(classification, learner.kind)
    attributes = [getattr(kind, name) for name in dir(kind)]
    offered = {param.name: param for param in attributes if isinstance(param, Param) and param.name not in _OURS}
    listed = ", ".join(sorted(offered)) or "none"
    problems = []
    for option, value in options.items():
        if option not in offered:
            problems.append(f"engine_options: {learner.name} takes no {option} here (it takes {listed})")
            continue
        try:
            offered[option].typeConverter(value)
        except (TypeError, ValueError):
            problems.append(f"engine_options: {value!r} is no {option} of {learner.name}")
    return problems


def engine_of(learner: Learner) -> Engine:
    """The engine that trains it."""
    return Engine(
        learner.name,
        partial(fit_learner, learner),
        takes_monotone=learner.keeps_directions,
        option_problems=partial(option_problems, learner),
        stops_early=learner.reads_validation,
    )


@contextmanager
def prepared_rows(
    spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices
) -> Iterator[tuple[DataFrame, Moments]]:
    """The rows kept on the executors for the length of the block (memory, then disk), and their moments."""
    count = sum(piece.rows for piece in snapshot.slices if piece.shard >= VALIDATION_SHARD)
    rows = to_model_rows(spark, snapshot, spec, read, parts=parts_of(count)).persist()
    try:
        started = time.monotonic()
        moments = input_moments(rows)
        log.info("read %d training rows in %.1f s", moments.rows, time.monotonic() - started)
        yield rows, moments
    finally:
        rows.unpersist()


def to_vectors(rows: DataFrame, moments: Moments) -> DataFrame:
    """The rows with their inputs as MLlib's vector of doubles, missing ones as the mean. Grain: one row per row."""
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as F

    filled = with_fills(rows, moments.means)
    return filled.select(array_to_vector(F.col(INPUTS)).alias(VECTOR), LABEL, WEIGHT, IS_VALIDATION)


def finished(
    name: str, model: Any, facts: Facts, rows: DataFrame, example: dict[str, float | str | None]
) -> FittedModel:
    """The model's file, with the log-loss that it has on the validation slice."""
    import pyspark

    content = written(model)
    loss = validation_log_loss(rows, content)
    if loss is not None:
        facts["best_validation_logloss"] = loss
    log.info("%s is trained: %s", name, ", ".join(f"{fact} {value}" for fact, value in facts.items()))
    return FittedModel(content, f"{name} of Spark MLlib {pyspark.__version__}", facts, example, MODEL_FORMAT, FILE_NAME)


def validation_log_loss(rows: DataFrame, content: bytes) -> float | None:
    """The mean log-loss of a model on the validation slice. None where there is none."""

    def measure(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scorer, loss, count = load_scorer(MODEL_FORMAT, content), 0.0, 0
        for batch in batches:
            if batch.num_rows:
                inputs = batch.column(0).flatten().to_numpy(zero_copy_only=False).reshape(batch.num_rows, -1)
                chances = np.clip(scorer.estimates(inputs), 1e-15, 1 - 1e-15)
                right = np.where(batch.column(1).to_numpy() == 1, chances, 1 - chances)
                loss, count = loss - float(np.log(right).sum()), count + batch.num_rows
        yield pa.RecordBatch.from_pydict({"loss": [loss], "count": [count]})

    held_back = rows.where(IS_VALIDATION).select(INPUTS, LABEL)
    parts = held_back.mapInArrow(measure, "loss double, count long").collect()
    count = sum(part["count"] for part in parts)
    return sum(part["loss"] for part in parts) / count if count else None


@contextmanager
def log_progress(name: str) -> Iterator[None]:
    """Logs every half minute that the training goes on, because MLlib itself logs nothing."""
    stop, started = threading.Event(), time.monotonic()

    def tell() -> None:
        while not stop.wait(_PROGRESS_SECONDS):
            log.info("%s has been training for %.0f s", name, time.monotonic() - started)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
