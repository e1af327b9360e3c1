"""Every DAG is there, imports, keeps the house's defaults and survives serialisation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import JOBS, default_of
from include.cluster_sizes import DRIVER_ONLY, SMALL, TRAINING
from include.dag_defaults import Tag
from include.settings import Settings
from include.spark_task import spark_task
from tests.dags.rendering import ENVIRONMENT, PROJECT, parsed

TASKS = {
    "generate_bank": ["generate_bank", "send_report"],
    "build_features": ["build_features", "send_report"],
    "generate_data": ["generate_data", "explore_data", "send_report"],
    "new_data": ["resolve_versions", "wait_for_delivery", "sample_new_data", "send_report"],
    "outcomes": ["resolve_versions", "wait_for_delivery", "keep_outcomes", "send_report"],
    "training": [
        "resolve_versions",
        "train_model",
        "evaluate_model",
        "propose_model",
        "approve_model",
        "promote_model",
        "send_report",
    ],
    "experiment": ["run_experiment", "send_report"],
    "rollback": ["rollback_model", "send_report"],
    "inference": ["resolve_versions", "score_borrowers", "send_report"],
    "maintenance": ["maintain_tables", "send_report"],
    "replay": ["replay_training_set", "send_report"],
}
WITHOUT_SPARK = {"resolve_versions", "propose_model", "promote_model", "rollback_model"}


def test_exactly_these_dags_are_found(dags: dict[str, Any]) -> None:
    assert set(dags) == set(TASKS)


@pytest.mark.parametrize("dag_id", TASKS)
def test_dag_file_is_named_after_its_dag_and_short_enough_to_read(dags: dict[str, Any], dag_id: str) -> None:
    assert Path(dags[dag_id].fileloc).stem == dag_id
    assert len(Path(dags[dag_id].fileloc).read_text().splitlines()) <= 120


@pytest.mark.parametrize("dag_id", TASKS)
def test_tasks_run_one_after_the_other_in_the_order_of_the_text(dags: dict[str, Any], dag_id: str) -> None:
    tasks = dags[dag_id].tasks
    assert [task.task_id for task in tasks] == TASKS[dag_id]
    assert [task.downstream_task_ids for task in tasks] == [{name} for name in TASKS[dag_id][1:]] + [set()]


@pytest.mark.parametrize("dag_id", TASKS)
def test_mail_is_a_teardown_that_cannot_change_the_state_of_a_run(dags: dict[str, Any], dag_id: str) -> None:
    mail = dags[dag_id].get_task("send_report")
    assert mail.is_teardown
    assert not mail.on_failure_fail_dagrun
    assert mail.retries == 2


@pytest.mark.parametrize("dag_id", TASKS)
def test_dag_says_what_it_is_and_holds_one_run_at_a_time(dags: dict[str, Any], dag_id: str) -> None:
    dag = dags[dag_id]
    assert "* **On failure**" in dag.doc_md
    assert dag.description == dag.doc_md.splitlines()[0]
    assert dag.doc_md.splitlines()[1] == ""  # Markdown would draw text and list together
    assert dag.tags <= {tag.value for tag in Tag}
    assert (dag.catchup, dag.max_active_runs, dag.start_date) == (False, 1, None)


@pytest.mark.parametrize("dag_id", TASKS)
def test_every_task_has_owner_retries_and_time_limit_within_the_runs_own(dags: dict[str, Any], dag_id: str) -> None:
    worst = timedelta()
    for task in dags[dag_id].tasks:
        assert task.owner == "credit-risk"
        assert 1 <= task.retries <= 3
        worst += (task.retries + 1) * task.execution_timeout + task.retries * task.retry_delay
        worst += getattr(task, "response_timeout", timedelta())
    # A run that times out as a whole skips its mail.
    assert worst < dags[dag_id].dagrun_timeout


@pytest.mark.parametrize("dag_id", TASKS)
def test_jobs_with_spark_wait_in_its_pool_and_the_others_wait_for_nobody(
    dags: dict[str, Any], dags_over_ssh: dict[str, Any], dag_id: str
) -> None:
    for task in [*dags[dag_id].tasks, *dags_over_ssh[dag_id].tasks]:
        assert (task.pool == "spark") == (task.task_id in JOBS and task.task_id not in WITHOUT_SPARK), task.task_id


@pytest.mark.parametrize("dag_id", TASKS)
def test_dag_survives_serialisation(dags: dict[str, Any], dag_id: str) -> None:
    assert DagSerialization.to_dict(dags[dag_id])["dag"]["dag_id"] == dag_id


def test_every_job_has_a_task_and_every_job_file_is_a_job(dags: dict[str, Any]) -> None:
    tasks = {task.task_id for dag in dags.values() for task in dag.tasks} - {
        "send_report",
        "approve_model",
        "wait_for_delivery",
    }
    assert tasks == set(JOBS)
    files = {path.stem for path in (PROJECT / "spark_jobs" / "jobs").glob("*.py")} - {"__init__"}
    assert files == set(JOBS)


@pytest.mark.parametrize(("producer", "consumer"), [("generate_data", "training"), ("new_data", "inference")])
def test_consumer_runs_on_what_its_producer_publishes(dags: dict[str, Any], producer: str, consumer: str) -> None:
    published = [outlet for task in dags[producer].tasks for outlet in task.outlets]
    assert [dags[consumer].timetable.asset_condition] == published


def test_new_data_follows_the_schedule_of_the_settings() -> None:
    environment = ENVIRONMENT | {"ARREARS_NEW_DATA_CRON": "17 5 * * 1-5", "ARREARS_TIMEZONE": "Europe/Berlin"}
    timetable = parsed(environment)["new_data"].timetable
    assert (timetable.expression, str(timetable.timezone)) == ("17 5 * * 1-5", "Europe/Berlin")


@pytest.mark.parametrize("dag_id", ["new_data", "build_features", "maintenance"])
def test_a_dag_that_is_unpaused_right_after_a_set_time_waits_for_the_next(
    dags: dict[str, Any], dag_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the scheduler reads it.
    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dags[dag_id])).timetable
    set_time = timetable._align_to_prev(pendulum.now("UTC"))
    unpaused = set_time.add(minutes=10)
    monkeypatch.setattr("airflow.timetables.trigger.utcnow", lambda: unpaused)

    restriction = TimeRestriction(earliest=None, latest=None, catchup=False)
    first = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)

    assert first is not None
    assert first.run_after == timetable._align_to_next(unpaused)


def test_both_transports_give_the_same_graph(dags: dict[str, Any], dags_over_ssh: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        assert [task.task_id for task in dags_over_ssh[dag_id].tasks] == [task.task_id for task in dag.tasks]
    assert type(dags_over_ssh["training"].get_task("train_model")).__name__ == "RemoteSparkJob"


def test_argument_that_a_job_does_not_have_stops_the_parsing() -> None:
    with pytest.raises(BadConfiguration, match="no field learning_rat"):
        spark_task("train_model", Settings.from_env({}), size=TRAINING, dataset_version="1", learning_rat="0.1")


def test_training_task_owns_all_cores_of_its_executor() -> None:
    assert TRAINING.task_cpus == TRAINING.executor_cores == default_of(JOBS["train_model"], "threads")


def test_job_without_session_asks_for_no_executor(dags: dict[str, Any]) -> None:
    task = dags["training"].get_task("promote_model")
    assert task.conf == {"spark.driver.memory": DRIVER_ONLY.driver_memory}
    assert (task.jars, task.packages) == (None, None)


@pytest.mark.parametrize("size", [SMALL, TRAINING])
def test_cluster_size_always_says_how_many_cores_it_takes(size: Any) -> None:
    assert int(size.conf()["spark.cores.max"]) % size.executor_cores == 0
    assert size.task_cpus <= size.executor_cores
