"""The rules of the promotion gate, each checked on its own: met or not, with the number and the limit beside it.

A metric that is missing or is not a number meets no rule.

See docs/adr/0031.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from arrears.contracts.gate_rules import (
    CHANCE,
    FEWEST_COMPARED_OUTCOMES,
    FEWEST_COMPARED_ROWS,
    GateRules,
)

COMPARED, AUC_LOW = "auc", "auc_low"
DIFFERENCE, DIFFERENCE_LOW, DIFFERENCE_HIGH = "auc_difference", "auc_difference_low", "auc_difference_high"
COMPARED_ROWS, COMPARED_DEFAULTS = "compared_rows", "compared_defaults"
QUALITY_RULES = "quality rules of the data set"
LEAKS = "unexplained_leaks"

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Verdict:
    """What one rule says of a candidate.

    Attributes:
        rule: the rule as a person reads it, such as ``auc_low > 0.6``.
        value: the candidate's number, or None.
        limit: what it is compared with, or None.
        reason: one sentence for the mail, the log and the approver.
    """

    rule: str
    value: float | None
    limit: float | None
    met: bool
    reason: str


def limit_verdicts(metrics: Metrics, rules: GateRules, *, overridden_leaks: str = "") -> tuple[Verdict, ...]:
    """The rules that look at the candidate alone: its floors and ceilings, and those that always count.

    Args:
        overridden_leaks: leaks that were found and overridden, and why. Empty: there were none.
    """
    return (
        *(_floor(metrics, name, limit) for name, limit in rules.floors.items()),
        *(_ceiling(metrics, name, limit) for name, limit in rules.ceilings.items()),
        *_above_chance(metrics, rules),
        _no_leaks(metrics, overridden_leaks),
        *_no_quality_rule(rules),
    )


def champion_verdict(metrics: Metrics, champion: Metrics | None, rules: GateRules) -> Verdict:
    """Whether the candidate is good enough beside the champion, on rows that neither has learnt from.

    Without a champion it need only be measured.
    """
    value = number(metrics, COMPARED)
    if champion is None or value is None:
        reason = f"the candidate has no {COMPARED}" if value is None else "there is no champion yet"
        return Verdict(f"{COMPARED} is measured", value, None, value is not None, reason)
    limit = 0.0 - rules.tolerance if rules.gate == "not_worse" else 0.0
    rule = f"{DIFFERENCE_LOW} > {limit:g}"
    counts = number(metrics, COMPARED_ROWS), number(metrics, COMPARED_DEFAULTS)
    if problem := comparison_problem(*counts):
        return Verdict(rule, None, limit, False, problem)
    low, high = number(metrics, DIFFERENCE_LOW), number(metrics, DIFFERENCE_HIGH)
    if low is None:
        return Verdict(
            rule, None, limit, False, f"the candidate has no {DIFFERENCE_LOW}: nothing tells chance from skill"
        )
    upper = "" if high is None else f" to {high:+.4f}"
    difference = number(metrics, DIFFERENCE)
    by_how_much = "" if difference is None else f" by {difference:+.4f}"
    reason = (
        f"on {counts[0]:,.0f} held-out borrowers that neither has learnt from ({counts[1]:,.0f} defaults) its AUC"
        f" differs from the champion's{by_how_much}, 95 % interval {low:+.4f}{upper}: {_meaning(low, high, rules)}"
    )
    return Verdict(rule, low, limit, low > limit, reason)


def comparison_problem(rows: float | None, defaults: float | None, *, outcomes_count: bool = True) -> str:
    """Why candidate and champion cannot be compared. Empty where they can.

    Args:
        rows, defaults: held-out rows that neither has learnt from. None: it is not known which those are.
        outcomes_count: whether the models are about the outcome, so that both outcomes are needed.
    """
    if rows is None or defaults is None:
        return (
            "it cannot be compared with the champion: nothing tells which rows that one has learnt from, for it keeps"
            " no lineage and the training rows of its version are gone"
        )
    are_few = outcomes_count and min(defaults, rows - defaults) < FEWEST_COMPARED_OUTCOMES
    if rows >= FEWEST_COMPARED_ROWS and not are_few:
        return ""
    needed = f"{FEWEST_COMPARED_ROWS}" + (f" with {FEWEST_COMPARED_OUTCOMES} of each outcome" if outcomes_count else "")
    return (
        f"it cannot be compared with the champion: only {rows:,.0f} held-out rows with {defaults:,.0f} defaults are"
        f" unknown to both, and {needed} are needed"
    )


def number(metrics: Metrics, name: str) -> float | None:
    """A metric that can be compared. None where it is missing, infinite or not a number."""
    value = metrics.get(name)
    return value if value is not None and math.isfinite(value) else None


def _floor(metrics: Metrics, name: str, floor: float) -> Verdict:
    value, rule = number(metrics, name), f"{name} > {floor:g}"
    if value is None:
        return Verdict(rule, None, floor, False, f"the candidate has no {name}, which must exceed {floor:g}")
    # Written so that a limit that is not a number is never met.
    met = value > floor
    return Verdict(
        rule, value, floor, met, f"{name} {_digits(value, floor)} {_verb(met, 'exceed')} its floor {floor:g}"
    )


def _ceiling(metrics: Metrics, name: str, ceiling: float) -> Verdict:
    value, rule = number(metrics, name), f"{name} <= {ceiling:g}"
    if value is None:
        return Verdict(rule, None, ceiling, False, f"the candidate has no {name}, which must not exceed {ceiling:g}")
    met = value <= ceiling
    reason = f"{name} {_digits(value, ceiling)} {_verb(not met, 'exceed')} its ceiling {ceiling:g}"
    return Verdict(rule, value, ceiling, met, reason)


def _no_leaks(metrics: Metrics, overridden: str) -> Verdict:
    value = number(metrics, LEAKS)
    if value is None:
        reason = "nothing tells that the training rows were checked for leaks"
    else:
        problem = "leaks were found and no reason overrides them"
        reason = problem if value > 0 else overridden or "no leak was found"
    return Verdict("no unexplained leak", value, 0.0, value is not None and value <= 0, reason)


def _above_chance(metrics: Metrics, rules: GateRules) -> tuple[Verdict, ...]:
    """The rule that a model ranks better than chance. Empty where a floor of the data set demands as much."""
    declared = rules.floors.get(AUC_LOW)
    if declared is not None and declared >= CHANCE:
        return ()
    verdict = _floor(metrics, AUC_LOW, CHANCE)
    if verdict.value is None:
        return (verdict,)
    judgement = "ranks better than chance" if verdict.met else "nothing shows that it ranks better than chance"
    lower_bound = _digits(verdict.value, CHANCE)
    return (replace(verdict, reason=f"the AUC is at least {lower_bound} with 95 % confidence: {judgement}"),)


def _no_quality_rule(rules: GateRules) -> tuple[Verdict, ...]:
    if rules.floors or rules.ceilings:
        return ()
    reason = "no quality rule is set: the data set's description declares neither floors nor ceilings"
    return (Verdict(QUALITY_RULES, None, None, True, reason),)


def _meaning(low: float, high: float | None, rules: GateRules) -> str:
    if rules.gate == "not_worse":
        within = f" by more than {rules.tolerance:g}" if rules.tolerance else ""
        met = low > 0.0 - rules.tolerance
        return f"it is {'not worse' if met else 'not shown to be no worse'}{within}"
    if low > 0:
        return "it is better beyond chance"
    if high is not None and high < 0:
        return "it is worse beyond chance"
    return "it is not shown to be better, the difference may be chance"


def _digits(value: float, limit: float) -> str:
    """A number in four digits, or in all of them where four would read like the limit."""
    short = f"{value:.4f}"
    return repr(value) if float(short) == limit != value else short


def _verb(happens: bool, verb: str) -> str:
    return f"{verb}s" if happens else f"does not {verb}"
