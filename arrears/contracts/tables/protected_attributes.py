"""Every way in which a protected attribute could reach a feature of a bank, refused in one place.

What is protected: columns that a table's contract marks, and features whose line in the catalogue says fairness. A
value computed of one, chosen by one, dated by one or joined by one reveals it as well as the attribute itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from arrears.contracts.tables.features import ProfileView, View

if TYPE_CHECKING:
    from arrears.contracts.tables.banks import BankDescription


def protected_problems(bank: BankDescription) -> list[str]:
    """A sentence for each use of a protected attribute that a model could learn it from."""
    marked = {column.lower() for table in bank.tables.values() for column in table.protected}
    reported = {line.name.lower() for line in bank.catalogue if line.use == "fairness"}
    protected = marked | reported
    uses = [*_of_decisions(bank), *_of_joins(bank), *(use for view in bank.views for use in _of_view(bank, view))]
    problems = [f"{what} uses the protected attribute {column}" for what, column in uses if column.lower() in protected]
    for derived in bank.derived:
        # What is derived of one is one: it may be reported on, and nothing else may be derived of it.
        if derived.name.lower() in reported:
            continue
        used = [column for column in derived.columns if column.lower() in protected]
        problems += [f"derived feature {derived.name} uses the protected attribute {column}" for column in used]
        if used:
            protected.add(derived.name.lower())
    return problems


def _of_decisions(bank: BankDescription) -> Iterator[tuple[str, str]]:
    yield "id", bank.id
    yield "customer", bank.customer
    yield "decided_at", bank.decided_at
    yield "label", bank.label.outcome_column
    yield from (("label", column) for column in [bank.label.known_on] if column)


def _of_joins(bank: BankDescription) -> Iterator[tuple[str, str]]:
    for join in bank.joins:
        what = f"join of {join.table}"
        yield from ((what, column) for column in dict.fromkeys((join.on, join.on_theirs or join.on, *join.where)))
        yield from _of_times(bank, what, join.table)


def _of_view(bank: BankDescription, view: View) -> Iterator[tuple[str, str]]:
    what = f"view {view.name}"
    late = [view.days_past_due] if not isinstance(view, ProfileView) and view.days_past_due else []
    columns = view.columns if isinstance(view, ProfileView) else (*view.amounts, *late)
    yield from ((what, column) for column in dict.fromkeys((view.entity, *columns)))
    yield from _of_times(bank, what, view.table)


def _of_times(bank: BankDescription, what: str, table: str) -> Iterator[tuple[str, str]]:
    contract = bank.tables.get(table)
    times = (contract.event_time, contract.arrived_on) if contract else ()
    yield from ((f"{what}, by the time of its rows,", time) for time in times if time)
