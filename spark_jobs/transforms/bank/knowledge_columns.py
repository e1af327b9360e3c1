"""What was known when, as columns: the answers of `arrears.contracts.tables.knowledge` for the rows of a table.

Grain: none of its own. Every function gives a column of the rows that it is asked about, or leaves rows out.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.tables.knowledge import LabelKnowledge, RowKnowledge
from arrears.contracts.tables.table_contracts import DayPart


def decision_moment(decisions: DataFrame, decided_at: str) -> Column:
    """The instant of a decision: what is known later it may not use."""
    return _moment(decisions, decided_at, "start")


def start_of(day: str) -> Column:
    """The instant at which a day (YYYY-MM-DD) begins, as a feature store is built for it."""
    return F.lit(day).cast("date").cast("timestamp")


def end_of(day: str) -> Column:
    """The instant at which a day (YYYY-MM-DD) ends: all that was known on a business date was known by then."""
    return F.date_add(F.lit(day).cast("date"), 1).cast("timestamp")


def event_moment(rows: DataFrame, knowledge: RowKnowledge) -> Column:
    """The instant at which a row happened."""
    return _moment(rows, knowledge.event_time, knowledge.day)


def dated_moment(rows: DataFrame, column: str, *, days: int) -> Column:
    """The instant so many days after a time of day, or after the start of a day."""
    return _moment(rows, column, "start") + F.expr(f"INTERVAL {days} DAYS")


def arrival_moment(rows: DataFrame, knowledge: RowKnowledge) -> Column | None:
    """The instant at which the bank heard of a row. None where that is when it happened.

    A row is known when both have passed: its event and its arrival.
    """
    if knowledge.arrived_on:
        return _moment(rows, knowledge.arrived_on, "end")
    if knowledge.delay_days:
        return event_moment(rows, knowledge) + F.expr(f"INTERVAL {knowledge.delay_days} DAYS")
    return None


def arrival_delay(knowledge: RowKnowledge) -> Column:
    """Days from the day of a row's event to that of its arrival, for tables that have an arrival column."""
    arrived_on = knowledge.arrived_on or knowledge.event_time
    return F.date_diff(F.to_date(_named(arrived_on)), F.to_date(_named(knowledge.event_time)))


def window_end(decisions: DataFrame, decided_at: str, *, months: int) -> Column:
    """The instant at which the performance window of a decision ends."""
    return decision_moment(decisions, decided_at) + F.expr(f"INTERVAL {months} MONTHS")


def label_moment(decisions: DataFrame, decided_at: str, knowledge: LabelKnowledge) -> Column:
    """The instant from which it is known how a decision turned out, whatever else becomes known later."""
    if knowledge.column:
        moment = _moment(decisions, knowledge.column, "end")
    else:
        moment = window_end(decisions, decided_at, months=knowledge.months)
    return moment + F.expr(f"INTERVAL {knowledge.days} DAYS")


def to_rows_of(rows: DataFrame, knowledge: RowKnowledge, day: str, *, ignore_later: bool) -> DataFrame:
    """The rows that stood in a table at the end of a day: one that has moved on looks as it did then.

    Args:
        ignore_later: leave out events after the day. Otherwise they stay, for the table's contract to refuse.
    """
    time_column = knowledge.arrived_on or (knowledge.event_time if ignore_later else None)
    if not time_column or time_column not in rows.columns:
        return rows
    return rows.where(F.to_date(_named(time_column)) <= F.lit(day).cast("date"))


def _moment(rows: DataFrame, column: str, day: DayPart) -> Column:
    is_day = isinstance(rows.schema[column].dataType, T.DateType)
    at = F.date_add(_named(column), 1) if is_day and day == "end" else _named(column)
    return at.cast("timestamp")


def _named(column: str) -> Column:
    return F.col(f"`{column}`")
