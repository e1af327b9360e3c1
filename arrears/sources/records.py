"""The records of a text file, exactly as its dialect writes them: rows, and lines that are none."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from arrears.sources.dialect import BLANKS, Dialect, lines

LONGEST_FIELD = 1 << 20  # characters: a longer one is a quote that is not closed
CHUNK = 10_000  # rows handed over at once
_MOST_FOOTER = 20
_WORDS_OF_A_REMARK = 3  # a row that was cut short has fewer in its first field
_SHOWN = 5  # lines that a message names
_TOTALS = re.compile(
    r"(grand |sub-?)?totals?\b|sum(me|ma)?\b|gesamt|zusammen\b|somme\b|suma\b|totale\b|итого|всего|rows?:|records?:"
    r"|\(?\d+ (rows?|records?|zeilen)",
    re.IGNORECASE,
)


@dataclass
class Tally:
    """What the lines of one file were.

    Attributes:
        rows, blank, comments, repeated_headers, footer, empty_rows: lines of each kind. Only rows are handed over.
        broken: number of fields → lines that have so many instead of the header's.
        unclosed: line of the first quote that nothing closes.
        stray: lines on which text stands behind a closed quote.
        first_broken: the first lines that are broken, for the message.
    """

    rows: int = 0
    blank: int = 0
    comments: int = 0
    repeated_headers: int = 0
    footer: int = 0
    empty_rows: int = 0
    broken: Counter[int] = field(default_factory=Counter)
    unclosed: int | None = None
    stray: int = 0
    first_broken: list[int] = field(default_factory=list)

    def problems(self, where: str, width: int, separator: str) -> list[str]:
        """What makes the file no table. Names lines and numbers, never a value."""
        problems = []
        if self.unclosed is not None:
            problems.append(f"{where}: the quote that is opened in line {self.unclosed:,} is never closed")
        numbers = f" (line {', '.join(f'{n:,}' for n in self.first_broken)}{', …' if self._more else ''})"
        if self.broken:
            counts = ", ".join(f"{n:,} with {fields:,}" for fields, n in self.broken.most_common(_SHOWN))
            problems.append(
                f"{where}: {lines(self.broken.total())} with other fields than the header's {width}, separated by"
                f" {separator!r}: {counts}{numbers}"
            )
        if self.stray:
            problems.append(f"{where}: text stands behind a closed quote in {lines(self.stray)}{numbers}")
        return problems

    def notes(self) -> list[str]:
        """What was left out of the file because it is no row."""
        left_out = {
            "blank": self.blank,
            "of comment": self.comments,
            "that repeat the header": self.repeated_headers,
            "of totals below the rows": self.footer,
            "without any value": self.empty_rows,
        }
        return [f"{lines(count)} {kind} left out" for kind, count in left_out.items() if count]

    @property
    def _more(self) -> bool:
        return self.broken.total() + self.stray > len(self.first_broken)


def records(text: Iterable[str], dialect: Dialect, *, first_line: int = 1) -> Iterator[tuple[int, list[str] | str]]:
    """Each record with the line it begins in: its fields, or what is wrong with it (``unclosed`` or ``stray``)."""
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(
        _prepared(text, dialect),
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        skipinitialspace=True,
        strict=True,
    )
    while True:
        begins = first_line + reader.line_num
        try:
            yield begins, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield begins, "stray" if "expected after" in str(error) else "unclosed"


def _prepared(text: Iterable[str], dialect: Dialect) -> Iterable[str]:
    if dialect.separator == BLANKS:
        return (line.strip() + "\n" for line in text)
    if dialect.escape == "\\":  # MySQL's and Hive's mark of a missing value is no escaped N
        separator = re.escape(dialect.separator)
        null = re.compile(rf"(^|{separator})\\N(?={separator}|[\r\n]|$)")
        return (null.sub(r"\1", null.sub(r"\1", line)) if "\\N" in line else line for line in text)
    return text


class RowReader:
    """Reads the rows of one file, and counts in `tally` what its other lines are."""

    def __init__(self, text: Iterator[str], dialect: Dialect, names: Sequence[str]) -> None:
        self.tally = Tally()
        self._text, self._dialect, self._names = text, dialect, list(names)
        self._width = len(names)
        self._waiting: list[str] | None = None  # whether the last row is one of totals shows at the end
        self._odd: list[tuple[int, list[str]]] = []  # lines of another width: totals, or broken

    def chunks(self) -> Iterator[list[list[str]]]:
        """The rows in order, some thousand at once, each with one field a name."""
        for _ in islice(self._text, self._dialect.skip_lines):
            pass
        rows = self._rows()
        while chunk := list(islice(rows, CHUNK)):
            yield chunk

    def _rows(self) -> Iterator[list[str]]:
        found = records(self._text, self._dialect, first_line=self._dialect.skip_lines + 1)
        if self._dialect.header:
            next(found, None)
        for line, record in found:
            if isinstance(record, str):
                self._no_record(line, record)
                if record == "unclosed":
                    break
            elif (row := self._row(line, record)) is not None:
                yield from self._hand_over(row)
        yield from self._end()

    def _row(self, line: int, fields: list[str]) -> list[str] | None:
        """The fields of a row. Counts a line that is none."""
        width = self._width + self._dialect.closing_separator
        if not fields:
            self.tally.blank += 1
        elif not any(map(str.strip, fields)):
            self.tally.empty_rows += 1
        elif self._dialect.comment and fields[0].startswith(self._dialect.comment) and len(fields) != width:
            self.tally.comments += 1
        elif self._dialect.header and [f.strip() for f in fields[: self._width]] == self._names:
            self.tally.repeated_headers += 1
        elif len(fields) != width or (self._dialect.closing_separator and fields[-1].strip()):
            self._odd.append((line, fields))
            if len(self._odd) > _MOST_FOOTER:
                self._break()
        else:
            return fields[: self._width]
        return None

    def _hand_over(self, row: list[str]) -> Iterator[list[str]]:
        self._break()
        if self._waiting is not None:
            self.tally.rows += 1
            yield self._waiting
        self._waiting = row

    def _end(self) -> Iterator[list[str]]:
        if self._odd and all(_is_footer(fields) for _, fields in self._odd):
            self.tally.footer += len(self._odd)
            self._odd = []
        self._break()
        if self._waiting is not None:
            if _is_totals(self._waiting):
                self.tally.footer += 1
            else:
                self.tally.rows += 1
                yield self._waiting

    def _break(self) -> None:
        for line, fields in self._odd:
            self.tally.broken[len(fields)] += 1
            self._name_line(line)
        self._odd = []

    def _no_record(self, line: int, problem: str) -> None:
        if problem == "unclosed":
            self.tally.unclosed = line
        else:
            self.tally.stray += 1
            self._name_line(line)

    def _name_line(self, line: int) -> None:
        if len(self.tally.first_broken) < _SHOWN:
            self.tally.first_broken.append(line)


def _is_footer(fields: Sequence[str]) -> bool:
    """Whether a line of another width, at the end of a file, is a remark or a sum rather than half a row."""
    filled = [value for value in map(str.strip, fields) if value]
    is_remark = len(filled) == 1 and len(filled[0].split()) >= _WORDS_OF_A_REMARK
    return is_remark or bool(_TOTALS.match(filled[0]))


def _is_totals(row: Sequence[str]) -> bool:
    """Whether the last row of a file is a sum: its first word says so and no more, and it leaves fields empty."""
    filled = [value for value in map(str.strip, row) if value]
    return len(filled) < len(row) and bool(_TOTALS.fullmatch(filled[0].rstrip(" :")))
