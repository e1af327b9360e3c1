"""Turns a model's scores into calibrated probabilities: of 100 borrowers at 10 %, ten default.

* ``prior``: a shift of the log-odds that undoes resampling or class weights, whose effect is known exactly
  (King and Zeng 2001, "Logistic Regression in Rare Events Data", section 4.1).
* ``platt``: a straight line in log-odds (Platt 1999), fitted on a slice that nothing else has seen.
* ``isotonic``: the rising step function nearest to the outcomes (Zadrozny and Elkan 2002), on such a slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """A fitted calibration, as plain numbers that are stored in the model's document.

    Attributes:
        slope, intercept: of the line in log-odds (``prior`` and ``platt``).
        scores, values: what a score becomes (``isotonic``). Rising, linear between two, flat beyond the ends.
    """

    kind: Literal["prior", "platt", "isotonic"]
    slope: float = 1.0
    intercept: float = 0.0
    scores: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def apply(self, probabilities: Probabilities) -> Probabilities:
        """The calibrated probability of each score. The order of borrowers is never reversed."""
        if self.kind == "isotonic":
            return np.interp(probabilities, self.scores, self.values)
        if self.slope == 0:
            return np.full_like(probabilities, 1.0 / (1.0 + np.exp(-self.intercept)))
        with np.errstate(divide="ignore", over="ignore"):
            log_odds = np.log(probabilities) - np.log1p(-probabilities)
            calibrated: Probabilities = 1.0 / (1.0 + np.exp(-(self.slope * log_odds + self.intercept)))
        return calibrated

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Calibration:
        """Reads a calibration from its JSON content."""
        return cls(**{**content, "scores": tuple(content["scores"]), "values": tuple(content["values"])})
