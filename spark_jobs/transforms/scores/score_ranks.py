"""How scores rank the borrowers: sums over distinct scores, for AUC, AUC-PR, KS and DeLong's intervals.

Each transform takes what ``score_counts.with_counts_below`` gave. The formulas stand in
``arrears.model.metrics.rank_sums`` and ``arrears.model.metrics.delong``.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from arrears.model.metrics.delong import PlacementSums
from arrears.model.metrics.rank_sums import RankSums


def to_rank_sums(ranked: DataFrame, keys: Sequence[str] = ()) -> DataFrame:
    """Everything that exact AUC, AUC-PR, KS and the AUC's interval need. Grain: one row a key.

    Args:
        keys: those of ``with_counts_below``.

    Columns: the keys, the fields of ``arrears.model.metrics.rank_sums.RankSums`` (where a class is missing, null or
    0), and ``score_sum``, the sum of weight x score.
    """
    at_or_above, false_at_or_above = _at_or_above("positives"), _at_or_above("negatives")
    precision = F.when(F.col("positives") > 0, at_or_above / (at_or_above + false_at_or_above)).otherwise(0.0)
    gap = _of_total(at_or_above, "positives") - _of_total(false_at_or_above, "negatives")
    return ranked.groupBy(*keys).agg(
        F.max("total_positives").alias("positives"),
        F.max("total_negatives").alias("negatives"),
        F.sum(F.col("positives") * (F.col("negatives_below") + F.col("negatives") / 2)).alias("area"),
        F.sum(F.col("positives") * precision).alias("precision_sum"),
        F.greatest(F.max(gap), F.lit(0.0)).alias("ks"),
        F.sum(F.col("score") * (F.col("positives") + F.col("negatives"))).alias("score_sum"),
        placement_sums("positives", "positive_squares", misplaced_defaulters()).alias("defaulters"),
        placement_sums("negatives", "negative_squares", misplaced_others()).alias("others"),
    )


def rank_sums_of(row: Row) -> RankSums:
    """What ``to_rank_sums`` found, for one key."""
    return RankSums(
        positives=row["positives"],
        negatives=row["negatives"],
        area=row["area"],
        precision_sum=row["precision_sum"],
        ks=row["ks"],
        defaulters=placement_sums_of(row["defaulters"]),
        others=placement_sums_of(row["others"]),
    )


def placement_sums_of(sums: Row) -> PlacementSums:
    """What ``placement_sums`` found."""
    return PlacementSums(**sums.asDict())


def placement_sums(weight: str | Column, squares: str | Column, misplaced: Column) -> Column:
    """The sums of ``arrears.model.metrics.delong.PlacementSums`` over the rows of one class, as a struct.

    Args:
        weight, squares: what the rows of one score weigh, and the sum of their squared weights.
    """
    weights, squared = (F.col(column) if isinstance(column, str) else column for column in (weight, squares))
    return F.struct(
        F.sum(weights).alias("weight"),
        F.sum(squared).alias("squares"),
        F.sum(weights * misplaced).alias("total"),
        F.sum(squared * misplaced).alias("linear"),
        F.sum(squared * misplaced * misplaced).alias("quadratic"),
    )


def misplaced_defaulters() -> Column:
    """The share of all non-defaulters that score above, those at the same score counting half."""
    return _of_total(_at_or_above("negatives") - F.col("negatives") / 2, "negatives")


def misplaced_others() -> Column:
    """The share of all defaulters that score below, those at the same score counting half."""
    return _of_total(F.col("positives_below") + F.col("positives") / 2, "positives")


def to_misplacements(ranked: DataFrame, prefix: str) -> DataFrame:
    """How far each distinct score stands on the wrong side. Grain: one row a distinct score.

    Columns: ``{prefix}_score``, ``{prefix}_misplaced_defaulters``, ``{prefix}_misplaced_others``.
    """
    return ranked.select(
        F.col("score").alias(f"{prefix}_score"),
        misplaced_defaulters().alias(f"{prefix}_misplaced_defaulters"),
        misplaced_others().alias(f"{prefix}_misplaced_others"),
    )


def _at_or_above(name: str) -> Column:
    return F.col(f"total_{name}") - F.col(f"{name}_below")


def _of_total(part: Column, name: str) -> Column:
    """A share of all of one class. Null where the class is missing."""
    return F.when(F.col(f"total_{name}") > 0, part / F.col(f"total_{name}"))
