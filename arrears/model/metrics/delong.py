"""How sure an AUC is, and a difference of two AUCs, without drawing anything: the intervals of DeLong.

DeLong, DeLong and Clarke-Pearson (1988), in the form that needs mid-ranks only (Sun and Xu 2014, "Fast Implementation
of DeLong's Algorithm"): the misplacement of a defaulter is the share of non-defaulters that score above it, ties
counting half. That of a non-defaulter is the share of defaulters below it. Either mean is 1 - AUC, and the variance of
the AUC is the sum of the variances of the two means. Both follow from counts of the scores below, so Spark brings back
five sums a class. Of two models on the same rows, differences of misplacements take the place of misplacements.

Weighted rows count as sampling weights do: a row of weight 2 moves the AUC as two rows would, and is still one piece of
evidence. With equal weights the variance is DeLong's own.

See docs/adr/0026.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from arrears.model.metrics.intervals import Z_95

_ONE_ROW = 1 + 1e-9


@dataclass(frozen=True)
class PlacementSums:
    """Sums over the rows of one class, of misplacement x and weight w.

    Attributes:
        weight, squares: sums of w and of w².
        total: sum of w x.
        linear, quadratic: sums of w² x and of w² x².
    """

    weight: float
    squares: float
    total: float
    linear: float
    quadratic: float

    @property
    def mean(self) -> float:
        """The weighted mean of x."""
        return self.total / self.weight

    @property
    def variance(self) -> float:
        """The variance of the weighted mean. NaN where the rows are worth no more than one."""
        effective_rows = self.weight * self.weight / self.squares
        if effective_rows < _ONE_ROW:
            return math.nan
        spread = self.quadratic - 2 * self.mean * self.linear + self.mean * self.mean * self.squares
        return max(spread, 0.0) / (self.weight * self.weight) * effective_rows / (effective_rows - 1)


class Difference(NamedTuple):
    """A difference of two AUCs with its 95 % interval."""

    value: float
    low: float
    high: float


def auc_interval(auc: float, defaulters: PlacementSums, others: PlacementSums) -> tuple[float, float]:
    """The 95 % interval of an AUC, inside [0, 1]. All of it where a class is a single row."""
    reach = _reach(defaulters, others)
    if math.isnan(reach):
        return 0.0, 1.0
    return max(auc - reach, 0.0), min(auc + reach, 1.0)


def auc_difference(defaulters: PlacementSums, others: PlacementSums) -> Difference:
    """How much higher the candidate's AUC is than the champion's, with its 95 % interval.

    Args:
        defaulters, others: sums of (misplacement by the champion - misplacement by the candidate).
    """
    value, reach = defaulters.mean, _reach(defaulters, others)
    if math.isnan(reach):
        return Difference(value, -1.0, 1.0)
    return Difference(value, max(value - reach, -1.0), min(value + reach, 1.0))


def _reach(defaulters: PlacementSums, others: PlacementSums) -> float:
    return Z_95 * math.sqrt(defaulters.variance + others.variance)
