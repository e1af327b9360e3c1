"""The types that a bank may declare for a column, by Spark's simple names."""

from __future__ import annotations

import re

KINDS = ("string", "int", "bigint", "double", "decimal", "boolean", "date", "timestamp")
NUMBERS = ("int", "bigint", "double", "decimal")
MOST_DIGITS = 38

_DECIMAL = re.compile(r"decimal\((\d{1,2}), ?(\d{1,2})\)")


def type_problem(kind: str) -> str:
    """What is wrong with a declared type, as the end of a sentence. Empty where nothing is.

    >>> type_problem("decimal(18,2)"), type_problem("decimal")
    ('', '')
    """
    if kind in KINDS:
        return ""
    digits = decimal_digits(kind)
    if digits is None:
        return f"{kind}; types are {', '.join(KINDS)} and decimal(digits,decimals)"
    whole = 1 <= digits[0] <= MOST_DIGITS and digits[1] <= digits[0]
    return "" if whole else f"{kind}: it has 1 to {MOST_DIGITS} digits, of which the decimals are a part"


def decimal_digits(kind: str) -> tuple[int, int] | None:
    """Digits, and how many of them are decimals, of a decimal that names them. None for any other type.

    >>> decimal_digits("decimal(18,2)")
    (18, 2)
    """
    match = _DECIMAL.fullmatch(kind)
    return (int(match[1]), int(match[2])) if match else None


def is_number(kind: str) -> bool:
    """Whether a column of this type holds numbers."""
    return kind in NUMBERS or decimal_digits(kind) is not None
