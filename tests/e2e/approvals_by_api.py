"""The answer to a training's question, given as a person gives it: not in the second in which it is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.e2e.running_stack import RunningStack, eventually

# Airflow 3.3 takes a task for killed whose answer comes before its scheduler has seen that it began to wait.
SEEN_AFTER = timedelta(seconds=2)


class Question:
    """What ``approve_model`` asks in one run of the training DAG."""

    def __init__(self, stack: RunningStack, run_id: str) -> None:
        self._stack, self._airflow, self.run_id = stack, stack.airflow, run_id
        self._run = f"/api/v2/dags/training/dagRuns/{quote(run_id, safe='')}/taskInstances/approve_model"

    def asked(self, *, since: datetime | None = None) -> str:
        """The text of the question, once it is asked and the scheduler knows that it is."""

        def shown() -> str | None:
            details = self._airflow.ask("GET", f"{self._run}/-1/hitlDetails", accepted=(404,))
            return str(details["body"]) if "options" in details and self._is_seen(since) else None

        return eventually(shown, "the question", seconds=900)

    def ask_anew(self) -> None:
        """Has an ended run ask the same question once more, without another training."""
        asked = {"dag_run_id": self.run_id, "task_ids": ["propose_model"], "include_downstream": True}
        how = {"dry_run": False, "only_failed": False, "reset_dag_runs": True}
        self._airflow.ask("POST", "/api/v2/dags/training/clearTaskInstances", asked | how)
        self.asked()

    def asked_again_because(self, why: str) -> None:
        """Waits until an answer that decided nothing is told in the log and the question is open again."""

        def told() -> bool:
            return why in self._stack.task_log("training", self.run_id, "approve_model")

        eventually(told, why)
        self.asked(since=datetime.now(UTC))

    def decided(self) -> str:
        """What came of the answer, as the run's mail says last in its subject."""
        run = self._stack.ended_run("training", self.run_id)
        assert run.state == "success", self._stack.task_log("training", self.run_id, "promote_model")
        mail, _ = self._stack.report_of("training", self.run_id)
        return mail.subject.rpartition(": ")[2]

    def _is_seen(self, since: datetime | None) -> bool:
        task: dict[str, Any] = self._airflow.ask("GET", self._run)
        scheduler = self._airflow.ask("GET", "/api/v2/monitor/health")["scheduler"]
        if task["state"] != "awaiting_input":
            return False
        begun = since or datetime.fromisoformat(task["start_date"])
        return datetime.fromisoformat(scheduler["latest_scheduler_heartbeat"]) > begun + SEEN_AFTER
