"""Scored rows before they are measured: scored, persisted for several actions, checked once, cut into ranges."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.tables.column_names import SCORE
from arrears.model.metrics.default_metrics import ErrorSums, check_both_classes
from arrears.scoring.batch import check_columns
from arrears.scoring.document import ModelDocument
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.io import snapshots
from spark_jobs.scoring.score_snapshot import score_snapshot
from spark_jobs.transforms.scores.score_counts import bucket_count, is_usable_score, to_error_sums, to_score_bounds


def score_carrying(
    spark: SparkSession, rows: Snapshot, model: bytes, document: ModelDocument, carried: Iterable[str]
) -> DataFrame:
    """The score of every row of a snapshot, and the carried columns as they stand in its files.

    Raises:
        BadInput: the rows do not fit the model.
        BadConfiguration: names every column that the rows do not have.
    """
    schema = snapshots.schema_of(rows)
    check_columns(schema, document)
    names = tuple(dict.fromkeys(carried))
    absent = [name for name in names if name not in schema.names]
    if absent:
        raise BadConfiguration(*(f"the rows have no column {name}" for name in absent))
    kinds = {name: from_arrow_type(schema.field(name).type).simpleString() for name in names}
    return score_snapshot(spark, rows, model, document, snapshots.read_batches, carry=kinds)


@contextmanager
def persisted(frame: DataFrame) -> Iterator[DataFrame]:
    """Computes a frame once for all actions that read it: scoring a row again may be the dearest step of all."""
    try:
        yield frame.persist(StorageLevel.MEMORY_AND_DISK)
    finally:
        frame.unpersist()


def checked_error_sums(rows: DataFrame, *, threshold: float, weight: str | None = None) -> ErrorSums:
    """Sums over rows on which a model can be measured.

    Raises:
        BadInput: no rows, one class only, or values that are unusable. Names all of them.
    """
    sums = usable_error_sums(rows, threshold=threshold, weight=weight)
    check_both_classes(sums.rows, sums.defaults)
    return sums


def usable_error_sums(rows: DataFrame, *, threshold: float, weight: str | None = None) -> ErrorSums:
    """Sums over rows of usable scores, labels and weights. There may be none.

    Raises:
        BadInput: what is unusable, all at once.
    """
    sums = only_row(to_error_sums(rows, threshold=threshold, weight=weight))
    unusable = {
        "scores are not probabilities": sums["unusable_scores"],
        "labels are not 0 or 1": sums["unusable_labels"],
        "weights are negative, infinite or missing": sums["unusable_weights"],
    }
    problems = [f"{count} of {sums['rows']} {what}" for what, count in unusable.items() if count]
    if problems:
        raise BadInput(*problems)
    return ErrorSums(**{field.name: sums[field.name] for field in dataclasses.fields(ErrorSums)})


def checked_count(rows: DataFrame) -> int:
    """How many usable scores there are.

    Raises:
        BadInput: no rows, or scores that are no probabilities.
    """
    counts = only_row(
        rows.select(F.count(F.lit(1)).alias("rows"), F.count_if(~is_usable_score(SCORE)).alias("unusable"))
    )
    if counts["rows"] == 0:
        raise BadInput("there are no scores to describe")
    if counts["unusable"]:
        raise BadInput(f"{counts['unusable']} of {counts['rows']} scores are not probabilities")
    return int(counts["rows"])


def score_bounds(rows: DataFrame, count: int, *, score: str = SCORE) -> tuple[float, ...]:
    """Limits between ranges of scores that are worked on side by side. Empty where the rows are few."""
    buckets = bucket_count(count)
    if buckets == 1:
        return ()
    # None where no row has a score at all: whoever checks the rows reports it.
    return tuple(only_row(to_score_bounds(rows, score=score, buckets=buckets))["bounds"] or ())


def only_row(sums: DataFrame) -> dict[str, Any]:
    """The one row of a frame of sums."""
    (row,) = sums.collect()
    values: dict[str, Any] = row.asDict()
    return values
