"""Fitted calibrations equal scikit-learn's, come true, and never turn the order of borrowers round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from arrears.contracts.errors import BadInput
from arrears.model.fitting.calibration import Calibration
from arrears.model.fitting.calibration_fits import fitted_isotonic, fitted_platt

EVERYWHERE = np.linspace(0.0, 1.0, 101)
counts_by_score = st.dictionaries(
    st.floats(0.001, 0.999).map(lambda score: round(score, 3)),
    st.tuples(st.integers(0, 20), st.integers(0, 20)),
    min_size=1,
    max_size=30,
)


def counted(counts: dict[float, tuple[int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    scores = np.array(list(counts))
    defaults, others = np.array(list(counts.values()), dtype=float).T
    return (scores, defaults, others) if defaults.sum() and others.sum() else None


def sklearn_platt(scores: np.ndarray, defaults: np.ndarray, others: np.ndarray) -> LogisticRegression:
    """Each row once as a default and once not, weighted by its smoothed target."""
    log_odds = np.log(scores / (1 - scores))
    high, low = (defaults.sum() + 1) / (defaults.sum() + 2), 1 / (others.sum() + 2)
    ones = defaults * high + others * low
    rows, labels = np.tile(log_odds, 2)[:, None], np.repeat([1, 0], scores.size)
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    return model.fit(rows, labels, sample_weight=np.r_[ones, defaults + others - ones])


@pytest.mark.parametrize("seed", range(5))
def test_platt_equals_scikit_learn_on_smoothed_targets(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.beta(1, 8, 400).round(2).clip(0.005, 0.995)
    came = random.random(400) < 1 / (1 + np.exp(-(0.3 + 0.6 * np.log(scores / (1 - scores)))))
    distinct, place = np.unique(scores, return_inverse=True)
    found = fitted_platt(distinct, *(np.bincount(place, weights=labels) for labels in (came, ~came)))
    expected = sklearn_platt(scores, came.astype(float), (~came).astype(float))
    assert (found.slope, found.intercept) == pytest.approx((expected.coef_[0, 0], expected.intercept_[0]), abs=1e-6)


def test_platt_stays_finite_when_scores_part_the_classes() -> None:
    found = fitted_platt([0.1, 0.2, 0.8, 0.9], [0, 0, 5, 5], [5, 5, 0, 0])
    expected = sklearn_platt(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 5.0, 5]), np.array([5.0, 5, 0, 0]))
    assert (found.slope, found.intercept) == pytest.approx((expected.coef_[0, 0], expected.intercept_[0]), abs=1e-6)


def test_platt_finds_the_line_that_made_the_outcomes() -> None:
    scores = np.linspace(0.01, 0.99, 99)
    true = Calibration("platt", slope=0.5, intercept=-1.0).apply(scores)
    found = fitted_platt(scores, 1e7 * true, 1e7 * (1 - true))
    assert (found.slope, found.intercept) == pytest.approx((0.5, -1.0), abs=1e-5)


def test_platt_is_flat_when_outcomes_fall_as_scores_rise() -> None:
    found = fitted_platt([0.1, 0.9], [80, 20], [20, 80])
    assert found.slope == 0
    assert found.apply(np.array([0.0, 0.1, 0.9, 1.0])) == pytest.approx([0.5] * 4)


@pytest.mark.parametrize(
    ("scores", "defaults", "others"),
    [
        ([1.4e-4, 0.0932], [9_388_511, 7_613_649], [0, 8_071_405]),
        ([2.50364497e-16, 0.01669221], [4_636_591, 7_311_633], [0, 3_656_409]),
        ([0.64, 7.7e-07, 6.76e-07, 2.48e-08], [186_817, 0, 253_711, 312_819], [243_128, 0, 0, 0]),
    ],
)
def test_platt_is_found_when_millions_defaulted_against_their_scores(
    scores: list[float], defaults: list[int], others: list[int]
) -> None:
    found = fitted_platt(scores, defaults, others)
    promised = found.apply(np.array(scores)) @ (np.array(defaults) + others)
    assert found.slope >= 0
    assert promised == pytest.approx(sum(defaults), rel=1e-6)


def test_platt_moves_the_mean_when_all_scores_are_equal() -> None:
    found = fitted_platt([0.5], [200_000], [600_000])
    assert found.apply(np.array([0.5])) == pytest.approx([0.25], abs=1e-5)


def test_platt_takes_scores_of_0_and_1() -> None:
    found = fitted_platt([0.0, 0.5, 1.0], [0, 5, 9], [9, 5, 0])
    assert np.isfinite([found.slope, found.intercept]).all()


@settings(max_examples=60)
@given(counts_by_score)
def test_isotonic_equals_scikit_learn_between_and_beyond_the_scores(counts: dict[float, tuple[int, int]]) -> None:
    if (given_counts := counted(counts)) is None:
        return
    scores, defaults, others = given_counts
    present = defaults + others > 0
    weights = (defaults + others)[present]
    model = IsotonicRegression(out_of_bounds="clip")
    model.fit(scores[present], defaults[present] / weights, sample_weight=weights)
    found = fitted_isotonic(*given_counts)
    assert found.apply(EVERYWHERE) == pytest.approx(model.predict(EVERYWHERE), abs=1e-9)


@settings(max_examples=60)
@given(counts_by_score, st.sampled_from([fitted_platt, fitted_isotonic]))
def test_order_never_turns_round_and_the_mean_is_met(counts: dict[float, tuple[int, int]], fit: object) -> None:
    if (given_counts := counted(counts)) is None:
        return
    scores, defaults, others = given_counts
    calibrated = fit(*given_counts).apply(EVERYWHERE)  # type: ignore[operator]
    assert (np.diff(calibrated) >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    if fit is fitted_isotonic:
        promised = fit(*given_counts).apply(scores) @ (defaults + others)
        assert promised == pytest.approx(defaults.sum(), abs=1e-6)


def test_isotonic_keeps_the_corners_alone() -> None:
    found = fitted_isotonic([0.1, 0.2, 0.3, 0.4, 0.5], [3, 2, 1, 8, 9], [7, 8, 9, 2, 1])
    assert found.scores == (0.1, 0.3, 0.4, 0.5)
    assert found.values == pytest.approx((0.2, 0.2, 0.8, 0.9))


@pytest.mark.parametrize("fit", [fitted_platt, fitted_isotonic])
def test_calibration_is_refused_when_a_class_is_missing(fit: object) -> None:
    with pytest.raises(BadInput, match="0 defaults and 7 others"):
        fit([0.2, 0.3], [0, 0], [3, 4])  # type: ignore[operator]
