"""One feature in bins, and what the bins tell: target rates, weight of evidence, drift.

Formulas:

* Interval of a rate: Wilson's score interval at 95 % (Wilson 1927), which holds for rare defaults and small bins.
* Weight of evidence (Siddiqi 2006): ln(share of the non-defaulters in the bin / share of the defaulters in it). Above 0
  the bin is better than the whole. Information value: the sum of (difference of the shares) x (weight of evidence).
* Population stability index: the sum of (p - q) ln(p / q) over the bins.
* An empty cell counts as half a row in the logarithms, so that they stay finite.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrears.model.metrics.intervals import Z_95

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OTHER_LEVELS, MISSING, PRESENT = "other levels", "missing", "any value"
_EMPTY_CELL = 0.5
_LEAST_DIGITS, _MOST_DIGITS = 3, 17


@dataclass(frozen=True)
class Bins:
    """How the values of one feature are binned. The last bin holds the missing values.

    Attributes:
        edges: of a number: n rising limits make n + 1 bins. A value equal to a limit lies below it.
        levels: of a category, one bin each and one for all other levels. None: the feature is a number.
    """

    name: str
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] | None = None

    @property
    def size(self) -> int:
        """The number of bins, that of the missing values included."""
        return (len(self.edges) if self.levels is None else len(self.levels)) + 2

    @property
    def labels(self) -> tuple[str, ...]:
        """What to call each bin."""
        if self.levels is not None:
            return (*self.levels, OTHER_LEVELS, MISSING)
        if not self.edges:
            return ("all values", MISSING)
        limits = _limit_texts(self.edges)
        between = [f"{low} to {high}" for low, high in itertools.pairwise(limits)]
        return (f"up to {limits[0]}", *between, f"above {limits[-1]}", MISSING)


def _limit_texts(edges: Sequence[float]) -> list[str]:
    """Limits in three digits, or in as many as make them differ. Whole parts are never rounded."""
    for digits in range(_LEAST_DIGITS, _MOST_DIGITS):
        texts = [f"{edge:.{max(digits, len(str(int(abs(edge)))))}g}" for edge in edges]
        if len(set(texts)) == len(set(edges)):
            return texts
    return [repr(edge) for edge in edges]


@dataclass(frozen=True)
class BinnedCounts:
    """How many borrowers, and how many defaulters, have a value of the feature in each bin.

    Attributes:
        rows: borrowers by bin.
        defaults: defaulters by bin. None: the rows have no label.
    """

    bins: Bins
    rows: tuple[int, ...]
    defaults: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        """The feature."""
        return self.bins.name

    @property
    def missing_share(self) -> float:
        """Share of the rows without a value."""
        return self.rows[-1] / max(sum(self.rows), 1)

    @property
    def outcomes(self) -> tuple[Ints, Ints]:
        """Non-defaulters and defaulters by bin."""
        if self.defaults is None:
            raise ValueError(f"the rows of {self.name} have no label")
        defaulters = np.asarray(self.defaults, np.int64)
        return np.asarray(self.rows, np.int64) - defaulters, defaulters


class RateInterval(NamedTuple):
    """A default rate and the limits within which the true one lies, 19 times of 20."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class FeaturePower:
    """How well one feature alone separates defaulters from good borrowers.

    Attributes:
        auc: of the default rates of its bins, learnt on one half of the rows and judged on the other.
        information_value: above 0.5 is suspicious (Siddiqi). Many levels raise it by chance.
        purest_group, purest_share, purest_rate: of the riskiest group that the feature tells apart: a bin, the missing
            ones, or all that have a value, with its share of the rows and its default rate.
        purest_low: the lower 95 % limit of that rate.
        missing_share, missing_rate: of the rows without a value. The rate is 0 where there are none.
        missing_auc, values_auc: the AUC of whether there is a value at all, and that of the values among the rows that
            have one.
    """

    name: str
    auc: float
    information_value: float
    purest_group: str = ""
    purest_share: float = 0.0
    purest_rate: float = 0.0
    purest_low: float = 0.0
    missing_share: float = 0.0
    missing_rate: float = 0.0
    missing_auc: float = 0.5
    values_auc: float = 0.5


