"""Logistic regression as a formula: log-odds = intercept + coefficients · inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.plain_tables import checked, column, in_hundred, sigmoid


@dataclass(frozen=True)
class LinearModel:
    """A logistic regression.

    Attributes:
        coefficients: log-odds of default by unit of each input.
        means, deviations: of the inputs on the training rows. A missing input counts as its mean.
    """

    coefficients: tuple[float, ...]
    intercept: float
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.coefficients) == len(self.means) == len(self.deviations):
            raise ValueError("coefficients, means and deviations are not of one length")

    def log_odds(self, inputs: Any) -> Numbers:
        """The log-odds of default of each row."""
        checked(inputs, len(self.means))
        total = np.full(len(inputs), self.intercept)
        # Column by column: the last bit of a matrix product depends on how many rows there are.
        for number, (coefficient, mean) in enumerate(zip(self.coefficients, self.means, strict=True)):
            if coefficient:
                total += coefficient * column(inputs, number, mean)
        return total

    def estimates(self, inputs: Any) -> Numbers:
        """The default probability of each row."""
        return sigmoid(self.log_odds(inputs))

    def contributions(self, inputs: Any) -> Numbers:
        """Coefficient times distance from the mean: the exact SHAP values of a linear model (Lundberg and Lee 2017)."""
        checked(inputs, len(self.means))
        contributions = np.empty((len(inputs), len(self.means) + 1))
        base = self.intercept
        for number, (coefficient, mean) in enumerate(zip(self.coefficients, self.means, strict=True)):
            contributions[:, number] = coefficient * (column(inputs, number, mean) - mean)
            base += coefficient * mean
        contributions[:, -1] = base
        return contributions

    def importance(self) -> tuple[float, ...]:
        """What one standard deviation of each input moves the log-odds."""
        return in_hundred(np.abs(self.coefficients) * np.asarray(self.deviations))

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> LinearModel:
        """Reads a model from its JSON content."""
        coefficients, means, deviations = (
            tuple(map(float, content[name])) for name in ("coefficients", "means", "deviations")
        )
        return cls(coefficients, float(content["intercept"]), means, deviations)
