"""Finds the rows at given places of a random order without sorting all rows. Grain: one row per place asked for."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

_BUCKET_BITS = 12  # 4,096 counts a stratum: the bucket that is sorted holds 1 row in 4,096


def to_rows_at_ranks(ordered: DataFrame, ranks: Callable[[Column], Column], key: str) -> DataFrame:
    """The rows at some ranks of each stratum, in the order of a hash, equal hashes in the order of their key.

    The hashes are counted in buckets, prefix sums tell in which bucket each rank falls, and only these are sorted:
    ``row_number`` over a whole stratum would sort it in one task.

    Args:
        ordered: columns ``_stratum``, ``_order`` (64-bit hash) and the key.
        ranks: how many rows a stratum has → array of the ranks wanted, counted from 1. Others find no row.

    Returns:
        ``_stratum``, ``_rank``, ``_last_order`` and ``_last_key`` of each row found.
    """
    bucketed = ordered.withColumn("_bucket", F.shiftright("_order", 64 - _BUCKET_BITS))
    whole = Window.partitionBy("_stratum")
    earlier = whole.orderBy("_bucket").rowsBetween(Window.unboundedPreceding, -1)
    counted = bucketed.groupBy("_stratum", "_bucket").agg(F.count("*").alias("_in_bucket"))
    placed = counted.withColumns(
        {
            "_wanted": ranks(F.sum("_in_bucket").over(whole)),
            "_before": F.coalesce(F.sum("_in_bucket").over(earlier), F.lit(0)),
        }
    )
    requested = placed.select("_stratum", "_bucket", "_before", "_in_bucket", F.explode("_wanted").alias("_rank"))
    decisive = requested.where("_rank BETWEEN _before + 1 AND _before + _in_bucket").select(
        "_stratum", "_bucket", "_rank", (F.col("_rank") - F.col("_before")).alias("_place")
    )
    in_order = Window.partitionBy("_stratum", "_bucket").orderBy("_order", key)
    buckets = decisive.select("_stratum", "_bucket").distinct()
    candidates = bucketed.join(F.broadcast(buckets), on=["_stratum", "_bucket"], how="inner")
    numbered = candidates.withColumn("_place", F.row_number().over(in_order))
    at_ranks = numbered.join(F.broadcast(decisive), on=["_stratum", "_bucket", "_place"], how="inner")
    return at_ranks.select("_stratum", "_rank", F.col("_order").alias("_last_order"), F.col(key).alias("_last_key"))
