"""Values of a text column: numbers and dates in every usual notation, converted only where all values fit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from arrears.sources.value_types import Declared
from tests.unit.sources.delivered import Delivered, problems_of, read


def column(*values: str, beside: tuple[str, ...] = (), **declared: Any) -> Delivered:
    """A file with the values in column ``x``, and others in a column beside it."""
    others = beside or ("a",) * len(values)
    lines = [f'"{value}";"{other}"' for value, other in zip(values, others, strict=True)]
    return read("x;other\n" + "\n".join(lines) + "\n", declared=Declared(**declared))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("1", "-2", "+3"), [1, -2, 3]),
        (("1.5", "2", ".5", "3."), [1.5, 2, 0.5, 3]),
        (("1e3", "2.5E-2", "7"), [1000, 0.025, 7]),
        (("1.234,56", "0,5", "1.000.000,00"), [1234.56, 0.5, 1_000_000]),
        (("1,234.56", "0.5", "1,000,000"), [1234.56, 0.5, 1_000_000]),
        (("1 234,56", "12\u00a0345,1", "3\u202f000,5"), [1234.56, 12345.1, 3000.5]),
        (("1'234.50", "1\u2019234.25"), [1234.5, 1234.25]),
        (("0,123", "12,5"), [0.123, 12.5]),
        (("12,34,567.5", "1,23,456"), [1_234_567.5, 123_456]),
        (("12.5%", "7 %"), [12.5, 7]),
        (("$1,234.50", "$5"), [1234.5, 5]),
        (("EUR 5,5", "EUR 1.000,0"), [5.5, 1000]),
        (("5 €", "6 €"), [5, 6]),
        (("36 months", "60 months"), [36, 60]),
        (("(1,234.50)", "99.25"), [-1234.5, 99.25]),
        (("1.5-", "2.25"), [-1.5, 2.25]),
        (("\u22125.5", "3.0"), [-5.5, 3]),
        (("9223372036854775807", "-9223372036854775808"), [2**63 - 1, -(2**63)]),
    ],
    ids=str,
)
def test_numbers_are_read_in_every_notation(values: tuple[str, ...], expected: list[float]) -> None:
    assert column(*values).column("x") == expected


@pytest.mark.parametrize(
    "values",
    [
        ("1", "one"), ("1,5", "1.5"), ("12%", "0.12"), ("$5", "5 €"), ("1.2.3", "4"), ("1,23,45", "2"), ("007", "12"),
            ("A1", "2"),
        ("1/2", "3"), ("12:30", "4"), ("1d", "2f"), ("0x1F", "3"), ("5 6", "7"), ("--5", "6"), ("1e", "2"),
    ],
    ids=str,
)  # fmt: skip
def test_a_column_in_which_one_value_does_not_fit_stays_text_and_nothing_is_lost(values: tuple[str, ...]) -> None:
    assert column(*values).column("x") == list(values)


def test_numbers_that_could_be_read_in_two_ways_follow_the_file_and_are_told() -> None:
    alone = column("1,234", "5,678")
    assert alone.column("x") == [1234, 5678]
    assert "could be read otherwise: give decimal and thousands" in alone.notes[-1]
    assert column("1,234", "5,678", beside=("0,5", "2,25")).column("x") == [1.234, 5.678]
    assert column("1.234", "5.678").column("x") == [1.234, 5.678]
    assert column("1.234", "5.678", beside=("0,5", "2,25")).column("x") == [1234, 5678]
    assert column("1.234", "5.678", decimal=",").column("x") == [1234, 5678]
    assert column("1,234", "5,678", decimal=",").column("x") == [1.234, 5.678]


@pytest.mark.parametrize(
    "mark", ["?", ".", "-", "\\N", "None", "#N/A", "NULL", "NA", "n/a", "NaN", "--", "<NA>", "NaT"]
)
def test_marks_are_missing_among_numbers_and_dates_and_are_told(mark: str) -> None:
    for values, expected in ((("1.5", mark, "2"), [1.5, None, 2]), (("2026-01-31", mark), [date(2026, 1, 31), None])):
        delivered = column(*values)
        assert delivered.column("x") == expected
        assert f"column x: missing values are marked by {mark.casefold()!r} in 1" in delivered.notes


@pytest.mark.parametrize("mark", ["NA", "None", "?", "-", "n/a"])
def test_marks_that_may_be_a_category_stay_one_in_a_column_of_words_and_are_told(mark: str) -> None:
    delivered = column("red", mark, "blue")
    assert delivered.column("x") == ["red", mark, "blue"]
    assert any(
        "a category like any other: name the mark as missing if it means none" in note for note in delivered.notes
    )
    assert column("red", mark, "blue", missing=(mark,)).column("x") == ["red", None, "blue"]


def test_a_banks_own_numbers_for_missing_are_missing_by_declaration_alone() -> None:
    assert column("-9", "3", "9999").column("x") == [-9, 3, 9999]
    assert column("-9", "3", "9999", missing=("-9", "9999")).column("x") == [None, 3, None]


def test_where_most_values_fit_a_note_counts_those_that_do_not_and_shows_none() -> None:
    delivered = column(*["1.5"] * 8, "secret word", "another one")
    (note,) = [note for note in delivered.notes if note.startswith("column x")]
    assert note.startswith("column x: 8 of 10 values are numbers, 2 are text: name the mark if they are missing")
    assert "secret" not in note


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("2026-01-31", "2026-2-1"), [date(2026, 1, 31), date(2026, 2, 1)]),
        (("2026/01/31", "2026/12/01"), [date(2026, 1, 31), date(2026, 12, 1)]),
        (("31.01.2026", "01.02.2026"), [date(2026, 1, 31), date(2026, 2, 1)]),
        (("01.02.2026", "03.04.2026"), [date(2026, 2, 1), date(2026, 4, 3)]),  # points: never the American order
        (("31/01/2026", "01/02/2026"), [date(2026, 1, 31), date(2026, 2, 1)]),
        (("01/31/2026", "02/01/2026"), [date(2026, 1, 31), date(2026, 2, 1)]),
        (("31-JAN-2026", "01-Feb-26"), [date(2026, 1, 31), date(2026, 2, 1)]),
        (("Dec-2015", "Jan-2016"), [date(2015, 12, 1), date(2016, 1, 1)]),
        (("2026-01-31 10:00:00", "2026-02-01T11:30:15.250Z"), [
            datetime(2026, 1, 31, 10, tzinfo=UTC), datetime(2026, 2, 1, 11, 30, 15, 250_000, UTC)
        ]),
        (("2026-01-31T10:00:00+02:00", "2026-02-01"), [
            datetime(2026, 1, 31, 8, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
        ]),
    ],
    ids=str,
)  # fmt: skip
def test_dates_are_read_in_every_order_that_the_values_tell(values: tuple[str, ...], expected: list[date]) -> None:
    assert column(*values).column("x") == expected


def test_dates_that_can_be_read_in_two_orders_are_asked_for() -> None:
    open_ = column("01/02/2026", "03/04/2026")
    assert open_.column("x") == ["01/02/2026", "03/04/2026"]
    assert "give date_format" in open_.notes[-1]
    assert column("01/02/2026", "03/04/2026", date_format="mdy").column("x")[1] == date(2026, 3, 4)
    (problem,) = problems_of("x\n01/02/2026\n03/04/2026\n", declared=Declared(types={"x": "date"}))
    assert "it is declared date" in problem


@pytest.mark.parametrize(
    "values", [("31.02.2026", "01.02.2026"), ("13/13/2026", "01/02/2026"), ("31/01/2026", "01/31/2026")]
)
def test_what_is_no_day_of_the_calendar_stays_text_and_is_told(values: tuple[str, ...]) -> None:
    delivered = column(*values)
    assert delivered.column("x") == list(values)
    assert "stays text" in delivered.notes[-1]


def test_whole_numbers_that_look_like_dates_are_told_and_are_dates_where_declared() -> None:
    numbers = column("20260131", "20260201")
    assert numbers.column("x") == [20260131, 20260201]
    assert "look like dates, YYYYMMDD" in numbers.notes[-1]
    assert column("20260131", "20260201", types={"x": "date"}).column("x") == [date(2026, 1, 31), date(2026, 2, 1)]
    assert column("202601", "202602", types={"x": "date"}).column("x") == [date(2026, 1, 1), date(2026, 2, 1)]


def test_days_that_stand_for_none_are_told_and_missing_where_declared() -> None:
    days = ("2026-01-31", "9999-12-31", "1900-01-01", "0001-01-01")
    assert [note for note in column(*days).notes if "sentinels" in note].__len__() == 3
    assert column(*days, sentinels=("9999-12-31", "0001-01-01")).column("x") == [
        date(2026, 1, 31), None, date(1900, 1, 1), None
    ]  # fmt: skip


def test_identifiers_keep_their_zeros_and_cut_ones_are_told() -> None:
    assert column("00123", "45678").column("x") == ["00123", "45678"]
    assert "as identifiers do" in column("00123", "45678").notes[-1]
    assert "a spreadsheet has cut their digits" in column("4.12E+15", "4.13E+15").notes[-1]
    assert "beyond 64 bits" in column("12345678901234567890123", "5").notes[-1]
    assert column("1234", "5678", types={"x": "text"}).column("x") == ["1234", "5678"]


def test_a_declared_type_that_does_not_fit_names_counts_and_no_value() -> None:
    declared = Declared(types={"x": "numeric"})
    (problem,) = problems_of("x\n1\n2\nsecret\n", declared=declared)
    assert problem == "column x: 2 of 3 values are numbers, 1 are text: it is declared a number"


def test_a_column_without_values_is_a_missing_number() -> None:
    assert column("", "NA", "").column("x") == [None, None, None]
