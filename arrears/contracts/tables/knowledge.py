"""What was known when: the one place that says from which moment on a bank knows a row, or how a decision turned out.

Features, the feature store, labels, splits and folds ask this module, through
`spark_jobs.transforms.bank.knowledge_columns`, which turns the answers into columns. None of them computes its own.
Which rows a model has learnt from, the third part of what was known when, is its lineage
(`arrears.contracts.tables.lineage`).

Moments are instants in UTC, the time zone of every session. A time of day is exact. What is dated by day stands for

* the start of its day: a decision; the date for which the feature store is built.
* the end of its day: a row of a table, unless the table says ``known_at: start``; an arrival; an outcome; the business
  date of a data set.

See docs/adr/0042.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from arrears.contracts.tables.banks import BankDescription, OutcomeColumn
from arrears.contracts.tables.table_contracts import DayPart, TableContract


@dataclass(frozen=True)
class RowKnowledge:
    """When a row of a table happened, and when the bank knew of it.

    Attributes:
        event_time: its column of when a row happened.
        day: which part of a day a row dated by day stands for. A time of day is exact.
        arrived_on: its column of when the row was known, a day at its end. None: ``delay_days`` after the event.
        delay_days: days from the event until a row is known, in a table without ``arrived_on``.
    """

    event_time: str
    day: DayPart = "end"
    arrived_on: str | None = None
    delay_days: int = 0


@dataclass(frozen=True)
class LabelKnowledge:
    """When it is known how a decision turned out: once a time has passed, or when a column tells.

    Attributes:
        months: the performance window after the decision.
        days: from the end of the window, or from what the column tells, until nothing can change the label any more.
        column: of the decisions, when the outcome was known, a day at its end. Empty: there is none.
    """

    months: int = 0
    days: int = 0
    column: str = ""

    def __bool__(self) -> bool:
        """Whether there is a window, a delay or a column: otherwise labels count as known at the decision."""
        return self != LabelKnowledge()

    def __str__(self) -> str:
        after = f"{self.days} days after {self.column}" if self.column else f"{self.months} months and {self.days} days"
        return after if self.column else f"{after} after the decision"

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> LabelKnowledge:
        """What the manifest of a dataset version tells, which keeps this class's fields as ``label_known``."""
        return cls(**manifest.get("label_known", {}))

    def later_by(self, days: int) -> LabelKnowledge:
        """So many days more, as an embargo asks for."""
        return replace(self, days=self.days + days)


def label_knowledge(bank: BankDescription, *, longest_delay: int | None = None) -> LabelKnowledge:
    """When the outcome of a bank's decisions is known: with the last row that can belong to the performance window.

    Args:
        longest_delay: days from event to arrival of the row that came latest, for a table of which ``delay_days`` tells
            no longest.
    """
    if isinstance(bank.label, OutcomeColumn):
        return LabelKnowledge(column=bank.label.known_on)
    contract = bank.tables[bank.label.table]
    days = contract.delay_days if contract.delay_days is not None else longest_delay or 0
    # A day of arrival counts to its end: a day more, unless the event counts to the end of its day too.
    is_day = _is_known_at_end(contract.event_time, contract)
    return LabelKnowledge(bank.label.window_months, days + (contract.arrived_on is not None and not is_day))


def row_knowledge(contract: TableContract) -> RowKnowledge:
    """When the rows of a bank's table are known."""
    return RowKnowledge(
        contract.event_time or "", contract.known_at or "end", contract.arrived_on, contract.delay_days or 0
    )


def days_until_known(contract: TableContract) -> dict[str, int]:
    """A joined table's columns of time, each with the days from it (from its start, of a day) until its row was known.

    Such a table is joined as it is, whatever its rows' times: the leak check counts those that came after the decision.
    """
    days = {contract.event_time: 0 if contract.arrived_on else contract.delay_days or 0, contract.arrived_on: 0}
    return {name: n + _is_known_at_end(name, contract) for name, n in days.items() if name is not None}


def _is_known_at_end(column: str | None, contract: TableContract) -> bool:
    if column is None or contract.column(column).type != "date":
        return False
    return column != contract.event_time or row_knowledge(contract).day == "end"
