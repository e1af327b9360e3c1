"""Measuring a loss model on the cluster: the actions that turn estimated and actual losses into metrics.

Only sums, ten groups and the bars of two histograms reach the driver: its memory does not grow with the rows.
"""

from __future__ import annotations

from math import sqrt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.model.metrics.regression import LossEvaluation, LossGroup, Regression, RegressionSums
from spark_jobs.measuring.scored_rows import only_row, persisted, score_bounds
from spark_jobs.transforms.scores import regression_sums as sums

BINS = 40
ESTIMATE, ACTUAL = "estimate", "actual"


def evaluate_losses(estimated: DataFrame, *, estimate: str, actual: str, limit: float) -> LossEvaluation:
    """Measures how close estimated losses are to the actual ones.

    Args:
        estimated: one row per defaulted loan that the model has not seen.
        estimate, actual: columns of the estimated and the actual loss, in [0, ``limit``].

    Raises:
        BadInput: no rows, or rows without an estimate or a loss.
    """
    # -0.0 and 0.0 are one value in every grouping below.
    columns = {ESTIMATE: F.col(estimate).cast("double") + F.lit(0.0), ACTUAL: F.col(actual).cast("double") + F.lit(0.0)}
    pairs = estimated.select(*(column.alias(name) for name, column in columns.items()))
    with persisted(pairs) as rows:
        return _evaluated(rows, limit)


def _evaluated(pairs: DataFrame, limit: float) -> LossEvaluation:
    errors = only_row(sums.to_error_sums(pairs, estimate=ESTIMATE, actual=ACTUAL))
    rows, unusable = errors["rows"], errors.pop("unusable")
    if rows == 0:
        raise BadInput("there are no defaulted loans to measure the loss model on: hold out more rows")
    if unusable:
        raise BadInput(f"{unusable} of {rows} defaulted loans have no estimate or no loss")
    bounds = {column: score_bounds(pairs, rows, score=column) for column in (ESTIMATE, ACTUAL)}
    ranks = [
        sums.with_ranks(pairs, value=column, rank=f"{column}_rank", bounds=bounds[column])
        for column in (ESTIMATE, ACTUAL)
    ]
    evidence = sums.to_evidence_sums(pairs, estimate=ESTIMATE, actual=ACTUAL, mean=errors["actual_mean"])
    regression_sums = RegressionSums(**errors, **only_row(evidence), **only_row(sums.to_rank_sums(pairs, *ranks)))
    groups = sums.to_groups(pairs, estimate=ESTIMATE, actual=ACTUAL, bounds=bounds[ESTIMATE]).collect()
    bars = sums.to_histograms(pairs, estimate=ESTIMATE, actual=ACTUAL, limit=limit, bins=BINS).collect()
    counts = {row["bin"]: (row["estimates"], row["losses"]) for row in bars}
    estimates, losses = zip(*(counts.get(number, (0, 0)) for number in range(BINS)), strict=True)
    return LossEvaluation(
        figures=Regression.from_sums(regression_sums),
        groups=tuple(sorted(LossGroup(g["mean_estimate"], g["mean_loss"], g["rows"]) for g in groups)),
        estimates=tuple(estimates),
        losses=tuple(losses),
        limit=limit,
        rmse_of_mean=sqrt(regression_sums.deviations / regression_sums.rows),
    )
