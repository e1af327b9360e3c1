"""Which business date a run has, and when its asset is published."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from arrears.contracts.addresses import Table
from include.assets import champion_asset, publish, publish_champion, table_asset
from include.dates import as_of
from include.scheduled import Scheduled, scheduled
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


IN_BERLIN = {"ARREARS_TIMEZONE": "Europe/Berlin"}


def settings() -> Scheduled:
    return scheduled(IN_BERLIN)[0]


def ended(asset: Any, after: Any, params: dict[str, Any], result: Any = None, **run: Any) -> tuple[Event, Any]:
    """What a task that has written says of its asset, and the task with the outlets that are left."""
    event, task = Event(extra={}), SimpleNamespace(outlets=[asset])
    context = {
        "params": {"as_of": None, **params},
        "run_id": "manual__1",
        "dag_run": dag_run(**run),
        "outlet_events": {asset: event},
        "ti": SimpleNamespace(task=task),
    }
    after(context, result)
    return event, task


def published(dataset: str, **run: Any) -> tuple[Event, Any]:
    train = table_asset(Table.TRAIN, settings())
    return ended(train, publish(train, settings()), {"dataset": dataset}, **run)


def decided(decision: str, dataset: str = "lending_club", task: str = "default") -> tuple[Event, Any]:
    result = {"decision": decision, "model_name": "pd_lending_club", "model_version": "4"}
    params = {"dataset": dataset, "task": task}
    return ended(champion_asset(settings()), publish_champion(settings()), params, result, partition_key="2026-03-14")


def test_asset_is_published_for_the_business_date() -> None:
    event, task = published("lending_club", logical_date=LATE_EVENING)
    assert event.keys == ["2026-03-15"]
    assert event.extra == {"dataset": "lending_club", "run_id": "manual__1"}
    assert len(task.outlets) == 1


def test_asset_is_not_published_for_a_data_set_that_schedules_do_not_follow() -> None:
    event, task = published("my_trial", partition_key="2026-03-14")
    assert not hasattr(event, "keys")
    # Airflow itself would publish it with the run's own key.
    assert task.outlets == []


@pytest.mark.parametrize("decision", ["promoted", "rolled back"])
def test_a_new_champion_is_published_with_its_version(decision: str) -> None:
    event, _ = decided(decision)
    assert event.keys == ["2026-03-14"]
    assert (event.extra["model_name"], event.extra["model_version"]) == ("pd_lending_club", "4")


@pytest.mark.parametrize(
    "given", [("kept",), ("refused",), ("rejected",), ("promoted", "my_trial"), ("promoted", "lending_club", "loss")]
)
def test_no_champion_is_published_where_the_data_sets_own_stays(given: tuple[str, ...]) -> None:
    event, task = decided(*given)
    assert not hasattr(event, "keys")
    assert task.outlets == []


def test_assets_carry_the_address_of_what_they_stand_for() -> None:
    uris = [table_asset(table, settings()).uri for table in (Table.TRAIN, Table.TEST_SAMPLE_INFERENCE)]
    assert uris == ["s3://arrears/train/lending_club", "s3://arrears/test_sample_inference/lending_club"]
    assert champion_asset(settings()).uri == "s3://arrears/artifacts/decisions/pd_lending_club"
