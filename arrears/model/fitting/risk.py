"""Which borrowers are a low, medium or high risk: two limits on the default probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrears.contracts.errors import BadConfiguration

CATEGORIES = ("LOW", "MEDIUM", "HIGH")


def risk_limits(quantile_grid: Sequence[float], quantiles: Sequence[float]) -> tuple[float, float]:
    """Turns shares of borrowers (such as 0.8 and 0.95) into probabilities, from the scores of the training set.

    Args:
        quantile_grid: rising scores at equal steps from 0 to 100 % of the borrowers, interpolated linearly.
        quantiles: two rising numbers in [0, 1].

    Raises:
        BadConfiguration: an empty or falling grid, or quantiles that are not two rising shares.
    """
    grid = np.asarray(quantile_grid, dtype=np.float64)
    problems = []
    if grid.size == 0 or not np.isfinite(grid).all() or (np.diff(grid) < 0).any():
        problems.append("the quantile grid must be rising numbers: train the model again")
    if len(quantiles) != 2 or not 0 <= quantiles[0] < quantiles[1] <= 1:
        problems.append(f"risk quantiles must be two rising numbers between 0 and 1, not {tuple(quantiles)}")
    if problems:
        raise BadConfiguration(*problems)
    low, high = np.interp(quantiles, np.linspace(0, 1, grid.size), grid)
    return float(low), float(high)


def risk_category(probability: ArrayLike, limits: Sequence[float]) -> NDArray[np.str_]:
    """Names each borrower's risk: LOW below the first limit, HIGH from the second on, MEDIUM between.

    Args:
        probability: default probabilities, of any shape.
        limits: two probabilities, not falling. Where they are equal nobody is MEDIUM.

    Raises:
        BadConfiguration: limits that are not two numbers in order.
        ValueError: a probability that is not a number, which is a bug upstream, because scores are checked.
    """
    if len(limits) != 2 or not limits[0] <= limits[1]:
        raise BadConfiguration(f"risk limits must be two rising numbers, not {tuple(limits)}")
    scores = np.asarray(probability, dtype=np.float64)
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} default probabilities are not numbers")
    return np.array(CATEGORIES)[np.searchsorted(np.asarray(limits, dtype=np.float64), scores, side="right")]
