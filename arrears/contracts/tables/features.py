"""How features are computed from a bank's tables: windows of its history, its newest known rows, and derived ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from arrears.contracts.errors import BadConfiguration

# Nine hundred million million: in ten-thousandths it still fits 64 bits.
LARGEST_AMOUNT = 900_000_000_000_000

WindowKind: TypeAlias = Literal[
    "last_event", "last_arrears", "events", "worst_arrears", "arrears", "sum", "mean", "max", "trend"
]
COUNTS: tuple[WindowKind, ...] = ("events", "arrears")
_OF_AMOUNTS: tuple[WindowKind, ...] = ("sum", "mean", "max", "trend")


@dataclass(frozen=True)
class WindowFeature:
    """One feature of a window view.

    Attributes:
        name: its column.
        kind: what is computed.
        months: the window. 0: the longest one of the view.
        amount: the column that is added up, of the kinds sum, mean, max and trend.
    """

    name: str
    kind: WindowKind
    months: int = 0
    amount: str = ""


@dataclass(frozen=True)
class WindowView:
    """Counts and sums over the months before a moment, such as the arrears of the last 3, 6 and 12 months.

    Attributes:
        table: a history with an event time.
        entity: the column that joins decisions to it (customer or loan).
        months: lengths of the windows. A window of 3 holds events in (moment - 3 months, moment].
        amounts: columns of which sum, mean, maximum and trend (slope a month) are taken in each window.
        days_past_due: column of arrears: worst, months in arrears, months since the last.
        features: the only ones wanted, such as ``paid_amount_sum_12m``. Empty: all. Each needs a line in the catalogue.
        prefix: what all names begin with. A bank's first window view has none, the others their name and ``_``.
    """

    name: str
    table: str
    entity: str
    months: tuple[int, ...] = (3, 6, 12)
    amounts: tuple[str, ...] = ()
    days_past_due: str | None = None
    features: tuple[str, ...] = ()
    prefix: str = ""

    def __post_init__(self) -> None:
        problems = []
        if not self.months or min(self.months) < 1 or len(set(self.months)) < len(self.months):
            problems.append(f"view {self.name}: months must be different whole numbers from 1")
        offered = [feature.name for feature in self._offered()]
        problems += [
            f"view {self.name}: there is no feature {name}; features are {', '.join(offered)}"
            for name in self.features
            if self.prefix + name not in offered and name not in offered
        ]
        if problems:
            raise BadConfiguration(*problems)

    @property
    def computed(self) -> tuple[WindowFeature, ...]:
        """The features that the view adds, in order."""
        names = {*self.features, *(self.prefix + name for name in self.features)}
        return tuple(feature for feature in self._offered() if not names or feature.name in names)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that the view adds, in order."""
        return tuple(feature.name for feature in self.computed)

    @property
    def counts(self) -> tuple[str, ...]:
        """Those of them that are 0, not missing, where nothing has happened."""
        return tuple(feature.name for feature in self.computed if feature.kind in COUNTS)

    def _offered(self) -> list[WindowFeature]:
        features = [WindowFeature("days_since_last_event", "last_event")]
        if self.days_past_due:
            features.append(WindowFeature("months_since_arrears", "last_arrears"))
        for n in self.months:
            features.append(WindowFeature(f"event_count_{n}m", "events", n))
            if self.days_past_due:
                features.append(WindowFeature(f"worst_days_past_due_{n}m", "worst_arrears", n))
                features.append(WindowFeature(f"arrears_count_{n}m", "arrears", n))
            features += [
                WindowFeature(f"{amount}_{kind}_{n}m", kind, n, amount)
                for amount in self.amounts
                for kind in _OF_AMOUNTS
            ]
        return [replace(feature, name=self.prefix + feature.name) for feature in features]


@dataclass(frozen=True)
class ProfileView:
    """The newest known row of a slowly changing table, such as a customer's income at the moment of decision.

    Attributes:
        columns: what is taken of that row, under its own names.
        max_age_days: an older row counts as missing. None: any age.
    """

    name: str
    table: str
    entity: str
    columns: tuple[str, ...]
    max_age_days: int | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that the view adds, in order."""
        return self.columns


View: TypeAlias = WindowView | ProfileView


@dataclass(frozen=True)
class DerivedFeature:
    """A feature of columns of the same row.

    Attributes:
        kind: ratio a/b (missing where b is 0), difference a-b, product a*b; bucket by rising limits; calendar part
            (year, month, quarter, weekday) of a date; days_between and months_between two dates (later, earlier).
        columns: its inputs, in order.
        part: the calendar part.
        limits, labels: of a bucket: n limits make n + 1 labels.
    """

    name: str
    kind: Literal["ratio", "difference", "product", "bucket", "calendar", "days_between", "months_between"]
    columns: tuple[str, ...]
    part: str = ""
    limits: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        needed = {"bucket": 1, "calendar": 1}.get(self.kind, 2)
        problems = []
        if len(self.columns) != needed:
            problems.append(f"derived feature {self.name}: {self.kind} takes {needed} columns, not {len(self.columns)}")
        if self.kind == "bucket" and (
            not self.limits or list(self.limits) != sorted(set(self.limits)) or len(self.labels) != len(self.limits) + 1
        ):
            problems.append(f"derived feature {self.name}: a bucket needs n rising limits and n + 1 labels")
        if self.kind == "calendar" and self.part not in ("year", "month", "quarter", "weekday"):
            problems.append(f"derived feature {self.name}: part {self.part!r} is none of year, month, quarter, weekday")
        if problems:
            raise BadConfiguration(*problems)
