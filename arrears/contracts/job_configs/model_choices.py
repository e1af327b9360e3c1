"""What an analyst chooses to do with a trained model's scores: calibration, and the rule that chooses the cut-off.

The rule is the one that is asked for, or the one whose numbers are given. Else there is none. Defaults live here only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from arrears.contracts.job_configs.arguments import Choices, option

# Sections of the forms and of --help.
_CALIBRATION = "Calibration"
_CUTOFF = "Cut-off"

CutoffRule = Literal["fixed", "f1", "ks", "approval_rate", "profit"]
CutoffBy = Literal["as_given", "fixed", "f1", "ks", "approval_rate", "profit"]

NUMBERS: Mapping[CutoffRule, tuple[str, ...]] = {
    "profit": ("margin", "lgd"),
    "approval_rate": ("approval_rate",),
    "fixed": ("cutoff",),
}
"""Rule → the numbers that it cannot do without."""


@dataclass(frozen=True, kw_only=True)
class CalibrationChoices(Choices):
    """How scores are calibrated to probabilities."""

    calibration: Literal["none", "platt", "isotonic"] = option(
        "none",
        help="fit probabilities to outcomes on a slice of their own; resampling is always corrected for",
        title="Calibration",
        section=_CALIBRATION,
    )
    calibration_share: float = option(
        0.1,
        help="share of training rows kept for the calibration, where one is asked for",
        minimum=0.01,
        maximum=0.5,
        title="Rows kept for calibration",
        unit="share",
        section=_CALIBRATION,
    )


@dataclass(frozen=True, kw_only=True)
class CutoffChoices(Choices):
    """Which rule chooses the cut-off, and the numbers that it needs."""

    cutoff_by: CutoffBy = option(
        "as_given",
        help="how the cut-off is chosen, on scores of rows unseen; as_given: by what is given of margin and lgd"
        " (profit), approval_rate, or cutoff (fixed); none of them: no cut-off is set, the model only scores",
        title="Cut-off chosen by",
        section=_CUTOFF,
    )
    cutoff: float | None = option(
        None,
        help="the fixed cut-off: a score at or above it is declined; empty: none is fixed",
        minimum=0.0,
        maximum=1.0,
        title="Fixed cut-off",
        unit="probability",
        section=_CUTOFF,
    )
    approval_rate: float | None = option(
        None,
        help="share of applications to approve; empty: the cut-off is not chosen by it",
        minimum=0.01,
        maximum=1.0,
        title="Approval rate",
        unit="share",
        section=_CUTOFF,
    )
    margin: float | None = option(
        None,
        help="earned on a loan that is repaid, as a share of its exposure; empty: profit is not counted",
        minimum=0.0,
        title="Margin",
        unit="share of the exposure",
        section=_CUTOFF,
    )
    lgd: float | None = option(
        None,
        help="loss given default, as a share of the exposure (Basel II: 0.45 for unsecured senior claims); empty:"
        " profit is not counted",
        minimum=0.0,
        maximum=1.0,
        title="Loss given default (LGD)",
        unit="share of the exposure",
        section=_CUTOFF,
    )
    exposure: str | None = option(
        None,
        help="numeric column with the exposure at default of a loan; empty: every loan counts 1",
        title="Exposure column",
        section=_CUTOFF,
    )
    cost: float = option(
        0.0,
        help="cost of one approved application, in the exposure's unit",
        minimum=0.0,
        title="Cost of an application",
        unit="unit of the exposure",
        section=_CUTOFF,
    )


def cutoff_rule(choices: CutoffChoices) -> CutoffRule | None:
    """The rule in force. None: no cut-off is set, and the model only scores.

    Args:
        choices: None, or a cost of 0, is a number that is not given.
    """
    rule: CutoffBy = choices.cutoff_by
    if rule != "as_given":
        return rule
    return next((rule for rule, names in NUMBERS.items() if all(_is_set(choices, name) for name in names)), None)


def cutoff_problems(choices: CutoffChoices) -> list[str]:
    """What the numbers lack for their rule, and what is given beside it in vain, one sentence each."""
    rule: CutoffBy = choices.cutoff_by
    begun = [by for by, names in NUMBERS.items() if any(_is_set(choices, name) for name in names)]
    problems = []
    if rule == "as_given" and len(begun) > 1:
        problems.append(f"cutoff_by: numbers of several rules are given, choose {' or '.join(begun)}")
    # What a loan earns may stand beside any rule: the report draws the profit curve of it.
    for by in NUMBERS:
        if by == rule or by in begun:
            problems += _lacking(choices, by)
        if rule not in ("as_given", by) and by in begun and by != "profit":
            problems.append(f"{NUMBERS[by][0]} is given, but the cut-off is chosen by {rule}: leave it out")
    beside = [name for name in ("exposure", "cost") if _is_set(choices, name)]
    if beside and "profit" not in begun and rule != "profit":
        problems.append(f"{' and '.join(beside)} without margin and lgd say nothing: give these, or leave it out")
    return problems


def _lacking(choices: CutoffChoices, rule: CutoffRule) -> list[str]:
    names = NUMBERS[rule]
    missing = [name for name in names if not _is_set(choices, name)]
    return [f"a cut-off by {rule} needs {' and '.join(names)}: give {' and '.join(missing)}"] if missing else []


def _is_set(choices: CutoffChoices, name: str) -> bool:
    value = getattr(choices, name)
    return value is not None and (name != "cost" or value != 0)
