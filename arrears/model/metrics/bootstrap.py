"""How sure an AUC is: many bootstrap replicates in one pass over rows that arrive in rising order of score.

A row enters a replicate as often as a Poisson(1) draw says (Hanley and MacGibbon 2006, "Creating non-parametric
bootstrap samples using Poisson frequencies"). The draw is a function of the row's hash and the replicate's number
alone: the same replicates on any number of partitions, on any cluster, and no row is copied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from arrears.contracts.errors import BadInput

Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]

INTERVAL_PERCENTILES = (2.5, 97.5)
# Weights of one block stay near 16 MB whatever the number of replicates.
CELLS_PER_BLOCK = 2_000_000


def _poisson_limits() -> Hashes:
    """Limits between the draws 0, 1, 2, … on the scale of a 64-bit hash."""
    chances = np.cumsum([math.exp(-1) / math.factorial(k) for k in range(20)])
    return np.array([int(chance * 2**64) for chance in chances if int(chance * 2**64) < 2**64], dtype=np.uint64)


_POISSON_LIMITS = _poisson_limits()


def poisson_weights(row_hashes: Hashes, replicates: int) -> Floats:
    """How often each row counts in each replicate: independent Poisson draws with mean 1.

    Each draw hashes (row hash, replicate number) with the finaliser of SplitMix64 (Steele, Lea and Flood 2014).

    Args:
        row_hashes: well-mixed 64-bit hashes of the rows' ids and the seed, shape (n,).
        replicates: how many replicates.

    Returns:
        Whole numbers as float64, shape (replicates, n).
    """
    numbers = np.arange(1, replicates + 1, dtype=np.uint64)[:, None]
    mixed = row_hashes[None, :] + numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    draws: Floats = np.searchsorted(_POISSON_LIMITS, mixed, side="right").astype(np.float64)
    return draws


class RunningAreas:
    """AUC numerators of many replicates, fed with rows in rising order of score. Memory does not grow with the rows.

    Attributes:
        positives, negatives: weighted defaulters and non-defaulters so far, per replicate.
        areas: weighted pairs ranked rightly so far, ties counting half, per replicate.

    A group of equal scores may be spread over calls, so the last one stays open until a higher score or ``close``.
    """

    def __init__(self, replicates: int) -> None:
        self.replicates = replicates
        self.positives, self.negatives, self.areas = (np.zeros(replicates) for _ in range(3))
        self._open_score: float | None = None
        self._open_positives, self._open_negatives = np.zeros(replicates), np.zeros(replicates)

    def add(
        self, scores: Floats, is_default: NDArray[np.int64], row_hashes: Hashes, weights: Floats | None = None
    ) -> None:
        """Takes the next rows, all of shape (n,), scores not below earlier ones. Without weights each counts once."""
        step = max(1, CELLS_PER_BLOCK // self.replicates)
        counted = np.ones_like(scores) if weights is None else weights
        for start in range(0, scores.size, step):
            rows = slice(start, start + step)
            self._add_block(scores[rows], is_default[rows] == 1, row_hashes[rows], counted[rows])

    def close(self) -> None:
        """Counts the last group of equal scores. Nothing may be added afterwards."""
        self._count(self._open_positives[:, None], self._open_negatives[:, None])
        self._open_score = None

    def _add_block(self, scores: Floats, defaulted: NDArray[np.bool_], row_hashes: Hashes, counted: Floats) -> None:
        weights = poisson_weights(row_hashes, self.replicates) * counted
        group_starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])
        positives = np.add.reduceat(weights * defaulted, group_starts, axis=1)
        negatives = np.add.reduceat(weights * ~defaulted, group_starts, axis=1)
        if self._open_score == scores[0]:
            positives[:, 0] += self._open_positives
            negatives[:, 0] += self._open_negatives
        elif self._open_score is not None:
            self._count(self._open_positives[:, None], self._open_negatives[:, None])
        self._count(positives[:, :-1], negatives[:, :-1])
        self._open_score = float(scores[-1])
        self._open_positives, self._open_negatives = positives[:, -1].copy(), negatives[:, -1].copy()

    def _count(self, positives: Floats, negatives: Floats) -> None:
        """Closed groups in rising order of score, shape (replicates, groups)."""
        below = self.negatives[:, None] + np.cumsum(negatives, axis=1) - negatives
        self.areas += (positives * (below + negatives / 2)).sum(axis=1)
        self.positives += positives.sum(axis=1)
        self.negatives += negatives.sum(axis=1)


def joined_aucs(positives: Floats, negatives: Floats, areas: Floats) -> Floats:
    """AUC of each replicate, from the totals of score ranges that follow one another.

    Args:
        positives, negatives, areas: totals of each range in rising order of score, shape (ranges, replicates).

    Returns:
        Shape (replicates,). NaN where a replicate holds one class only.
    """
    negatives_below = np.cumsum(negatives, axis=0) - negatives
    pairs = positives.sum(axis=0) * negatives.sum(axis=0)
    ranked = (areas + positives * negatives_below).sum(axis=0)
    aucs: Floats = np.divide(ranked, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return aucs


def percentile_interval(replicates: Sequence[float] | Floats) -> tuple[float, float]:
    """The range that holds the middle 95 % of a metric's bootstrap replicates.

    Percentile bootstrap (Efron and Tibshirani 1993, chapter 13). Replicates that lack a class are NaN and left out.

    Raises:
        BadInput: no replicate has both classes: there are too few defaulters for an interval.
    """
    values = np.asarray(replicates, dtype=np.float64)
    values = values[~np.isnan(values)]
    if values.size == 0:
        raise BadInput("no bootstrap replicate holds both classes: hold out more rows or ask for more replicates")
    low, high = np.percentile(values, INTERVAL_PERCENTILES)
    return float(low), float(high)
