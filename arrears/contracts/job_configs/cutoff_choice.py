"""Which rule chooses the cut-off: the one that is asked for, or the one whose numbers are given; else there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

CutoffRule = Literal["fixed", "f1", "ks", "approval_rate", "profit"]
CutoffBy = Literal["as_given", "fixed", "f1", "ks", "approval_rate", "profit"]

NUMBERS: Mapping[CutoffRule, tuple[str, ...]] = {
    "profit": ("margin", "lgd"),
    "approval_rate": ("approval_rate",),
    "fixed": ("cutoff",),
}
"""Rule → the numbers that it cannot do without."""


def cutoff_rule(numbers: Mapping[str, Any]) -> CutoffRule | None:
    """The rule in force; None: no cut-off is set, and the model only scores.

    Args:
        numbers: the fields of a training, by name; None, or a cost of 0: not given.
    """
    rule: CutoffBy = numbers["cutoff_by"]
    if rule != "as_given":
        return rule
    return next((rule for rule, names in NUMBERS.items() if all(_is_given(numbers, name) for name in names)), None)


def cutoff_problems(numbers: Mapping[str, Any]) -> list[str]:
    """What the numbers lack for their rule, and what is given beside it in vain; one sentence each."""
    rule: CutoffBy = numbers["cutoff_by"]
    begun = [by for by, names in NUMBERS.items() if any(_is_given(numbers, name) for name in names)]
    problems = []
    if rule == "as_given" and len(begun) > 1:
        problems.append(f"cutoff_by: numbers of several rules are given, choose {' or '.join(begun)}")
    # What a loan earns may stand beside any rule: the report draws the profit curve of it.
    for by in NUMBERS:
        if by == rule or by in begun:
            problems += _lacking(numbers, by)
        if rule not in ("as_given", by) and by in begun and by != "profit":
            problems.append(f"{NUMBERS[by][0]} is given, but the cut-off is chosen by {rule}: leave it out")
    beside = [name for name in ("exposure", "cost") if _is_given(numbers, name)]
    if beside and "profit" not in begun and rule != "profit":
        problems.append(f"{' and '.join(beside)} without margin and lgd say nothing: give these, or leave it out")
    return problems


def _lacking(numbers: Mapping[str, Any], rule: CutoffRule) -> list[str]:
    names = NUMBERS[rule]
    missing = [name for name in names if not _is_given(numbers, name)]
    return [f"a cut-off by {rule} needs {' and '.join(names)}: give {' and '.join(missing)}"] if missing else []


def _is_given(numbers: Mapping[str, Any], name: str) -> bool:
    value = numbers[name]
    return value is not None and (name != "cost" or value != 0)
