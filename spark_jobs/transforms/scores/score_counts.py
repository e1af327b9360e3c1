"""Scores reduced to counts and sums, so that a model is measured without its scores leaving the cluster.

The way through: scored rows → one row a distinct score (``to_score_counts``), in ranges of scores (buckets) → the same
with the counts below each score (``with_counts_below``: a prefix sum inside each bucket, plus the totals of the buckets
below) → one row of sums (``score_ranks.to_rank_sums``). Buckets only balance the work: results do not depend on them.
With keys, all of it is done for each of several groups of rows, which may overlap, at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import LABEL, SCORE
from arrears.model.metrics.default_metrics import PROBABILITY_CLIP

MOST_BUCKETS = 64  # each is one unit of parallel work; 20 million scores give 300,000 rows a bucket
ROWS_A_BUCKET = 50_000  # fewer rows than this take longer to part than to sort
COUNTED = ("rows", "positives", "negatives")
SQUARED = ("positive_squares", "negative_squares")
MOST_WEIGHT = 1e300


def is_usable_score(score: str) -> Column:
    """A score is a probability: a number from 0 to 1."""
    return F.coalesce(F.col(score).between(0.0, 1.0), F.lit(False))


def is_usable_label(label: str) -> Column:
    """A label is 0 or 1."""
    return F.coalesce(F.col(label).isin(0, 1), F.lit(False))


def is_usable_weight(weight: str) -> Column:
    """A weight is a finite number, not below 0."""
    return F.coalesce(F.col(weight).between(0.0, MOST_WEIGHT), F.lit(False))


def score_bucket(score: str, bounds: Sequence[float]) -> Column:
    """The number of bounds at or below a score.

    A balanced tree of comparisons: six a row for 63 bounds. Spark has no built-in search in a sorted array.
    """
    return _bucket_of(F.col(score), sorted(set(bounds)), 0)


def bucket_count(rows: int) -> int:
    """How many ranges of scores are worth their overhead for so many rows."""
    return max(1, min(MOST_BUCKETS, rows // ROWS_A_BUCKET))


def to_score_bounds(scored: DataFrame, *, score: str = SCORE, buckets: int) -> DataFrame:
    """Scores that cut the rows into ranges of about equal size. Grain: one row, column ``bounds`` (rising).

    Args:
        scored: one row a scored borrower.
        score: column of the score, a number.
        buckets: how many ranges, at least 2. See ``bucket_count``.
    """
    shares = [number / buckets for number in range(1, buckets)]
    return scored.select(F.percentile_approx(F.col(score).cast("double"), shares, F.lit(10_000)).alias("bounds"))


def to_error_sums(
    scored: DataFrame,
    *,
    score: str = SCORE,
    label: str = LABEL,
    weight: str | None = None,
    threshold: float,
) -> DataFrame:
    """Everything that log-loss, Brier and the confusion matrix need, and how many rows are unusable. Grain: one row.

    Args:
        weight: column that says how often a row counts. None: once.

    Columns: the fields of ``arrears.model.metrics.default_metrics.ErrorSums``, ``unusable_scores``,
    ``unusable_labels``, ``unusable_weights``.
    """
    probability, defaulted = F.col(score).cast("double"), F.col(label) == 1
    weighted = F.lit(1) if weight is None else F.col(weight)
    flagged = probability >= F.lit(threshold)
    likelihood = F.when(defaulted, probability).otherwise(1 - probability)
    clipped = F.greatest(F.least(likelihood, F.lit(1 - PROBABILITY_CLIP)), F.lit(PROBABILITY_CLIP))
    cells = {
        "tp": flagged & defaulted,
        "fp": flagged & ~defaulted,
        "tn": ~flagged & ~defaulted,
        "fn": ~flagged & defaulted,
    }
    unusable_weights = F.lit(0) if weight is None else F.count_if(~is_usable_weight(weight))
    return scored.select(
        F.count(F.lit(1)).alias("rows"),
        F.count_if(defaulted).alias("defaults"),
        F.sum(-F.log(clipped) * weighted).alias("log_loss_sum"),
        F.sum(F.pow(probability - defaulted.cast("double"), 2) * weighted).alias("squared_error_sum"),
        *(F.sum(F.when(cell, weighted).otherwise(F.lit(0))).alias(name) for name, cell in cells.items()),
        F.count_if(~is_usable_score(score)).alias("unusable_scores"),
        F.count_if(~is_usable_label(label)).alias("unusable_labels"),
        unusable_weights.alias("unusable_weights"),
    )


def to_score_counts(
    scored: DataFrame,
    *,
    score: str = SCORE,
    label: str | None = LABEL,
    weight: str | None = None,
    bounds: Sequence[float] = (),
    keys: Sequence[str] = (),
) -> DataFrame:
    """How many borrowers, defaulters and others have each score. Grain: one row a key and distinct score.

    Args:
        scored: one row a scored borrower.
        score: column of the score, a number.
        label: column of the outcome, 0 or 1. None: unlabelled scores, everyone counts as a non-defaulter.
        weight: column that says how often a row counts. None: once.
        bounds: what ``to_score_bounds`` gave. Empty: one bucket, right for small data.
        keys: columns, never null, of the groups that are counted apart. Empty: all rows are one group.

    Columns: the keys, ``bucket`` int, ``score`` double, ``rows`` long, ``positives`` and ``negatives`` double
    (weighted), ``positive_squares`` and ``negative_squares`` double (sums of squared weights).
    """
    weighted = F.lit(1.0) if weight is None else F.col(weight).cast("double")
    defaulted = F.lit(0.0) if label is None else F.col(label).cast("double")
    cells = {"positives": weighted * defaulted, "negatives": weighted * (1 - defaulted)}
    if weight is not None:
        cells |= dict(zip(SQUARED, (weighted * cell for cell in cells.values()), strict=True))
    # -0.0 and 0.0 are one score, in this grouping as in numpy.
    rows = scored.select(*keys, (F.col(score).cast("double") + F.lit(0.0)).alias("score"), *_named(cells))
    counts = rows.groupBy(*keys, score_bucket("score", bounds).alias("bucket"), "score").agg(
        F.count(F.lit(1)).alias("rows"), *(F.sum(name).alias(name) for name in cells)
    )
    if weight is None:
        counts = counts.withColumns(dict(zip(SQUARED, map(F.col, COUNTED[1:]), strict=True)))
    return counts.select(*keys, "bucket", "score", *COUNTED, *SQUARED)


def with_counts_below(counts: DataFrame, keys: Sequence[str] = ()) -> DataFrame:
    """Adds to each distinct score what lies strictly below it, and what there is in all, of the same keys.

    Columns added: ``{rows,positives,negatives}_below`` and ``total_{rows,positives,negatives}``.
    """
    before = Window.partitionBy(*keys, "bucket").orderBy("score").rowsBetween(Window.unboundedPreceding, -1)
    in_bucket_below = {
        f"{name}_below": F.coalesce(F.sum(name).over(before), F.lit(0)) + F.col(f"{name}_before_bucket")
        for name in COUNTED
    }
    placed = counts.join(F.broadcast(_bucket_offsets(counts, keys)), on=[*keys, "bucket"], how="inner")
    return placed.withColumns(in_bucket_below).drop(*(f"{name}_before_bucket" for name in COUNTED))


def _named(columns: Mapping[str, Column]) -> list[Column]:
    return [column.alias(name) for name, column in columns.items()]


def _bucket_of(score: Column, bounds: Sequence[float], first: int) -> Column:
    if not bounds:
        return F.lit(first)
    middle = len(bounds) // 2
    lower = _bucket_of(score, bounds[:middle], first)
    upper = _bucket_of(score, bounds[middle + 1 :], first + middle + 1)
    return F.when(score < F.lit(bounds[middle]), lower).otherwise(upper)


def _bucket_offsets(counts: DataFrame, keys: Sequence[str]) -> DataFrame:
    """What lies in the buckets below each bucket, and in all. Grain: one row a key and bucket."""
    totals = counts.groupBy(*keys, "bucket").agg(*(F.sum(name).alias(name) for name in COUNTED))
    # Without keys that is one partition on purpose: there are at most MOST_BUCKETS rows.
    group = Window.partitionBy(*keys) if keys else Window.partitionBy(F.lit(0))
    before = group.orderBy("bucket").rowsBetween(Window.unboundedPreceding, -1)
    everywhere = group.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    return totals.select(
        *keys,
        "bucket",
        *(F.coalesce(F.sum(name).over(before), F.lit(0)).alias(f"{name}_before_bucket") for name in COUNTED),
        *(F.sum(name).over(everywhere).alias(f"total_{name}") for name in COUNTED),
    )
