"""Loss as a formula: link(loss) = intercept + coefficients · inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.linear import LinearModel
from arrears.scoring.scorers.plain_tables import sigmoid


@dataclass(frozen=True)
class LinearLoss(LinearModel):
    """A (generalised) linear model of a loss.

    Attributes:
        coefficients: on the scale of the link, by unit of each input.
        link_power: of the power link (McCullagh and Nelder 1989): 1 is the loss itself, 0 its logarithm, -1 its
            inverse. None is the logit.
    """

    link_power: float | None = 1.0

    def estimates(self, inputs: Any) -> Numbers:
        """The expected loss of each row."""
        linear = self.log_odds(inputs)
        if self.link_power is None:
            return sigmoid(linear)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            losses: Numbers = np.exp(linear) if self.link_power == 0 else np.power(linear, 1.0 / self.link_power)
        return losses

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> LinearLoss:
        """Reads a model from its JSON content."""
        formula, power = LinearModel.from_dict(content), content["link_power"]
        return cls(**vars(formula), link_power=None if power is None else float(power))
