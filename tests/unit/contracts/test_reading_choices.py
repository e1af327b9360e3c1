"""What a person says of a text file, by the form or in a description."""

from __future__ import annotations

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.reading_choices import ReadingChoices
from arrears.contracts.tables.descriptions import DatasetDescription


def test_the_form_goes_before_the_description_and_that_before_what_is_found() -> None:
    described = {"separator": ";", "header": False, "missing": [-9, "none at all"], "decimal": ","}
    reading = ReadingChoices(separator="tab").over(described)
    assert (reading.separator, reading.header, reading.decimal) == ("tab", "no", "comma")
    assert reading.missing == ("-9", "none at all")
    assert ReadingChoices().over({}) == ReadingChoices()


def test_only_what_is_told_reaches_the_reader_of_lines() -> None:
    assert ReadingChoices().dialect() == {}
    told = ReadingChoices(encoding="cp850", separator="blanks", header="yes", skip_lines=3, quote_escape="doubled")
    assert told.dialect() == {
        "encoding": "cp850", "separator": " ", "header": True, "skip_lines": 3, "escape": None
    }  # fmt: skip


def test_every_wrong_key_of_a_description_is_named() -> None:
    with pytest.raises(BadConfiguration) as refused:
        DatasetDescription.from_dict(
            {
                "name": "a",
                "target": "b",
                "numeric": ["x"],
                "reading": {"headr": True, "decimal": "dot", "encoding": "x"},
            }
        )
    assert [problem.split(";")[0] for problem in refused.value.problems] == [
        "reading has no key 'headr'",
        "reading: decimal 'dot' is none of found, point, comma",
        "reading: encoding 'x' is none that Python knows",
    ]
