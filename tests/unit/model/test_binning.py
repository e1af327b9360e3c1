"""What bins tell equals hand formulas, scipy and scikit-learn on the same rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from arrears.model.features.binning import (
    BinnedCounts,
    Bins,
    information_value,
    joined,
    number_bins,
    quantile_edges,
    stability_index,
    target_rates,
    weights_of_evidence,
    wilson_interval,
)
from arrears.model.features.information_value import auc_alone, feature_power, riskiest_group

NUMBERS = st.one_of(st.integers(-3, 3).map(float), st.floats(width=32), st.just(math.nan))


def counts(rows: list[int], defaults: list[int] | None = None) -> BinnedCounts:
    """Counts of a number with so many bins, the last one for missing values."""
    bins = Bins("income", tuple(float(edge) for edge in range(len(rows) - 2)))
    return BinnedCounts(bins, tuple(rows), None if defaults is None else tuple(defaults))


@st.composite
def labelled(draw: st.DrawFn, size: int = 5) -> BinnedCounts:
    rows = draw(st.lists(st.integers(0, 40), min_size=size, max_size=size))
    return counts(rows, [draw(st.integers(0, n)) for n in rows])


def as_rows(found: BinnedCounts) -> tuple[np.ndarray, np.ndarray]:
    """Bin and label of every row."""
    goods, bads = found.outcomes
    places = np.arange(len(goods))
    return np.r_[np.repeat(places, goods), np.repeat(places, bads)], np.r_[[0] * sum(goods), [1] * sum(bads)]


@given(st.lists(NUMBERS, max_size=60), st.integers(2, 8))
def test_every_value_lies_between_the_limits_of_its_bin_and_missing_ones_in_the_last(
    values: list[float], bins: int
) -> None:
    edges = quantile_edges(values, bins)
    assert list(edges) == sorted(set(edges))
    assert len(edges) < bins
    for value, place in zip(values, number_bins(np.array(values), edges), strict=True):
        if math.isnan(value):
            assert place == len(edges) + 1
        else:
            assert place == sum(edge < value for edge in edges)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=80), st.integers(2, 8))
def test_limits_are_exact_quantiles_and_a_bin_of_several_values_holds_at_most_two_shares(
    values: list[int], bins: int
) -> None:
    edges = quantile_edges(values, bins)
    assert set(edges) <= set(map(float, values))
    placed = number_bins(np.array(values, float), edges)
    for place in set(placed):
        inside = np.array(values)[placed == place]
        assert len(set(inside)) == 1 or inside.size <= 2 * math.ceil(len(values) / bins)


def test_a_feature_of_few_values_has_a_bin_for_each() -> None:
    assert quantile_edges([2, 0, 1, 1, 0, math.nan], 10) == (0.0, 1.0)
    assert quantile_edges([7, 7], 10) == quantile_edges([], 10) == ()


@pytest.mark.parametrize("heavy", [0.0, 50.0, 99.0])
def test_a_value_that_most_rows_have_gets_a_bin_of_its_own(heavy: float) -> None:
    values = [*np.arange(0.0, 100.0), *[heavy] * 2000]
    edges = quantile_edges(values, 20)
    placed = number_bins(np.array([heavy - 1, heavy, heavy + 1]), edges)
    assert len(set(placed[:2])) == (1 if heavy == 0.0 else 2)
    assert len(set(placed[1:])) == (1 if heavy == 99.0 else 2)


@given(st.integers(1, 400), st.data())
def test_the_interval_of_a_rate_is_wilsons(rows: int, data: st.DataObject) -> None:
    defaults = data.draw(st.integers(0, rows))
    expected = binomtest(defaults, rows).proportion_ci(0.95, method="wilson")
    found = wilson_interval(defaults, rows)
    assert found == pytest.approx((defaults / rows, expected.low, expected.high), abs=1e-12)
    assert found.low <= found.rate <= found.high


def test_an_empty_bin_may_have_any_rate() -> None:
    assert target_rates(counts([0, 4, 0], [0, 1, 0]))[0] == (0.0, 0.0, 1.0)


def test_weights_of_evidence_and_information_value_equal_the_formula_by_hand() -> None:
    found = counts([100, 200, 100], [10, 10, 20])  # 360 good, 40 bad
    by_hand = [math.log((90 / 360) / (10 / 40)), math.log((190 / 360) / (10 / 40)), math.log((80 / 360) / (20 / 40))]
    assert weights_of_evidence(found) == pytest.approx(by_hand, abs=1e-12)
    shares = [90 / 360 - 10 / 40, 190 / 360 - 10 / 40, 80 / 360 - 20 / 40]
    assert information_value(found) == pytest.approx(sum(s * w for s, w in zip(shares, by_hand, strict=True)))


def test_a_bin_without_defaulters_counts_half_of_one() -> None:
    weight = weights_of_evidence(counts([50, 60, 0], [0, 10, 0]))
    assert weight == pytest.approx([math.log((50 / 100) / (0.5 / 10)), math.log((50 / 100) / (10 / 10)), 0.0])


@given(labelled())
def test_information_value_is_never_negative_or_infinite(found: BinnedCounts) -> None:
    # Only the half row of an empty cell can pull one bin's part below 0, and only where the other class is as rare.
    assert math.isfinite(information_value(found))
    goods, bads = found.outcomes
    if goods.all() and bads.all():
        assert information_value(found) >= -1e-12


def test_without_one_class_there_is_no_evidence() -> None:
    assert weights_of_evidence(counts([5, 5, 0], [0, 0, 0])) == [0.0, 0.0, 0.0]
    assert information_value(counts([5, 5, 0], [5, 5, 0])) == 0.0


def test_stability_index_equals_the_formula_by_hand() -> None:
    before, after = counts([50, 30, 20]), counts([30, 30, 40])
    by_hand = (0.3 - 0.5) * math.log(0.3 / 0.5) + (0.4 - 0.2) * math.log(0.4 / 0.2)
    assert stability_index(before, after) == pytest.approx(by_hand, abs=1e-12)
    assert stability_index(after, before) == pytest.approx(by_hand, abs=1e-12)
    assert stability_index(before, before) == 0.0
    assert stability_index(before, counts([0, 0, 0])) == 0.0


def test_counts_in_different_bins_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different bins"):
        stability_index(counts([1, 1]), counts([1, 1, 1]))
    with pytest.raises(ValueError, match="different bins"):
        joined(counts([1, 1]), counts([1, 1, 1]))


def test_rows_without_a_label_tell_nothing_about_default() -> None:
    with pytest.raises(ValueError, match="no label"):
        information_value(counts([5, 5]))


@given(labelled(), labelled())
def test_auc_alone_is_that_of_the_learnt_rates_as_scores(judged: BinnedCounts, learnt: BinnedCounts) -> None:
    places, labels = as_rows(judged)
    goods, bads = learnt.outcomes
    if not 0 < labels.sum() < labels.size or not (goods + bads).sum():
        assert auc_alone(judged, learnt) == 0.5
        return
    average = bads.sum() / (goods + bads).sum()
    scores = ((bads + average) / (goods + bads + 1))[places]
    assert auc_alone(judged, learnt) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_a_feature_that_is_the_outcome_has_full_power_in_either_direction() -> None:
    for leak in ([0, 30, 0], [30, 0, 0]):
        power = feature_power(counts([30, 30, 0], leak), counts([30, 30, 0], leak))
        assert power.auc == 1.0
        assert power.purest_share == 0.5


def test_missing_values_that_default_give_a_feature_power() -> None:
    half = counts([50, 50, 20], [0, 0, 20])
    assert feature_power(half, half).auc == 1.0
    group = riskiest_group(half)
    assert (group.name, group.share, group.rate) == ("missing", pytest.approx(1 / 6), 1.0)
    assert group.low == wilson_interval(20, 20).low


def test_noise_of_many_levels_has_no_power_alone() -> None:
    random = np.random.default_rng(3)
    bins = Bins("state", levels=tuple(f"s{n}" for n in range(50)))
    halves = []
    for _ in range(2):
        level, label = random.integers(0, 50, 600), random.random(600) < 0.2
        rows = np.bincount(level, minlength=52)
        halves.append(BinnedCounts(bins, tuple(rows), tuple(np.bincount(level[label], minlength=52))))
    assert auc_alone(halves[0], halves[0]) > 0.65
    assert abs(feature_power(*halves).auc - 0.5) < 0.05


def test_the_riskiest_group_is_beyond_chance_and_never_hidden_by_a_safe_one() -> None:
    # Two of two default by chance; 900 rows without any default lie further from the average than 30 of 60.
    found = riskiest_group(counts([2, 900, 60, 400, 0], [2, 0, 30, 20, 0]))
    assert found[:3] == ("1 to 2", pytest.approx(60 / 1362), 0.5)
    assert riskiest_group(counts([0, 0, 0], [0, 0, 0])) == ("", 0.0, 0.0, 0.0)


def test_bins_are_named_by_their_limits() -> None:
    assert Bins("age", (20.0, 30.5)).labels == ("up to 20", "20 to 30.5", "above 30.5", "missing")
    assert Bins("age").labels == ("all values", "missing")
    assert Bins("state", levels=("NY",)).labels == ("NY", "other levels", "missing")
    assert Bins("state", levels=("NY",)).size == Bins("age", (1.0,)).size == 3


def test_limits_are_named_in_as_few_digits_as_tell_them_apart() -> None:
    scores = Bins("score", (0.0127713, 0.0159725, 0.123456))
    assert scores.labels[:3] == ("up to 0.0128", "0.0128 to 0.016", "0.016 to 0.123")
    assert Bins("income", (12345.6, 12399.4, 98765.0)).labels[0] == "up to 12346"
    assert Bins("close", (0.10001, 0.10002)).labels[0] == "up to 0.10001"


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9, unique=True))
def test_bins_of_different_limits_never_have_the_same_name(limits: list[float]) -> None:
    labels = Bins("x", tuple(sorted(limits))).labels
    assert len(set(labels)) == len(labels)


def test_joined_counts_are_those_of_all_rows() -> None:
    both = joined(counts([1, 2, 3], [0, 1, 1]), counts([4, 5, 6], [1, 1, 1]))
    assert (both.rows, both.defaults, both.missing_share) == ((5, 7, 9), (1, 2, 2), 9 / 21)
    assert joined(counts([1, 2]), counts([3, 4], [1, 1])).defaults is None
