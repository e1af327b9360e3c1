"""Whether training data contain what is not known at the decision (leaks): counts, limits, and the evidence for each.

There are three kinds of leak. *Time*: a date after the decision. *Overlap*: the same borrower, customer or row on
both sides of a split. *Power*: a feature that tells default alone better than honest features do.

The limits of power are the data set's own (see `arrears.contracts.tables.leak_limits`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arrears.contracts.tables.leak_limits import LeakLimits
from arrears.model.features.binning import MISSING, PRESENT, FeaturePower

# Where most rows default anyway, a group of defaults alone is no news.
MOST_COMMON_DEFAULT = 0.4
STANDARD_ERRORS = 2.0  # an estimate must exceed its limit by so many: a set of 600 rows gets the benefit of the doubt

CONTENT = "content"
ROWS = "rows"
FEWEST_VALUES = 3  # a row with fewer filled features is like many others by chance
# Of the conflicts that chance would give, features may explain some away: up to an R² of 0.2, that of good scorecards.
EXPLAINED_AWAY = 0.2
COPIED_BELOW = 0.5
BY_CHANCE = 0.001


@dataclass(frozen=True)
class Overlap:
    """Keys that stand on both sides of a split, and the rows that have them.

    Attributes:
        kind: ``borrower_id``, the customer's column, ``content``, or ``rows``: all rows, whatever their keys.
        keys: how many.
        train_rows, held_out_rows, held_out_defaults: rows that have such a key.
        conflicts: held-out rows whose outcome differs from that of a training row with the same key, expected over
            the choice of that row.
    """

    kind: str
    keys: int
    train_rows: int
    held_out_rows: int
    held_out_defaults: int
    conflicts: float


def time_leaks(
    later: Mapping[str, int], *, event_time: str, rows: int, known_after: Mapping[str, int] | None = None
) -> list[str]:
    """Date columns that lie after the decision, or date what was known only after it.

    Args:
        later: rows by date column in which it is later than ``event_time``.
        known_after: the date columns of which not the date, but when its row was known, must not be later.
    """
    days_after = known_after or {}
    return [
        f"rows dated by {name} were known only after the decision ({event_time}) in {count:,} of {rows:,} rows; where a"
        " day's row is known as the day begins, its table says known_at: start"
        if name in days_after
        else f"date {name} is later than the decision ({event_time}) in {count:,} of {rows:,} rows"
        for name, count in later.items()
        if count
    ]


def overlap_leaks(overlaps: Sequence[Overlap]) -> list[str]:
    """Borrowers, customers or rows on both sides of the split. One shared borrower or customer is one too many."""
    by_kind = {overlap.kind: overlap for overlap in overlaps}
    held_out_rows = by_kind[ROWS].held_out_rows if ROWS in by_kind else 0
    leaks = []
    for kind, shared in by_kind.items():
        counts = f"{shared.held_out_rows:,} of {held_out_rows:,} held-out rows and {shared.train_rows:,} training rows"
        if kind == CONTENT and are_copies(shared):
            leaks.append(
                f"{counts} have the same features, and their outcomes differ in {shared.conflicts:.0f} where"
                f" {_conflicts_by_chance(shared):.0f} would by chance: rows were copied, as by sampling with"
                " replacement before the split"
            )
        elif kind not in (CONTENT, ROWS):
            leaks.append(f"{shared.keys:,} values of {kind} stand on both sides of the split: {counts} have them")
    return leaks


def are_copies(alike: Overlap) -> bool:
    """Whether rows with the same features on both sides are copies of each other rather than alike by chance.

    Two borrowers who are alike by chance (with few, coarse features, or accounts that were never used: Taiwan's cards
    have some) still differ in their outcome nearly as often as any two of that default rate p: in 2p(1 - p) of the
    pairs, less what the features explain. A copy has the outcome of its original. So rows count as copies where their
    conflicts are less than half of those by chance, and where chance would give so few in less than one of a thousand
    sets (Chernoff's bound on a Poisson count). A handful of rows alike is too few to tell and passes.
    """
    by_chance = _conflicts_by_chance(alike)
    mean, conflicts = (1 - EXPLAINED_AWAY) * by_chance, alike.conflicts
    if conflicts >= COPIED_BELOW * by_chance:
        return False
    log_chance = -mean + (conflicts + conflicts * math.log(mean / conflicts) if conflicts > 0 else 0.0)
    return log_chance < math.log(BY_CHANCE)


def power_leaks(
    powers: Sequence[FeaturePower], *, rows: int, defaults: int, limits: LeakLimits | None = None
) -> list[str]:
    """Features that alone predict default implausibly well, with the evidence: their limit and the part that tells."""
    if not 0 < defaults < rows:
        return []
    suspects = [(power, _too_strong(power, rows, defaults, limits or LeakLimits())) for power in powers]
    return [
        f"feature {power.name} alone tells too much: {'; '.join((*signs, *_telling_part(power)))}"
        for power, signs in suspects
        if signs
    ]


def _too_strong(power: FeaturePower, rows: int, defaults: int, limits: LeakLimits) -> list[str]:
    signs = []
    if power.auc - STANDARD_ERRORS * auc_error(power.auc, rows, defaults) > limits.auc:
        signs.append(f"AUC {power.auc:.3f}, at most {limits.auc:g} is plausible")
    doubt = STANDARD_ERRORS * information_value_error(power.information_value, rows, defaults)
    if power.information_value - doubt > limits.information_value:
        signs.append(f"information value {power.information_value:.2f}, at most {limits.information_value:g} is")
    if defaults / rows <= MOST_COMMON_DEFAULT and power.purest_low > limits.default_rate:
        group = {MISSING: "where it is missing", PRESENT: "where it has a value"}.get(
            power.purest_group, f"in its bin {power.purest_group!r}"
        )
        signs.append(f"{power.purest_rate:.1%} of the {round(power.purest_share * rows):,} rows {group} default")
    return signs


def _telling_part(power: FeaturePower) -> list[str]:
    """Whether the missing values or the values tell, where a feature has both."""
    if not 0 < power.missing_share < 1:
        return []
    missing = (
        f"where it is missing ({power.missing_share:.1%} of the rows, {power.missing_rate:.1%} of them default:"
        f" AUC {power.missing_auc:.3f} alone)"
    )
    values = f"its values (AUC {power.values_auc:.3f} where it has one)"
    first, second = (missing, values) if power.missing_auc >= power.values_auc else (values, missing)
    return [f"told by {first} more than by {second}"]


def auc_error(auc: float, rows: int, defaults: int) -> float:
    """The standard error of an AUC (Hanley and McNeil 1982)."""
    goods = rows - defaults
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (defaults - 1) * (q1 - auc * auc) + (goods - 1) * (q2 - auc * auc)
    return math.sqrt(max(spread, 0.0) / (defaults * goods))


def information_value_error(value: float, rows: int, defaults: int) -> float:
    """The standard error of an information value, as of the squared distance of two normal classes."""
    return math.sqrt(4 * max(value, 0.0) * (1 / defaults + 1 / (rows - defaults)))


def _conflicts_by_chance(alike: Overlap) -> float:
    rate = alike.held_out_defaults / alike.held_out_rows if alike.held_out_rows else 0.0
    return 2 * rate * (1 - rate) * alike.held_out_rows
