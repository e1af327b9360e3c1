"""Which business date a run has, and when its asset is published."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from include.assets import TRAIN, publish
from include.dates import as_of
from include.settings import Settings
from tests.dags.rendering import dag_run

LATE_EVENING = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)


def test_date_of_the_form_wins_over_the_logical_date() -> None:
    assert as_of({"as_of": "2026-01-31"}, dag_run(logical_date=LATE_EVENING)) == "2026-01-31"


def test_partition_key_wins_over_the_logical_date() -> None:
    assert as_of({"as_of": None}, dag_run(partition_key="2026-02-28", logical_date=LATE_EVENING)) == "2026-02-28"


def test_logical_date_counts_by_the_local_day() -> None:
    assert as_of({}, dag_run(logical_date=LATE_EVENING), timezone="Europe/Berlin") == "2026-03-15"
    assert as_of({}, dag_run(logical_date=LATE_EVENING)) == "2026-03-14"


def test_form_and_partition_key_may_say_the_same() -> None:
    assert as_of({"as_of": "2026-01-31"}, dag_run(partition_key="2026-01-31")) == "2026-01-31"


def test_run_ends_without_retry_when_form_and_partition_key_contradict_each_other() -> None:
    with pytest.raises(AirflowFailException, match="2026-01-31 contradicts the run's partition key 2026-02-01"):
        as_of({"as_of": "2026-01-31"}, dag_run(partition_key="2026-02-01"))


def test_run_without_any_date_is_about_the_local_day_on_which_it_was_started() -> None:
    started = dag_run(run_after=LATE_EVENING)
    assert as_of({"as_of": None}, started) == "2026-03-14"
    assert as_of({"as_of": None}, started, timezone="Europe/Berlin") == "2026-03-15"
    # What the form sends for an emptied field, and what a program may send.
    assert as_of({"as_of": ""}, started) == as_of({}, started) == "2026-03-14"


class Event(SimpleNamespace):
    """What Airflow lets a task say about one asset."""

    def add_partitions(self, key: str) -> None:
        self.keys = [*getattr(self, "keys", []), key]


def published(dataset: str, **run: Any) -> Event:
    event = Event(extra={})
    context = {
        "params": {"dataset": dataset, "as_of": None},
        "run_id": "manual__1",
        "dag_run": dag_run(**run),
        "outlet_events": {TRAIN: event},
    }
    publish(TRAIN, Settings.from_env({"ARREARS_TIMEZONE": "Europe/Berlin"}))(context)
    return event


def test_asset_is_published_for_the_business_date() -> None:
    event = published("lending_club", logical_date=LATE_EVENING)
    assert event.keys == ["2026-03-15"]
    assert event.extra == {"dataset": "lending_club", "run_id": "manual__1"}


def test_asset_is_not_published_for_a_data_set_that_schedules_do_not_follow() -> None:
    assert not hasattr(published("my_trial", partition_key="2026-03-14"), "keys")
