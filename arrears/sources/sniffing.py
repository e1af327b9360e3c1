"""The dialect of a text file, found from many of its first lines: never from one alone."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from arrears.contracts.errors import BadInput
from arrears.sources.arff import COMMENT, arff_header
from arrears.sources.dialect import BLANKS, SEPARATOR_NAMES, Dialect
from arrears.sources.records import records
from arrears.sources.value_shapes import is_value

_LINES = 1000
_MOST_ABOVE = 100  # lines above a table
_ALIKE = 0.9  # share of the lines from the first row to the last that must have one number of fields
_COMMENTS = ("#", "%", "//", "--", "!", "*")
_SEP = re.compile(r"\ufeff?sep=(.)[\r\n]*$", re.IGNORECASE)  # what Excel reads above a header

Records = list[tuple[int, list[str] | str]]


@dataclass(frozen=True)
class Sniffed:
    """A dialect and the names in the header, as they stand there. No names: there is no header."""

    dialect: Dialect
    names: tuple[str, ...]
    width: int


@dataclass(frozen=True)
class _Guess:
    """One way of reading the first lines: the table begins at `first`, its rows have `width` fields."""

    dialect: Dialect
    rows: Records
    first: int
    width: int
    alike: float
    stray: int

    @property
    def rank(self) -> tuple[float, ...]:
        """The better the greater."""
        return (
            self.alike >= _ALIKE and not self.stray,
            self.width > 1,
            self.dialect.separator != BLANKS,
            round(self.alike, 2),
            -self.first,
            self.width,
            self.dialect.escape is None,
            self.dialect.quote == '"',
        )


def sniff(
    text: str, *, encoding: str, expected: Collection[str] = (), declared: Mapping[str, Any] | None = None
) -> Sniffed:
    """The dialect that the first lines of a file are written in.

    Args:
        text: the whole lines at the beginning of the file.
        expected: names that columns are known to have. A line that holds one is the header.
        declared: fields of `Dialect` that a person has given. They are not guessed.

    Raises:
        BadInput: there is no line, or no separator makes rows of one width.
    """
    given = dict(declared or {})
    lines = io.StringIO(text, newline="").readlines()
    if not any(map(str.strip, lines)):
        raise BadInput("the file is empty: it has not even a header")
    if "skip_lines" not in given and (arff := arff_header(lines)):
        rows = {"separator": ",", "comment": COMMENT, "header": False, "skip_lines": arff.lines}
        return replace(sniff("".join(lines), encoding=encoding, declared=rows | given), names=arff.names)
    above = given.pop("skip_lines", 0)
    if not above and (told := _SEP.match(lines[0])):
        given.setdefault("separator", told[1])
        above = 1
    best = max(_guesses(lines[above:], Dialect(encoding=encoding), given), key=lambda guess: guess.rank)
    return _settled(best, above, expected, given)


def _guesses(lines: Sequence[str], plain: Dialect, given: Mapping[str, Any]) -> list[_Guess]:
    separators = [given["separator"]] if "separator" in given else list(SEPARATOR_NAMES)
    escapes = [given["escape"]] if "escape" in given else [None, "\\"]
    quotes = [given["quote"]] if "quote" in given else [_quote(lines)]
    dialects = [
        replace(plain, separator=separator, escape=escape, quote=quote)
        for separator in separators
        for quote in quotes
        for escape in escapes
        if any(separator in line for line in lines) or separator == ","
    ]
    return [_guess(lines, dialect) for dialect in dialects]


def _quote(lines: Sequence[str]) -> str:
    """The quote that fields begin and end with: the double one, unless only single ones do."""
    text = "".join(lines)
    single = re.search(r"(^|[,;\t|])'[^'\r\n]*'([,;\t|]|\r?$)", text, re.MULTILINE)
    return "'" if single and not re.search(r'(^|[,;\t|])"', text, re.MULTILINE) else '"'


def _guess(lines: Sequence[str], dialect: Dialect) -> _Guess:
    rows = [(line, record) for line, record in islice(records(lines, dialect), _LINES) if record]
    # A quote may be open at the end of what was looked at.
    rows = [row for row in rows if row[1] != "unclosed"]
    widths = [len(record) if isinstance(record, list) else 0 for _, record in rows]
    width, _ = max(Counter(filter(None, widths)).items(), key=lambda found: (found[1], found[0]), default=(1, 0))
    first = widths.index(width) if width in widths else 0
    last = len(widths) - widths[::-1].index(width) if width in widths else 0
    alike = widths[first:last].count(width) / max(1, last - first)
    stray = sum(record == "stray" for _, record in rows)
    return _Guess(dialect, rows, first, width, alike if first <= _MOST_ABOVE else 0.0, stray)


def _settled(best: _Guess, above: int, expected: Collection[str], given: Mapping[str, Any]) -> Sniffed:
    body = [record for _, record in best.rows[best.first :] if isinstance(record, list) and len(record) == best.width]
    first, width = best.first, best.width
    closing = len(body) > 1 and width > 1 and not any(row[-1].strip() for row in body[1:])
    before = best.rows[first - 1][1] if first else None
    row_names = False
    if (
        isinstance(before, list)
        and len(before) == width - 1 > 0
        and not _is_header(body[0], body[1:], expected)
        and _is_header(before, body, expected, offset=not closing)
    ):
        first, body, row_names = first - 1, [before, *body], not closing
        closing = closing and not row_names
    elif closing and body[0][-1].strip():
        closing = False  # the last column has a name and no value in what was looked at
    header = given["header"] if "header" in given else _is_header(body[0], body[1:], expected)
    found: dict[str, Any] = {
        "skip_lines": above + best.rows[first][0] - 1,
        "header": header,
        "comment": _comment(best, first),
        "closing_separator": closing,
        "row_names": row_names and header,
    }
    dialect = replace(best.dialect, **found | {name: value for name, value in given.items() if name != "header"})
    names = [name.strip() for name in body[0]] if header else []
    if closing and len(names) == width:
        names = names[:-1]
    if dialect.row_names:
        names = ["", *names]
    return Sniffed(dialect, tuple(names), width - closing)


def _comment(best: _Guess, first: int) -> str | None:
    """What lines begin with that are above the table or between its rows, and are no rows."""
    odd = [
        (place, record[0].strip())
        for place, (_, record) in enumerate(best.rows)
        if isinstance(record, list) and (place < first or len(record) != best.width)
    ]
    marks = Counter(mark for _, text in odd for mark in _COMMENTS if text.startswith(mark))
    between = any(place > first for place, text in odd if text.startswith(_COMMENTS))
    return marks.most_common(1)[0][0] if marks and (between or len(odd) == marks.total()) else None


def _is_header(
    line: Sequence[str], body: Sequence[Sequence[str]], expected: Collection[str], *, offset: int = 0
) -> bool:
    """Whether a line names columns: it holds words, where the columns below hold values."""
    names = [name.strip() for name in line]
    if not _plain(expected).isdisjoint(_plain(names)):
        return True
    if not body or not any(names):
        return bool(any(names)) and not any(map(is_value, names))
    columns = [
        [row[place + offset].strip() for row in body if len(row) > place + offset] for place in range(len(names))
    ]
    votes = 0
    for name, column in zip(names, columns, strict=True):
        values = [value for value in column if value]
        mostly_values = bool(values) and 2 * sum(map(is_value, values)) > len(values)
        if mostly_values:
            votes += -1 if is_value(name) else 1
        elif name in values:
            votes -= 1
    return votes > 0 if votes else not any(map(is_value, names))


def _plain(names: Iterable[str]) -> set[str]:
    """Names as they compare, however a header or a table writes them."""
    return {re.sub(r"\W+", "_", name).strip("_").casefold() for name in names} - {""}
