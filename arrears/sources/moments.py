"""Dates and times of day as people write them, in each order of day, month and year."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

YMD, DMY, MDY, MY, YYYYMMDD, YYYYMM = "ymd", "dmy", "mdy", "my", "yyyymmdd", "yyyymm"
ORDER_NAMES = {
    YMD: "year, month, day",
    DMY: "day, month, year",
    MDY: "month, day, year",
    MY: "month and year, as the first of the month",
    YYYYMMDD: "YYYYMMDD",
    YYYYMM: "YYYYMM, as the first of the month",
}

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_TIME = re.compile(r"[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d\d?)\2(\d\d?)")
_YEAR_LAST = re.compile(r"(\d\d?)([-/.])(\d\d?)\2(\d{4}|\d\d)")
_NAMED = re.compile(r"(\d\d?)([- ])([A-Za-z]{3})[a-z]*\.?\2(\d{4}|\d\d)")
_MONTH_YEAR = re.compile(r"([A-Za-z]{3})[a-z]*[- ](\d{4}|\d\d)")
_DIGITS = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)?")


def moment(text: str, order: str) -> datetime | None:
    """The moment (UTC) that a text means where day, month and year stand in this order. None: it is no such moment.

    A time without a zone is taken for UTC, as everywhere here. Two digits of a year are of 1969 to 2068, as in C.

    >>> str(moment("31.12.2024", DMY)), moment("31.12.2024", MDY), str(moment("Dec-2015", MY))
    ('2024-12-31 00:00:00+00:00', None, '2015-12-01 00:00:00+00:00')
    """
    day_text, time_text = _parted(text)
    parts = _parts(day_text, order)
    if parts is None:
        return None
    try:
        return _with_time(datetime(*parts, tzinfo=UTC), time_text)
    except (ValueError, OverflowError):
        return None


def _parted(text: str) -> tuple[str, str]:
    match = re.search(r"[T ]\d\d:", text)
    return (text[: match.start()], text[match.start() :]) if match else (text, "")


def _parts(text: str, order: str) -> tuple[int, int, int] | None:
    if order == YMD and (match := _YEAR_FIRST.fullmatch(text)):
        return int(match[1]), int(match[3]), int(match[4])
    if order == DMY and (match := _NAMED.fullmatch(text)):
        return _year(match[4]), _MONTHS.get(match[3].lower(), 0), int(match[1])
    if order in (DMY, MDY) and (match := _YEAR_LAST.fullmatch(text)):
        day, month = (match[1], match[3]) if order == DMY else (match[3], match[1])
        return _year(match[4]), int(month), int(day)
    if order == MY and (match := _MONTH_YEAR.fullmatch(text)):
        return _year(match[2]), _MONTHS.get(match[1].lower(), 0), 1
    if order in (YYYYMMDD, YYYYMM) and (match := _DIGITS.fullmatch(text)) and bool(match[3]) == (order == YYYYMMDD):
        return int(match[1]), int(match[2]), int(match[3] or 1)
    return None


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (1900 if int(text) > 68 else 2000)


def _with_time(day: datetime, text: str) -> datetime | None:
    if not text:
        return day
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second, fraction, zone = match.groups()
    at = day.replace(hour=int(hour), minute=int(minute), second=int(second or 0))
    at = at.replace(microsecond=int((fraction or "0").ljust(6, "0")[:6]))
    if zone in (None, "Z"):
        return at
    digits = zone.replace(":", "")
    ahead = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    there = at.replace(tzinfo=timezone(ahead if zone[0] == "+" else -ahead))
    return there.astimezone(UTC)
