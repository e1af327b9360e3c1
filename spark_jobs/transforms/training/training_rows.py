"""Prepares the training set for an engine: an order, held-back slices, and shards that no partitioning can change."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import ID, LABEL
from arrears.scoring.columns import MISSING_LEVEL
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.ranks import to_rows_at_ranks
from spark_jobs.transforms.synthetic.hashed_numbers import hash_limit

ROW_ORDER = "row_order"
IN_SAMPLE = "row_in_sample"
IS_AGAIN = "row_is_again"
VALIDATION = -1
CALIBRATION = -2
AGAIN = -3  # and below: the validation slice once more, as a training row of shard 0, 1, …


def to_training_rows(
    borrowers: DataFrame,
    *,
    features: Sequence[str],
    validation_share: float,
    shards: int,
    seed: int,
    group: str | None = None,
    calibration_share: float = 0.0,
) -> DataFrame:
    """Adds each borrower's place in the training order and its shard. Grain: one row per borrower.

    ``shard`` is -1 on the validation slice, -2 on the calibration slice, else 0 … ``shards`` - 1. Slices and shards
    hold both classes in proportion, to the row: within each class, in the order of a hash of their id, the first rows
    are the validation slice, the next the calibration slice, and each shard has an equal stretch of the rest. Only the
    last row of each stretch is looked for, so the wide rows are not sorted.

    Args:
        group: column of the customer. All rows of one stay together, and count as defaulted if any of them
            is, so that the slice that ends a training holds no customer that it has learnt from.
    """
    whole = F.col(ID) if group is None else F.coalesce(F.col(f"`{group}`").cast("string"), F.col(ID))
    stratum = F.col(LABEL) if group is None else F.max(LABEL).over(Window.partitionBy("_whole"))
    placed = (
        borrowers.withColumn("_whole", whole)
        .withColumn("_stratum", stratum)
        .withColumn("_order", hash_of(seed, "validation and shards", "_whole"))
    )
    units = placed.select("_stratum", "_order", "_whole")
    ends = to_rows_at_ranks(
        units if group is None else units.distinct(),
        lambda rows: _ends(rows, validation_share, calibration_share, shards),
        "_whole",
    )
    last = F.struct(F.col("_last_order").alias("_order"), F.col("_last_key").alias("_whole"))
    ends_of_stratum = ends.groupBy("_stratum").agg(F.collect_list(last).alias("_ends"))
    joined = placed.join(F.broadcast(ends_of_stratum), on="_stratum", how="left")
    return joined.select(
        *(F.col(f"`{name}`") for name in features),
        F.col(LABEL),
        hash_of(seed, "order", ID).alias(ROW_ORDER),
        _shard(F.struct("_order", "_whole"), F.col("_ends"), shards).cast("int").alias("shard"),
    )


def _ends(rows: Column, validation_share: float, calibration_share: float, shards: int) -> Column:
    """Ranks of the last row of each stretch but the last one. 0 where a stretch and all before it are empty."""
    validation, calibration = (F.ceil(rows * F.lit(share)) for share in (validation_share, calibration_share))
    kept_back = F.least(validation + calibration, rows)
    of_shards = (kept_back + F.floor((rows - kept_back) * F.lit(shard) / F.lit(shards)) for shard in range(1, shards))
    return F.array(validation, kept_back, *of_shards)


def _shard(position: Column, ends: Column, shards: int) -> Column:
    """The number of the stretch that a row lies in: how many of them end before it."""
    not_ended = F.coalesce(F.size(F.filter(ends, lambda end: position <= end)), F.lit(0))
    stretch = F.lit(shards + 1) - not_ended
    return F.when(stretch == 0, VALIDATION).when(stretch == 1, CALIBRATION).otherwise(stretch - 2)


def with_slice_again(rows: DataFrame, shards: int) -> DataFrame:
    """Adds each row of the validation slice once more, spread over the shards: a model of all rows is trained on it.

    Call it before resampling, and ``marked_again`` after: the copies are resampled as the training rows are.
    """
    copies = rows.where(F.col("shard") == VALIDATION).withColumn("shard", F.pmod(ROW_ORDER, F.lit(shards)).cast("int"))
    return rows.withColumn(IS_AGAIN, F.lit(False)).unionByName(copies.withColumn(IS_AGAIN, F.lit(True)))


def marked_again(rows: DataFrame) -> DataFrame:
    """Tells the copies by their shard, -3 for shard 0, -4 for shard 1, …, which nothing is learnt from before."""
    shard = F.when(F.col(IS_AGAIN), F.lit(AGAIN) - F.col("shard")).otherwise(F.col("shard"))
    return rows.withColumn("shard", shard.cast("int")).drop(IS_AGAIN)


def with_sample_mark(rows: DataFrame, share: float) -> DataFrame:
    """Adds ``row_in_sample``: true for about this share of the rows, the first in the training order."""
    return rows.withColumn(IN_SAMPLE, F.col(ROW_ORDER) <= F.lit(hash_limit(share)))


def level_of(column: str) -> Column:
    """A row's level of a category. A missing value is a level."""
    return F.coalesce(F.col(f"`{column}`").cast("string"), F.lit(MISSING_LEVEL))


def to_level_counts(borrowers: DataFrame, column: str, *, at_most: int) -> DataFrame:
    """How many training rows each of the commonest levels of a category has. Grain: one row per level.

    Args:
        at_most: how many levels. Of equally common ones the first by name.
    """
    counted = borrowers.groupBy(level_of(column).alias("level")).agg(F.count(F.lit(1)).alias("row_count"))
    return counted.orderBy(F.desc("row_count"), "level").limit(at_most)
