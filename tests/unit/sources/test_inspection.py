"""A source looked at before anything is written: suspicions, and a proposed description."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from arrears.stores.description_files import parse_description
from ops import inspect_source

ROWS = 200


def a_file(folder: Path, **columns: Callable[[int], object]) -> Path:
    file = folder / "Loans 2026.csv"
    lines = [",".join(columns), *(",".join(str(of(row)) for of in columns.values()) for row in range(ROWS))]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def loans(tmp_path: Path) -> Path:
    return a_file(
        tmp_path,
        loan_id=lambda row: 10_000 + 7 * row,
        income=lambda row: f"{row * 13.5:.1f}",
        income_again=lambda row: f"{row * 13.5:.1f}",
        region=lambda row: ("north", "south")[row % 2],
        currency=lambda row: "EUR",
        decided_on=lambda row: f"2026-01-{row % 28 + 1:02d}",
        age=lambda row: 20 + row % 50,
        bad=lambda row: "" if row < 20 else (row % 5 == 0 and 1) or 0,
    )


def test_what_looks_suspicious_is_one_sentence_each(loans: Path) -> None:
    notes = inspect_source.inspected(str(loans), "bad").notes
    assert "column loan_id is different in every row: name it as the id, or exclude it" in notes
    assert "column currency has one value in all rows: a model learns nothing from it" in notes
    assert "columns income, income_again are equal in every row: one of them is enough" in notes
    assert not any("column income is different" in note for note in notes)  # amounts may be


def test_proposal_is_a_description_that_can_be_read(loans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect_source.main([str(loans), "bad"]) == 0
    told = capsys.readouterr().out
    assert f"{ROWS} rows, 8 columns" in told
    described = parse_description(told.split("given as `description`:")[1], where="the proposal")
    assert (described.name, described.target, described.id) == ("loans_2026", "bad", "loan_id")
    assert described.numeric == ("income", "income_again")
    assert described.dates == ("decided_on",)
    assert described.excluded == ("currency",)
    assert described.protected == ("age",)
    assert described.unlabelled == "leave_out"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["/nowhere/loans.csv"], 78, "does not exist"),
        (["LOANS", "Bad"], 65, "the source has no column Bad: its columns are loan_id, income"),
    ],
)
def test_what_cannot_be_inspected_is_one_sentence(
    loans: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], exit_code: int, told: str
) -> None:
    given = [str(loans) if argument == "LOANS" else argument for argument in arguments]
    assert inspect_source.main(given) == exit_code
    assert told in capsys.readouterr().err
