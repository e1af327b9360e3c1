"""A delivery is waited for without a worker, until it is whole or late."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from tests.dags.rendering import AS_OF, rendered


def waiting(dags: dict[str, Any], started: timedelta = timedelta(), **form: Any) -> tuple[Any, dict[str, Any]]:
    """The rendered sensor of a run that began so long ago, and its context."""
    task = rendered(dags["new_data"].get_task("wait_for_delivery"), form)
    return task, {"dag_run": SimpleNamespace(run_after=datetime.now(UTC) - started)}


def look_again(task: Any, context: dict[str, Any], deferred: TaskDeferred) -> Any:
    return task.resume_execution(deferred.method_name, {**deferred.kwargs, "event": "2026-03-14"}, context)


def test_a_sample_is_waited_for_by_nobody(dags: dict[str, Any]) -> None:
    task, context = waiting(dags)
    assert task.look(context) == "sample"


def test_files_without_a_marker_count_when_two_looks_have_found_the_same(dags: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / f"as_of={AS_OF}"
    # Cleared long after its deadline, when the delivery is there at last.
    task, context = waiting(dags, timedelta(days=3), source=f"{tmp_path}/as_of={{{{as_of}}}}/")
    with pytest.raises(AirflowFailException, match=r"^late: no delivery at .* yet \(2026-03-14, waited for until "):
        task.look(context)
    folder.mkdir()
    (folder / "part-0.parquet").write_bytes(b"1")
    with pytest.raises(TaskDeferred) as first:
        task.look(context)
    assert look_again(task, context, first.value) == f"{folder}/"
    (folder / "part-1.parquet").write_bytes(b"2")
    with pytest.raises(AirflowFailException, match=r"late: the files at .* have changed"):
        look_again(task, context, first.value)


def test_a_delivery_that_is_not_there_is_looked_for_each_minute_until_the_deadline(
    dags: dict[str, Any], tmp_path: Path
) -> None:
    task, context = waiting(dags, source=f"{tmp_path}/{{{{as_of_nodash}}}}.csv", marker="20260314.done")
    with pytest.raises(TaskDeferred) as deferred:
        task.look(context)
    pause = deferred.value.trigger.moment - datetime.now(UTC)
    assert timedelta(seconds=50) < pause < timedelta(seconds=70)
    (tmp_path / "20260314.csv").write_text("loan\n")
    with pytest.raises(TaskDeferred):
        look_again(task, context, deferred.value)
    (tmp_path / "20260314.done").touch()
    assert look_again(task, context, deferred.value) == str(tmp_path / "20260314.csv")


@pytest.mark.parametrize(
    ("add", "is_there"),
    [
        ({"partitionValues": {"day": AS_OF}}, True),
        ({"partitionValues": {"day": "2026-03-13"}}, False),
        ({"stats": json.dumps({"minValues": {"day": "2026-03-01"}, "maxValues": {"day": "2026-03-31"}})}, True),
        ({"stats": json.dumps({"minValues": {"day": "2026-03-01"}, "maxValues": {"day": "2026-03-13"}})}, False),
        ({}, True),
    ],
)
def test_a_table_of_all_days_is_looked_for_in_its_log(
    dags: dict[str, Any], tmp_path: Path, add: dict[str, Any], is_there: bool
) -> None:
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "part-0.parquet").touch()
    (tmp_path / "_delta_log" / f"{0:020d}.json").write_text(json.dumps({"add": {"path": "part-0.parquet", **add}}))
    task, context = waiting(dags, source=str(tmp_path), date_column="day")
    if is_there:
        assert task.look(context) == str(tmp_path)
    else:
        with pytest.raises(TaskDeferred):
            task.look(context)


def test_a_source_that_is_the_same_on_every_day_ends_the_run_at_once(dags: dict[str, Any]) -> None:
    task, context = waiting(dags, source="s3://bank/applications")
    with pytest.raises(AirflowFailException, match="is the same on every day"):
        task.look(context)
