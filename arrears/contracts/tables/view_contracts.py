"""What contracts follow from a bank's views: of the features they make, and of the amounts they add up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from arrears.contracts.tables.column_types import is_number
from arrears.contracts.tables.features import COUNTS, LARGEST_AMOUNT, View, WindowFeature, WindowView
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract


def feature_contract(view: View, source: TableContract, *, event_time: str) -> TableContract:
    """What a view's feature table promises: a row per entity and moment, and what its columns may hold.

    Args:
        source: the contract of the table that the view looks at.
        event_time: the feature table's column of the moment.
    """
    entity = replace(source.column(view.entity), nullable=False)
    if isinstance(view, WindowView):
        late = source.column(view.days_past_due).type if view.days_past_due else ""
        features = tuple(_window_column(feature, late) for feature in view.computed)
    else:
        features = tuple(replace(source.column(name), nullable=True) for name in view.columns)
    columns = (entity, ColumnContract(event_time, "timestamp", nullable=False), *features)
    return TableContract(f"features of {view.name}", columns, (view.entity, event_time), event_time=event_time)


def with_amount_limits(contract: TableContract, views: Iterable[View]) -> TableContract:
    """The contract, in which amounts that a window view adds up stay within `LARGEST_AMOUNT`: sums hold no more."""
    summed = {a for view in views if isinstance(view, WindowView) and view.table == contract.name for a in view.amounts}
    return replace(contract, columns=tuple(_limited(c) if c.name in summed else c for c in contract.columns))


def _limited(column: ColumnContract) -> ColumnContract:
    if column.type == "int" or not is_number(column.type):
        return column
    low, high = (0 if limit is None else float(limit) for limit in (column.minimum, column.maximum))
    return replace(
        column,
        minimum=-LARGEST_AMOUNT if column.minimum is None or low < -LARGEST_AMOUNT else column.minimum,
        maximum=LARGEST_AMOUNT if column.maximum is None or high > LARGEST_AMOUNT else column.maximum,
    )


def _window_column(feature: WindowFeature, late: str) -> ColumnContract:
    if feature.kind == "last_event":
        return ColumnContract(feature.name, "int", nullable=False, minimum=0)
    if feature.kind in COUNTS:
        return ColumnContract(feature.name, "bigint", nullable=False, minimum=0)
    if feature.kind == "worst_arrears":
        return ColumnContract(feature.name, late)
    return ColumnContract(feature.name, "double", minimum=0 if feature.kind == "last_arrears" else None)
