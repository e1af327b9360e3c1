"""The answer to a training's question, given as a person gives it: not in the second in which it is asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.e2e.running_stack import RunningStack, eventually

# Airflow 3.3 takes a task for killed whose answer comes before its scheduler has seen that it began to wait.
SEEN_AFTER = timedelta(seconds=2)


class Question:
    """What ``approve_model`` asks in one run of the training DAG."""

    def __init__(self, stack: RunningStack, run_id: str) -> None:
        self._airflow = stack.airflow
        self._run = f"/api/v2/dags/training/dagRuns/{quote(run_id, safe='')}/taskInstances/approve_model"

    def asked(self) -> str:
        """The text of the question, once it is asked and the scheduler knows that it is."""

        def shown() -> str | None:
            details = self._airflow.ask("GET", f"{self._run}/-1/hitlDetails", accepted=(404,))
            return str(details["body"]) if "options" in details and self._is_seen() else None

        return eventually(shown, "the question", seconds=600)

    def override(self, reason: str) -> None:
        """Answers yes in spite of unmet rules."""
        answer = {"chosen_options": ["Override unmet rules"], "params_input": {"reason": reason}}
        self._airflow.ask("PATCH", f"{self._run}/-1/hitlDetails", answer)

    def _is_seen(self) -> bool:
        task: dict[str, Any] = self._airflow.ask("GET", self._run)
        scheduler = self._airflow.ask("GET", "/api/v2/monitor/health")["scheduler"]
        if task["state"] != "awaiting_input":
            return False
        heartbeat, begun = scheduler["latest_scheduler_heartbeat"], task["start_date"]
        return datetime.fromisoformat(heartbeat) > datetime.fromisoformat(begun) + SEEN_AFTER
