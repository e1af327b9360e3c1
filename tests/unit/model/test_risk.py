"""Risk categories: where the limits lie and who falls where."""

from __future__ import annotations

import numpy as np
import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.model.fitting.risk import risk_category, risk_limits


def test_borrower_on_a_limit_belongs_to_the_higher_risk() -> None:
    assert risk_category([0.39, 0.4, 0.69, 0.7, 1.0], (0.4, 0.7)).tolist() == [
        "LOW",
        "MEDIUM",
        "MEDIUM",
        "HIGH",
        "HIGH",
    ]


def test_nobody_is_medium_when_the_limits_are_equal() -> None:
    assert risk_category([0.1, 0.2, 0.3], (0.2, 0.2)).tolist() == ["LOW", "HIGH", "HIGH"]


def test_limits_are_the_scores_at_the_quantiles() -> None:
    assert risk_limits(list(np.linspace(0, 0.5, 1001)), (0.8, 0.95)) == pytest.approx((0.4, 0.475))


def test_limits_lie_between_grid_points_when_a_quantile_does() -> None:
    assert risk_limits([0.0, 1.0], (0.25, 0.75)) == pytest.approx((0.25, 0.75))


@pytest.mark.parametrize("quantiles", [(0.9,), (0.9, 0.8), (0.8, 1.2), (0.8, 0.8), (float("nan"), 0.5)])
def test_limits_are_refused_when_the_quantiles_are_not_two_rising_shares(quantiles: tuple[float, ...]) -> None:
    with pytest.raises(BadConfiguration, match="two rising numbers"):
        risk_limits([0.0, 1.0], quantiles)


@pytest.mark.parametrize("grid", [[], [0.2, 0.1], [0.1, float("nan")]])
def test_limits_are_refused_when_the_grid_does_not_rise(grid: list[float]) -> None:
    with pytest.raises(BadConfiguration, match="quantile grid"):
        risk_limits(grid, (0.8, 0.95))


@pytest.mark.parametrize("limits", [(0.7, 0.4), (0.4,), (0.4, float("nan"))])
def test_categories_are_refused_when_the_limits_do_not_rise(limits: tuple[float, ...]) -> None:
    with pytest.raises(BadConfiguration, match="risk limits"):
        risk_category([0.5], limits)


def test_category_of_a_missing_probability_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 default probabilities"):
        risk_category([0.5, float("nan")], (0.4, 0.7))
