"""Stored types read as wider declared ones, and which of them lose nothing by it. Grain: unchanged.

Every value of the stored type must be a value of the declared one, whatever the rows hold, so the answer needs no data.

See docs/adr/0043.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.tables.column_types import decimal_digits, is_number

# Digits before the decimal point that every value of a whole-number type fits into.
_WHOLE_DIGITS: Mapping[type[T.DataType], int] = {
    T.ByteType: 3,
    T.ShortType: 5,
    T.IntegerType: 10,
    T.LongType: 19,
}
EXACT_DIGITS = 15  # of a double: every decimal with no more comes back as it was
_FITS = {"int": 9, "bigint": 18}  # digits of which every whole number fits
_WIDTHS = {"int": 10, "bigint": 19}


def is_same_type(stored: T.DataType, declared: str) -> bool:
    """Whether a column is of its declared type already. ``decimal`` stands for any decimal."""
    if declared == "decimal":
        return isinstance(stored, T.DecimalType)
    return stored.simpleString() == declared.replace(" ", "")


def widened_type(stored: T.DataType, declared: str) -> str | None:
    """The type as which a stored column is read to fit its contract. None where that would lose something.

    The declared type itself, but for whole numbers declared ``decimal``: they get the digits that they need.
    """
    whole = _WHOLE_DIGITS.get(type(stored))
    if declared == "decimal":
        return f"decimal({whole},0)" if whole else None
    return declared if is_same_type(stored, declared) or _is_lossless(stored, declared, whole) else None


def widened(rows: DataFrame, declared: Mapping[str, str]) -> tuple[DataFrame, list[str]]:
    """Reads narrower columns as their declared types, with a note on each.

    A column that cannot be widened without loss, or that nobody declared, stays as it is.
    """
    casts, notes = {}, []
    for field in rows.schema:
        declared_type = declared.get(field.name)
        if declared_type is None or is_same_type(field.dataType, declared_type):
            continue
        kind = widened_type(field.dataType, declared_type)
        if kind is not None:
            casts[field.name] = F.col(f"`{field.name}`").cast(kind)
            notes.append(f"column {field.name} is stored as {field.dataType.simpleString()}, read as {kind}")
    return (rows.withColumns(casts) if casts else rows), notes


def loss(stored: T.DataType, declared: str) -> str:
    """Why numbers or times of a stored type cannot be read as the declared one. Empty for types of different kinds."""
    if isinstance(stored, T.NumericType) and is_number(declared):
        return f"not every {stored.simpleString()} fits {declared}: declare {_suggested(stored)}, or convert the table"
    if isinstance(stored, (T.TimestampType, T.TimestampNTZType)) and declared == "date":
        return "a date would lose the time of day: declare timestamp"
    if isinstance(stored, T.DateType) and declared == "timestamp":
        return "a day tells no time of day: declare date"
    return ""


def double_notes(schema: T.StructType) -> list[str]:
    """A sentence for each decimal with more digits than the double has as which a data set holds it."""
    return [
        f"column {field.name} holds decimals, kept as double: {EXACT_DIGITS} digits count"
        for field in schema
        if isinstance(field.dataType, T.DecimalType) and field.dataType.precision > EXACT_DIGITS
    ]


def _is_lossless(stored: T.DataType, declared: str, whole: int | None) -> bool:
    digits = decimal_digits(declared)
    if isinstance(stored, T.DecimalType):
        if digits is not None:
            return stored.scale <= digits[1] and stored.precision - stored.scale <= digits[0] - digits[1]
        if declared == "double":
            return stored.precision <= EXACT_DIGITS
        return stored.scale == 0 and stored.precision <= _FITS.get(declared, 0)
    if whole is not None:
        if digits is not None:
            return whole <= digits[0] - digits[1]
        return whole <= EXACT_DIGITS if declared == "double" else whole < _WIDTHS.get(declared, 0)
    if isinstance(stored, T.FloatType):
        return declared == "double"
    if isinstance(stored, (T.StringType, T.CharType, T.VarcharType)):
        return declared == "string"
    # A time without a zone is a wall clock's. Sessions run in UTC, so it keeps its reading.
    return isinstance(stored, T.TimestampNTZType) and declared == "timestamp"


def _suggested(stored: T.NumericType) -> str:
    return "double" if isinstance(stored, (T.FloatType, T.DoubleType)) else stored.simpleString()
