"""How a bank delivers a day's rows to Arrears: where they lie, and which of them belong to the business date."""

from __future__ import annotations

import re
from datetime import date

from arrears.contracts.errors import BadConfiguration

SAMPLE = "sample"  # no delivery: borrowers are drawn from the held-out set
DAY, COMPACT_DAY = "{{as_of}}", "{{as_of_nodash}}"

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_FORMATS = {"as_of": "%Y-%m-%d", "as_of_nodash": "%Y%m%d"}


def is_delivered_daily(source: str) -> bool:
    """Whether the business date stands in the address, so that each day has a place of its own."""
    return _PLACEHOLDER.search(source) is not None


def address_of_day(source: str, as_of: str) -> str:
    """The address of one business date's delivery.

    >>> address_of_day("s3://bank/applications/as_of={{as_of}}/", "2026-01-31")
    's3://bank/applications/as_of=2026-01-31/'
    >>> address_of_day("loans_{{ as_of_nodash }}.csv", "2026-01-31")
    'loans_20260131.csv'
    """
    day = date.fromisoformat(as_of)
    return _PLACEHOLDER.sub(lambda found: day.strftime(_FORMATS[found[1]]), source)


def delivery_problems(source: str, date_column: str | None, *, named: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with where a delivery shall be read, one sentence each.

    Args:
        named: sources that are known by a name and deliver nothing.
    """
    unknown = sorted({name for name in _PLACEHOLDER.findall(source) if name not in _FORMATS})
    problems = [f"source {source}: {{{{{name}}}}} is neither {DAY} nor {COMPACT_DAY}" for name in unknown]
    if source in named:
        problems.append(f"source {source} delivers nothing by day: give a path or a table")
    elif not is_delivered_daily(source) and not date_column:
        problems.append(
            f"source {source} is the same on every day: put {DAY} (or {COMPACT_DAY}) where the business date stands in"
            " it, or name the date column of the table"
        )
    return problems


def require_delivery(source: str, date_column: str | None, *, named: tuple[str, ...] = ()) -> None:
    """Refuses an address that cannot tell one day from another."""
    if problems := delivery_problems(source, date_column, named=named):
        raise BadConfiguration(*problems)
