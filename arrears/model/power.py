"""How well one feature alone tells defaulters apart, from the counts of its bins.

* AUC alone: every row scored by the default rate of its bin, ties counting half, so it needs no direction and no order
  of levels; a missing value is a bin like any other. Rates are learnt on one half of the rows and judged on the other:
  on the same rows, a category of fifty levels would look like a predictor by chance.
* Purest bin: the one that lies furthest from the default rate of all rows, beyond what chance explains.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from arrears.model.binning import BinnedCounts, FeaturePower, information_value, joined, target_rates

PURE_SHARE = 0.01  # a bin of fewer rows says little about a feature


class PureBin(NamedTuple):
    """The bin that lies furthest from the default rate of all rows, beyond what chance explains."""

    label: str
    share: float
    rate: float


def auc_alone(judged: BinnedCounts, learnt: BinnedCounts) -> float:
    """The chance that a defaulter lies in a bin of higher default rate than a good borrower.

    Args:
        judged: rows that the chance is taken over.
        learnt: rows that the default rates are taken from; one row of average rate is added to each bin.

    Returns:
        0.5 where either side lacks a class.
    """
    goods, defaulters = judged.outcomes
    known_goods, known_defaulters = learnt.outcomes
    known = known_goods.sum() + known_defaulters.sum()
    if not goods.sum() or not defaulters.sum() or not known:
        return 0.5
    average = known_defaulters.sum() / known
    rates = (known_defaulters + average) / (known_goods + known_defaulters + 1)
    _, place = np.unique(rates, return_inverse=True)
    bad, good = np.bincount(place, weights=defaulters), np.bincount(place, weights=goods)
    below = np.cumsum(good) - good
    return float((bad * (below + good / 2)).sum() / (bad.sum() * good.sum()))


def purest_bin(counts: BinnedCounts, *, least_share: float = PURE_SHARE) -> PureBin | None:
    """The bin furthest from the default rate of all rows, in log-odds of the nearer end of its interval.

    Taking the nearer end keeps small bins from looking pure by chance.

    Args:
        least_share: smallest share of the rows that a bin must hold.

    Returns:
        None where no bin holds so many rows, or all rows are of one class.
    """
    goods, defaulters = counts.outcomes
    total, bad = int((goods + defaulters).sum()), int(defaulters.sum())
    if not 0 < bad < total:
        return None
    found: tuple[float, PureBin] | None = None
    for label, rows, interval in zip(counts.bins.labels, counts.rows, target_rates(counts), strict=True):
        if rows == 0 or rows < least_share * total:
            continue
        nearer = min(max(bad / total, interval.low), interval.high)
        distance = abs(_logit(nearer) - _logit(bad / total))
        if found is None or distance > found[0]:
            found = distance, PureBin(label, rows / total, interval.rate)
    return found[1] if found else None


def feature_power(half: BinnedCounts, other: BinnedCounts) -> FeaturePower:
    """The power of one feature alone, from its counts in two halves of the rows dealt out by chance."""
    whole = joined(half, other)
    purest = purest_bin(whole) or PureBin("", 0.0, 0.0)
    return FeaturePower(
        name=whole.name,
        auc=(auc_alone(half, other) + auc_alone(other, half)) / 2,
        information_value=information_value(whole),
        purest_share=purest.share,
        purest_rate=purest.rate,
    )


def _logit(share: float) -> float:
    inside = min(max(share, 1e-9), 1 - 1e-9)
    return math.log(inside / (1 - inside))
