"""What a table's contract demands of its columns and of each row, as columns that tell which rows break it.

Grain: one row per row of the table. Nothing here reads data.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.tables.knowledge import row_knowledge
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from spark_jobs.transforms.bank.knowledge_columns import arrival_delay
from spark_jobs.transforms.bank.widening import is_same_type, loss

BROKEN_RULES = "broken_rules"


@dataclass(frozen=True)
class RowRule:
    """What each row must keep: its text says what is wrong with a row for which ``is_broken`` is true (never null)."""

    text: str
    column: str
    is_broken: Column


def schema_problems(
    schema: T.StructType, contract: TableContract, *, allow_new_columns: bool
) -> tuple[list[str], list[str]]:
    """Columns that were dropped, changed their type, or are new, then notes on new columns that are let through."""
    present = {field.name: field.dataType for field in schema}
    declared = {column.name: column.type for column in contract.columns}
    problems = [
        f"table {contract.name}: column {name} ({kind}) is missing"
        for name, kind in declared.items()
        if name not in present
    ]
    problems += [
        f"table {contract.name}: column {name} is {_other_type(present[name], kind)}"
        for name, kind in declared.items()
        if name in present and not is_same_type(present[name], kind)
    ]
    new = [f"table {contract.name}: column {name} is not in the contract" for name in present if name not in declared]
    if allow_new_columns:
        return problems, [f"{problem}: ignored" for problem in new]
    return problems + [f"{problem}: add it there, or allow new columns" for problem in new], []


def in_contract(rows: DataFrame, contract: TableContract) -> DataFrame:
    """The contract's columns alone, in its order."""
    return rows.select(*(named(column.name) for column in contract.columns))


def row_rules(contract: TableContract, as_of: date) -> list[RowRule]:
    """Every rule that a single row can break.

    Missing values, numbers that are none (NaN, infinity), ranges, allowed values, and the order of its times.
    """
    rules = [rule for column in contract.columns for rule in _column_rules(column, is_key=column.name in contract.key)]
    if contract.event_time is not None:
        event = contract.column(contract.event_time)
        rules.append(_rule(f"{event.name} is later than {as_of}", event.name, is_after(event, as_of)))
        if contract.arrived_on is not None:
            arrived = contract.column(contract.arrived_on)
            text = f"{arrived.name} is before {event.name}"
            rules.append(_rule(text, arrived.name, _is_before(arrived, event)))
            rules += _delay_rules(contract, arrived.name)
    return rules


def _delay_rules(contract: TableContract, arrived_on: str) -> list[RowRule]:
    """A row that came later than the table promises would change a label that counts as known."""
    if contract.delay_days is None:
        return []
    text = f"{arrived_on} is more than {contract.delay_days} days after {contract.event_time}"
    return [_rule(text, arrived_on, arrival_delay(row_knowledge(contract)) > contract.delay_days)]


def is_broken(rules: Sequence[RowRule]) -> Column:
    """Whether a row breaks any rule."""
    return reduce(operator.or_, (rule.is_broken for rule in rules), F.lit(False))


def with_broken_rules(rows: DataFrame, rules: Sequence[RowRule]) -> DataFrame:
    """The rows that break a rule, with the texts of those they break in ``broken_rules``."""
    texts = F.array(*(F.when(rule.is_broken, F.lit(rule.text)) for rule in rules))
    return rows.where(is_broken(rules)).withColumn(BROKEN_RULES, F.filter(texts, lambda text: text.isNotNull()))


def named(column: str) -> Column:
    """The column of this name, whatever characters the name has."""
    return F.col(f"`{column}`")


def is_after(moment: ColumnContract, as_of: date) -> Column:
    """Whether a date or time lies after the end of a day."""
    limit = F.lit(as_of + timedelta(days=1))
    return named(moment.name) >= (limit.cast("timestamp") if moment.type == "timestamp" else limit)


def _other_type(stored: T.DataType, declared: str) -> str:
    why = loss(stored, declared)
    return f"{stored.simpleString()}, its contract says {declared}" + (f"; {why}" if why else "")


def _column_rules(column: ColumnContract, *, is_key: bool) -> list[RowRule]:
    value, rules = named(column.name), []
    if is_key or not column.nullable:
        what = "key " if is_key else ""
        rules.append(_rule(f"{what}{column.name} is missing", column.name, value.isNull()))
    is_finite = F.lit(True)
    if column.type == "double":
        # Spark takes NaN for larger than infinity.
        is_finite = F.abs(value) < F.lit(float("inf"))
        rules.append(_rule(f"{column.name} is NaN or infinite", column.name, ~is_finite))
    low, high = column.minimum, column.maximum
    outside = [value < _limit(low, column)] if low is not None else []
    # A date as the upper limit of a time means the whole of that day.
    compared = F.to_date(value) if column.type == "timestamp" else value
    outside += [compared > _limit(high, column)] if high is not None else []
    if outside:
        bounds = f"below {low}" if high is None else f"above {high}" if low is None else f"outside {low} to {high}"
        rules.append(_rule(f"{column.name} is {bounds}", column.name, is_finite & reduce(operator.or_, outside)))
    if column.allowed:
        text = f"{column.name} is none of {', '.join(column.allowed)}"
        rules.append(_rule(text, column.name, ~value.cast("string").isin(*column.allowed)))
    return rules


def _rule(text: str, column: str, is_broken: Column) -> RowRule:
    return RowRule(text, column, F.coalesce(is_broken, F.lit(False)))


def _limit(limit: float | str, column: ColumnContract) -> Column:
    # A limit is cast, never the value: a value that cannot be cast would be quoted in Spark's error.
    if column.type.startswith("decimal"):
        return F.lit(Decimal(f"{Decimal(str(limit)):f}"))
    whole = isinstance(limit, str) or float(limit).is_integer()
    kind = "double" if column.type in ("int", "bigint") and not whole else column.type
    return F.lit(limit).cast("date" if column.type == "timestamp" else kind)


def _is_before(arrived: ColumnContract, event: ColumnContract) -> Column:
    if arrived.type == event.type:
        return named(arrived.name) < named(event.name)
    # A day against a time of day: what arrived on the day of its event did not arrive before it.
    return F.to_date(named(arrived.name)) < F.to_date(named(event.name))
