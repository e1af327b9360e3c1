"""What the types of Parquet files mean here: how Spark reads each, what is told of it, and which widen to which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt
from pyspark.sql import types as T

VOID = "void"  # of a column that holds nothing in a file, whatever it holds in others

_PLAIN: tuple[tuple[pa.DataType, T.DataType], ...] = (
    (pa.bool_(), T.BooleanType()),
    (pa.int8(), T.ByteType()),
    (pa.int16(), T.ShortType()),
    (pa.int32(), T.IntegerType()),
    (pa.int64(), T.LongType()),
    (pa.uint8(), T.ShortType()),
    (pa.uint16(), T.IntegerType()),
    (pa.uint32(), T.LongType()),
    (pa.uint64(), T.DecimalType(20, 0)),
    (pa.float32(), T.FloatType()),
    (pa.float64(), T.DoubleType()),
    (pa.string(), T.StringType()),
    (pa.large_string(), T.StringType()),
    (pa.string_view(), T.StringType()),
    (pa.date32(), T.DateType()),
    (pa.date64(), T.DateType()),
)
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_MOST_DIGITS = 38
_WHOLE = ("tinyint", "smallint", "int", "bigint")  # narrower ones first


@dataclass(frozen=True)
class StoredType:
    """How a column stands in a file.

    Attributes:
        name: of the type, as messages give it and as files are compared by.
        read_as: the type in which Spark reads it. None: nobody reads it.
        sql: what becomes of what was read, with ``{c}`` for the column. Empty: it stays.
        note: what a reader should know, as a sentence whose subject is the column. Empty: nothing.
    """

    name: str
    read_as: T.DataType | None
    sql: str = ""
    note: str = ""


def stored_type(kind: pa.DataType, *, is_int96: bool = False) -> StoredType:
    """How a column of a Parquet file is read, and what is told of it.

    Args:
        is_int96: of the twelve bytes in which Hive, Impala and old Spark wrote times. Spark reads these itself.
    """
    if pt.is_dictionary(kind):
        return stored_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return stored_type(kind.storage_type)
    plain = next((read_as for stored, read_as in _PLAIN if stored.equals(kind)), None)
    if plain is not None:
        return StoredType(plain.simpleString(), plain)
    if pt.is_null(kind):
        return StoredType(VOID, None)
    if pt.is_timestamp(kind):
        return _moment(kind, is_int96=is_int96)
    if pt.is_duration(kind):
        return StoredType("duration", T.LongType(), note=f"holds durations, kept as whole {_UNITS[kind.unit]}")
    if pt.is_decimal(kind) and kind.precision <= _MOST_DIGITS and kind.scale >= 0:
        decimal = T.DecimalType(kind.precision, kind.scale)
        return StoredType(decimal.simpleString(), decimal)
    return StoredType(_unread_name(kind), None, note=_unread_note(kind))


def common_type(names: Sequence[str]) -> str | None:
    """The type that holds the values of all these types of numbers or times, or None where there is none.

    >>> common_type(["int", "bigint"]), common_type(["bigint", "double"]), common_type(["string", "bigint"])
    ('bigint', 'double', None)
    """
    known = {name for name in names if name != VOID}
    if len(known) == 1:
        return known.pop()
    if known <= set(_WHOLE):
        return max(known, key=_WHOLE.index)
    if all(name in (*_WHOLE, "float", "double") or name.startswith("decimal") for name in known):
        return "double"
    return "timestamp" if known <= {"date", "timestamp", "timestamp_ntz"} else None


def folder_type(values: Sequence[str]) -> str:
    """The type of a column that the names of folders give: whole numbers and dates only where all are some.

    >>> folder_type(["1", "12"]), folder_type(["01", "12"]), folder_type(["2026-01-31"]), folder_type(["2026-01"])
    ('bigint', 'string', 'date', 'string')
    """
    if all(value.isascii() and value.isdigit() and str(int(value)) == value and len(value) < 19 for value in values):
        return "bigint"
    return "date" if all(_is_date(value) for value in values) else "string"


def _moment(kind: pa.DataType, *, is_int96: bool) -> StoredType:
    told = T.TimestampType() if kind.tz or is_int96 else T.TimestampNTZType()
    if kind.unit != "ns" or is_int96:
        return StoredType(told.simpleString(), told)
    # Sessions run in UTC, so a wall clock's time keeps its reading as a timestamp.
    note = "holds times to the nanosecond, kept to the microsecond"
    return StoredType(told.simpleString(), T.LongType(), "timestamp_micros({c} div 1000)", note)


def _unread_name(kind: pa.DataType) -> str:
    if pt.is_nested(kind):
        return "nested"
    if pt.is_time(kind):
        return "time of day"
    return "bytes" if pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind) else str(kind)


def _unread_note(kind: pa.DataType) -> str:
    name = _unread_name(kind)
    held = {
        "nested": "is nested (a list, a map or a record)",
        "time of day": "holds times of day",
        "bytes": "holds bytes",
    }
    return held.get(name, f"is of the type {name}")


def _is_date(text: str) -> bool:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
