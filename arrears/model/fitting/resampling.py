"""Rare defaults made to count more in training, and the exact way back to calibrated probabilities.

A default counts k times as much as it occurs: by a weight of k, by repeating it k times, or by keeping one in k of the
others. Each multiplies the odds that a model learns by k, whatever the features, so subtracting log(k) from the
log-odds undoes it (prior correction: King and Zeng 2001, "Logistic Regression in Rare Events Data", section 4.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.model.fitting.calibration import Calibration

ResamplingKind = Literal["none", "class_weights", "over", "under"]
BALANCED = 0.0


@dataclass(frozen=True)
class Resampling:
    """How rare defaults are made to count more.

    Attributes:
        factor: how many times as much a default counts in training as it occurs (k), more than 0.
    """

    kind: ResamplingKind = "none"
    factor: float = 1.0

    @property
    def class_weights(self) -> tuple[float, float]:
        """What a non-default and a default weigh in training. 1 and 1 where the rows themselves are resampled."""
        return (1.0, self.factor) if self.kind == "class_weights" else (1.0, 1.0)

    @property
    def changes_rows(self) -> bool:
        """Whether training rows are repeated or left out."""
        return self.kind in ("over", "under") and self.factor != 1.0

    @property
    def correction(self) -> Calibration | None:
        """The shift of the log-odds that undoes it exactly. None: there is nothing to undo."""
        if self.kind == "none" or self.factor == 1.0:
            return None
        return Calibration("prior", intercept=-math.log(self.factor))

    @property
    def stopping_weights(self) -> tuple[float, float]:
        """What a non-default and a default weigh on the validation slice, which stays as it came.

        Without them its log-loss would judge shifted probabilities by unshifted outcomes, and stop a training by the
        wrong measure: over-sampled tenfold, CatBoost then went on to its last tree.
        """
        return (1.0, self.factor) if self.changes_rows else (1.0, 1.0)


def resampling(kind: ResamplingKind, factor: float, *, non_defaults: int, defaults: int) -> Resampling:
    """The resampling that a configuration asks for, given how many training rows each class has.

    Args:
        factor: k. 0: the k with which both classes count alike.

    Raises:
        BadInput: the training rows hold one class only.
        BadConfiguration: repeating or leaving out rows by less than 1.
    """
    if kind == "none":
        return Resampling()
    if not (defaults and non_defaults):
        raise BadInput(
            f"{defaults} of {defaults + non_defaults} training rows are defaults: sampling needs both classes"
        )
    k = non_defaults / defaults if factor == BALANCED else factor
    if kind != "class_weights" and k < 1:
        cause = "defaults are the greater class already" if factor == BALANCED else f"sampling_factor is {factor:g}"
        raise BadConfiguration(
            f"sampling {kind} takes a sampling_factor of at least 1, and {cause}: use class_weights, or none"
        )
    return Resampling(kind, k)
