"""Whether a cut-off treats groups alike: approval and error rates with Wilson's intervals, and the four-fifths rule.

The four-fifths rule (Uniform Guidelines on Employee Selection Procedures 1978, section 4D) compares the approval rate
of each group with the highest one of its attribute. Below four fifths it speaks of adverse impact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from arrears.model.features.binning import MISSING, wilson_interval
from arrears.model.metrics.findings import GroupFairness, Interval

COMPARED_ROWS = 30  # the approval rate of fewer borrowers is chance: shown, not compared


class LevelCounts(NamedTuple):
    """What the cut-off does to the borrowers of one level of one column."""

    column: str
    level: str
    rows: int
    defaults: int
    approved: int
    approved_bad: int

    @property
    def good(self) -> int:
        """Borrowers who repaid."""
        return self.rows - self.defaults

    @property
    def declined_good(self) -> int:
        """Borrowers who repaid and would have been declined."""
        return self.good - (self.approved - self.approved_bad)

    @property
    def is_compared(self) -> bool:
        """Whether its approval rate says something about a group."""
        return self.rows >= COMPARED_ROWS and self.level != MISSING


def group_fairness(counts: Sequence[LevelCounts]) -> tuple[GroupFairness, ...]:
    """The groups of one or more protected attributes, those of one attribute together, the largest group first."""
    rates: dict[str, list[float]] = {group.column: [] for group in counts}
    for group in counts:
        if group.is_compared:
            rates[group.column].append(group.approved / group.rows)
    # A group that is alone would be compared with itself, and be treated alike whatever the cut-off does.
    highest = {column: max(group_rates) if len(group_rates) > 1 else 0.0 for column, group_rates in rates.items()}
    order = list(rates)
    ordered = sorted(counts, key=lambda group: (order.index(group.column), -group.rows, group.level))
    return tuple(_fairness(group, highest[group.column]) for group in ordered)


def _fairness(group: LevelCounts, highest: float) -> GroupFairness:
    approval = _interval(group.approved, group.rows)
    return GroupFairness(
        attribute=group.column,
        group=group.level,
        rows=group.rows,
        approval_rate=approval,
        declined_good_rate=_interval(group.declined_good, group.good) if group.good else None,
        approved_bad_rate=_interval(group.approved_bad, group.defaults) if group.defaults else None,
        approval_ratio=approval.value / highest if group.is_compared and highest else None,
    )


def _interval(part: int, whole: int) -> Interval:
    return Interval(*wilson_interval(part, whole))
