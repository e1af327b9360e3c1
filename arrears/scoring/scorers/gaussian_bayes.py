"""Naive Bayes on real numbers: each input follows a normal distribution within each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.plain_tables import checked, column, in_hundred, sigmoid

Pair = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class GaussianBayes:
    """A Gaussian naive Bayes model. Pairs hold non-defaults, then defaults.

    Attributes:
        log_shares: logarithm of the share of each class in training.
        means, variances: of each input within each class.
        fills: what a missing input counts as: its mean in training.
    """

    log_shares: tuple[float, float]
    means: Pair
    variances: Pair
    fills: tuple[float, ...]

    def __post_init__(self) -> None:
        if {len(values) for values in (*self.means, *self.variances)} != {len(self.fills)}:
            raise ValueError("means, variances and fills are not of one length")

    def log_odds(self, inputs: Any) -> Numbers:
        """The log-odds of default of each row."""
        checked(inputs, len(self.fills))
        total = np.full(len(inputs), self.log_shares[1] - self.log_shares[0])
        for number in range(len(self.fills)):
            total += self._evidence(inputs, number)
        return total

    def estimates(self, inputs: Any) -> Numbers:
        """The default probability of each row."""
        return sigmoid(self.log_odds(inputs))

    def contributions(self, inputs: Any) -> Numbers:
        """An input's log-likelihood ratio less its mean in training: exact, for the log-odds are a sum of them."""
        checked(inputs, len(self.fills))
        usual = self._usual_evidence()
        contributions = np.empty((len(inputs), len(self.fills) + 1))
        for number, mean in enumerate(usual):
            contributions[:, number] = self._evidence(inputs, number) - mean
        contributions[:, -1] = self.log_shares[1] - self.log_shares[0] + usual.sum()
        return contributions

    def importance(self) -> tuple[float, ...]:
        """How far the two classes lie apart on each input (Jeffreys' divergence of their distributions)."""
        return in_hundred(self._mean_evidence(1) - self._mean_evidence(0))

    def _evidence(self, inputs: Any, number: int) -> Numbers:
        """The logarithm of how much likelier the input's value is among defaults."""
        values = column(inputs, number, self.fills[number])
        (good, bad), (spread, bad_spread) = ((of[0][number], of[1][number]) for of in (self.means, self.variances))
        near_good, near_bad = (values - good) ** 2 / spread, (values - bad) ** 2 / bad_spread
        ratio: Numbers = 0.5 * (near_good - near_bad) + 0.5 * (np.log(spread) - np.log(bad_spread))
        return ratio

    def _mean_evidence(self, label: int) -> Numbers:
        """The expected evidence of each input within a class."""
        means, variances = np.asarray(self.means), np.asarray(self.variances)
        # E (x - m)^2 = variance + (mean - m)^2
        near_good, near_bad = (variances[label] + (means[label] - means) ** 2) / variances
        evidence: Numbers = 0.5 * (near_good - near_bad) + 0.5 * (np.log(variances[0]) - np.log(variances[1]))
        return evidence

    def _usual_evidence(self) -> Numbers:
        shares = np.exp(self.log_shares)
        evidence: Numbers = shares[0] * self._mean_evidence(0) + shares[1] * self._mean_evidence(1)
        return evidence

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> GaussianBayes:
        """Reads a model from its JSON content."""
        good, bad = map(float, content["log_shares"])
        return cls(
            (good, bad), _pair(content["means"]), _pair(content["variances"]), tuple(map(float, content["fills"]))
        )


def _pair(classes: list[list[float]]) -> Pair:
    good, bad = (tuple(map(float, values)) for values in classes)
    return good, bad
