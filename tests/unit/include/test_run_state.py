"""What is known of a run while it ends: also where the jobs said nothing, or cannot be heard."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from arrears.contracts.outcome_facts import JobResult, OutcomeFact
from include.mail import run_state
from include.mail.airflow_failures import ATTEMPT, FAILURE
from include.mail.run_state import gather
from include.outcome_fact_reader import latest_outcomes
from include.settings import Settings
from tests.unit.include.made_up_run import a_fact, a_failure

TASKS = ("resolve_versions", "train_model", "promote_model", "send_report")


def a_context(xcoms: dict[tuple[str, str], Any] | None = None, **params: str) -> dict[str, Any]:
    """The end of a run whose training failed."""
    ti = SimpleNamespace(
        dag_id="training",
        run_id="r1",
        task_id="send_report",
        get_task_states=lambda dag_id, run_ids: {"r1": {"resolve_versions": "success", "train_model": "failed"}},
        get_task_breadcrumbs=lambda dag_id, run_id: [{"task_id": "resolve_versions", "duration": 12.0}],
        xcom_pull=lambda task_ids, key: (xcoms or {}).get((task_ids, key)),
    )
    return {
        "ti": ti,
        "dag": SimpleNamespace(tasks=[SimpleNamespace(task_id=name) for name in TASKS]),
        "dag_run": SimpleNamespace(partition_key=None, logical_date=None),
        "params": {"as_of": "2026-03-14", "dataset": "loans", **params},
    }


def leave(settings: Settings, task: str, attempt: int, fact: OutcomeFact) -> None:
    from arrears.stores.objects import Objects

    Objects().put(settings.addresses.outcome("training", "r1", task, attempt), fact.to_json().encode())


def test_figures_keep_the_order_of_the_job(tmp_path: Path) -> None:
    settings = Settings.from_env({"ARREARS_ROOT": tmp_path.as_uri()})
    leave(settings, "train_model", 1, a_fact(result=JobResult(figures={"rows": 1, "auc": 0.7, "brier": 0.1})))
    facts = latest_outcomes(settings.addresses, "training", "r1")
    assert list(facts["train_model"].result.figures) == ["rows", "auc", "brier"]


def test_latest_attempt_counts_and_other_files_of_the_run_do_not(tmp_path: Path) -> None:
    settings = Settings.from_env({"ARREARS_ROOT": tmp_path.as_uri()})
    for attempt in (1, 2, 10):
        leave(settings, "train_model", attempt, a_fact(first_line=f"try {attempt}"))
    folder = tmp_path / "artifacts/runs/training/r1"
    (folder / "resolved.json").write_text("{}")
    (folder / "report").mkdir()
    (folder / "report/roc.png").write_bytes(b"")
    facts = latest_outcomes(settings.addresses, "training", "r1")
    assert {task: fact.first_line for task, fact in facts.items()} == {"train_model": "try 10"}


def test_report_has_every_task_of_the_dag_but_the_mail_itself(tmp_path: Path) -> None:
    settings = Settings.from_env({"ARREARS_ROOT": tmp_path.as_uri()})
    leave(settings, "train_model", 1, a_failure())
    report = gather(a_context(), settings)
    assert [(task.task_id, task.state, task.duration) for task in report.tasks] == [
        ("resolve_versions", "success", "12 s"),
        ("train_model", "failed", "2 min 5 s"),
        ("promote_model", "not started", "-"),
    ]
    assert (report.as_of, report.dataset) == ("2026-03-14", "loans")
    assert report.tasks[1].log_url.endswith("/dags/training/runs/r1/tasks/train_model")
    contradicting = a_context() | {"dag_run": SimpleNamespace(partition_key="2026-03-15", logical_date=None)}
    assert gather(contradicting, settings).as_of == "2026-03-14 or 2026-03-15"


def test_words_of_airflow_are_heard_where_no_job_was_started(tmp_path: Path) -> None:
    settings = Settings.from_env({"ARREARS_ROOT": tmp_path.as_uri()})
    said = a_failure(first_line="this run has no business date").to_json()
    report = gather(a_context({("train_model", FAILURE): said}), settings)
    assert report.tasks[1].error == "this run has no business date"


def test_attempt_that_was_killed_counts(tmp_path: Path) -> None:
    settings = Settings.from_env({"ARREARS_ROOT": tmp_path.as_uri()})
    leave(settings, "train_model", 1, a_failure())
    report = gather(a_context({("train_model", ATTEMPT): 2}), settings)
    assert (report.tasks[1].attempt, report.tasks[1].fact) == (2, None)
    assert len(report.tasks[1].earlier) == 1


def test_mail_goes_out_where_s3_is_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.from_env({"ARREARS_ROOT": tmp_path.as_uri()})

    def away(*_: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(run_state, "all_outcomes", away)
    said = a_failure(first_line="S3 does not answer").to_json()
    report = gather(a_context({("train_model", FAILURE): said}), settings)
    assert report.tasks[1].error == "S3 does not answer"
    assert "could not be read" in report.silence
