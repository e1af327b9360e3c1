"""What a person sees while runs go on: one line a DAG that renews itself, or one line a change where it cannot."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

from local.demo.airflow_client import RunState, TaskState

DONE = ("success", "failed", "upstream_failed", "skipped", "removed")


class RunProgress:
    """Prints how runs go, with the minutes since the person began to wait."""

    def __init__(self, begun: float, out: TextIO = sys.stdout) -> None:
        self._begun, self._out = begun, out
        self._renews = out.isatty()
        self._last = ""

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.time() - self._begun

    def say(self, dag_id: str, what: str) -> None:
        """Print one line that stays."""
        self._write(f"[{clock(self.elapsed)}] {dag_id:<14} {what}", stays=True)

    def show(self, run: RunState) -> None:
        """Show where a run is. The same news is not printed twice where lines cannot be renewed."""
        news = f"{run.dag_id} {described(run, None)}"
        if not self._renews and news == self._last:
            return
        self._last = news
        line = f"[{clock(self.elapsed)}] {run.dag_id:<14} {described(run, time.time() if self._renews else None)}"
        self._write(line, stays=run.ended)

    def _write(self, line: str, *, stays: bool) -> None:
        if not self._renews:
            self._out.write(line + "\n")
        else:
            width = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r\x1b[2K{line[:width]}" + ("\n" if stays else ""))
        self._out.flush()


def described(run: RunState, now: float | None) -> str:
    """A run in one line, and with the time also how long each task has been at it."""
    if run.ended:
        return "succeeded" if run.state == "success" else "FAILED"
    active = [task for task in run.tasks if task.state not in (*DONE, "waiting")]
    done = sum(task.state in DONE for task in run.tasks)
    activity = ", ".join(_described_task(task, now) for task in active) or "waiting"
    return f"{activity} ({done} of {len(run.tasks)} tasks done)"


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 3:07."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:2d}:{rest:02d}"


def _described_task(task: TaskState, now: float | None) -> str:
    attempt = f", attempt {task.attempt}" if task.attempt > 1 else ""
    since = f" {clock(now - task.started_at).strip()}" if now and task.started_at and task.state == "running" else ""
    return f"{task.task_id} {task.state}{since}{attempt}"
