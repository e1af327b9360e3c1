"""How well scores rank, from counts of each distinct score: the sums behind AUC, AUC-PR, KS and DeLong's interval.

This is the way of scores that fit in memory; Spark builds the same sums for those that do not. The metrics are defined
in `arrears.model.metrics`, the interval in `arrears.model.delong`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrears.model.delong import PlacementSums, auc_interval
from arrears.model.metrics import check_both_classes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RankSums:
    """What the metrics of ranking need: sums over the distinct scores.

    Attributes:
        positives, negatives: (weighted) defaulters and non-defaulters.
        area: sum of defaulters x (non-defaulters below + half of those at the same score).
        precision_sum: sum of defaulters x precision at their score.
        ks: largest TPR - FPR, at least 0.
        defaulters, others: sums of their misplacements, behind DeLong's interval.
    """

    positives: float
    negatives: float
    area: float
    precision_sum: float
    ks: float
    defaulters: PlacementSums
    others: PlacementSums

    @property
    def auc(self) -> float:
        """The chance that a defaulter scores above a non-defaulter."""
        return self.area / (self.positives * self.negatives)

    @property
    def auc_pr(self) -> float:
        """Average precision over the recall gained."""
        return self.precision_sum / self.positives

    @property
    def auc_interval(self) -> tuple[float, float]:
        """DeLong's 95 % interval of the AUC."""
        return auc_interval(self.auc, self.defaulters, self.others)


def rank_sums(scores: ArrayLike, is_default: ArrayLike, weights: ArrayLike | None = None) -> RankSums:
    """Sums behind AUC, AUC-PR and KS for scores that fit in memory; Spark builds the same for those that do not.

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
