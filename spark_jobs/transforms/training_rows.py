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
    borrowers: DataFrame, *, features: Sequence[str], validation_share: float, shards: int, seed: int
) -> DataFrame:
    """Adds each borrower's place in the training order and its shard. Grain: one row per borrower.

    ``shard`` is -1 on the validation slice, else 0 … ``shards`` - 1; slice and shards hold both classes in proportion,
    because rows are dealt out in turn within each class, in the order of a hash of their id.
    """
    in_class = Window.partitionBy(LABEL).orderBy(hash_of(seed, "validation and shards", ID), F.col(ID))
    place = F.row_number().over(in_class) - F.lit(1)
    size = F.count(F.lit(1)).over(Window.partitionBy(LABEL))
    held_back = F.ceil(size * F.lit(validation_share))
    return borrowers.select(
        *(F.col(f"`{name}`") for name in features),
        F.col(LABEL),
        hash_of(seed, "order", ID).alias(ROW_ORDER),
        F.when(place < held_back, F.lit(VALIDATION))
        .otherwise(F.pmod(place - held_back, F.lit(shards)))
        .cast("int")
        .alias("shard"),
    )


def to_level_counts(borrowers: DataFrame, column: str) -> DataFrame:
    """How many training rows each level of a category has; a missing value is a level. Grain: one row per level."""
    level = F.coalesce(F.col(f"`{column}`"), F.lit(MISSING_LEVEL)).alias("level")
    return borrowers.groupBy(level).agg(F.count(F.lit(1)).alias("row_count"))
