"""How well scores rank, from counts of each distinct score: the sums behind AUC, AUC-PR, KS and DeLong's interval.

Spark builds the sums. The metrics are defined in `arrears.model.metrics.default_metrics`, the interval in
`arrears.model.metrics.delong`.
"""

from __future__ import annotations

from dataclasses import dataclass

from arrears.model.metrics.delong import PlacementSums, auc_interval


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
    def gini(self) -> float:
        """The AUC on a scale from 0 (coin toss) to 1 (perfect)."""
        return 2 * self.auc - 1

    @property
    def auc_pr(self) -> float:
        """Average precision over the recall gained."""
        return self.precision_sum / self.positives

    @property
    def auc_interval(self) -> tuple[float, float]:
        """DeLong's 95 % interval of the AUC."""
        return auc_interval(self.auc, self.defaulters, self.others)
