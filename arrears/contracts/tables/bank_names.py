"""Names that a bank's columns and features cannot have, because a column of ours stands beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from arrears.contracts.tables.column_names import LABEL, RESERVED, STORED_BESIDE_FEATURES, name_problems

if TYPE_CHECKING:
    from arrears.contracts.tables.banks import BankDescription


def bank_name_problems(bank: BankDescription) -> list[str]:
    """A sentence for the reserved names of each place where columns of the bank meet ours."""
    carried = [line.name for line in bank.catalogue]
    carried += [bank.customer, bank.decided_at, *filter(None, [bank.label.known_on])]
    problems = name_problems(carried, reserved=[n for n in RESERVED if n != LABEL])
    beside_label = [name for name in _beside_label(bank) if name != bank.label.outcome_column]
    problems += name_problems(beside_label, reserved=[LABEL], of="decisions with their features")
    for view in bank.views:
        names = [view.entity, *view.feature_names]
        problems += name_problems(names, reserved=STORED_BESIDE_FEATURES, of=f"view {view.name}")
    return problems


def _beside_label(bank: BankDescription) -> Iterator[str]:
    """Every column that the decisions have when the label is added, joined, computed and derived ones included."""
    for table in dict.fromkeys((bank.decisions, *(join.table for join in bank.joins))):
        if table in bank.tables:
            yield from (column.name for column in bank.tables[table].columns)
    for view in bank.views:
        yield from view.feature_names
    yield from (derived.name for derived in bank.derived)
