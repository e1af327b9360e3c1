"""From when on a row of a bank's table is known, as its contract declares it."""

from __future__ import annotations

from typing import Any

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.knowledge import LabelKnowledge, days_until_known, row_knowledge
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from arrears.stores.description_files import parse_description

COLUMNS = tuple(
    ColumnContract(name, kind)
    for name, kind in {
        "id": "int",
        "day": "date",
        "time": "timestamp",
        "came_on": "date",
        "came_at": "timestamp",
    }.items()
)


def a_table(**given: Any) -> TableContract:
    return TableContract("balances", COLUMNS, ("id",), **given)


@pytest.mark.parametrize(
    ("given", "days"),
    [
        ({}, {}),
        ({"event_time": "day"}, {"day": 1}),  # a day's row is known at its end,
        ({"event_time": "day", "known_at": "start"}, {"day": 0}),  # unless its table says otherwise,
        ({"event_time": "time"}, {"time": 0}),  # and a time of day is exact
        ({"event_time": "day", "delay_days": 3}, {"day": 4}),
        ({"event_time": "time", "delay_days": 3}, {"time": 3}),
        # Where arrivals are told the delay is what they may have at most.
        ({"event_time": "day", "arrived_on": "came_on", "delay_days": 3}, {"day": 1, "came_on": 1}),
        ({"event_time": "day", "known_at": "start", "arrived_on": "came_on"}, {"day": 0, "came_on": 1}),
        ({"event_time": "time", "arrived_on": "came_at"}, {"time": 0, "came_at": 0}),
    ],
)
def test_a_row_is_known_so_many_days_after_its_times(given: dict[str, Any], days: dict[str, int]) -> None:
    assert days_until_known(a_table(**given)) == days


def test_a_days_row_stands_for_its_end_where_nothing_else_is_said() -> None:
    assert row_knowledge(a_table(event_time="day")).day == "end"
    assert row_knowledge(a_table(event_time="day", known_at="start")).day == "start"


@pytest.mark.parametrize("given", [{"event_time": "time"}, {}])
def test_the_part_of_a_day_is_refused_where_there_is_no_day(given: dict[str, Any]) -> None:
    with pytest.raises(BadConfiguration, match="table balances: known_at tells of a day, and its event_time is none"):
        a_table(**given, known_at="end")


def test_a_description_names_the_days_until_what_its_dates_tell_was_known() -> None:
    described = parse_description("{name: x, target: y, dates: [opened_on], known_after: {opened_on: 1}}", where="here")
    assert DatasetDescription.from_dict(described.to_dict()) == described
    assert described.known_after == {"opened_on": 1}
    for wrong, told in (
        ("{gone_on: 1}", "known_after names gone_on"),
        ("[a]", "whole days"),
        ("{a: soon}", "whole days"),
    ):
        with pytest.raises(BadConfiguration, match=told):
            parse_description(f"{{name: x, target: y, dates: [opened_on], known_after: {wrong}}}", where="here")


def test_when_labels_are_known_is_kept_in_the_manifest_of_a_dataset_version() -> None:
    assert LabelKnowledge.of({"label_known": {"months": 12, "days": 90, "column": ""}}) == LabelKnowledge(12, 90)
    assert not LabelKnowledge.of({})
    assert str(LabelKnowledge(12, 90)) == "12 months and 90 days after the decision"
    assert str(LabelKnowledge(0, 7, "ended_on")) == "7 days after ended_on"
