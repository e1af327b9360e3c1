"""What a run's mail tells: gathered from Airflow's task states and the jobs' outcome facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException

from arrears.contracts.facts import OutcomeFact
from include.dates import as_of
from include.outcomes import latest_outcomes
from include.settings import Settings

FAILED_STATES = ("failed", "upstream_failed")
NOTHING = "-"
NO_FACT = "no outcome fact: the task was killed, never started, or broke while its code was loaded"
_HEADLINES = {
    "promoted": ("new champion", "Model version {model_version} is the new champion."),
    "kept": ("kept champion", "The champion stays: the new model does not beat it."),
    "refused": ("refused", "The new model does not meet the rules of its data set: no new champion."),
    "rejected": ("rejected", "Model version {model_version} was not approved: the champion stays."),
    "rolled back": ("rolled back", "Model version {model_version} is champion again."),
}


@dataclass(frozen=True)
class TaskReport:
    """One task as the mail shows it."""

    task_id: str
    state: str
    log_url: str
    seconds: float | None = None
    fact: OutcomeFact | None = None

    @property
    def failed(self) -> bool:
        """Whether the task itself failed, not one before it."""
        return self.state == "failed"

    @property
    def error(self) -> str:
        """The first line of what went wrong."""
        return NO_FACT if self.fact is None or self.fact.outcome == "success" else self.fact.first_line

    @property
    def who_acts(self) -> str:
        """Who must act on the failure; without a fact, whoever reads the log."""
        return "operator" if self.fact is None else self.fact.who_acts or "operator"

    @property
    def duration(self) -> str:
        """How long its last attempt took."""
        if self.seconds is None:
            return NOTHING
        minutes, seconds = divmod(round(self.seconds), 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


@dataclass(frozen=True)
class RunReport:
    """One run as the mail shows it."""

    dag_id: str
    run_id: str
    as_of: str
    run_url: str
    tasks: tuple[TaskReport, ...]

    @property
    def failed(self) -> bool:
        """Whether any of the run's work failed."""
        return any(task.state in FAILED_STATES for task in self.tasks)

    @property
    def outcome(self) -> str:
        """The last words of the subject."""
        if self.failed:
            return "FAILED"
        return _HEADLINES[self._decision][0] if self._decision in _HEADLINES else "succeeded"

    @property
    def subject(self) -> str:
        """The mail's subject, one line."""
        return f"[Arrears] {self.dag_id} {self.as_of}: {self.outcome}"

    @property
    def headline(self) -> str:
        """The sentence that a reader in a hurry needs."""
        broken = [task for task in self.tasks if task.failed]
        if broken:
            return f"{broken[0].task_id} failed. Who must act: {broken[0].who_acts}."
        if self.failed:
            return "The run failed before its work began."
        if self._decision in _HEADLINES:
            return _HEADLINES[self._decision][1].format_map({"model_version": "?", **self._values})
        return f"{self.dag_id} has done its work for {self.as_of}."

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """Task, name and value of every figure, as text."""
        return [
            (task.task_id, name.replace("_", " "), shown(value))
            for task in self.tasks
            if task.fact is not None
            for name, value in task.fact.result.figures.items()
        ]

    @property
    def links(self) -> dict[str, str]:
        """Label and address: the run itself, then what the jobs name (their MLflow run, their report)."""
        named = {label: address for task in self._done for label, address in task.fact.result.links.items()}
        return {"Airflow run": self.run_url, **named}

    @property
    def attachments(self) -> list[str]:
        """Addresses of the plots and pages of the jobs."""
        return [address for task in self._done for address in task.fact.result.attachments]

    @property
    def _done(self) -> list[Any]:
        return [task for task in self.tasks if task.fact is not None]

    @property
    def _values(self) -> dict[str, str]:
        return {name: value for task in self._done for name, value in task.fact.result.values.items()}

    @property
    def _decision(self) -> str:
        return self._values.get("decision", "")


def shown(value: float | int | str | None) -> str:
    """A figure as a person reads it: thousands apart, four significant digits after a point, a dash for nothing."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.4f}" if abs(value) < 1000 else f"{value:,.1f}"
    return f"{int(value):,}"


def gather(context: Mapping[str, Any], settings: Settings) -> RunReport:
    """The report of the run that this task belongs to: its other tasks, in the order of the DAG's text."""
    ti, dag, dag_run = context["ti"], context["dag"], context["dag_run"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    seconds = {crumb["task_id"]: crumb.get("duration") for crumb in ti.get_task_breadcrumbs(ti.dag_id, ti.run_id)}
    facts = latest_outcomes(settings.catalogue, ti.dag_id, ti.run_id)
    run_url = _run_url(ti.dag_id, ti.run_id)
    work = (task.task_id for task in dag.tasks if task.task_id != ti.task_id)
    return RunReport(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        as_of=_date(context["params"], dag_run, settings),
        run_url=run_url,
        tasks=_tasks(work, states, seconds, facts, run_url),
    )


def _tasks(
    task_ids: Iterable[str],
    states: Mapping[str, str | None],
    seconds: Mapping[str, float | None],
    facts: Mapping[str, OutcomeFact],
    run_url: str,
) -> tuple[TaskReport, ...]:
    return tuple(
        TaskReport(
            task_id=task_id,
            state=str(states.get(task_id) or "not started"),
            log_url=f"{run_url}/tasks/{task_id}",
            seconds=_seconds(facts.get(task_id)) or seconds.get(task_id),
            fact=facts.get(task_id),
        )
        for task_id in task_ids
    )


def _seconds(fact: OutcomeFact | None) -> float | None:
    if fact is None:
        return None
    return (datetime.fromisoformat(fact.ended_at) - datetime.fromisoformat(fact.started_at)).total_seconds()


def _date(params: Mapping[str, Any], dag_run: Any, settings: Settings) -> str:
    try:
        return as_of(params, dag_run, timezone=settings.timezone)
    except AirflowFailException:
        return "without business date"


def airflow_url() -> str:
    """Where people reach Airflow's pages, without a closing slash."""
    return str(conf.get("api", "base_url", fallback="http://localhost:8080")).rstrip("/")


def _run_url(dag_id: str, run_id: str) -> str:
    return f"{airflow_url()}/dags/{dag_id}/runs/{quote(run_id, safe='')}"
