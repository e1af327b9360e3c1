"""Airflow through its REST interface alone, as any other program would use it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from local.environment import ADMIN
from local.http import request_json
from local.stack_settings import HOST

ENDED = ("success", "failed")
PATIENCE = 90.0  # seconds that one question may go unanswered: the server shares two cores with Spark
POLL = 1.0
ERROR = re.compile(r"(\w+\.)*\w+(Error|Exception): .")


@dataclass(frozen=True)
class TaskState:
    """One task of a run: its state, its attempt, and since when it runs."""

    task_id: str
    state: str
    attempt: int
    started_at: float | None


@dataclass(frozen=True)
class RunState:
    """One run of a DAG with its tasks, those that began first in front."""

    dag_id: str
    run_id: str
    state: str
    tasks: tuple[TaskState, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing of it will happen any more."""
        return self.state in ENDED


class AirflowClient:
    """Asks one Airflow. A question is asked again while the server is busy or restarting."""

    def __init__(self, port: int, password: str) -> None:
        self._port, self._password, self._token = port, password, ""
        self.address = f"http://{HOST}:{port}"

    def wait_for_dags(self, dag_ids: Sequence[str], *, seconds: float = 120.0) -> None:
        """Return when Airflow knows all these DAGs. Raises UpstreamNotReady with its import errors otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            known = {dag["dag_id"] for dag in self._get("/api/v2/dags?limit=100")["dags"]}
            missing = [dag_id for dag_id in dag_ids if dag_id not in known]
            if not missing:
                return
            if time.monotonic() > deadline:
                errors = self._get("/api/v2/importErrors")["import_errors"]
                problems = [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]
                raise UpstreamNotReady(f"Airflow does not know {', '.join(missing)}", *problems)
            time.sleep(POLL)

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Let the DAG run, or hold it. While it is held, Airflow drops the events that would start it."""
        self.ask("PATCH", f"/api/v2/dags/{dag_id}?update_mask=is_paused", {"is_paused": paused})

    def trigger(self, dag_id: str, *, conf: Mapping[str, Any], partition_key: str | None = None) -> str:
        """Start one run and return its id. Raises BadConfiguration where the form refuses a value."""
        # An id of our own makes the request safe to repeat: the second time the run is there already.
        run_id = f"demo__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        if partition_key:
            body["partition_key"] = partition_key
        self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", body, accepted=(409,))
        return run_id

    def run(self, dag_id: str, run_id: str) -> RunState | None:
        """The run as it is now. None where Airflow does not know it."""
        address = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
        answer = self.ask("GET", address, accepted=(404,))
        if "dag_run_id" not in answer:
            return None
        tasks = [_task(task) for task in self._get(f"{address}/taskInstances")["task_instances"]]
        tasks.sort(key=lambda task: task.started_at or float("inf"))
        return RunState(dag_id, run_id, answer["state"], tuple(tasks))

    def caused(self, dag_id: str, run_id: str, consumer: str) -> str | None:
        """The id of the consumer's run that this run's events started. None while there is none."""
        query = urlencode({"source_dag_id": dag_id, "source_run_id": run_id})
        # Airflow 3.3.2 answers 500 while a run that the event created still waits for its start.
        answer = self.ask("GET", f"/api/v2/assets/events?{query}", accepted=(500,))
        for event in (answer or {}).get("asset_events", ()):
            for created in event["created_dagruns"]:
                if created["dag_id"] == consumer:
                    return str(created["run_id"])
        return None

    def waiting(self, consumer: str, partition_key: str) -> bool:
        """Whether a run of the consumer for this key is waiting or running."""
        query = urlencode([("partition_key_pattern", partition_key), ("state", "queued"), ("state", "running")])
        return bool(self._get(f"/api/v2/dags/{consumer}/dagRuns?{query}")["dag_runs"])

    def last_error(self, dag_id: str, run_id: str, task: TaskState) -> str:
        """The last line of a task's log that names an error. Empty where none does."""
        address = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task.task_id}"
        lines = self._get(f"{address}/logs/{task.attempt}?full_content=true")["content"]
        events = [str(line["event"]).strip() for line in lines if isinstance(line, dict) and "event" in line]
        return next((event for event in reversed(events) if ERROR.match(event)), "")

    def log_address(self, dag_id: str, run_id: str, task_id: str) -> str:
        """The page where a person reads a task's log."""
        return f"{self.address}/dags/{dag_id}/runs/{quote(run_id, safe='')}/tasks/{task_id}"

    def ask(self, method: str, path: str, document: object = None, *, accepted: Sequence[int] = ()) -> Any:
        """Return the decoded answer to one question, which must be safe to repeat.

        Raises BadConfiguration where Airflow refuses it, unless its status is `accepted`, and UpstreamNotReady where
        there is no answer in time.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            status, answer = self._answer(method, path, document)
            if 200 <= status < 300 or status in accepted:
                return answer
            if status == 401:
                self._token = ""
            elif 400 <= status < 500:
                detail = answer.get("detail", answer) if isinstance(answer, dict) else answer
                raise BadConfiguration(f"Airflow refuses {method} {path}: {status} {detail}")
            if time.monotonic() > deadline:
                raise UpstreamNotReady(f"Airflow at {self.address} does not answer {method} {path} ({status})")
            time.sleep(POLL)

    def _get(self, path: str) -> Any:
        return self.ask("GET", path)

    def _answer(self, method: str, path: str, document: object) -> tuple[int, Any]:
        try:
            if not self._token:
                who = {"username": ADMIN, "password": self._password}
                status, answer = request_json(self._port, "/auth/token", method="POST", document=who)
                if status != 201:
                    return (status if status >= 500 else 403), answer
                self._token = str(answer["access_token"])
            return request_json(self._port, path, method=method, document=document, token=self._token)
        except OSError:
            return 503, None


def _task(task: Mapping[str, Any]) -> TaskState:
    began = task["start_date"]
    return TaskState(
        task["task_id"],
        task["state"] or "waiting",
        task["try_number"],
        datetime.fromisoformat(began).timestamp() if began else None,
    )
