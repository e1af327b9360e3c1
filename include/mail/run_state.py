"""What is known of a run while it ends: Airflow's task states, the jobs' facts, and what Airflow kept itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from arrears.contracts.outcome_facts import OutcomeFact
from include.airflow_pages import page_of_run
from include.dates import as_of
from include.mail.airflow_failures import ATTEMPT, FAILURE
from include.mail.run_report import RunReport
from include.mail.task_report import TaskReport
from include.outcome_fact_reader import Attempts, all_outcomes
from include.settings import Settings

log = logging.getLogger(__name__)


def gather(context: Mapping[str, Any], settings: Settings) -> RunReport:
    """The report of the run that this task belongs to: its other tasks, in the order of the DAG's text."""
    ti, dag, params = context["ti"], context["dag"], context["params"]
    facts, silence = _facts(settings, ti.dag_id, ti.run_id)
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    seconds = {crumb["task_id"]: crumb.get("duration") for crumb in ti.get_task_breadcrumbs(ti.dag_id, ti.run_id)}
    run_url = page_of_run(ti.dag_id, ti.run_id)
    return RunReport(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        as_of=_date(params, context["dag_run"], settings),
        run_url=run_url,
        tasks=tuple(
            _task(ti, task.task_id, str(states.get(task.task_id) or "not started"), seconds, facts, run_url)
            for task in dag.tasks
            if task.task_id != ti.task_id
        ),
        dataset=str(params.get("dataset") or ""),
        silence=silence,
    )


def _facts(settings: Settings, dag_id: str, run_id: str) -> tuple[Mapping[str, Attempts], str]:
    """The jobs' facts, or why they cannot be read: where S3 itself is what failed, the mail goes out all the same."""
    try:
        return all_outcomes(settings.addresses, dag_id, run_id), ""
    except Exception as error:
        log.warning("the outcome facts of the run could not be read", exc_info=True)
        return {}, f"The jobs' figures could not be read from {settings.root}: {type(error).__name__}."


def _task(
    ti: Any,
    task_id: str,
    state: str,
    seconds: Mapping[str, float | None],
    facts: Mapping[str, Attempts],
    run_url: str,
) -> TaskReport:
    attempts = facts.get(task_id, {})
    attempt = ti.xcom_pull(task_ids=task_id, key=ATTEMPT)
    failure = ti.xcom_pull(task_ids=task_id, key=FAILURE) if state == "failed" else None
    report = TaskReport(
        task_id=task_id,
        state=state,
        log_url=f"{run_url}/tasks/{task_id}",
        seconds=seconds.get(task_id),
        # An attempt that broke before it began noted none; its failure did.
        attempt=max([*attempts, *([int(attempt)] if attempt else [])], default=None),
        facts=attempts,
        failure=OutcomeFact.from_json(failure) if failure else None,
    )
    own = attempts.get(report.attempt or 0)
    return report if own is None else _timed(report, own)


def _timed(report: TaskReport, fact: OutcomeFact) -> TaskReport:
    """The same with the job's own time, which leaves out the wait for its submission."""
    spent = datetime.fromisoformat(fact.ended_at) - datetime.fromisoformat(fact.started_at)
    return replace(report, seconds=spent.total_seconds() or report.seconds)


def _date(params: Mapping[str, Any], dag_run: Any, settings: Settings) -> str:
    try:
        return as_of(params, dag_run, timezone=settings.timezone)
    except AirflowFailException:  # the two contradict each other, which the failed task tells
        return f"{params.get('as_of')} or {dag_run.partition_key}"
