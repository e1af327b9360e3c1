"""What a table of a bank promises: which columns it has, what each may hold, and when its rows were known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.column_names import STORED_BESIDE_BROKEN_ROWS, name_problems
from arrears.contracts.tables.column_types import type_problem

DayPart: TypeAlias = Literal["start", "end"]


@dataclass(frozen=True)
class ColumnContract:
    """What one column may hold.

    Attributes:
        type: Spark's simple name, one of `KINDS`, or ``decimal(18,2)``. A table may store a narrower one, such as
            smallint for int or float for double: it is widened where no value can be lost.
        minimum, maximum: inclusive limits of numbers, and of dates as YYYY-MM-DD.
        allowed: the only texts that may stand there. Empty: any.
        protected: an attribute that no model may see (gender, nationality). Only fairness reports read it.
    """

    name: str
    type: str
    nullable: bool = True
    minimum: float | str | None = None
    maximum: float | str | None = None
    allowed: tuple[str, ...] = ()
    protected: bool = False


@dataclass(frozen=True)
class TableContract:
    """What one table promises, declared beside its columns and checked in one pass.

    Attributes:
        name: the table's name in errors, in views and below ``sources/``.
        source: path or address of CSV, Parquet or Delta. Empty: the Delta table below ``sources/<bank>/<name>``.
        key: columns that identify a row.
        event_time: when the row happened: a date or timestamp column. None for a table without time.
        known_at: what a row dated by day tells is known at the start or the end of that day. None: the end, as of a
            closing balance. A time of day is exact.
        arrived_on: column that tells when the bank knew the row, a day at its end. None: ``delay_days`` after event.
        delay_days: days from event to knowledge. Beside ``arrived_on`` the most there may be, None: any number.
        fewest_rows, most_rows: bounds of the whole table.
        freshness_days: how old the newest event may be on the business date. None: any age.
        every: the table has rows for each such period from its first to its last. A hole is an error.
    """

    name: str
    columns: tuple[ColumnContract, ...]
    key: tuple[str, ...]
    source: str = ""
    event_time: str | None = None
    known_at: DayPart | None = None
    arrived_on: str | None = None
    delay_days: int | None = None
    fewest_rows: int = 1
    most_rows: int | None = None
    freshness_days: int | None = None
    every: Literal["month", "day"] | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        problems = [
            f"table {self.name}: column {c} is declared twice" for c in sorted(set(names)) if names.count(c) > 1
        ]
        problems += name_problems(names, reserved=STORED_BESIDE_BROKEN_ROWS, of=f"table {self.name}")
        used = {"key": self.key, "event_time": (self.event_time,), "arrived_on": (self.arrived_on,)}
        problems += [
            f"table {self.name}: {role} {column} is not among its columns"
            for role, columns in used.items()
            for column in columns
            if column is not None and column not in names
        ]
        problems += [
            f"table {self.name}: column {column.name} is {problem}"
            for column in self.columns
            if (problem := type_problem(column.type))
        ]
        if not self.key:
            problems.append(f"table {self.name} needs a key")
        if self.known_at and not any(c.name == self.event_time and c.type == "date" for c in self.columns):
            problems.append(f"table {self.name}: known_at tells of a day, and its event_time is none")
        if problems:
            raise BadConfiguration(*problems)

    def column(self, name: str) -> ColumnContract:
        """The contract of one column."""
        return next(column for column in self.columns if column.name == name)

    @property
    def protected(self) -> tuple[str, ...]:
        """Attributes that no model may see."""
        return tuple(column.name for column in self.columns if column.protected)
