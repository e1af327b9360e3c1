"""A made-up run of training as its mail sees it."""

from __future__ import annotations

from typing import Any

from arrears.contracts.outcome_facts import JobResult, OutcomeFact
from include.mail.run_report import RunReport
from include.mail.task_report import TaskReport

STARTED, ENDED = "2026-03-14T02:06:00+00:00", "2026-03-14T02:08:05+00:00"
LOG = "http://airflow/dags/training/runs/r1/tasks/train_model"


def a_fact(**given: Any) -> OutcomeFact:
    return OutcomeFact(**{"job": "train_model", "outcome": "success", "started_at": STARTED, "ended_at": ENDED} | given)


def a_failure(**given: Any) -> OutcomeFact:
    wrong = {"outcome": "failed", "error_class": "BadInput", "who_acts": "data owner", "first_line": "column x is text"}
    return a_fact(**(wrong | given))


def a_report(*tasks: TaskReport) -> RunReport:
    return RunReport("training", "r1", "2026-03-14", "http://airflow/dags/training/runs/r1", tasks, "loans")


def a_task(state: str = "success", fact: OutcomeFact | None = None, **given: Any) -> TaskReport:
    """A task with the fact of its only attempt."""
    facts = {} if fact is None else {1: fact}
    return TaskReport(**{"task_id": "train_model", "state": state, "log_url": LOG, "facts": facts} | given)


def decided(decision: str, **values: str) -> RunReport:
    """A run that ended in a decision about version 7."""
    values = {"decision": decision, "model_version": "7", **values}
    return a_report(a_task(fact=a_fact(result=JobResult(values=values))))
