"""What the text of one value looks like: a number in one of the usual notations, a date, a word.

A value's shape is its text with 9 for every digit, and 0 in front where its first digit is a zero before another digit
or a decimal mark. Shapes are few where values are many, and show no borrower's value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LEADING_ZERO = "0"  # in front of a shape

# Decimal mark and thousands mark of each notation; a person names the two.
NOTATIONS = ((".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))
_BLANK = " \u00a0\u202f\u2009"
_THOUSANDS = {"": "", ",": ",", ".": r"\.", " ": f"[{_BLANK}]", "'": "['\u2019]"}

_CURRENCIES = (  # Cyrillic letters are meant
    r"[A-Z]{0,2}\$|€|£|¥|₽|₹|₺|₴|zł|Kč|kr\.?|Ft|Fr\.?|лв\.?|руб\.?|EUR|USD|GBP|CHF|RUB|PLN|CZK|HUF|RON|BGN|SEK|NOK|DKK|JPY"  # noqa: RUF001
    r"|CNY|INR|BRL|KZT|UAH|TRY|ZAR|MXN|CAD|AUD|NZD|VND|Rs\.?"
)
_UNITS = (
    r"(?:months?|mths?|mos?|years?|yrs?|days?|weeks?|hours?|Monate?n?|Jahre?n?|Tage?n?|Wochen?|mois|ans?|jours?|km|pcs|x"
    r"|bps?|pp|мес\.?|лет|дн\.?)"
)
_NUMBER = re.compile(
    rf"(?P<open>\()?[{_BLANK}]*(?P<sign>[+\-\u2212\u2013]?)[{_BLANK}]*(?P<before>{_CURRENCIES})?[{_BLANK}]*"
    rf"(?P<inner>[+\-\u2212]?)(?P<digits>[.,]?9(?:[9.,'\u2019{_BLANK}]*[9.,])?)(?P<exponent>[eE][+\-]?9{{1,3}})?"
    rf"[{_BLANK}]*(?P<after>%|{_CURRENCIES}|{_UNITS})?[{_BLANK}]*(?P<close>\))?(?P<minus>-)?"
)
_BY_NOTATION = tuple(
    re.compile(
        rf"(?:9+(?:{re.escape(decimal)}9*)?|{re.escape(decimal)}9+)"
        + (
            rf"|9{{1,3}}(?:{_THOUSANDS[thousands]}9{{3}})+(?:{re.escape(decimal)}9*)?"
            + (rf"|9{{1,2}}(?:,9{{2}})+,9{{3}}(?:{re.escape(decimal)}9*)?" if thousands == "," else "")
            if thousands
            else ""
        )
    )
    for decimal, thousands in NOTATIONS
)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME = r"(?:[T ]99:99(?::99(?:[.,]9{1,9})?)?(?:Z|[+\-]99:?99)?)?"
_DATES = {
    "year first": re.compile(rf"9999([-/.])99?\1(?:99?)({_TIME})"),
    "year last": re.compile(rf"99?([-/.])99?\1(?:9999|99)({_TIME})"),
    "month by name": re.compile(rf"99?([- ]){_MONTH}[a-z]*\.?\1(?:9999|99)({_TIME})", re.IGNORECASE),
    "month and year": re.compile(rf"{_MONTH}[a-z]*([- ])(?:9999|99)()", re.IGNORECASE),
}
BOOLEANS = frozenset({"true", "false", "yes", "no", "y", "n", "t", "f", "ja", "nein", "oui", "non", "да", "нет"})


@dataclass(frozen=True)
class Shape:
    """What values of one shape are.

    Attributes:
        kind: ``number``, ``date``, ``boolean`` or ``text``.
        notations: of a number: in which of `NOTATIONS` it can be read, one bit each.
        unit: of a number: its per cent sign, currency or unit. Empty: none.
        style: of a number: ``()`` for parentheses, ``-`` for a minus behind it, else empty. Of a date: its order.
        whole: of a number: whether it has digits alone.
        digits: of a number: how many it has.
        leading_zero: of a number: whether it begins with zeros that a number does not need.
        scientific: of a number: whether it has an exponent.
        mark: of a date: what stands between its parts.
        has_time: of a date: whether a time of day follows.
        digits_text: of a number: its digits and the marks between them.
    """

    kind: str
    notations: int = 0
    unit: str = ""
    style: str = ""
    whole: bool = False
    digits: int = 0
    leading_zero: bool = False
    scientific: bool = False
    mark: str = ""
    has_time: bool = False
    digits_text: str = ""

    def is_whole(self, decimal: str) -> bool:
        """Whether a number has no decimals, where this is its decimal mark."""
        return decimal not in self.digits_text and not self.scientific


TEXT = Shape("text")


@lru_cache(maxsize=200_000)
def shape_of(shape: str) -> Shape:
    """What values of a shape are."""
    zero, plain = shape.startswith(LEADING_ZERO), shape.removeprefix(LEADING_ZERO)
    if "9" in plain and len(plain) <= 64:
        if number := _number(plain, zero):
            return number
        if date := _date(plain):
            return date
    return Shape("boolean") if plain.casefold() in BOOLEANS else TEXT


def shape_text(value: str) -> str:
    """The shape of one value."""
    first = re.search(r"[0-9]", value)
    zero = first is not None and first[0] == "0" and re.match(r"[0-9.,]", value[first.end() :]) is not None
    return (LEADING_ZERO if zero else "") + re.sub(r"[0-9]", "9", value)


def is_value(text: str) -> bool:
    """Whether a text is a number or a date, as a column's name hardly is."""
    return shape_of(shape_text(text.strip())).kind in ("number", "date")


def _number(plain: str, zero: bool) -> Shape | None:
    match = _NUMBER.fullmatch(plain)
    if match is None or bool(match["open"]) != bool(match["close"]) or (match["before"] and match["after"]):
        return None
    if sum(map(bool, (match["open"], match["sign"], match["inner"], match["minus"]))) > 1:
        return None
    digits = match["digits"]
    notations = sum(1 << bit for bit, notation in enumerate(_BY_NOTATION) if notation.fullmatch(digits))
    whole_part = re.match(r"9*", digits)
    many_zeros = zero and whole_part is not None and len(whole_part[0]) > 1
    if zero and not many_zeros:  # 0,123 is no group of thousands
        groups = [bit for bit, (_, thousands) in enumerate(NOTATIONS) if thousands and thousands in digits]
        notations &= ~sum(1 << bit for bit in groups)
    if not notations:
        return None
    return Shape(
        "number",
        notations,
        match["before"] or match["after"] or "",
        "()" if match["open"] else "-" if match["minus"] else "",
        whole=digits.isdigit() and not match["exponent"],
        digits=digits.count("9"),
        leading_zero=many_zeros,
        scientific=bool(match["exponent"]),
        digits_text=digits,
    )


def _date(plain: str) -> Shape | None:
    for order, pattern in _DATES.items():
        if match := pattern.fullmatch(plain):
            return Shape("date", style=order, mark=match[1], has_time=bool(match[2]))
    return None
