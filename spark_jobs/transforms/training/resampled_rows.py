"""Repeats defaults or thins out the others in training rows. Grain: one row per training row and copy."""

from __future__ import annotations

import math

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import LABEL
from arrears.model.fitting.resampling import Resampling
from spark_jobs.transforms.borrowers.splits import IS_DRAWN, with_is_drawn
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.training.training_rows import ROW_ORDER


def to_resampled_rows(rows: DataFrame, resampling: Resampling, *, seed: int) -> DataFrame:
    """The training rows as an engine is to see them. Slices with a negative shard stay as they came.

    Over-sampling: every default as many times as the whole part of k says, and exactly ``round(n * rest)`` of each
    shard's n defaults once more. Under-sampling: exactly ``round(n / k)`` of each shard's n other rows. Weights and no
    sampling change no row.

    Args:
        rows: label, ``shard`` and ``row_order``, which is a hash of the borrower's id and stands for it here. Copies
            get orders of their own, so that they do not follow one another.
    """
    if not resampling.changes_rows:
        return rows
    if resampling.kind == "over":
        return _with_defaults_repeated(rows, resampling.factor, seed)
    drawn = _drawn(rows, 1.0 / resampling.factor, seed, "under-sampling")
    return drawn.where((F.col("shard") < 0) | (F.col(LABEL) == 1) | F.col(IS_DRAWN)).drop(IS_DRAWN)


def to_class_counts(rows: DataFrame) -> DataFrame:
    """How many training rows of each class there are, slices left out. Grain: one row."""
    training = rows.where("shard >= 0")
    return training.select(
        F.count_if(F.col(LABEL) == 0).alias("non_defaults"), F.count_if(F.col(LABEL) == 1).alias("defaults")
    )


def _with_defaults_repeated(rows: DataFrame, factor: float, seed: int) -> DataFrame:
    whole, rest = math.floor(factor), factor - math.floor(factor)
    drawn = _drawn(rows, rest, seed, "over-sampling") if rest else rows.withColumn(IS_DRAWN, F.lit(False))
    is_repeated = (F.col("shard") >= 0) & (F.col(LABEL) == 1)
    copies = F.when(is_repeated, F.lit(whole) + F.col(IS_DRAWN).cast("int")).otherwise(1)
    numbered = drawn.withColumn("_copy", F.explode(F.sequence(F.lit(1), copies)))
    order = F.when(F.col("_copy") == 1, F.col(ROW_ORDER)).otherwise(hash_of(seed, "copy", ROW_ORDER, "_copy"))
    return numbered.withColumn(ROW_ORDER, order).drop(IS_DRAWN, "_copy")


def _drawn(rows: DataFrame, share: float, seed: int, purpose: str) -> DataFrame:
    """Adds ``_is_drawn``: true for exactly this share of each class of each shard, rounded."""
    stratum = F.struct("shard", LABEL)
    return with_is_drawn(rows, share=share, seed=seed, purpose=purpose, key=ROW_ORDER, stratum=stratum)
