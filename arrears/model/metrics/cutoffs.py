"""At which default probability an application is declined, and by which rule that was chosen.

See docs/adr/0047.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from arrears.contracts.job_configs.model_choices import CutoffRule

APPROVE_ALL = math.nextafter(1.0, 2.0)  # no probability is at or above it
# Whom a model learns from was once approved by the bank: to decline most of the like breaks with its own policy.
FEW_APPROVED = 0.5
NO_CUTOFF = "no cut-off is set: give margin and lgd (and exposure), or an approval rate"


@dataclass(frozen=True)
class Cutoff:
    """The default probability from which on an application is declined, stored with the model and used everywhere.

    Attributes:
        value: a score at or above it is declined. ``APPROVE_ALL`` declines nobody.
        rule: how it was chosen, on training rows that the model was not fitted to.
        inputs: the business figures behind it: margin, loss given default and cost, where they are given. The approval
            rate where that is the rule.
        expected: what it promised on those rows: approval rate, bad rate, and profit a borrower where the loan's terms
            are given.
        exposure: the column with the exposure at default of a loan. None: every loan counts 1.
    """

    value: float
    rule: CutoffRule
    inputs: dict[str, float] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)
    exposure: str | None = None

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Cutoff:
        """Reads a cut-off from its JSON content."""
        return cls(**content)


def approval_mark(approval_rate: float) -> str:
    """A remark beside an approval rate that somebody should look at. Empty beside any other."""
    if approval_rate >= FEW_APPROVED:
        return ""
    return f"fewer than {FEW_APPROVED:.0%} are approved: check the numbers that the cut-off was chosen by"


def cutoff_text(cutoff: Cutoff | None) -> str:
    """A model's cut-off in words, for figures and mails."""
    if cutoff is None:
        return NO_CUTOFF
    at = "none declined" if cutoff.value >= APPROVE_ALL else f"{cutoff.value:.4g}"
    text = f"{at}, by {cutoff.rule.replace('_', ' ')}"
    if "approval_rate" not in cutoff.expected:
        return text
    rate = cutoff.expected["approval_rate"]
    mark = approval_mark(rate)
    return f"{text}: approves {rate:.1%}" + (f" ({mark})" if mark else "")
