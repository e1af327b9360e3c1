"""The rules of the promotion gate, each judged on its own: met or not, with the number and the limit beside it.

A metric that is missing or is not a number meets no rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from arrears.contracts.gate_rules import GateRules

COMPARED = "auc"
DIFFERENCE_LOW = "auc_difference_low"
LEAKS = "unexplained_leaks"

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Verdict:
    """What one rule says of a candidate.

    Attributes:
        rule: the rule as a person reads it, such as ``auc_low > 0.6``.
        value: the candidate's number; None where there is none.
        limit: what it is held against; None where there is nothing to hold it against.
        reason: one sentence for the mail, the log and the approver.
    """

    rule: str
    value: float | None
    limit: float | None
    met: bool
    reason: str


def limit_verdicts(metrics: Metrics, rules: GateRules, *, overridden_leaks: str = "") -> tuple[Verdict, ...]:
    """The rules that look at the candidate alone: its floors, its ceilings, and the leak check, which always counts.

    Args:
        overridden_leaks: leaks that were found and overridden, and why; empty: there were none.
    """
    return (
        *(_floor(metrics, name, limit) for name, limit in rules.floors.items()),
        *(_ceiling(metrics, name, limit) for name, limit in rules.ceilings.items()),
        _no_leaks(metrics, overridden_leaks),
    )


def champion_verdict(metrics: Metrics, champion: Metrics | None, rules: GateRules) -> Verdict:
    """Whether the candidate stands up to the champion on the same rows; without a champion it need only be measured."""
    value = number(metrics, COMPARED)
    if champion is None:
        reason = "there is no champion yet" if value is not None else f"the candidate has no {COMPARED}"
        return Verdict(f"{COMPARED} is measured", value, None, value is not None, reason)
    if rules.gate == "not_worse":
        return _not_worse(metrics, rules.tolerance)
    return _better(value, number(champion, COMPARED))


def number(metrics: Metrics, name: str) -> float | None:
    """A metric that can be compared; None where it is missing, infinite or not a number."""
    value = metrics.get(name)
    return value if value is not None and math.isfinite(value) else None


def _floor(metrics: Metrics, name: str, floor: float) -> Verdict:
    value, rule = number(metrics, name), f"{name} > {floor:g}"
    if value is None:
        return Verdict(rule, None, floor, False, f"the candidate has no {name}, which must exceed {floor:g}")
    # Written so that a limit that is not a number is never met.
    met = value > floor
    return Verdict(rule, value, floor, met, f"{name} {_shown(value, floor)} {_verb(met, 'exceed')} its floor {floor:g}")


def _ceiling(metrics: Metrics, name: str, ceiling: float) -> Verdict:
    value, rule = number(metrics, name), f"{name} <= {ceiling:g}"
    if value is None:
        return Verdict(rule, None, ceiling, False, f"the candidate has no {name}, which must not exceed {ceiling:g}")
    met = value <= ceiling
    told = f"{name} {_shown(value, ceiling)} {_verb(not met, 'exceed')} its ceiling {ceiling:g}"
    return Verdict(rule, value, ceiling, met, told)


def _no_leaks(metrics: Metrics, overridden: str) -> Verdict:
    value = number(metrics, LEAKS)
    if value is None:
        reason = "nothing tells that the training rows were checked for leaks"
    else:
        found = "leaks were found and no reason overrides them"
        reason = found if value > 0 else overridden or "no leak was found"
    return Verdict("no unexplained leak", value, 0.0, value is not None and value <= 0, reason)


def _better(value: float | None, limit: float | None) -> Verdict:
    rule = f"{COMPARED} > the champion's"
    if value is None:
        return Verdict(rule, None, limit, False, f"the candidate has no {COMPARED}")
    if limit is None:
        reason = f"the champion's {COMPARED} on these rows is unknown: nothing to beat it with"
        return Verdict(rule, value, None, False, reason)
    relation = "beats" if value > limit else "equals" if value == limit else "does not beat"
    return Verdict(rule, value, limit, value > limit, f"{COMPARED} {value:.6f} {relation} the champion's {limit:.6f}")


def _not_worse(metrics: Metrics, tolerance: float) -> Verdict:
    limit = 0.0 - tolerance
    low, rule = number(metrics, DIFFERENCE_LOW), f"{DIFFERENCE_LOW} > {limit:g}"
    if low is None:
        reason = f"the candidate has no {DIFFERENCE_LOW}: nothing tells that it is not worse than the champion"
        return Verdict(rule, None, limit, False, reason)
    met = low > limit
    told = "shows that it is not worse than the champion" if met else "leaves open that it is worse than the champion"
    return Verdict(rule, low, limit, met, f"the AUC's difference, at least {low:+.6f} with 95 % confidence, {told}")


def _shown(value: float, limit: float) -> str:
    """Four digits, or all of them where four would read like the limit itself."""
    short = f"{value:.4f}"
    return repr(value) if float(short) == limit != value else short


def _verb(happens: bool, verb: str) -> str:
    return f"{verb}s" if happens else f"does not {verb}"
