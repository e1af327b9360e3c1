"""Text of a bank's own tables, read as the type that their contract declares."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.column_types import decimal_digits

ANY_DECIMAL = (38, 10)  # a text file's column that is declared decimal without its digits

MISSING_MARKS = ("", "na", "n/a", "nan", "null")


def with_missing_marks_as_null(lines: DataFrame, columns: Iterable[str]) -> DataFrame:
    """Turns the usual marks of a missing value (nothing, NA, NaN, null) into nulls. Same grain."""
    marks = ", ".join(f"'{mark}'" for mark in MISSING_MARKS)
    return lines.withColumns({c: F.expr(f"CASE WHEN lower(`{c}`) NOT IN ({marks}) THEN `{c}` END") for c in columns})


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