def quantile_edges(values: ArrayLike, bins: int) -> tuple[float, ...]:
    """Limits that cut values into at most ``bins`` bins of about equal rows. Each limit is one of the values.

    A feature of few values gets a bin for each. A value that fills whole bins gets one of its own, also when it is the
    largest. Missing values (NaN) are left out. An infinite value is never a limit.
    """
    numbers = np.asarray(values, np.float64)
    ordered = np.sort(numbers[~np.isnan(numbers)])
    distinct = np.unique(ordered)
    if distinct.size <= bins:
        limits = distinct[:-1]
    else:
        ranks = -(-np.arange(1, bins) * ordered.size // bins) - 1
        picked, times = np.unique(ordered[ranks], return_counts=True)
        heavy = picked[(times > 1) | (picked == distinct[-1])]
        below = np.searchsorted(distinct, heavy) - 1
        limits = np.union1d(picked, distinct[below[below >= 0]])
        limits = limits[limits < distinct[-1]]
    return tuple(float(limit) + 0.0 for limit in limits if math.isfinite(limit))


def number_bins(values: Floats, edges: Sequence[float]) -> Ints:
    """The bin of each number, NaN in the last one."""
    placed = np.searchsorted(np.asarray(edges, np.float64), values, side="left")
    return np.where(np.isnan(values), len(edges) + 1, placed).astype(np.int64)


def wilson_interval(defaults: int, rows: int) -> RateInterval:
    """The default rate of a bin with its 95 % interval. From 0 to 1 where the bin is empty."""
    if rows == 0:
        return RateInterval(0.0, 0.0, 1.0)
    rate, square = defaults / rows, Z_95**2
    centre = (rate + square / (2 * rows)) / (1 + square / rows)
    reach = Z_95 * math.sqrt(rate * (1 - rate) / rows + square / (4 * rows * rows)) / (1 + square / rows)
    low = 0.0 if defaults == 0 else centre - reach
    return RateInterval(rate, low, 1.0 if defaults == rows else centre + reach)


def target_rates(counts: BinnedCounts) -> list[RateInterval]:
    """The default rate of each bin with its interval."""
    goods, defaulters = counts.outcomes
    return [wilson_interval(int(d), int(g + d)) for g, d in zip(goods, defaulters, strict=True)]


def weights_of_evidence(counts: BinnedCounts) -> list[float]:
    """The weight of evidence of each bin. 0 where the bin is empty or one class is missing altogether."""
    goods, defaulters = counts.outcomes
    if goods.sum() == 0 or defaulters.sum() == 0:
        return [0.0] * goods.size
    return [float(weight) for weight in _log_ratios(goods, defaulters)]


def information_value(counts: BinnedCounts) -> float:
    """How much the feature's bins tell about default: below 0.02 nothing, from 0.3 on a lot (Siddiqi)."""
    goods, defaulters = counts.outcomes
    if goods.sum() == 0 or defaulters.sum() == 0:
        return 0.0
    return _divergence(goods, defaulters)


def stability_index(before: BinnedCounts, after: BinnedCounts) -> float:
    """The population stability index (PSI) of a feature between two sets of rows. `rules_of_thumb` has its limits.

    Raises:
        ValueError: the two were counted in different bins.
    """
    if before.bins != after.bins:
        raise ValueError(f"{before.name} was counted in different bins")
    if not sum(before.rows) or not sum(after.rows):
        return 0.0
    return _divergence(np.asarray(before.rows, np.int64), np.asarray(after.rows, np.int64))


def joined(some: BinnedCounts, others: BinnedCounts) -> BinnedCounts:
    """The counts of two sets of rows together."""
    if some.bins != others.bins:
        raise ValueError(f"{some.name} was counted in different bins")
    rows = tuple(a + b for a, b in zip(some.rows, others.rows, strict=True))
    if some.defaults is None or others.defaults is None:
        return BinnedCounts(some.bins, rows)
    return BinnedCounts(some.bins, rows, tuple(a + b for a, b in zip(some.defaults, others.defaults, strict=True)))


def _divergence(some: Ints, others: Ints) -> float:
    gaps = some / some.sum() - others / others.sum()
    return float((gaps * _log_ratios(some, others)).sum())


def _log_ratios(some: Ints, others: Ints) -> Floats:
    """ln(share of some / share of others) by bin. 0 where both are empty."""
    ratios = np.log(_filled(some) / some.sum()) - np.log(_filled(others) / others.sum())
    return np.where((some == 0) & (others == 0), 0.0, ratios)


def _filled(cells: Ints) -> Floats:
    return np.where(cells == 0, _EMPTY_CELL, cells)
