"""Delivered rows as the data set's tables hold them: which are of a day, and which values their types cannot hold.

Grain is never changed here.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_jobs.transforms.borrowers.borrowers import MOMENT


def is_of_day(column: str, kind: T.DataType, day: str) -> Column:
    """Whether a column names this day (YYYY-MM-DD): as a date, a time, or text and numbers such as 20260131."""
    if isinstance(kind, MOMENT):
        return F.to_date(column) == F.lit(day).cast("date")
    text = F.trim(F.col(column).cast("string"))
    return text.isin(day, day.replace("-", ""))


def with_stored_types(rows: DataFrame, types: Mapping[str, str]) -> DataFrame:
    """Reads columns as the types that the tables have. A value that does not fit becomes null: see `misfits`."""
    return rows.withColumns({name: F.col(name).try_cast(kind) for name, kind in types.items()})


def misfits(rows: DataFrame, types: Mapping[str, str]) -> dict[str, Column]:
    """Aggregates that count the values which another type would change or lose, by column. Others are left out."""
    present = {field.name: field.dataType.simpleString() for field in rows.schema}
    return {
        name: F.count_if(_is_changed(name, present[name], kind)).alias(name)
        for name, kind in types.items()
        if present[name] not in (kind, "void")
    }


def _is_changed(name: str, present: str, kind: str) -> Column:
    there_and_back = F.col(name).try_cast(kind).try_cast(present)
    return F.col(name).isNotNull() & ~F.col(name).eqNullSafe(there_and_back)
