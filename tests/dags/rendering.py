"""The DAGs as Airflow parses them, and their tasks as they are rendered for a fixed run."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "ARREARS_PACKAGE": "/opt/arrears/arrears.zip",
    "ARREARS_SPARK_JARS": "local:/opt/jars/delta.jar,local:/opt/jars/hadoop-aws.jar",
    "ARREARS_S3_ENDPOINT": "http://127.0.0.1:7070",
    "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "spark://127.0.0.1", "port": 7077,'
    ' "extra": {"deploy-mode": "client"}}',
}
AS_OF = "2026-03-14"
RUN_AFTER = datetime(2026, 3, 14, 2, 6, tzinfo=UTC)
# What the tasks before it left for the one that is rendered.
RESULTS = {
    "dataset_version": "0123456789abcdef",
    "champion_version": "3",
    "model_name": "pd_lending_club",
    "mlflow_run_id": "fedcba9876543210",
    "judged": "0123456789abcdef",
    "summary": "**version 4** asks to become champion",
}
# What a form demands.
FILLED_IN = {
    "rollback": {"reason": "it declines everybody"},
    "outcomes": {"source": "s3://bank/outcomes/as_of={{as_of}}/"},
}


def parsed(environment: dict[str, str]) -> dict[str, Any]:
    """Every DAG of the package, by id, parsed with these settings."""
    from airflow.dag_processing.dagbag import DagBag

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        bag = DagBag(dag_folder=str(PROJECT / "dags"))
    assert not bag.import_errors
    return dict(bag.dags)


def dag_run(**given: Any) -> SimpleNamespace:
    fixed = {"logical_date": None, "partition_key": None, "run_after": RUN_AFTER, "triggering_user_name": None}
    return SimpleNamespace(**fixed | given)


def rendered(task: Any, params: dict[str, Any] | None = None, *, results: Any = RESULTS, **run: Any) -> Any:
    """A copy of the task with its templates rendered; by default for the run of a partition key."""
    task = copy.copy(task)
    given = {**task.dag.params.dump(), **FILLED_IN.get(task.dag.dag_id, {}), **(params or {})}
    task.render_template_fields(
        {
            "dag": task.dag,
            "task": task,
            "params": given,
            "run_id": "scheduled__2026-03-14T02:06:00+00:00",
            "dag_run": dag_run(**(run or {"partition_key": AS_OF})),
            "ti": SimpleNamespace(try_number=1, xcom_pull=pulled(results)),
        }
    )
    return task


def pulled(results: Any) -> Any:
    """What each earlier task has left: the fixed values, or these in place of what the approval left."""
    return lambda task_ids: results if task_ids in ("propose_model", "approve_model") else RESULTS


def spark_submit_argv(task: Any) -> list[str]:
    """The whole command of a rendered task of the spark transport."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", ENVIRONMENT["AIRFLOW_CONN_SPARK_DEFAULT"])
        return [
            part.replace(str(PROJECT), "{project}")
            for part in task._get_hook()._build_spark_submit_command(task.application)
        ]
