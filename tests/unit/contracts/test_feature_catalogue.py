"""The feature catalogue: every feature has a line, and what is protected can be no feature."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.feature_catalogue import FeatureLine
from arrears.stores.description_files import parse_description
from tests.unit.contracts.bank_text import LINE, problems_of, small


def test_braces_in_a_name_stand_for_several_lines() -> None:
    meanings = {line.name: line.meaning for line in small().catalogue}

    assert (meanings["days_sum_3m"], meanings["days_sum_6m"]) == ("Sum of 3 months.", "Sum of 6 months.")


def test_feature_is_told_with_its_unit_and_window() -> None:
    line = FeatureLine("a", "Amount paid.", "numeric", "EUR", "loans", "3 months", "Risk")
    assert line.full_meaning == "Amount paid (EUR, 3 months)."
    assert replace(line, unit="level", window="").full_meaning == "Amount paid."


def test_a_protected_attribute_cannot_be_a_feature_of_a_bank() -> None:
    assert problems_of(", use: fairness", "") == ("attribute gender is protected: its use must be fairness, not model",)


def test_a_feature_of_a_bank_needs_a_line() -> None:
    assert problems_of("days_mean_{3,6}m", "days_mean_{3}m") == ("feature days_mean_6m has no line in the catalogue",)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "feature gender has no line in the catalogue"),
        ("use: fairness, ", "gender may not enter a model: its use in the catalogue is fairness"),
    ],
)
def test_a_protected_column_of_a_flat_description_cannot_be_a_feature(line: str, told: str) -> None:
    whole = LINE.replace("{meaning", "{" + line + "meaning")
    text = f"{{name: x, target: y, numeric: [a], categorical: [gender], catalogue: {{a: {LINE}}}}}"
    if line:
        text = text.replace("catalogue: {", f"catalogue: {{gender: {whole}, ")

    with pytest.raises(BadConfiguration) as caught:
        parse_description(text, where="flat.yaml")

    assert caught.value.problems == (f"flat.yaml: {told}",)


def test_a_wrong_line_of_a_flat_description_is_told_beside_its_other_problems() -> None:
    text = f"{{name: x, numbers: [a], catalogue: {{a: {LINE.replace('numeric', 'number')}}}}}"

    with pytest.raises(BadConfiguration) as caught:
        parse_description(text, where="flat.yaml")

    assert [problem.split(";")[0] for problem in caught.value.problems] == [
        "flat.yaml: catalogue.a: feature a: type 'number' is none of numeric, categorical, text",
        "flat.yaml: dataset description has no key 'numbers'",
        "flat.yaml: dataset description needs target",
    ]
