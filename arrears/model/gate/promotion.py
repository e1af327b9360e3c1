"""Who becomes champion: a rule that anyone can check by hand.

A candidate must meet every rule that its data set declares (see `arrears.model.gate.rules`), rank better than chance,
and stand up to the present champion on rows that neither has learnt from: by default the 95 % interval of the AUC's
difference lies above 0, so that noise and ties keep the champion. A metric that is missing or not a number never helps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from arrears.contracts.gate_rules import GateRules
from arrears.model.gate.rules import (
    COMPARED,
    LEAKS,
    QUALITY_RULES,
    Metrics,
    Verdict,
    champion_verdict,
    limit_verdicts,
    number,
)

LEAK_CHECK_TAG, LEAK_REASON_TAG, LEAKS_TAG = "arrears.leak_check", "arrears.leak_override", "arrears.leaks"
_SHOWN_LEAKS = 3
_EXPLAINED = {"no leak": 0.0, "overridden": 0.0}


@dataclass(frozen=True)
class Decision:
    """Whether a candidate is promoted, and the verdict of every rule.

    Attributes:
        outcome: ``kept`` is a success too: the present champion is as good.
        override: why it was promoted in spite of the rules that are not met. Empty where nothing was overridden.
    """

    outcome: Literal["promoted", "kept", "refused"]
    verdicts: tuple[Verdict, ...]
    override: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each rule, or of a refused candidate for each unmet rule."""
        verdicts = self.unmet if self.outcome == "refused" else self.verdicts
        return tuple(verdict.reason for verdict in verdicts)

    @property
    def unmet(self) -> tuple[Verdict, ...]:
        """The rules that the candidate does not meet."""
        return tuple(verdict for verdict in self.verdicts if not verdict.met)

    @property
    def lacks_quality_rules(self) -> bool:
        """Whether the data set declares no limit that a model could miss."""
        return any(verdict.rule == QUALITY_RULES for verdict in self.verdicts)

    @property
    def set_aside(self) -> tuple[str, ...]:
        """The unmet rules that a person has overridden, if any."""
        return tuple(verdict.rule for verdict in self.unmet) if self.override else ()


def decide(candidate: Metrics, champion: Metrics | None, rules: GateRules, *, overridden_leaks: str = "") -> Decision:
    """Decides whether a candidate becomes champion.

    Args:
        candidate: metric name to value, measured on held-out rows. See `with_leaks` for the leak check.
        champion: the present champion's metrics on the rows compared on, which may be none. None: there is no
            champion yet.
        rules: what the data set demands.
        overridden_leaks: what `overridden_leaks` gives for the training.
    """
    limits = limit_verdicts(candidate, rules, overridden_leaks=overridden_leaks)
    against = champion_verdict(candidate, champion, rules)
    verdicts = (*limits, against)
    if not all(verdict.met for verdict in limits) or number(candidate, COMPARED) is None:
        return Decision("refused", verdicts)
    return Decision("promoted" if against.met else "kept", verdicts)


def overridden(decision: Decision, reason: str) -> Decision:
    """The decision of a person who promotes in spite of unmet rules. Unchanged without a reason or without need.

    Args:
        reason: why the rules are set aside. Empty: they are not.
    """
    if not reason.strip() or not decision.unmet:
        return decision
    return replace(decision, outcome="promoted", override=reason.strip())


def with_leaks(metrics: Metrics, tags: Mapping[str, str]) -> Metrics:
    """The metrics of a training with what its leak check found: 0 where nothing is left unexplained.

    Args:
        tags: of the MLflow run. A training that was never checked has no such tag, and no figure then.
    """
    checked = tags.get(LEAK_CHECK_TAG)
    return {**metrics, LEAKS: None if checked is None else _EXPLAINED.get(checked, 1.0)}


def overridden_leaks(tags: Mapping[str, str]) -> str:
    """The leaks in spite of which a model was trained, and why, in one sentence. Empty where there were none.

    Args:
        tags: of the MLflow run of the training. ``arrears.leaks`` has a line a leak.
    """
    leaks = [leak for leak in tags.get(LEAKS_TAG, "").splitlines() if leak]
    if not leaks:
        return ""
    listed, more = "; ".join(leaks[:_SHOWN_LEAKS]), len(leaks) - _SHOWN_LEAKS
    rest = f"; and {more} more in the tag {LEAKS_TAG} of the MLflow run" if more > 0 else ""
    count = "1 leak was" if len(leaks) == 1 else f"{len(leaks)} leaks were"
    return f"{count} found and overridden, because: {tags.get(LEAK_REASON_TAG, '')}. Found: {listed}{rest}"
