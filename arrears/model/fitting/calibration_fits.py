"""Fits a calibration to outcomes: how many borrowers of each score defaulted and how many did not.

* Platt's line in log-odds by Newton's method, with his smoothed targets (Platt 1999; Lin, Lin and Weng 2007), which
  keep it finite where scores separate the classes.
* Isotonic regression by pooling adjacent violators, from scipy.

Neither ever reverses the order of borrowers: where outcomes fall as scores rise, the line lies flat.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit

from arrears.contracts.errors import BadInput
from arrears.model.fitting.calibration import Calibration
from arrears.model.metrics.default_metrics import PROBABILITY_CLIP

Floats = NDArray[np.float64]

_MOST_STEPS = 100
_CONVERGED = 1e-12  # of the gradient, a borrower
_FLAT = 1e-12
_RIDGE = 1e-12  # Lin, Lin and Weng's: keeps Newton's matrix from being singular where one score decides alone


def fitted_platt(scores: ArrayLike, defaults: ArrayLike, others: ArrayLike) -> Calibration:
    """The line in log-odds that makes scores most likely to have led to the outcomes.

    Equal to scikit-learn's ``LogisticRegression(C=inf)`` on the log-odds and the smoothed targets.

    Args:
        scores: probabilities, shape (n,).
        defaults, others: (weighted) borrowers of each score who defaulted, and who did not, shape (n,).

    Raises:
        BadInput: one class is missing.
    """
    score, bad, good = _checked(scores, defaults, others)
    clipped = np.clip(score, PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)
    log_odds = np.log(clipped) - np.log1p(-clipped)
    smoothed = bad * (bad.sum() + 1) / (bad.sum() + 2) + good / (good.sum() + 2)
    slope, intercept = _newton(log_odds, smoothed, bad + good)
    if slope <= 0:
        share = smoothed.sum() / (bad.sum() + good.sum())
        slope, intercept = 0.0, float(np.log(share / (1 - share)))
    return Calibration("platt", slope=slope, intercept=intercept)


def fitted_isotonic(scores: ArrayLike, defaults: ArrayLike, others: ArrayLike) -> Calibration:
    """The rising step function nearest to the outcomes, as its corners.

    Equal to scikit-learn's ``IsotonicRegression(out_of_bounds="clip")``.

    Args:
        scores: distinct probabilities, any order, shape (n,).
        defaults, others: (weighted) borrowers of each score who defaulted, and who did not, shape (n,).

    Raises:
        BadInput: one class is missing.
    """
    score, bad, good = _checked(scores, defaults, others)
    order = np.argsort(score)
    weight = (bad + good)[order]
    values = isotonic_regression(bad[order] / weight, weights=weight).x
    # Inside a step the line between its two ends is the step itself.
    is_corner = np.r_[True, (np.diff(values[:-1]) != 0) | (np.diff(values[1:]) != 0), True][: values.size]
    return Calibration(
        "isotonic", scores=tuple(score[order][is_corner].tolist()), values=tuple(values[is_corner].tolist())
    )


def _checked(scores: ArrayLike, defaults: ArrayLike, others: ArrayLike) -> tuple[Floats, Floats, Floats]:
    score, bad, good = (np.asarray(column, dtype=np.float64) for column in (scores, defaults, others))
    if not bad.sum() or not good.sum():
        raise BadInput(
            f"a calibration needs both classes, and its slice has {bad.sum():g} defaults and {good.sum():g} others: "
            "keep back more rows for it, or train without calibration"
        )
    counted = bad + good > 0
    return score[counted], bad[counted], good[counted]


def _newton(log_odds: Floats, targets: Floats, weights: Floats) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of (weighted, fractional) targets on log-odds."""
    centre = float((weights * log_odds).sum() / weights.sum())
    moved = log_odds - centre  # slope and intercept are then nearly independent, which keeps the steps exact
    slope, intercept = 1.0, centre
    loss = _loss(slope * moved + intercept, targets, weights)
    for _ in range(_MOST_STEPS):
        chance = expit(slope * moved + intercept)
        errors, spread = weights * chance - targets, weights * chance * (1 - chance)
        gradient = np.array([(errors * moved).sum(), errors.sum()])
        if np.abs(gradient).max() <= _CONVERGED * weights.sum():
            break
        across = (spread * moved).sum()
        curvature = np.array([[(spread * moved * moved).sum(), across], [across, spread.sum()]])
        # Of many borrowers a fixed ridge would be rounded off.
        curvature += _RIDGE * max(1.0, curvature.max()) * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        # Far from the end a whole step may overshoot; near it, the loss can no longer tell better from worse.
        while (new_loss := _loss((slope - step[0]) * moved + intercept - step[1], targets, weights)) > loss * (
            1 + _FLAT
        ):
            step /= 2
        slope, intercept, loss = slope - step[0], intercept - step[1], new_loss
    return float(slope), float(intercept - slope * centre)


def _loss(line: Floats, targets: Floats, weights: Floats) -> float:
    return float((weights * np.logaddexp(0.0, line) - targets * line).sum())
