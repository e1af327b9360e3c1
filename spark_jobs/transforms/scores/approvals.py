"""What each possible cut-off approves, as exact sums. Grain: stated at each function.

A cut-off matters only at a score that somebody has, so the candidates are the distinct scores, and one above all of
them that declines nobody. Exposures are counted in decimals of four places: their sums are the same in any order.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arrears.model.metrics.cutoffs import APPROVE_ALL
from spark_jobs.transforms.scores.score_counts import is_usable_label, is_usable_score, score_bucket

CELLS = 1_990  # a curve has at most one point a cell, so less than 2,000
SUMS = ("rows", "defaults", "good_exposure", "bad_exposure")
_EXPOSURE = "decimal(24,4)"
_NOTHING = {"rows": "bigint", "defaults": "bigint", "good_exposure": _EXPOSURE, "bad_exposure": _EXPOSURE}


def is_usable_exposure(exposure: str) -> Column:
    """An exposure is a number, not negative and not infinite."""
    value = F.col(f"`{exposure}`").cast("double")
    return F.coalesce(value.between(0.0, 1e18), F.lit(False))


def to_loans(scored: DataFrame, *, score: str, label: str, exposure: str | None) -> DataFrame:
    """Scored rows as cut-offs see them. Grain: one row per row.

    Columns: ``score`` double, ``is_default`` boolean, ``exposure`` decimal, null where it is no usable number; and
    ``is_usable_score``, ``is_usable_label``, ``is_usable_exposure``.
    """
    is_usable = F.lit(True) if exposure is None else is_usable_exposure(exposure)
    exposure_or_one = F.lit(1.0) if exposure is None else F.when(is_usable, F.col(f"`{exposure}`"))
    return scored.select(
        # -0.0 and 0.0 are one score.
        (F.col(score).cast("double") + F.lit(0.0)).alias("score"),
        (F.col(label) == 1).alias("is_default"),
        exposure_or_one.cast("double").cast(_EXPOSURE).alias("exposure"),
        is_usable_score(score).alias("is_usable_score"),
        is_usable_label(label).alias("is_usable_label"),
        is_usable.alias("is_usable_exposure"),
    )


def to_policy_sums(loans: DataFrame, cutoff: float) -> DataFrame:
    """What one cut-off approves, and how many rows are unusable. Grain: one row.

    Columns: ``unusable_{score,label,exposure}`` long; of ``SUMS`` ``approved_<sum>``, double, and ``total_rows`` and
    ``total_defaults`` long.
    """
    approved, bad = F.col("score") < F.lit(cutoff), F.col("is_default")
    exposures = {"approved_good_exposure": approved & ~bad, "approved_bad_exposure": approved & bad}
    return loans.agg(
        *(F.count_if(~F.col(f"is_usable_{what}")).alias(f"unusable_{what}") for what in ("score", "label", "exposure")),
        F.count(F.lit(1)).alias("total_rows"),
        F.count_if(bad).alias("total_defaults"),
        F.count_if(approved).alias("approved_rows"),
        F.count_if(approved & bad).alias("approved_defaults"),
        *(
            _or_zero(F.sum(F.when(kind, F.col("exposure")))).cast("double").alias(name)
            for name, kind in exposures.items()
        ),
    )


def to_approvals(loans: DataFrame, *, bounds: Sequence[float] = ()) -> DataFrame:
    """What lies below each possible cut-off, and what there is in all. Grain: one row per distinct score, and one.

    Args:
        loans: what ``to_loans`` gave.
        bounds: what ``score_counts.to_score_bounds`` gave. Empty: one bucket, right for small data.

    Columns: ``cutoff`` double; of ``SUMS`` ``approved_<sum>`` and ``total_<sum>``, double.
    """
    exposures = {True: "bad_exposure", False: "good_exposure"}
    counted = loans.groupBy(score_bucket("score", bounds).alias("bucket"), F.col("score").alias("cutoff")).agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_if("is_default").alias("defaults"),
        *(F.sum(F.when(F.col("is_default") == bad, F.col("exposure"))).alias(name) for bad, name in exposures.items()),
    )
    all_approved = loans.sparkSession.range(0, 1, 1, 1).select(
        F.lit(len(set(bounds))).alias("bucket"),
        F.lit(APPROVE_ALL).alias("cutoff"),
        *(F.lit(0).cast(kind).alias(name) for name, kind in _NOTHING.items()),
    )
    candidates = counted.unionByName(all_approved)
    before = Window.partitionBy("bucket").orderBy("cutoff").rowsBetween(Window.unboundedPreceding, -1)
    placed = candidates.join(F.broadcast(_bucket_totals(candidates)), on="bucket", how="inner")
    approved = {name: _or_zero(F.sum(name).over(before)) + F.col(f"{name}_before") for name in SUMS}
    return placed.select(
        "cutoff",
        *(column.cast("double").alias(f"approved_{name}") for name, column in approved.items()),
        *(F.col(f"total_{name}").cast("double").alias(f"total_{name}") for name in SUMS),
    )


def to_best(approvals: DataFrame, worth: Column) -> DataFrame:
    """The candidate that is worth most, of equal ones the lowest. Grain: one row."""
    best = F.max_by(F.struct(*approvals.columns), F.struct(worth, -F.col("cutoff")))
    return approvals.agg(best.alias("best")).select("best.*")


def to_curve(approvals: DataFrame, worth: Column, *, cells: int = CELLS) -> DataFrame:
    """The candidates that a reader of the curve could tell apart, the best one exactly. Grain: one row per candidate.

    The applications are cut into equal steps, half of them by how many are approved and half by the cut-off itself. Of
    each cell the candidate that is worth most is kept.
    """
    share = F.col("approved_rows") / F.col("total_rows")
    cell = F.floor(F.lit(cells / 2) * (share + F.least(F.col("cutoff"), F.lit(1.0))))
    best = F.max_by(F.struct(*approvals.columns), F.struct(worth, -F.col("cutoff")))
    return approvals.groupBy(cell.alias("cell")).agg(best.alias("best")).select("best.*")


def _bucket_totals(candidates: DataFrame) -> DataFrame:
    """What lies in the buckets below each bucket, and in all. Grain: one row per bucket, at most 65."""
    totals = candidates.groupBy("bucket").agg(*(_or_zero(F.sum(name)).alias(name) for name in SUMS))
    before = Window.partitionBy(F.lit(0)).orderBy("bucket").rowsBetween(Window.unboundedPreceding, -1)
    everywhere = Window.partitionBy(F.lit(0)).rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    return totals.select(
        "bucket",
        *(_or_zero(F.sum(name).over(before)).alias(f"{name}_before") for name in SUMS),
        *(F.sum(name).over(everywhere).alias(f"total_{name}") for name in SUMS),
    )


def _or_zero(column: Column) -> Column:
    return F.coalesce(column, F.lit(0))
