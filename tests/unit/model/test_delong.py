"""DeLong's intervals from sums equal the slow way over all pairs of rows, with ties and weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.model.metrics.delong import PlacementSums, auc_difference
from tests.sums_in_memory import rank_sums

Z = 1.959963984540054
few_scores = st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.7, 1.0])


def placements(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's structural components: of each defaulter and of each other, over all pairs (O(n²))."""
    bad, good = scores[labels == 1], scores[labels == 0]
    wins = (bad[:, None] > good[None, :]) + 0.5 * (bad[:, None] == good[None, :])
    return wins @ weights[labels == 0] / weights[labels == 0].sum(), weights[labels == 1] @ wins / weights[
        labels == 1
    ].sum()


def slow_variance(components: np.ndarray, weights: np.ndarray) -> float:
    """Of a weighted mean; with equal weights the sample variance over n."""
    mean, effective = np.average(components, weights=weights), weights.sum() ** 2 / (weights**2).sum()
    return float((weights**2 * (components - mean) ** 2).sum() / weights.sum() ** 2 * effective / (effective - 1))


def slow_interval(components: list[np.ndarray], value: float, labels: np.ndarray, weights: np.ndarray) -> list[float]:
    reach = Z * math.sqrt(sum(slow_variance(c, weights[labels == k]) for c, k in zip(components, (1, 0), strict=True)))
    return [value - reach, value + reach]


def drawn_columns(rows: list[tuple[float, ...]]) -> tuple[np.ndarray, ...] | None:
    columns = tuple(np.array(column) for column in zip(*rows, strict=True))
    return columns if 2 <= columns[-1].sum() <= len(rows) - 2 else None


@given(st.lists(st.tuples(few_scores, st.integers(0, 1)), min_size=4, max_size=50))
def test_interval_is_delongs_when_scores_tie(rows: list[tuple[float, int]]) -> None:
    if (drawn := drawn_columns(rows)) is None:
        return
    scores, labels = drawn
    ones = np.ones(len(rows))
    of_bad, of_good = placements(scores, labels, ones)
    variance = np.var(of_bad, ddof=1) / of_bad.size + np.var(of_good, ddof=1) / of_good.size
    sums = rank_sums(scores, labels)
    reach = Z * math.sqrt(variance)
    assert sums.auc == pytest.approx(of_bad.mean(), abs=1e-12)
    assert sums.auc_interval == pytest.approx((max(sums.auc - reach, 0), min(sums.auc + reach, 1)), abs=1e-9)


@given(st.lists(st.tuples(few_scores, st.sampled_from([0.3, 1.0, 4.0]), st.integers(0, 1)), min_size=4, max_size=50))
def test_interval_is_that_of_all_pairs_when_rows_have_weights(rows: list[tuple[float, float, int]]) -> None:
    if (drawn := drawn_columns(rows)) is None:
        return
    scores, weights, labels = drawn
    sums = rank_sums(scores, labels, weights)
    low, high = slow_interval(list(placements(scores, labels, weights)), sums.auc, labels, weights)
    assert sums.auc_interval == pytest.approx((max(low, 0), min(high, 1)), abs=1e-9)


@given(st.lists(st.tuples(few_scores, few_scores, st.integers(0, 1)), min_size=4, max_size=50))
def test_difference_of_two_models_has_the_paired_interval(rows: list[tuple[float, float, int]]) -> None:
    if (drawn := drawn_columns(rows)) is None:
        return
    ours, theirs, labels = drawn
    ones = np.ones(len(rows))
    pairs = list(zip(placements(ours, labels, ones), placements(theirs, labels, ones), strict=True))
    value = rank_sums(ours, labels).auc - rank_sums(theirs, labels).auc
    low, high = slow_interval([a - b for a, b in pairs], value, labels, ones)
    found = auc_difference(*(sums_of(a - b) for a, b in pairs))
    assert found == pytest.approx((value, max(low, -1), min(high, 1)), abs=1e-9)


def test_a_model_against_itself_differs_by_nothing() -> None:
    nothing = sums_of(np.zeros(5))
    assert auc_difference(nothing, nothing) == (0, 0, 0)


def test_interval_tells_nothing_when_one_borrower_defaulted() -> None:
    assert rank_sums([0.9, 0.1, 0.2], [1, 0, 0]).auc_interval == (0.0, 1.0)
    assert auc_difference(sums_of(np.array([0.5])), sums_of(np.array([0.1, 0.2])))[1:] == (-1.0, 1.0)


def test_interval_does_not_change_when_all_weights_are_doubled() -> None:
    scores, labels = np.array([0.1, 0.4, 0.4, 0.8, 0.3]), np.array([0, 1, 0, 1, 0])
    doubled = rank_sums(scores, labels, np.full(5, 2.0)).auc_interval
    assert doubled == pytest.approx(rank_sums(scores, labels).auc_interval, abs=1e-12)


def sums_of(components: np.ndarray) -> PlacementSums:
    count, total, quadratic = float(components.size), float(components.sum()), float((components**2).sum())
    return PlacementSums(count, count, total, total, quadratic)
