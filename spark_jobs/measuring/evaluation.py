"""Measuring a model on the cluster: the actions that turn scored rows into findings.

Transforms are lazy and launch nothing: this module runs them. Only sums, totals of groups and curve points reach the
driver: its memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.column_names import ID, LABEL, SCORE
from arrears.model.metrics.bootstrap import joined_aucs, percentile_interval
from arrears.model.metrics.curves import HISTOGRAM_BINS, CurvePoint, Curves
from arrears.model.metrics.cutoffs import APPROVE_ALL
from arrears.model.metrics.default_metrics import Evaluation
from arrears.model.metrics.findings import Findings
from arrears.model.metrics.score_groups import (
    ScoreGroup,
    calibration_check,
    calibration_groups,
    deciles,
    of_kind,
    score_stability,
    tenth_edges,
)
from spark_jobs.measuring.comparison import auc_difference
from spark_jobs.measuring.level_findings import level_findings
from spark_jobs.measuring.scored_rows import checked_count, checked_error_sums, persisted, score_bounds
from spark_jobs.transforms.scores.score_bootstrap import bootstrap_hash, to_bootstrap_areas
from spark_jobs.transforms.scores.score_counts import to_score_counts, with_counts_below
from spark_jobs.transforms.scores.score_curves import to_curve_points, to_histogram, to_quantile_grid, to_score_groups
from spark_jobs.transforms.scores.score_ranks import rank_sums_of, to_rank_sums

WEIGHT = "_weight"


def findings(
    scored: DataFrame,
    *,
    id: str = ID,
    threshold: float | None = None,
    champion: DataFrame | None = None,
    segment_by: Sequence[str] = (),
    protected: Sequence[str] = (),
    training_quantiles: Sequence[float] = (),
    weight: str | None = None,
    replicates: int = 0,
    seed: int = 42,
    score: str = SCORE,
    label: str = LABEL,
) -> Findings:
    """Measures all that the report shows and the gate asks for, on held-out rows.

    Args:
        scored: one row a held-out borrower, with its id, score, outcome, and the columns named below.
        id: column that samples and the bootstrap draw by. Rows that share an id are drawn together.
        threshold: the cut-off: a score at or above it predicts default, and is declined. None: no cut-off is set,
            so neither decisions nor fairness are measured.
        champion: the same rows scored by the champion: ``id`` (unique) and ``score``. None: nothing to compare with.
        segment_by: columns whose levels, or quartiles, are measured apart.
        protected: columns whose groups' approval and error rates are compared.
        training_quantiles: scores of the training rows, as the model's document keeps them. Empty: no stability.
        weight: column that says how much a row counts, as scikit-learn's ``sample_weight``. Rows of weight 0 are left
            out. Fairness counts rows whatever they weigh. None: every row counts once.
        replicates: bootstrap replicates behind the AUC interval. 0: DeLong's interval, which needs none.
        seed: seed of samples and the bootstrap.
        score, label: columns of the default probability and of the outcome (0 or 1).

    Raises:
        BadInput: no rows, one class only, scores that are no probabilities, labels that are not 0 or 1, weights that
            are negative or missing, a champion scored on other rows.
        BadConfiguration: a column that is not there.
    """
    columns = tuple(dict.fromkeys((*segment_by, *protected)))
    absent = [name for name in columns if name not in scored.columns]
    if absent:
        raise BadConfiguration(*(f"the scored rows have no column {name} to part them by" for name in absent))
    slim = _slim(scored, id, score, label, weight, columns)
    weight = WEIGHT if weight else None
    stable = len(training_quantiles) > 1
    with persisted(slim) as rows:
        errors = checked_error_sums(rows, threshold=APPROVE_ALL if threshold is None else threshold, weight=weight)
        bounds = score_bounds(rows, errors.rows)
        with persisted(with_counts_below(to_score_counts(rows, weight=weight, bounds=bounds))) as ranked:
            (sums,) = to_rank_sums(ranked).collect()
            groups = _score_groups(ranked, tenth_edges(training_quantiles) if stable else ())
            curves = _curves(ranked, groups)
            difference = (
                None
                if champion is None
                else auc_difference(rows, ranked, champion, id=id, count=errors.rows, score=score, weight=weight)
            )
        interval = (
            percentile_interval(_bootstrap_aucs(rows, replicates, bounds, weight, seed, id)) if replicates else None
        )
        segments, fairness = level_findings(
            rows, segment_by, protected, id=id, threshold=threshold, weight=weight, bounds=bounds, seed=seed
        )
    return Findings(
        evaluation=Evaluation.from_sums(rank_sums_of(sums), errors, threshold=threshold, auc_interval=interval),
        curves=curves,
        calibration=calibration_check(groups),
        deciles=deciles(groups),
        stability=score_stability(groups, training_quantiles) if stable else None,
        segments=segments,
        fairness=fairness,
        auc_difference=difference,
    )


def auc_of(scored: DataFrame) -> float:
    """How well scores rank outcomes.

    Args:
        scored: ``default_probability`` and ``is_default``.

    Raises:
        BadInput: no rows, one class only, scores that are no probabilities, labels that are not 0 or 1.
    """
    with persisted(scored.select(SCORE, LABEL)) as rows:
        bounds = score_bounds(rows, checked_error_sums(rows, threshold=APPROVE_ALL).rows)
        (sums,) = to_rank_sums(with_counts_below(to_score_counts(rows, bounds=bounds))).collect()
    return rank_sums_of(sums).auc


def score_quantiles(scored: DataFrame, *, score: str = SCORE) -> list[float]:
    """Exact quantiles of scores in steps of 0.1 %, for risk limits. No outcome is needed.

    Returns:
        1,001 rising numbers, from the lowest score to the highest.

    Raises:
        BadInput: no rows, or scores that are no probabilities.
    """
    with persisted(_scores(scored, score)) as rows:
        bounds = score_bounds(rows, checked_count(rows))
        return _grid(with_counts_below(to_score_counts(rows, label=None, bounds=bounds)))


def score_histogram(scored: DataFrame, *, score: str = SCORE) -> list[int]:
    """How many borrowers fall into each of the 200 fixed bins of scores on [0, 1]. No outcome is needed.

    Raises:
        BadInput: no rows, or scores that are no probabilities.
    """
    with persisted(_scores(scored, score)) as rows:
        checked_count(rows)
        counts = {row.bin: row.rows for row in to_histogram(to_score_counts(rows, label=None)).collect()}
    return [counts.get(number, 0) for number in range(HISTOGRAM_BINS)]


def _slim(scored: DataFrame, id: str, score: str, label: str, weight: str | None, columns: Sequence[str]) -> DataFrame:
    weights = [F.col(f"`{weight}`").cast("double").alias(WEIGHT)] if weight else []
    rows = scored.select(
        F.col(f"`{id}`").alias(id),
        F.col(f"`{score}`").cast("double").alias(SCORE),
        F.col(f"`{label}`").cast("double").alias(LABEL),
        *weights,
        *(F.col(f"`{name}`") for name in columns),
    )
    return rows.where(F.coalesce(F.col(WEIGHT) != 0, F.lit(True))) if weight else rows


def _scores(scored: DataFrame, score: str) -> DataFrame:
    return scored.select(F.col(score).cast("double").alias(SCORE))


def _bootstrap_aucs(
    rows: DataFrame, replicates: int, bounds: Sequence[float], weight: str | None, seed: int, id: str
) -> np.ndarray:
    hashed = rows.withColumn("row_hash", bootstrap_hash(seed, id))
    areas = to_bootstrap_areas(hashed, replicates=replicates, weight=weight, bounds=bounds).collect()
    totals = np.array(sorted((a.bucket, a.replicate, a.positives, a.negatives, a.area) for a in areas))
    positives, negatives, area = (totals[:, column].reshape(-1, replicates) for column in (2, 3, 4))
    return joined_aucs(positives, negatives, area)


def _score_groups(ranked: DataFrame, edges: Sequence[float]) -> list[ScoreGroup]:
    return [ScoreGroup(**row.asDict()) for row in to_score_groups(ranked, tenth_edges=edges).collect()]


def _curves(ranked: DataFrame, groups: Sequence[ScoreGroup]) -> Curves:
    points = sorted((_point(row) for row in to_curve_points(ranked).collect()), key=lambda point: -point.score)
    bins = {group.number: group for group in of_kind(groups, "histogram")}
    non_defaults, defaults = (
        tuple(_whole(getattr(bins[n], name)) if n in bins else 0 for n in range(HISTOGRAM_BINS))
        for name in ("negatives", "positives")
    )
    return Curves(
        points=tuple(points),
        non_defaults=non_defaults,
        defaults=defaults,
        calibration=calibration_groups(groups),
        quantiles=tuple(_grid(ranked)),
    )


def _point(row: Row) -> CurvePoint:
    return CurvePoint(row.score, row.true_positive_rate, row.false_positive_rate, row.precision)


def _whole(count: float) -> float:
    """A count as a whole number where it is one: weighted counts may not be."""
    return int(count) if count == int(count) else count


def _grid(ranked: DataFrame) -> list[float]:
    return [row.score for row in sorted(to_quantile_grid(ranked).collect())]
