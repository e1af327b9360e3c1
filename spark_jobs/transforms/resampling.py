"""Repeats defaults or thins out the others in training rows. Grain: one row per training row and copy."""

from __future__ import annotations

import math

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.descriptions import LABEL
from arrears.model.resampling import Resampling
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.splits import with_is_drawn
from spark_jobs.transforms.training_rows import ROW_ORDER

_STEPS_53_BITS = 2.0**-53


def to_resampled_rows(rows: DataFrame, resampling: Resampling, *, seed: int) -> DataFrame:
    """The training rows as an engine is to see them; slices with a negative shard stay as they came.

    Over-sampling: every default as many times as the whole part of k says, and once more with the chance of the rest.
    Under-sampling: exactly ``round(n / k)`` of each shard's n other rows. Weights and no sampling change no row.

    Args:
        rows: label, ``shard`` and ``row_order``, which is a hash of the borrower's id and stands for it here; copies
            get orders of their own, so that they do not follow one another.
    """
    if not resampling.changes_rows:
        return rows
    if resampling.kind == "over":
        return _with_defaults_repeated(rows, resampling.factor, seed)
    drawn = with_is_drawn(
        rows,
        share=1.0 / resampling.factor,
        seed=seed,
        purpose="under-sampling",
        key=ROW_ORDER,
        stratum=F.struct("shard", LABEL),
    )
    return drawn.where((F.col("shard") < 0) | (F.col(LABEL) == 1) | F.col("is_drawn")).drop("is_drawn")


def to_class_counts(rows: DataFrame) -> DataFrame:
    """How many training rows of each class there are, slices left out. Grain: one row."""
    training = rows.where("shard >= 0")
    return training.select(
        F.count_if(F.col(LABEL) == 0).alias("non_defaults"), F.count_if(F.col(LABEL) == 1).alias("defaults")
    )


def _with_defaults_repeated(rows: DataFrame, factor: float, seed: int) -> DataFrame:
    whole, rest = math.floor(factor), factor - math.floor(factor)
    uniform = F.shiftrightunsigned(hash_of(seed, "over-sampling", ROW_ORDER), 11) * F.lit(_STEPS_53_BITS)
    copies = F.lit(whole) + (uniform < F.lit(rest)).cast("int")
    is_repeated = (F.col("shard") >= 0) & (F.col(LABEL) == 1)
    repeated = rows.withColumn("_copies", F.when(is_repeated, copies).otherwise(1))
    numbered = repeated.withColumn("_copy", F.explode(F.sequence(F.lit(1), F.col("_copies"))))
    order = F.when(F.col("_copy") == 1, F.col(ROW_ORDER)).otherwise(hash_of(seed, "copy", ROW_ORDER, "_copy"))
    return numbered.withColumn(ROW_ORDER, order).drop("_copies", "_copy")
