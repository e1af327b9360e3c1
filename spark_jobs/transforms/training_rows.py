"""Prepares the training set for an engine: an order, a validation slice and shards that no partitioning can change."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from arrears.contracts.descriptions import ID, LABEL
from arrears.scoring.columns import MISSING_LEVEL
from spark_jobs.transforms.ids import hash_of

ROW_ORDER = "row_order"
VALIDATION = -1


def to_training_rows(
    borrowers: DataFrame,
    *,
    features: Sequence[str],
    validation_share: float,
    shards: int,
    seed: int,
    group: str | None = None,
) -> DataFrame:
    """Adds each borrower's place in the training order and its shard. Grain: one row per borrower.

    ``shard`` is -1 on the validation slice, else 0 … ``shards`` - 1; slice and shards hold both classes in proportion,
    because rows are dealt out in turn within each class, in the order of a hash of their id.

    Args:
        group: column of the customer; all rows of one are dealt out together, and count as defaulted if any of them
            is, so that the slice that ends a training holds no customer that it has learnt from.
    """
    whole = F.col(ID) if group is None else F.coalesce(F.col(f"`{group}`").cast("string"), F.col(ID))
    stratum = F.col(LABEL) if group is None else F.max(LABEL).over(Window.partitionBy("_whole"))
    in_stratum = Window.partitionBy("_stratum").orderBy(hash_of(seed, "validation and shards", "_whole"), "_whole")
    placed = (
        borrowers.withColumn("_whole", whole)
        .withColumn("_stratum", stratum)
        .withColumn("_place", F.dense_rank().over(in_stratum) - 1)
    )
    held_back = F.ceil((F.max("_place").over(Window.partitionBy("_stratum")) + 1) * F.lit(validation_share))
    return placed.select(
        *(F.col(f"`{name}`") for name in features),
        F.col(LABEL),
        hash_of(seed, "order", ID).alias(ROW_ORDER),
        F.when(F.col("_place") < held_back, F.lit(VALIDATION))
        .otherwise(F.pmod(F.col("_place") - held_back, F.lit(shards)))
        .cast("int")
        .alias("shard"),
    )


def to_level_counts(borrowers: DataFrame, column: str) -> DataFrame:
    """How many training rows each level of a category has; a missing value is a level. Grain: one row per level."""
    level = F.coalesce(F.col(f"`{column}`"), F.lit(MISSING_LEVEL)).alias("level")
    return borrowers.groupBy(level).agg(F.count(F.lit(1)).alias("row_count"))
