"""The few points that a plot needs, picked on the cluster from counts of any size.

Each transform takes what ``score_counts.with_counts_below`` gave (one row a distinct score).
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.model.metrics.curves import CALIBRATION_GROUPS, GRID_STEPS, HISTOGRAM_BINS

_ROUNDING = 1e-9
CELLS = 1980  # with the two ends this stays below 2,000 points


def to_curve_points(ranked: DataFrame, *, cells: int = CELLS) -> DataFrame:
    """The points of the ROC, precision-recall and KS curves that a reader could tell apart.

    The way along the ROC curve is cut into cells, and the last point of each cell is kept, so a plotted curve strays
    from the true one by at most one cell (0.002 of the axes). Half of the cells are equal steps of the curve's length.
    The other half are equal ratios of the rows flagged, because the left end of a precision-recall curve lives on the
    first few rows.

    Columns: ``score``, ``true_positive_rate``, ``false_positive_rate``, ``precision``. Grain: one row a kept score.
    """
    flagged_defaults = F.col("total_positives") - F.col("positives_below")
    flagged_others = F.col("total_negatives") - F.col("negatives_below")
    recall = flagged_defaults / F.col("total_positives")
    false_positive_rate = flagged_others / F.col("total_negatives")
    flagged = flagged_defaults + flagged_others
    length = (recall + false_positive_rate) / 2
    decades = F.log1p(flagged) / F.log1p(F.col("total_positives") + F.col("total_negatives"))
    points = ranked.select(
        F.floor(F.lit(cells / 2) * (length + decades)).alias("cell"),
        F.struct(
            "score",
            recall.alias("true_positive_rate"),
            false_positive_rate.alias("false_positive_rate"),
            (flagged_defaults / flagged).alias("precision"),
        ).alias("point"),
    )
    return points.groupBy("cell").agg(F.min("point").alias("point")).select("point.*")


def to_histogram(counts: DataFrame) -> DataFrame:
    """How many borrowers fall into each of the fixed bins of scores. Empty bins have no row.

    Args:
        counts: what ``score_counts.to_score_counts`` gave.

    Columns: ``bin`` int from 0, ``rows`` long.
    """
    return counts.groupBy(_histogram_bin().alias("bin")).agg(F.sum("rows").alias("rows"))


def to_score_groups(ranked: DataFrame, *, tenth_edges: Sequence[float] = ()) -> DataFrame:
    """Borrowers of similar score, grouped in four ways at once. Grain: one row a kind and group that is not empty.

    * ``calibration``: tenths of the weight from the lowest score to the highest. ``decile``: from the highest to the
      lowest. Equal scores stay in one group, so groups differ in size where scores tie.
    * ``histogram``: fixed bins of scores.
    * ``training_tenth``: between limits. A score equal to a limit lies below it.

    Args:
        tenth_edges: rising limits, see ``arrears.model.metrics.score_groups.tenth_edges``.

    Columns: the fields of ``arrears.model.metrics.score_groups.ScoreGroup``.
    """
    weight = F.col("positives") + F.col("negatives")
    below = F.col("positives_below") + F.col("negatives_below")
    total = F.col("total_positives") + F.col("total_negatives")
    numbers = {
        "calibration": _tenth(below / total),
        "decile": _tenth((total - below - weight) / total),
        "histogram": _histogram_bin(),
        "training_tenth": sum(((F.col("score") > F.lit(edge)).cast("int") for edge in tenth_edges), F.lit(0)),
    }
    memberships = F.array(*(F.struct(F.lit(k).alias("kind"), n.alias("number")) for k, n in numbers.items()))
    members = ranked.select(
        F.explode(memberships).alias("group"),
        "rows",
        "positives",
        "negatives",
        (F.col("score") * weight).alias("score_sum"),
    )
    sums = (F.sum(name).alias(name) for name in ("rows", "positives", "negatives", "score_sum"))
    return members.groupBy("group.kind", "group.number").agg(*sums)


def to_outcome_counts(ranked: DataFrame, *, groups: int) -> DataFrame:
    """How many defaulted and how many did not, by score. Grain: one row a distinct score, or a group of near scores.

    With no more rows than groups each distinct score stands alone. Else about equally many rows share a group.

    Columns: ``score`` double, the middle of the group's lowest and highest; ``positives``, ``negatives`` double.
    """
    group = _step_of(F.col("rows_below"), groups)
    return ranked.groupBy(group.alias("group")).agg(
        # Not the mean: sums of fractions change their last bits with the partitions.
        ((F.min("score") + F.max("score")) / 2).alias("score"),
        F.sum("positives").alias("positives"),
        F.sum("negatives").alias("negatives"),
    )


def to_quantile_grid(ranked: DataFrame) -> DataFrame:
    """Exact score quantiles of the borrowers in steps of 0.1 %: the lowest score that so many are at or below.

    The inverted distribution function (definition 1 of Hyndman and Fan 1996; numpy's ``inverted_cdf``).

    Columns: ``step`` long (0 to 1,000), ``score`` double. Grain: one row a step.
    """
    is_lowest = F.col("rows_below") == 0
    first = F.when(is_lowest, 0).otherwise(_step_of(F.col("rows_below"), GRID_STEPS) + 1)
    last = _step_of(F.col("rows_below") + F.col("rows"), GRID_STEPS)
    spans = ranked.select("score", first.alias("first"), last.alias("last")).where(F.col("first") <= F.col("last"))
    return spans.select(F.explode(F.sequence("first", "last")).alias("step"), "score")


def _histogram_bin() -> Column:
    return F.least(F.floor(F.col("score") * HISTOGRAM_BINS), F.lit(HISTOGRAM_BINS - 1)).cast("int")


def _tenth(share: Column) -> Column:
    # Weights that are no binary fractions must not put a score that starts a tenth at the end of the one before.
    return F.least(F.floor(share * CALIBRATION_GROUPS + F.lit(_ROUNDING)), F.lit(CALIBRATION_GROUPS - 1)).cast("int")


def _step_of(rows: Column, steps: int) -> Column:
    return F.floor(rows * steps / F.col("total_rows"))
