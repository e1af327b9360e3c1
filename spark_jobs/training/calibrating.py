"""Fits a calibration on a slice of its own: Spark counts outcomes by score, the driver fits a curve to the counts."""

from __future__ import annotations

from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.contracts.tables.column_names import LABEL, SCORE
from arrears.model.fitting.calibration import Calibration
from arrears.model.fitting.calibration_fits import fitted_isotonic, fitted_platt
from arrears.model.metrics.cutoffs import APPROVE_ALL
from spark_jobs.measuring.scored_rows import persisted, score_bounds, usable_error_sums
from spark_jobs.transforms.scores.score_counts import to_score_counts, with_counts_below
from spark_jobs.transforms.scores.score_curves import to_outcome_counts

MOST_SCORES = 100_000  # that reach the driver: 10 MB


def calibrated(
    scored: DataFrame, kind: Literal["platt", "isotonic"], *, score: str = SCORE, label: str = LABEL
) -> Calibration:
    """Fits a calibration, which turns a model's scores into default probabilities that match outcomes.

    Exact on up to 100,000 rows. Of more, about a 100,000th of them, those of nearest scores, share one score.

    Args:
        scored: one row a borrower of a slice that nothing else was fitted to, neither resampled nor weighted.
        score, label: columns of the default probability, as the model gives it, and of the outcome (0 or 1).

    Raises:
        BadInput: no rows, one class only, scores that are no probabilities, labels that are not 0 or 1.
    """
    slim = scored.select(F.col(score).cast("double").alias(SCORE), F.col(label).cast("double").alias(LABEL))
    with persisted(slim) as rows:
        count = usable_error_sums(rows, threshold=APPROVE_ALL).rows
        if not count:
            raise BadInput("there are no rows to calibrate on: raise calibration_share, or train without calibration")
        ranked = with_counts_below(to_score_counts(rows, bounds=score_bounds(rows, count)))
        counts = sorted(
            (row.score, row.positives, row.negatives) for row in to_outcome_counts(ranked, groups=MOST_SCORES).collect()
        )
    scores, defaults, others = zip(*counts, strict=True)
    return (fitted_platt if kind == "platt" else fitted_isotonic)(scores, defaults, others)
