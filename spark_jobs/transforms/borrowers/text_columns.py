"""What the text of a CSV column is: whole numbers, real numbers, dates or text, judged by every value.

Spark's own guess passes over the file too, but reads `1D` as a number, `007` as 7, and whole numbers beyond 64 bits as
text or null without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.column_types import decimal_digits

# One bit a kind, so that one `bit_or` a column tells every kind that its values have.
WHOLE, WIDE, REAL, DATE, MOMENT, TEXT = 1, 2, 4, 8, 16, 32
NO_VALUE = 0

ANY_DECIMAL = (38, 10)  # a text file's column that is declared decimal without its digits

MISSING_MARKS = ("", "na", "n/a", "nan", "null")

_KIND = """CASE
    WHEN `{c}` IS NULL THEN 0
    WHEN startswith(`{c}`, '0') AND `{c}` RLIKE '^0[0-9]' THEN 32
    WHEN try_cast(`{c}` AS BIGINT) IS NOT NULL THEN 1
    WHEN try_cast(`{c}` AS DOUBLE) IS NOT NULL AND NOT `{c}` RLIKE '[A-DF-Za-df-z]' THEN
        CASE WHEN NOT contains(`{c}`, '.') AND `{c}` RLIKE '^[+-]?[0-9]+$' THEN 2 ELSE 4 END
    WHEN length(`{c}`) < 10 OR NOT `{c}` RLIKE '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' THEN 32
    WHEN length(`{c}`) = 10 AND try_cast(`{c}` AS DATE) IS NOT NULL THEN 8
    WHEN try_cast(`{c}` AS TIMESTAMP) IS NOT NULL THEN 16
    ELSE 32 END"""


def with_missing_marks_as_null(lines: DataFrame, columns: Iterable[str]) -> DataFrame:
    """Turns the usual marks of a missing value (nothing, NA, NaN, null) into nulls. Same grain."""
    marks = ", ".join(f"'{mark}'" for mark in MISSING_MARKS)
    return lines.withColumns({c: F.expr(f"CASE WHEN lower(`{c}`) NOT IN ({marks}) THEN `{c}` END") for c in columns})


def kinds(columns: Iterable[str]) -> list[Column]:
    """Aggregates that tell which kinds of value each text column holds, as bits."""
    return [F.expr(f"bit_or({_KIND.format(c=column)})").alias(column) for column in columns]


def sql_type(kind: int) -> str:
    """The type that holds every value of a column with these kinds.

    >>> sql_type(WHOLE), sql_type(WHOLE | REAL), sql_type(REAL | TEXT), sql_type(WHOLE | DATE)
    ('bigint', 'double', 'string', 'string')
    """
    if kind == WHOLE:
        return "bigint"
    if kind in (DATE, MOMENT, DATE | MOMENT):
        return "date" if kind == DATE else "timestamp"
    return "double" if kind != NO_VALUE and kind <= WHOLE | WIDE | REAL else "string"


def with_types(lines: DataFrame, types: Mapping[str, str]) -> DataFrame:
    """Casts text columns to the types that `sql_type` found to hold all of their values. Same grain."""
    casts = {c: F.expr(f"try_cast(`{c}` AS {kind})") for c, kind in types.items() if kind != "string"}
    return lines.withColumns(casts) if casts else lines


def as_declared(column: str, kind: str) -> str:
    """SQL that reads a text column as the type that a contract declares: null where the text is no such value.

    Spark alone would take ``1D`` for a number and ``2026`` for a date, and round ``1.239`` to a decimal(10,2).
    """
    if kind.startswith("decimal"):
        digits, decimals = decimal_digits(kind) or ANY_DECIMAL
        is_one = f"`{column}` RLIKE '^[+-]?([0-9]+([.][0-9]{{0,{decimals}}}0*)?|[.][0-9]{{1,{decimals}}}0*)$'"
        return f"CASE WHEN {is_one} THEN try_cast(`{column}` AS DECIMAL({digits},{decimals})) END"
    guards = {
        "double": f"NOT `{column}` RLIKE '[A-DF-Za-df-z]'",
        "date": f"`{column}` RLIKE '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$'",
        "timestamp": f"`{column}` RLIKE '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'",
    }
    cast = f"try_cast(`{column}` AS {kind})"
    return f"CASE WHEN {guards[kind]} THEN {cast} END" if kind in guards else cast
