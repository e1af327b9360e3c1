"""Estimated and actual values reduced to the sums behind a regression's metrics. Grain: stated at each function."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.transforms.scores.score_counts import to_score_counts, with_counts_below

GROUPS = 10


def to_error_sums(estimated: DataFrame, *, estimate: str, actual: str) -> DataFrame:
    """Sums of errors in one pass, and how many rows cannot be measured. Grain: one row.

    Columns: ``rows``, ``unusable``, and those fields of ``arrears.model.metrics.regression.RegressionSums`` that need
    no ranks.
    """
    predicted, observed = F.col(estimate).cast("double"), F.col(actual).cast("double")
    unusable = predicted.isNull() | F.isnan(predicted) | observed.isNull() | F.isnan(observed)
    return estimated.select(
        F.count(F.lit(1)).alias("rows"),
        F.count_if(unusable).alias("unusable"),
        F.avg(observed).alias("actual_mean"),
        F.avg(predicted).alias("estimate_mean"),
        (F.var_pop(observed) * F.count(F.lit(1))).alias("deviations"),
        F.sum(F.pow(predicted - observed, 2)).alias("squared_errors"),
        F.sum(F.abs(predicted - observed)).alias("absolute_errors"),
    )


def to_evidence_sums(estimated: DataFrame, *, estimate: str, actual: str, mean: float) -> DataFrame:
    """Sums of squares and products of the rows' squared errors and squared distances from the mean. Grain: one row.

    Args:
        mean: of the actual values, as ``to_error_sums`` found it.
    """
    came = F.col(actual).cast("double")
    error, distance = F.pow(F.col(estimate).cast("double") - came, 2), F.pow(came - F.lit(mean), 2)
    return estimated.select(
        F.coalesce(F.sum(error * error), F.lit(0.0)).alias("error_squares"),
        F.coalesce(F.sum(error * distance), F.lit(0.0)).alias("cross_products"),
        F.coalesce(F.sum(distance * distance), F.lit(0.0)).alias("deviation_squares"),
    )


def with_ranks(values: DataFrame, *, value: str, rank: str, bounds: Sequence[float]) -> DataFrame:
    """The rank of each distinct value, less the mean of all ranks. Grain: one row per distinct value.

    Equal values share the mean of their ranks. Columns: ``value`` and ``rank`` under the names given.

    Args:
        bounds: of ``score_counts.to_score_bounds``. They only balance the work.
    """
    counted = with_counts_below(to_score_counts(values, score=value, label=None, bounds=bounds))
    # Less the mean, (n + 1) / 2, so that products of ranks of millions of rows keep their digits.
    centred = F.col("rows_below") + F.col("rows") / 2 - F.col("total_rows") / 2
    return counted.select(F.col("score").alias(value), centred.alias(rank))


def to_rank_sums(pairs: DataFrame, estimate_ranks: DataFrame, actual_ranks: DataFrame) -> DataFrame:
    """Sums behind Spearman's correlation. Grain: one row.

    Args:
        pairs: one row per loan, columns ``estimate`` and ``actual``.
        estimate_ranks, actual_ranks: what ``with_ranks`` gave, with columns ``estimate_rank`` and ``actual_rank``.
    """
    counted = pairs.groupBy("estimate", "actual").agg(F.count(F.lit(1)).alias("_rows"))
    ranked = counted.join(estimate_ranks, on="estimate", how="inner").join(actual_ranks, on="actual", how="inner")
    return ranked.select(
        F.sum(F.col("_rows") * F.col("estimate_rank") * F.col("actual_rank")).alias("rank_products"),
        F.sum(F.col("_rows") * F.pow("actual_rank", F.lit(2))).alias("actual_ranks"),
        F.sum(F.col("_rows") * F.pow("estimate_rank", F.lit(2))).alias("estimate_ranks"),
    )


def to_groups(estimated: DataFrame, *, estimate: str, actual: str, bounds: Sequence[float]) -> DataFrame:
    """The mean estimated and the mean actual loss, for tenths of the loans by estimate. Grain: one row per group.

    Equal estimates stay in one group, so groups differ in size where estimates tie.

    Columns: ``group``, ``mean_estimate``, ``mean_loss``, ``rows``.
    """
    ranked = with_counts_below(to_score_counts(estimated, score=estimate, label=actual, bounds=bounds))
    group = F.floor(F.col("rows_below") * GROUPS / F.col("total_rows"))
    return ranked.groupBy(group.alias("group")).agg(
        (F.sum(F.col("score") * F.col("rows")) / F.sum("rows")).alias("mean_estimate"),
        # The counts' "positives" are sums of the label, which here is the loss.
        (F.sum("positives") / F.sum("rows")).alias("mean_loss"),
        F.sum("rows").alias("rows"),
    )


def to_histograms(estimated: DataFrame, *, estimate: str, actual: str, limit: float, bins: int) -> DataFrame:
    """How estimates and actual values are spread over equal bins on [0, ``limit``]. Grain: one row per used bin.

    Columns: ``bin`` from 0, ``estimates``, ``losses``.
    """

    def bin_of(column: str) -> str:
        place = f"CAST(floor(CAST(`{column}` AS DOUBLE) * {bins} / {limit!r}D) AS INT)"
        return f"greatest(0, least({bins - 1}, {place}))"

    sides = F.explode(
        F.expr(f"array(struct({bin_of(estimate)} AS bin, 0 AS side), struct({bin_of(actual)} AS bin, 1 AS side))")
    )
    return (
        estimated.select(sides.alias("cell"))
        .groupBy("cell.bin")
        .agg(
            F.count_if(F.col("cell.side") == 0).alias("estimates"), F.count_if(F.col("cell.side") == 1).alias("losses")
        )
    )
