"""The type of each column of a text file, decided by all of its values or declared, and what to tell of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from arrears.sources.column_profiles import TEXT_SHAPE, ColumnProfile
from arrears.sources.conversions import Conversion
from arrears.sources.moments import DMY, MDY, ORDER_NAMES
from arrears.sources.value_notes import date_notes, listed, number_notes, values
from arrears.sources.value_shapes import NOTATIONS, Shape, shape_of

# Marks of a missing value that are no word of any language: nothing in a column of words either.
NO_WORDS = frozenset({"\\n", "nan", "null", "(null)", "<na>", "#n/a", "#na", "nat", "#null!", "#value!", "#div/0!"})
# Marks that may be a category too: missing where everything else is a number or a date.
MARKS = NO_WORDS | {"na", "n/a", "none", "?", ".", "-", "--", "*", "n.a.", "missing", "unknown", "k.a."}

AS_NUMBER, AS_DATE, AS_TEXT = "numeric", "date", "text"  # what a column can be declared to be
_MOSTLY = 0.5  # share of numbers (dates) from which a column of words is worth a note
_PLAIN = NOTATIONS.index((".", ""))
# The mark that numbers have → the two ways in which it may be meant.
_READINGS = {".": ((".", ""), (",", ".")), ",": ((".", ","), (",", ""))}


@dataclass(frozen=True)
class Declared:
    """What a person has said about the values of a source.

    Attributes:
        types: column → ``numeric``, ``date`` or ``text``. What is not named is judged by its values.
        missing: texts that stand for a missing value in every column, numbers such as -9 among them.
        sentinels: days that stand for none, such as 9999-12-31.
        decimal, thousands: marks of numbers. None: judged by the values.
        date_format: order of dates where the values leave it open (see `moments`).
    """

    types: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    sentinels: tuple[str, ...] = ()
    decimal: str | None = None
    thousands: str | None = None
    date_format: str | None = None


@dataclass(frozen=True)
class ColumnType:
    """How one column is read, what a person should know of it, and what makes that impossible."""

    conversion: Conversion
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Counts:
    """The values of a column by what they look like. ``marks``: missing marks by their text in lower case."""

    numbers: Mapping[str, int]
    dates: Mapping[str, int]
    marks: Mapping[str, int]
    others: int

    @property
    def present(self) -> int:
        return sum(self.numbers.values()) + sum(self.dates.values()) + self.others

    def shapes(self) -> list[Shape]:
        return [shape_of(shape) for shape in self.numbers]

    def looks(self) -> dict[Shape, int]:
        looks: Counter[Shape] = Counter()
        for shape, count in self.numbers.items():
            looks[shape_of(shape)] += count
        return looks


def column_types(profiles: Mapping[str, ColumnProfile], declared: Declared) -> dict[str, ColumnType]:
    """The type of every column of one file."""
    counts = {name: _counts(profile, declared) for name, profile in profiles.items()}
    decimal = declared.decimal or _decimal_of_file(counts.values())
    return {name: _column_type(name, profiles[name], counts[name], declared, decimal) for name in profiles}


def _counts(profile: ColumnProfile, declared: Declared) -> _Counts:
    looks = {shape: shape_of(shape).kind for shape in profile.shapes if shape != TEXT_SHAPE}
    known = MARKS | {mark.casefold() for mark in declared.missing}
    marks: Counter[str] = Counter()
    for word, count in (profile.words or {}).items():
        if word.casefold() in known:
            marks[word.casefold()] += count
    return _Counts(
        numbers={shape: profile.shapes[shape] for shape, kind in looks.items() if kind == "number"},
        dates={shape: profile.shapes[shape] for shape, kind in looks.items() if kind == "date"},
        marks=marks,
        others=profile.shapes[TEXT_SHAPE] - marks.total(),
    )


def _decimal_of_file(columns: Iterable[_Counts]) -> str:
    """The decimal mark that numbers leave no doubt about, in the columns that have such numbers; else the point."""
    votes: Counter[str] = Counter()
    for counts in columns:
        for shape in counts.shapes():
            marks = {NOTATIONS[bit][0] for bit in range(len(NOTATIONS)) if shape.notations >> bit & 1}
            if len(marks) == 1:
                votes[marks.pop()] += 1
    return "," if votes[","] > votes["."] else "."


def _column_type(name: str, profile: ColumnProfile, counts: _Counts, declared: Declared, decimal: str) -> ColumnType:
    wanted = declared.types.get(name)
    if profile.lost:
        problem = f"column {name}: {profile.lost:,} values hold U+FFFD, the mark of a lost character: export it again"
        return ColumnType(Conversion(), problems=(problem,))
    if wanted == AS_TEXT:
        return _words(name, counts, declared)
    if not counts.present:
        missing = tuple(sorted({*counts.marks}))
        return ColumnType(Conversion("date" if wanted == AS_DATE else "double", missing=missing))
    if counts.others:
        return _not_all(name, counts, declared, wanted)
    if counts.dates or wanted == AS_DATE:
        return _dates(name, profile, counts, declared, wanted)
    return _numbers(name, profile, counts, declared, decimal)


def _words(name: str, counts: _Counts, declared: Declared) -> ColumnType:
    """Text as it is. A mark that may be a category stays one, and is told."""
    named = _folded(declared.missing)
    stay = {mark: count for mark, count in counts.marks.items() if mark not in NO_WORDS | named and len(mark) < 5}
    notes = [
        f"column {name}: {values(count, 'is', 'are')} {mark!r}, a category like any other: name the mark as missing if"
        " it means none"
        for mark, count in stay.items()
    ]
    return ColumnType(Conversion(missing=tuple(sorted(NO_WORDS.intersection(counts.marks) | named))), tuple(notes))


def _not_all(name: str, counts: _Counts, declared: Declared, wanted: str | None) -> ColumnType:
    """A column with values that are neither numbers nor dates nor marks: text, or a problem where it is declared."""
    read = _words(name, counts, declared)
    numbers, dates = sum(counts.numbers.values()), sum(counts.dates.values())
    most, what = max((numbers, "numbers"), (dates, "dates"))
    found = f"column {name}: {most:,} of {counts.present:,} values are {what}, {counts.others:,} are text"
    if wanted:
        kind = "a date" if wanted == AS_DATE else "a number"
        return ColumnType(read.conversion, problems=(f"{found}: it is declared {kind}",))
    if most < _MOSTLY * counts.present:
        return read
    advice = "name the mark if they are missing, or it stays a category"
    return ColumnType(read.conversion, (f"{found}: {advice}",))


def _numbers(name: str, profile: ColumnProfile, counts: _Counts, declared: Declared, decimal: str) -> ColumnType:
    shapes = counts.shapes()
    if any(shape.leading_zero for shape in shapes) and declared.types.get(name) != AS_NUMBER:
        note = f"column {name}: values begin with zeros, as identifiers do: it stays text"
        return ColumnType(_words(name, counts, declared).conversion, (note,))
    fitting = _notations(shapes, declared)
    units: Counter[str] = Counter()
    for shape, count in counts.numbers.items():
        units[shape_of(shape).unit] += count
    if not fitting or len(units) > 1:
        what = "in more than one notation" if not fitting else f"with different units ({listed(units)})"
        return _undecided(name, f"its {counts.present:,} values are numbers {what}", counts, declared)
    bit, doubt = _chosen(fitting, decimal, {mark for shape in shapes for mark in shape.digits_text if mark in ".,"})
    mark, thousands = NOTATIONS[bit]
    whole = all(shape.is_whole(mark) for shape in shapes)
    wide = whole and profile.beyond_64_bits > 0
    missing = tuple(sorted({*counts.marks, *_folded(declared.missing)}))
    unit = next(iter(units))
    conversion = Conversion("bigint" if whole and not wide else "double", mark, thousands, unit, "", missing)
    return ColumnType(
        conversion, tuple(number_notes(name, profile, counts.looks(), counts.marks, conversion, doubt=doubt))
    )


def _notations(shapes: list[Shape], declared: Declared) -> int:
    """The notations, one bit each, in which all of the numbers can be read."""
    fitting = reduce(int.__and__, (shape.notations for shape in shapes))
    for bit, (decimal, thousands) in enumerate(NOTATIONS):
        if declared.decimal not in (None, decimal) or declared.thousands not in (None, thousands):
            fitting &= ~(1 << bit)
    return fitting


def _chosen(fitting: int, decimal: str, marks: set[str]) -> tuple[int, bool]:
    """One of the notations that fit, and whether another would give other numbers.

    A single mark before three digits, in every number that has one, is a point or a group. What the other columns of
    the file do decides. Where they are silent, a point is the decimal mark, and a comma parts thousands.

    Args:
        marks: points and commas that the numbers have.
    """
    bits = [bit for bit in range(len(NOTATIONS)) if fitting >> bit & 1]
    readings = [NOTATIONS.index(each) for each in _READINGS.get("".join(marks), ()) if NOTATIONS.index(each) in bits]
    if len(readings) < 2:
        return (_PLAIN if _PLAIN in bits else bits[0]), False
    return next(bit for bit in readings if NOTATIONS[bit][0] == decimal), True


def _dates(name: str, profile: ColumnProfile, counts: _Counts, declared: Declared, wanted: str | None) -> ColumnType:
    present, days = counts.present, sum(counts.dates.values())
    if days < present and not (wanted == AS_DATE and not days):
        return _undecided(name, f"{days:,} of {present:,} values are dates, the others numbers", counts, declared)
    fitting = [order for order in ORDER_NAMES if profile.orders[order] == present]
    if declared.date_format in fitting:
        fitting = [declared.date_format]
    if DMY in fitting and MDY in fitting and _by_points(counts):
        fitting = [DMY]  # points stand between day, month and year alone
    if not fitting:
        best, count = max(profile.orders.items(), key=lambda found: found[1], default=("", 0))
        what = (
            f"{count:,} of {present:,} values are dates as {ORDER_NAMES[best]}"
            if count
            else f"{present:,} values look like dates"
        )
        return _undecided(name, f"{what}, the others no day of the calendar in that order", counts, declared)
    if len(fitting) > 1:
        what = f"its dates can be read as {' and as '.join(ORDER_NAMES[order] for order in fitting)}: give date_format"
        return _undecided(name, what, counts, declared)
    missing = tuple(sorted({*counts.marks, *_folded(declared.missing)}))
    has_time = any(shape_of(shape).has_time for shape in counts.dates)
    conversion = Conversion(
        "timestamp" if has_time else "date", order=fitting[0], missing=missing, sentinels=tuple(declared.sentinels)
    )
    return ColumnType(conversion, tuple(date_notes(name, profile, counts.marks, conversion)))


def _undecided(name: str, why: str, counts: _Counts, declared: Declared) -> ColumnType:
    """Text, because its numbers or dates can be read in no one way. A problem where it is declared to be them."""
    conversion = _words(name, counts, declared).conversion
    if declared.types.get(name) in (AS_NUMBER, AS_DATE):
        return ColumnType(conversion, problems=(f"column {name}: {why}; it is declared {declared.types[name]}",))
    return ColumnType(conversion, (f"column {name}: {why}: it stays text",))


def _by_points(counts: _Counts) -> bool:
    return all(shape_of(shape).mark == "." for shape in counts.dates)


def _folded(marks: Iterable[str]) -> set[str]:
    return {mark.casefold() for mark in marks}
