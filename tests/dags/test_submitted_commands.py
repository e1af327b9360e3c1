"""What each Spark task really submits, for a fixed run. Rewrite the golden files with ARREARS_GOLDEN=write."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from arrears.contracts.job_configs.arguments import parse
from arrears.contracts.job_configs.jobs import JOBS
from include.transports.ssh_node import Node
from tests.dags.rendering import AS_OF, PROJECT, rendered, spark_submit_argv

GOLDEN = Path(__file__).with_name("golden")
SPARK_TASKS = [
    ("generate_bank", "generate_bank"),
    ("build_features", "build_features"),
    ("generate_data", "generate_data"),
    ("generate_data", "explore_data"),
    ("new_data", "resolve_versions"),
    ("new_data", "sample_new_data"),
    ("outcomes", "resolve_versions"),
    ("outcomes", "keep_outcomes"),
    ("training", "resolve_versions"),
    ("training", "train_model"),
    ("training", "evaluate_model"),
    ("training", "propose_model"),
    ("training", "promote_model"),
    ("experiment", "run_experiment"),
    ("rollback", "rollback_model"),
    ("inference", "resolve_versions"),
    ("inference", "score_borrowers"),
    ("maintenance", "maintain_tables"),
    ("replay", "replay_training_set"),
]
NODE = Node(spark_submit="/opt/spark/bin/spark-submit", master="spark://127.0.0.1:7077")
FOLDER = "/home/spark/.arrears/jobs/attempt"

every_spark_task = pytest.mark.parametrize(("dag_id", "task_id"), SPARK_TASKS)


def compare(name: str, argv: list[str]) -> None:
    golden = GOLDEN / f"{name}.json"
    if os.environ.get("ARREARS_GOLDEN") == "write":
        golden.write_text(json.dumps(argv, indent=1) + "\n")
    assert argv == json.loads(golden.read_text())


def job_arguments(argv: list[str], job: str) -> list[str]:
    return argv[[Path(part).name for part in argv].index(f"{job}.py") + 1 :]


def test_every_spark_task_has_a_golden_file_and_no_file_is_left_over(dags: dict[str, Any]) -> None:
    tasks = {(dag_id, task.task_id) for dag_id, dag in dags.items() for task in dag.tasks if task.task_id in JOBS}
    assert tasks == set(SPARK_TASKS)
    expected = {f"{dag_id}.{task_id}.json" for dag_id, task_id in SPARK_TASKS} | {"inference.score_borrowers.ssh.json"}
    assert {path.name for path in GOLDEN.iterdir()} == expected


@every_spark_task
def test_spark_submit_command_is_the_golden_one(dags: dict[str, Any], dag_id: str, task_id: str) -> None:
    compare(f"{dag_id}.{task_id}", spark_submit_argv(rendered(dags[dag_id].get_task(task_id))))


@every_spark_task
def test_job_accepts_the_arguments_of_its_task(dags: dict[str, Any], dag_id: str, task_id: str) -> None:
    argv = job_arguments(spark_submit_argv(rendered(dags[dag_id].get_task(task_id))), task_id)
    config = parse(JOBS[task_id], argv)
    assert config.outcome == (
        f"s3://arrears/artifacts/runs/{dag_id}/scheduled__2026-03-14T02-06-00-00-00/{task_id}/1.json"
    )
    assert getattr(config, "as_of", AS_OF) == AS_OF


@every_spark_task
def test_ssh_node_gets_the_same_configuration_and_arguments(
    dags: dict[str, Any], dags_over_ssh: dict[str, Any], dag_id: str, task_id: str
) -> None:
    here = spark_submit_argv(rendered(dags[dag_id].get_task(task_id)))
    there = rendered(dags_over_ssh[dag_id].get_task(task_id)).command(NODE, FOLDER)
    moved = {
        "{project}/spark_jobs/jobs": FOLDER,
        "/opt/arrears": FOLDER,
        "spark-submit": NODE.spark_submit,
    }
    for local, remote in moved.items():
        here = [remote if part == local else part.replace(f"{local}/", f"{remote}/") for part in here]
    assert sorted(there) == sorted(here)
    assert job_arguments(there, task_id) == job_arguments(here, task_id)


def test_ssh_command_is_the_golden_one(dags_over_ssh: dict[str, Any]) -> None:
    task = rendered(dags_over_ssh["inference"].get_task("score_borrowers"))
    compare("inference.score_borrowers.ssh", task.command(NODE, FOLDER))


def test_empty_fields_of_the_form_reach_the_job_as_none(dags: dict[str, Any]) -> None:
    task = rendered(dags["training"].get_task("train_model"), {"learning_rate": None})
    config = parse(JOBS["train_model"], job_arguments(spark_submit_argv(task), "train_model"))
    assert config.learning_rate is None


def test_text_of_the_form_is_passed_on_and_never_run_as_a_template(dags: dict[str, Any]) -> None:
    task = rendered(dags["generate_data"].get_task("generate_data"), {"bad_when": "{{ 7 * 7 }}; $(reboot)"})
    assert "{{ 7 * 7 }}; $(reboot)" in spark_submit_argv(task)


def test_no_secret_of_the_environment_is_in_a_command(dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    argv = [
        part for dag_id, task_id in SPARK_TASKS for part in spark_submit_argv(rendered(dags[dag_id].get_task(task_id)))
    ]
    assert not [part for part in argv if "hush-hush" in part or "secret" in part.lower() or "password" in part.lower()]


def test_without_jars_the_packages_are_resolved_by_spark() -> None:
    from include.cluster_sizes import SMALL
    from include.settings import Settings
    from include.spark_task import spark_task

    task = spark_task("generate_data", Settings.from_env({}), size=SMALL, as_of=AS_OF)
    assert "io.delta:delta-spark_4.1_2.13:4.3.1" in task.packages
    assert task.exclude_packages.startswith("software.amazon.awssdk:bundle")
    assert task.application == str(PROJECT / "spark_jobs/jobs/generate_data.py")
