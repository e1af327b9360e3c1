"""What a data set demands of a model before it may serve: limits of its metrics, and how it stands to the champion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

AGAINST_CHAMPION = ("better", "not_worse")
CHANCE = 0.5  # the AUC of a coin toss
# Held-out rows that neither candidate nor champion has learnt from, and of each outcome, below which nothing is
# compared: DeLong's interval is one of large samples.
FEWEST_COMPARED_ROWS, FEWEST_COMPARED_OUTCOMES = 100, 20
OVERRIDE_WORDS = 5  # fewer give no reason


@dataclass(frozen=True)
class GateRules:
    """The rules of one data set's promotion gate.

    Always asked, whatever is declared: an AUC above chance, no unexplained leak, and the comparison with a champion.

    Attributes:
        floors: metric → what the candidate must exceed (such as ``auc_low: 0.60``).
        ceilings: metric → what the candidate must not exceed (such as ``ece: 0.05`` or ``score_psi: 0.25``).
        gate: ``better``: the 95 % interval of the AUC's difference to the champion lies above 0. ``not_worse``, for
            retraining on newer data: it lies above ``-tolerance``. Both on rows that neither has learnt from.
        tolerance: how much AUC a successor may lose under ``not_worse``, 0 or more.
    """

    floors: Mapping[str, float] = field(default_factory=dict)
    ceilings: Mapping[str, float] = field(default_factory=dict)
    gate: str = "better"
    tolerance: float = 0.0

    def problems(self) -> list[str]:
        """What is wrong with the rules, one sentence each. Empty where they can be applied."""
        tables = {"floors": self.floors, "ceilings": self.ceilings}
        problems = [
            f"{name} must hold metrics and their limits such as {{auc_low: 0.6}}, not {limits!r}"
            for name, limits in tables.items()
            if not isinstance(limits, Mapping)
        ]
        limits: dict[str, object] = {
            f"{name}.{metric}": limit
            for name, table in tables.items()
            if isinstance(table, Mapping)
            for metric, limit in table.items()
        }
        limits["tolerance"] = self.tolerance
        problems += [
            f"{name} must be a number, not {limit!r}" for name, limit in limits.items() if not _is_number(limit)
        ]
        if _is_number(self.tolerance) and self.tolerance < 0:
            problems.append(f"tolerance {self.tolerance:g} must not be negative")
        if self.gate not in AGAINST_CHAMPION:
            problems.append(f"gate {self.gate!r} is none of {', '.join(AGAINST_CHAMPION)}")
        return problems


def reason_problems(switch_on: bool, reason: str, what: str) -> list[str]:
    """What is wrong with an override and its reason, one sentence each: the switch and the words belong together.

    Args:
        switch_on: whether the override is asked for.
        reason: free text. Words count that hold a letter, each once.
        what: the switch as a person knows it, such as ``leak_override``.
    """
    words = {word.casefold() for word in reason.split() if any(map(str.isalpha, word))}
    if switch_on and len(words) < OVERRIDE_WORDS:
        return [f"{what} needs its reason, in at least {OVERRIDE_WORDS} different words, not {reason.strip()!r}"]
    if reason.strip() and not switch_on:
        return [f"{what} is off, yet there is a reason for it: switch it on, or leave the reason empty"]
    return []


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
