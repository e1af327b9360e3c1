"""A random table, written in a random dialect, comes back equal or is refused: never silently different."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sources.delivered import read

_NAMES = ("income", "Region", "loan id", "überfällig", "score_1", "net worth", "beruf", "age<25", "a:b")
_LETTERS = "abcXYZäöüßéñ ,;|'\"\n#%-"
_WORDS = st.text(_LETTERS, min_size=1, max_size=8).map(str.strip).filter(lambda word: any(map(str.isalpha, word)))
_MISSING = {"none": "", "question": "?", "na": "NA", "null": "\\N"}


@dataclass(frozen=True)
class Written:
    """A dialect as a bank's system has it."""

    separator: str
    decimal: str
    thousands: bool
    day: str
    encoding: str
    line_end: str
    quoting: Any
    above: tuple[str, ...]
    below: tuple[str, ...]
    closing: bool
    packed: Callable[[bytes], bytes]
    missing: str

    def number(self, value: float) -> str:
        text = f"{value:,}" if self.thousands else f"{value}"
        return text.translate(str.maketrans(",.", ".,")) if self.decimal == "," else text

    def cell(self, value: Any, kind: str) -> str:
        if value is None:
            return "" if kind == "word" else self.missing
        if kind in ("whole", "real"):
            return self.number(value)
        return value.strftime(self.day) if kind == "day" else str(value)


WRITTEN = st.builds(
    Written,
    separator=st.sampled_from(",;\t|"),
    decimal=st.sampled_from(".,"),
    thousands=st.booleans(),
    day=st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%b-%Y", "%Y/%m/%d"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    above=st.sampled_from([(), ("Report of all loans",), ("sep=",), ("", "# exported by night")]),
    below=st.sampled_from([(), ("",), ("Total number of loans: 17",)]),
    closing=st.booleans(),
    packed=st.sampled_from([bytes, gzip.compress, bz2.compress]),
    missing=st.sampled_from(["", "?", "NA", "\\N"]),
)
_VALUES = {
    "whole": st.integers(-(10**9), 10**9),
    "real": st.integers(-(10**8), 10**8).map(lambda cents: cents / 100),
    "day": st.dates(date(1970, 1, 1), date(2049, 12, 31)),
    "word": _WORDS,
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[str], list[list[Any]]]:
    """Names, kinds and columns. The first column has whole numbers, none of them missing."""
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=2, max_size=5, unique=True))
    kinds = ["whole", *(draw(st.sampled_from(sorted(_VALUES))) for _ in names[1:])]
    rows = draw(st.integers(3, 12))
    columns = [draw(st.lists(_VALUES["whole"], min_size=rows, max_size=rows))]
    columns += [draw(st.lists(st.none() | _VALUES[kind], min_size=rows, max_size=rows)) for kind in kinds[1:]]
    return names, kinds, columns


def as_file(table: tuple[list[str], list[str], list[list[Any]]], how: Written) -> bytes:
    names, kinds, columns = table
    text = io.StringIO(newline="")
    for line in how.above:
        text.write((line + how.separator if line == "sep=" else line) + how.line_end)
    writer = csv.writer(text, delimiter=how.separator, lineterminator=how.line_end, quoting=how.quoting)
    end = [""] if how.closing else []
    writer.writerow([*names, *end])
    for row in zip(*columns, strict=True):
        writer.writerow([*(how.cell(value, kind) for value, kind in zip(row, kinds, strict=True)), *end])
    for line in how.below:
        text.write(line + how.line_end)
    return how.packed(text.getvalue().encode(how.encoding))


def plain(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


@settings(max_examples=300, deadline=None)
@given(tables(), WRITTEN)
def test_a_table_comes_back_equal_or_is_refused(
    table: tuple[list[str], list[str], list[list[Any]]], how: Written
) -> None:
    names, kinds, columns = table
    # Of a few letters no evidence tells the code page.
    told = {"encoding": how.encoding} if how.encoding == "cp1252" else None
    delivered = read(as_file(table, how), expected=names[:1], dialect=told)
    if delivered.facts.problems:
        return
    assert delivered.rows.column_names == names
    for name, kind, expected in zip(names, kinds, columns, strict=True):
        found = [plain(value) for value in delivered.column(name)]
        as_text = delivered.types[name].conversion.type == "string"
        if as_text and kind != "word":
            none = None if how.missing in ("", "\\N") else how.missing
            assert found == [none if value is None else how.cell(value, kind) for value in expected]
            assert any("stays text" in note or "give date_format" in note for note in delivered.types[name].notes)
        elif found != expected:  # one thousand written 1.000, and no other number to tell
            assert any("could be read otherwise" in note for note in delivered.types[name].notes), (
                name,
                delivered.notes,
            )
