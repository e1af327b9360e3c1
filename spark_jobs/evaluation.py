"""Measuring a model on the cluster: the actions that turn scored rows into an evaluation and its curves.

Transforms are lazy and launch nothing; this module runs them. Only sums, bucket totals and curve points reach the
driver: its memory does not grow with the rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.model.bootstrap import joined_aucs
from arrears.model.curves import HISTOGRAM_BINS, CalibrationGroup, CurvePoint, Curves
from arrears.model.metrics import ErrorSums, Evaluation, RankSums, check_both_classes, percentile_interval
from spark_jobs.transforms.score_bootstrap import bootstrap_hash, to_bootstrap_areas
from spark_jobs.transforms.score_counts import (
    bucket_count,
    is_usable_score,
    to_error_sums,
    to_rank_sums,
    to_score_bounds,
    to_score_counts,
    with_counts_below,
)
from spark_jobs.transforms.score_curves import to_calibration, to_curve_points, to_histogram, to_quantile_grid

SCORE = "default_probability"
LABEL = "is_default"


def evaluate(
    scored: DataFrame,
    *,
    id: str = "borrower_id",
    threshold: float = 0.5,
    replicates: int = 200,
    seed: int = 42,
    score: str = SCORE,
    label: str = LABEL,
) -> tuple[Evaluation, Curves]:
    """Measures how well scores tell defaulters apart, with an interval for the AUC, and draws nothing yet.

    Args:
        scored: one row a held-out borrower, with its id, score and outcome.
        id: column that the bootstrap draws by; rows that share an id are drawn together.
        threshold: a score at or above it predicts default, in the confusion matrix.
        replicates: bootstrap replicates behind the AUC interval; 200 on thousands of rows, 20 on tens of millions.
        seed: seed of the bootstrap.
        score, label: columns of the default probability and of the outcome (0 or 1).

    Raises:
        BadInput: no rows, one class only, scores that are no probabilities, labels that are not 0 or 1.
    """
    slim = scored.select(
        bootstrap_hash(seed, id).alias("row_hash"),
        F.col(score).cast("double").alias(SCORE),
        F.col(label).cast("double").alias(LABEL),
    )
    with _kept(slim) as rows:
        errors = _checked_error_sums(rows, threshold)
        bounds = _bounds(rows, errors.rows)
        with _kept(with_counts_below(to_score_counts(rows, bounds=bounds))) as ranked:
            rank = RankSums(**_only_row(to_rank_sums(ranked)))
            curves = _curves(ranked)
        aucs = _bootstrap_aucs(rows, replicates, bounds)
    interval = percentile_interval(aucs)
    return Evaluation.from_sums(rank, errors, threshold=threshold, auc_interval=interval), curves


def score_quantiles(scored: DataFrame, *, score: str = SCORE) -> list[float]:
    """Exact quantiles of scores in steps of 0.1 %, for risk limits; needs no outcome.

    Returns:
        1,001 rising numbers, from the lowest score to the highest.

    Raises:
        BadInput: no rows, or scores that are no probabilities.
    """
    with _kept(_scores(scored, score)) as rows:
        bounds = _bounds(rows, _checked_count(rows))
        return _grid(with_counts_below(to_score_counts(rows, label=None, bounds=bounds)))


def score_histogram(scored: DataFrame, *, score: str = SCORE) -> list[int]:
    """How many borrowers fall into each of the 200 fixed bins of scores on [0, 1]; needs no outcome.

    Raises:
        BadInput: no rows, or scores that are no probabilities.
    """
    with _kept(_scores(scored, score)) as rows:
        _checked_count(rows)
        return _histogram(to_score_counts(rows, label=None))[0]


@contextmanager
def _kept(frame: DataFrame) -> Iterator[DataFrame]:
    """A frame that several actions read is computed once: scoring a row again may be the dearest step of all."""
    try:
        yield frame.persist(StorageLevel.MEMORY_AND_DISK)
    finally:
        frame.unpersist()


def _only_row(sums: DataFrame) -> dict[str, float]:
    (row,) = sums.collect()
    return row.asDict()


def _checked_error_sums(rows: DataFrame, threshold: float) -> ErrorSums:
    sums = _only_row(to_error_sums(rows, threshold=threshold))
    unusable = {
        "scores are not probabilities": sums["unusable_scores"],
        "labels are not 0 or 1": sums["unusable_labels"],
    }
    problems = [f"{count} of {sums['rows']} {what}" for what, count in unusable.items() if count]
    if problems:
        raise BadInput(*problems)
    names = {field.name for field in dataclasses.fields(ErrorSums)}
    check_both_classes(int(sums["rows"]), int(sums["defaults"]))
    return ErrorSums(**{name: value for name, value in sums.items() if name in names})  # type: ignore[arg-type]


def _scores(scored: DataFrame, score: str) -> DataFrame:
    return scored.select(F.col(score).cast("double").alias(SCORE))


def _checked_count(rows: DataFrame) -> int:
    counts = _only_row(
        rows.select(F.count(F.lit(1)).alias("rows"), F.count_if(~is_usable_score(SCORE)).alias("unusable"))
    )
    if counts["rows"] == 0:
        raise BadInput("there are no scores to describe")
    if counts["unusable"]:
        raise BadInput(f"{counts['unusable']} of {counts['rows']} scores are not probabilities")
    return int(counts["rows"])


def _bounds(rows: DataFrame, count: int) -> Sequence[float]:
    buckets = bucket_count(count)
    if buckets == 1:
        return ()
    (row,) = to_score_bounds(rows, buckets=buckets).collect()
    return tuple(row.bounds)


def _bootstrap_aucs(rows: DataFrame, replicates: int, bounds: Sequence[float]) -> np.ndarray:
    areas = to_bootstrap_areas(rows, replicates=replicates, bounds=bounds).collect()
    totals = np.array(sorted((a.bucket, a.replicate, a.positives, a.negatives, a.area) for a in areas))
    positives, negatives, area = (totals[:, column].reshape(-1, replicates) for column in (2, 3, 4))
    return joined_aucs(positives, negatives, area)


def _curves(ranked: DataFrame) -> Curves:
    points = sorted((_point(row) for row in to_curve_points(ranked).collect()), key=lambda point: -point.score)
    groups = [CalibrationGroup(r.mean_score, r.default_rate, r.rows) for r in to_calibration(ranked).collect()]
    non_defaults, defaults = _histogram(ranked)
    return Curves(
        points=tuple(points),
        non_defaults=tuple(non_defaults),
        defaults=tuple(defaults),
        calibration=tuple(sorted(groups)),
        quantiles=tuple(_grid(ranked)),
    )


def _point(row: Row) -> CurvePoint:
    return CurvePoint(row.score, row.true_positive_rate, row.false_positive_rate, row.precision)


def _histogram(counts: DataFrame) -> tuple[list[int], list[int]]:
    non_defaults, defaults = [0] * HISTOGRAM_BINS, [0] * HISTOGRAM_BINS
    for row in to_histogram(counts).collect():
        non_defaults[row.bin], defaults[row.bin] = row.non_defaults, row.defaults
    return non_defaults, defaults


def _grid(ranked: DataFrame) -> list[float]:
    return [row.score for row in sorted(to_quantile_grid(ranked).collect())]
