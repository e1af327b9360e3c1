"""How the texts of a column are read as values of its type."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from arrears.sources.moments import moment

TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}
_BLANKS = "[ \u00a0\u202f\u2009]"


@dataclass(frozen=True)
class Conversion:
    """How the texts of one column are read.

    Attributes:
        type: ``string``, ``bigint``, ``double``, ``date`` or ``timestamp``, as Spark names them.
        decimal, thousands: marks of its numbers.
        unit: per cent sign, currency or unit at every number, taken off.
        order: of day, month and year in its dates (see `moments`).
        missing: texts, in lower case, that stand for a missing value.
        sentinels: days (YYYY-MM-DD) that stand for a missing value.
    """

    type: str = "string"
    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    order: str = ""
    missing: tuple[str, ...] = ()
    sentinels: tuple[str, ...] = ()


def converted(texts: pa.StringArray, conversion: Conversion) -> pa.Array:
    """The values that trimmed texts stand for: null for a missing one.

    Raises:
        ValueError: a text is none of the conversion's type. Shows no value.
    """
    encoded = texts.dictionary_encode()
    present = _without_missing(encoded.dictionary, conversion.missing)
    if conversion.type in ("date", "timestamp"):
        present = _moments(present, conversion)
    elif conversion.type != "string":
        present = _numbers(present, conversion)
    return present.take(encoded.indices)


def _without_missing(texts: pa.StringArray, missing: tuple[str, ...]) -> pa.StringArray:
    is_missing = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(["", *missing], pa.string()))
    return pc.if_else(is_missing, pa.scalar(None, pa.string()), texts)


def _numbers(texts: pa.StringArray, conversion: Conversion) -> pa.Array:
    if conversion.unit:
        texts = pc.replace_substring(texts, conversion.unit, "")
    texts = pc.replace_substring_regex(texts, f"{_BLANKS}|^\\+", "")
    if conversion.thousands:
        marks = "['\u2019]" if conversion.thousands == "'" else re.escape(conversion.thousands)
        texts = pc.replace_substring_regex(texts, marks, "")
    if conversion.decimal != ".":
        texts = pc.replace_substring(texts, conversion.decimal, ".")
    texts = pc.replace_substring_regex(texts, "^[\u2212\u2013]", "-")
    texts = pc.replace_substring_regex(texts, r"^\((.*)\)$", r"-\1")
    texts = pc.replace_substring_regex(texts, r"^(.*)-$", r"-\1")
    texts = pc.replace_substring_regex(texts, r"^\+", "")
    try:
        return pc.cast(texts, TYPES[conversion.type])
    except pa.ArrowInvalid:
        raise ValueError(f"values are no {conversion.type}") from None


def _moments(texts: pa.StringArray, conversion: Conversion) -> pa.Array:
    found = [None if text is None else moment(text, conversion.order) for text in texts.to_pylist()]
    if sum(each is None for each in found) != texts.null_count:
        raise ValueError("values are no dates in the order of the others")
    kept = [None if each is None or each.date().isoformat() in conversion.sentinels else each for each in found]
    moments = pa.array(kept, TYPES["timestamp"])
    return moments if conversion.type == "timestamp" else pc.cast(moments, TYPES["date"])
