"""The sums behind the metrics for scores that fit in memory: what Spark's are compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrears.model.metrics.default_metrics import PROBABILITY_CLIP, ErrorSums, check_both_classes
from arrears.model.metrics.delong import PlacementSums
from arrears.model.metrics.rank_sums import RankSums

Floats = NDArray[np.float64]


def rank_sums(scores: ArrayLike, is_default: ArrayLike, weights: ArrayLike | None = None) -> RankSums:
    """Sums behind AUC, AUC-PR and KS.

    Args:
        scores: float64, any order, ties allowed; shape (n,).
        is_default: 0 or 1; shape (n,).
        weights: how often each row counts; shape (n,); none: once.

    Raises:
        BadInput: no rows, or rows of one class only.
    """
    labels = np.asarray(is_default, dtype=np.float64)
    check_both_classes(labels.size, int(labels.sum()))
    weight = np.ones_like(labels) if weights is None else np.asarray(weights, dtype=np.float64)
    _, group = np.unique(np.asarray(scores, dtype=np.float64), return_inverse=True)
    cells = (labels * weight, (1 - labels) * weight, labels * weight**2, (1 - labels) * weight**2)
    return _rank_sums_of_counts(*(np.bincount(group, weights=cell).astype(np.float64) for cell in cells))


def _rank_sums_of_counts(
    positives: Floats, negatives: Floats, positive_squares: Floats, negative_squares: Floats
) -> RankSums:
    """From weighted counts per distinct score, in rising order of score."""
    total_positives, total_negatives = positives.sum(), negatives.sum()
    negatives_below = np.cumsum(negatives) - negatives
    true_positives = np.cumsum(positives[::-1])[::-1]
    false_positives = np.cumsum(negatives[::-1])[::-1]
    # A group of weight 0 above every other would divide 0 by 0; it gains no recall.
    precision = true_positives / np.maximum(true_positives + false_positives, np.finfo(np.float64).tiny)
    gap = true_positives / total_positives - false_positives / total_negatives
    return RankSums(
        positives=float(total_positives),
        negatives=float(total_negatives),
        area=float((positives * (negatives_below + negatives / 2)).sum()),
        precision_sum=float((positives * precision).sum()),
        ks=max(float(gap.max()), 0.0),
        defaulters=_placement_sums(positives, positive_squares, (false_positives - negatives / 2) / total_negatives),
        others=_placement_sums(negatives, negative_squares, (np.cumsum(positives) - positives / 2) / total_positives),
    )


def _placement_sums(weights: Floats, squares: Floats, misplaced: Floats) -> PlacementSums:
    sums = (weights, squares, weights * misplaced, squares * misplaced, squares * misplaced**2)
    return PlacementSums(*(float(values.sum()) for values in sums))


def error_sums(
    scores: ArrayLike, is_default: ArrayLike, *, threshold: float, weights: ArrayLike | None = None
) -> ErrorSums:
    """Sums behind log-loss, Brier and the confusion matrix.

    Args:
        scores: probabilities in [0, 1], float64; shape (n,).
        is_default: 0 or 1; shape (n,).
        threshold: a score at or above it predicts default.
        weights: how often each row counts; shape (n,); none: once.
    """
    probability = np.asarray(scores, dtype=np.float64)
    defaulted = np.asarray(is_default) == 1
    weight = np.ones(probability.size, np.int64) if weights is None else np.asarray(weights)
    flagged = probability >= threshold
    given = np.clip(np.where(defaulted, probability, 1 - probability), PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)
    return ErrorSums(
        rows=int(defaulted.size),
        defaults=int(defaulted.sum()),
        log_loss_sum=float(-(weight * np.log(given)).sum()),
        squared_error_sum=float((weight * (probability - defaulted) ** 2).sum()),
        tp=weight[flagged & defaulted].sum().item(),
        fp=weight[flagged & ~defaulted].sum().item(),
        tn=weight[~flagged & ~defaulted].sum().item(),
        fn=weight[~flagged & defaulted].sum().item(),
    )
