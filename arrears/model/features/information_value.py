"""How well one feature alone separates defaulters from good borrowers, from the counts of its bins.

* AUC alone: every row scored by the default rate of its bin, ties counting half, so it needs no direction and no order
  of levels. A missing value is a bin like any other. Rates are learnt on one half of the rows and judged on the other:
  on the same rows, a category of fifty levels would look like a predictor by chance.
* Riskiest group: the bin, the missing ones, or all that have a value, whose default rate is surely highest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from arrears.model.features.binning import (
    PRESENT,
    BinnedCounts,
    FeaturePower,
    information_value,
    joined,
    wilson_interval,
)


class RiskyGroup(NamedTuple):
    """Rows that a feature tells apart: their share, their default rate, and its lower 95 % limit."""

    name: str
    share: float
    rate: float
    low: float


def auc_alone(test_counts: BinnedCounts, training_counts: BinnedCounts) -> float:
    """The chance that a defaulter lies in a bin of higher default rate than a good borrower.

    Args:
        test_counts: rows that the AUC is measured on.
        training_counts: rows that give the bins' default rates. One row of average rate is added to each bin.

    Returns:
        0.5 where either side lacks a class.
    """
    goods, defaulters = test_counts.outcomes
    known_goods, known_defaulters = training_counts.outcomes
    training_rows = known_goods.sum() + known_defaulters.sum()
    if not goods.sum() or not defaulters.sum() or not training_rows:
        return 0.5
    average = known_defaulters.sum() / training_rows
    rates = (known_defaulters + average) / (known_goods + known_defaulters + 1)
    _, place = np.unique(rates, return_inverse=True)
    bad, good = np.bincount(place, weights=defaulters), np.bincount(place, weights=goods)
    below = np.cumsum(good) - good
    return float((bad * (below + good / 2)).sum() / (bad.sum() * good.sum()))


def riskiest_group(counts: BinnedCounts) -> RiskyGroup:
    """The group of rows whose default rate is surely highest: by the lower end of its interval.

    So a group needs no least size: a small one looks pure by chance, and its interval says so.
    """
    goods, defaulters = counts.outcomes
    groups = list(zip(counts.bins.labels, counts.rows, defaulters.tolist(), strict=True))
    if counts.rows[-1]:
        groups.append((PRESENT, sum(counts.rows[:-1]), int(defaulters[:-1].sum())))
    total = max(int((goods + defaulters).sum()), 1)
    candidates = [(name, rows, wilson_interval(bad, rows)) for name, rows, bad in groups if rows]
    if not candidates:
        return RiskyGroup("", 0.0, 0.0, 0.0)
    name, rows, interval = max(candidates, key=lambda group: (group[2].low, group[1]))
    return RiskyGroup(name, rows / total, interval.rate, interval.low)


def feature_power(half: BinnedCounts, other: BinnedCounts) -> FeaturePower:
    """The power of one feature alone, from its counts in two random halves of the rows."""
    whole = joined(half, other)
    group = riskiest_group(whole)
    missing = wilson_interval(int(whole.outcomes[1][-1]), whole.rows[-1])
    return FeaturePower(
        name=whole.name,
        auc=_mean_auc(half, other),
        information_value=information_value(whole),
        purest_group=group.name,
        purest_share=group.share,
        purest_rate=group.rate,
        purest_low=group.low,
        missing_share=whole.missing_share,
        missing_rate=missing.rate,
        missing_auc=_mean_auc(_whether_missing(half), _whether_missing(other)),
        values_auc=_mean_auc(_values_alone(half), _values_alone(other)),
    )


def _mean_auc(half: BinnedCounts, other: BinnedCounts) -> float:
    return (auc_alone(half, other) + auc_alone(other, half)) / 2


def _values_alone(counts: BinnedCounts) -> BinnedCounts:
    """The rows that have a value."""
    return _with_counts(counts, lambda cells: (*cells[:-1], 0))


def _whether_missing(counts: BinnedCounts) -> BinnedCounts:
    """All values taken together in the first bin."""
    return _with_counts(counts, lambda cells: (sum(cells[:-1]), *(0,) * (len(cells) - 2), cells[-1]))


def _with_counts(counts: BinnedCounts, change: Callable[[tuple[int, ...]], tuple[int, ...]]) -> BinnedCounts:
    return replace(counts, rows=change(counts.rows), defaults=change(counts.defaults or ()))
