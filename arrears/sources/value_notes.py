"""What a person should know of how a column's texts are read: what was recognised, converted, or looks suspicious."""

from __future__ import annotations

from collections.abc import Mapping

from arrears.sources.column_profiles import ColumnProfile
from arrears.sources.conversions import Conversion
from arrears.sources.moments import ORDER_NAMES, YMD, YYYYMM, YYYYMMDD
from arrears.sources.value_shapes import Shape

_CUT_DIGITS = 11  # a spreadsheet shows whole numbers of more digits as 4.12E+15, and saves them so


def number_notes(
    name: str,
    profile: ColumnProfile,
    shapes: Mapping[Shape, int],
    marks: Mapping[str, int],
    conversion: Conversion,
    *,
    doubt: bool,
) -> list[str]:
    """What to tell of a column of numbers.

    Args:
        shapes: what its numbers look like → how many do.
        marks: missing marks among them → how often.
        doubt: whether another notation would read other numbers.
    """
    notation = f"{conversion.decimal!r} as decimal mark"
    notation += f", {conversion.thousands!r} between thousands" if conversion.thousands else ""
    unsure = ", though they could be read otherwise: give decimal and thousands if that is wrong" if doubt else ""
    told = {
        f"numbers are read with {notation}{unsure}": conversion.decimal != "." or conversion.thousands != "" or doubt,
        f"{conversion.unit!r} is taken off its numbers": conversion.unit != "",
        "numbers in parentheses are negative": any(shape.style == "()" for shape in shapes),
        "a minus behind a number makes it negative": any(shape.style == "-" for shape in shapes),
        f"missing values are marked by {listed(marks)}": bool(marks),
        "every number has an exponent: if these are identifiers, a spreadsheet has cut their digits": all(
            shape.scientific and shape.digits < _CUT_DIGITS for shape in shapes
        ),
    }
    notes = [f"column {name}: {note}" for note, holds in told.items() if holds]
    if conversion.type == "double" and profile.beyond_64_bits:
        notes.append(f"column {name} holds whole numbers beyond 64 bits, kept as double: 15 digits count")
    numbers = sum(shapes.values())
    dates = [order for order in (YYYYMMDD, YYYYMM) if profile.orders[order] == numbers]
    notes += [
        f"column {name}: its whole numbers look like dates, {ORDER_NAMES[order]}: declare it a date if they are"
        for order in dates
    ]
    return notes


def date_notes(name: str, profile: ColumnProfile, marks: Mapping[str, int], conversion: Conversion) -> list[str]:
    """What to tell of a column of dates."""
    notes = []
    if conversion.order != YMD:
        notes.append(f"dates are read as {ORDER_NAMES[conversion.order]}")
    if marks:
        notes.append(f"missing values are marked by {listed(marks)}")
    for day, count in profile.sentinels.items():
        if day in conversion.sentinels:
            notes.append(f"{values(count, 'is', 'are')} {day}, declared to stand for none: missing")
        else:
            notes.append(f"{values(count, 'is', 'are')} {day}, as systems write none: name it among the sentinels")
    return [f"column {name}: {note}" for note in notes]


def listed(counted: Mapping[str, int]) -> str:
    """Marks with their counts, as a sentence names them."""
    return ", ".join(f"{text or 'none'!r} in {count:,}" for text, count in sorted(counted.items()))


def values(count: int, one: str, many: str) -> str:
    """A number of values and its verb.

    >>> values(1, "is", "are")
    '1 value is'
    """
    return f"{count:,} value{'' if count == 1 else 's'} {one if count == 1 else many}"
