"""At which default probability an application is declined, and by which rule that was chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

CutoffRule = Literal["fixed", "f1", "ks", "approval_rate", "profit"]

APPROVE_ALL = math.nextafter(1.0, 2.0)  # no probability is at or above it


@dataclass(frozen=True)
class Cutoff:
    """The default probability from which on an application is declined; kept with the model and used on every side.

    Attributes:
        value: a score at or above it is declined; ``APPROVE_ALL`` declines nobody.
        rule: how it was chosen, on training rows that the model was not fitted to.
        inputs: the business figures behind it: margin, loss given default and cost; the approval rate where that is
            the rule.
        expected: what it promised on those rows: approval rate, bad rate, profit a borrower.
        exposure: the column with the exposure at default of a loan; None: every loan counts 1.
    """

    value: float
    rule: CutoffRule
    inputs: dict[str, float] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)
    exposure: str | None = None

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Cutoff:
        """Reads what JSON made of a cut-off."""
        return cls(**given)
