"""Bootstrap of the AUC where the rows are: one pass over rows that stay in place, whatever the number of replicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import LABEL, SCORE
from arrears.model.metrics.bootstrap import RunningAreas
from spark_jobs.transforms.scores.score_counts import score_bucket

AREAS = "bucket int, replicate int, positives double, negatives double, area double"
_ARROW_AREAS = pa.schema(
    [
        ("bucket", pa.int32()),
        ("replicate", pa.int32()),
        ("positives", pa.float64()),
        ("negatives", pa.float64()),
        ("area", pa.float64()),
    ]
)


def bootstrap_hash(seed: int, id: str) -> Column:
    """What decides how often a borrower is drawn: a function of the seed and the id alone."""
    return F.xxhash64(F.lit(seed), F.lit("bootstrap"), F.col(id).cast("string"))


def to_bootstrap_areas(
    scored: DataFrame,
    *,
    replicates: int,
    row_hash: str = "row_hash",
    score: str = SCORE,
    label: str = LABEL,
    weight: str | None = None,
    bounds: Sequence[float] = (),
) -> DataFrame:
    """What the AUC of each bootstrap replicate needs, per range of scores. Grain: one row a bucket and replicate.

    Rows are shuffled once, into buckets and in order of score, and streamed through numpy. No row is copied per
    replicate. Rows with the same hash (one borrower, several samples) are drawn together.

    Args:
        scored: one row a scored borrower.
        replicates: how many bootstrap replicates, numbered from 0.
        row_hash: column that ``bootstrap_hash`` made.
        score, label: columns of the score and of the outcome (0 or 1).
        weight: column that says how often a row counts. None: once.
        bounds: what ``score_counts.to_score_bounds`` gave. Empty: one bucket.

    Columns: see ``AREAS``. The totals of neighbouring buckets are joined by
    ``arrears.model.metrics.bootstrap.joined_aucs``.
    """
    rows = scored.select(
        score_bucket(score, bounds).cast("int").alias("bucket"),
        F.col(score).cast("double").alias("score"),
        F.col(label).cast("long").alias("label"),
        F.col(row_hash).alias("row_hash"),
        (F.lit(1.0) if weight is None else F.col(weight).cast("double")).alias("weight"),
    )

    def areas(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _areas_of(batches, replicates)

    return rows.repartition("bucket").sortWithinPartitions("bucket", "score").mapInArrow(areas, AREAS)


def _areas_of(batches: Iterable[pa.RecordBatch], replicates: int) -> Iterator[pa.RecordBatch]:
    """One partition: its buckets one after the other, each in rising order of score."""
    open_bucket: int | None = None
    running = RunningAreas(replicates)
    for batch in batches:
        buckets, scores, labels, hashes, weights = (batch.column(name).to_numpy() for name in batch.schema.names)
        starts = np.flatnonzero(np.diff(buckets, prepend=-1))
        for start, end in pairwise([*starts, buckets.size]):
            bucket = int(buckets[start])
            if open_bucket is not None and bucket != open_bucket:
                yield _totals(open_bucket, running)
                running = RunningAreas(replicates)
            open_bucket = bucket
            running.add(scores[start:end], labels[start:end], hashes[start:end].view(np.uint64), weights[start:end])
    if open_bucket is not None:
        yield _totals(open_bucket, running)


def _totals(bucket: int, running: RunningAreas) -> pa.RecordBatch:
    running.close()
    numbers = np.arange(running.replicates, dtype=np.int32)
    columns = [np.full_like(numbers, bucket), numbers, running.positives, running.negatives, running.areas]
    return pa.record_batch([pa.array(column) for column in columns], schema=_ARROW_AREAS)
