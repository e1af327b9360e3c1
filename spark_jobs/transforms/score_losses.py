"""How far probabilities are from what came, from counts of distinct scores. Grain: one row."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.model.metrics import PROBABILITY_CLIP


def to_loss_sums(counts: DataFrame) -> DataFrame:
    """Sums behind log-loss, Brier and the mean probability.

    Args:
        counts: what ``score_counts.to_score_counts`` gave, with or without the counts below.

    Columns: ``log_loss_sum``, ``squared_error_sum``, ``score_sum``, double.
    """
    clipped = F.greatest(F.least(F.col("score"), F.lit(1 - PROBABILITY_CLIP)), F.lit(PROBABILITY_CLIP))
    others = F.greatest(F.least(1 - F.col("score"), F.lit(1 - PROBABILITY_CLIP)), F.lit(PROBABILITY_CLIP))
    return counts.select(
        F.sum(-F.col("positives") * F.log(clipped) - F.col("negatives") * F.log(others)).alias("log_loss_sum"),
        F.sum(F.col("positives") * F.pow(1 - F.col("score"), 2) + F.col("negatives") * F.pow(F.col("score"), 2)).alias(
            "squared_error_sum"
        ),
        F.sum(F.col("score") * (F.col("positives") + F.col("negatives"))).alias("score_sum"),
    )
