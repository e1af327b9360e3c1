"""The embedded stack in a folder of its own, driven as a person drives it: by its commands."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pandas
import pyarrow.parquet

from arrears.contracts.addresses import Addresses, Table
from arrears.stores.objects import Objects
from bench.demo import free_ports
from local.credentials import Credentials, load_or_generate
from local.demo.airflow_client import AirflowClient, RunState
from local.demo.mails import Mail, Mailbox
from local.stack.running_environment import stack_variables
from local.stack.supervisor import ServiceState, Supervisor
from local.stack_settings import StackSettings
from tests.suite_cost import STACKS

PROJECT = Path(__file__).resolve().parents[2]
AS_OF = "2026-01-31"  # the business date of the demo
LAST_LINES = 25
Found = TypeVar("Found")
Done = subprocess.CompletedProcess[str]


class RunningStack:
    """One stack on free ports; its tools are those of the repository, so that nothing is built twice."""

    addresses = Addresses("s3://arrears")

    def __init__(self, state: Path) -> None:
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ARREARS_", "AIRFLOW"))},
            **free_ports(),
            "ARREARS_STATE": str(state),
            # A tick of the schedule while the tests run would add runs that no test knows of.
            "ARREARS_NEW_DATA_CRON": "6 2 * * *",
        }
        self.settings = StackSettings.from_env(self.environ)
        STACKS.add(str(self.settings.state))

    def command(
        self, module: str, *arguments: str, seconds: float = 900, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs one of the stack's commands to its end, with its whole output in one text."""
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=PROJECT,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )

    def up(self, **environ: str) -> None:
        """Brings the stack up, or restarts what other variables change."""
        done = self.command("local.stack", "up", **environ)
        assert done.returncode == 0, done.stdout

    @property
    def variables(self) -> dict[str, str]:
        """What a program needs to work against the stack."""
        return stack_variables(self.settings)

    @property
    def credentials(self) -> Credentials:
        return load_or_generate(self.settings.state / "secrets.json")

    @property
    def airflow(self) -> AirflowClient:
        return AirflowClient(self.settings.ports.airflow, self.credentials.airflow_password)

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox(self.settings.ports.mail)

    def part(self, name: str) -> ServiceState:
        """How one part runs now."""
        return Supervisor(self.settings).services()[name]

    def ended_run(self, dag_id: str, run_id: str, *, seconds: float = 600) -> RunState:
        """The run once it has ended."""

        def ended() -> RunState | None:
            run = self.airflow.run(dag_id, run_id)
            return run if run and run.ended else None

        return eventually(ended, f"the end of {dag_id} {run_id}", seconds=seconds)

    def stop_run(self, dag_id: str, run_id: str) -> None:
        """Ends a run that has served its purpose, and waits for its end."""
        self.airflow.ask("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}", {"state": "failed"})
        self.ended_run(dag_id, run_id)

    def runs(self, dag_id: str, state: str) -> list[str]:
        """The runs of a DAG that are in one state."""
        told = self.airflow.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns?limit=100&state={state}")
        return [run["dag_run_id"] for run in told["dag_runs"]]

    def report_of(self, dag_id: str, run_id: str) -> tuple[Mail, dict[str, Any]]:
        """A run's mail: its subject, and the whole of it."""
        mail = self.mailbox.wait_for_report(dag_id, run_id)
        return mail, self.mailbox.message(mail)

    @property
    def version_in_force(self) -> str:
        """The data set that the demo made."""
        record = Objects().get_json(f"{self.addresses.activations('lending_club')}/{AS_OF}.json")
        return str(record["dataset_version"])

    def manifest(self, table: Table, partition: str, dataset: str = "lending_club") -> dict[str, Any]:
        """Rows and files of one partition."""
        return dict(Objects().get_json(self.addresses.partition_manifest(table, dataset, partition)))

    def rows(self, table: Table, partition: str) -> pandas.DataFrame:
        """A partition's rows, read from the very files that its manifest names, without Spark."""
        files = [Objects().get(file["uri"]) for file in self.manifest(table, partition)["files"]]
        return pandas.concat([pyarrow.parquet.read_table(io.BytesIO(file)).to_pandas() for file in files])

    def task_log(self, dag_id: str, run_id: str, task_id: str) -> str:
        """All that a task's attempts logged."""
        folder = self.settings.airflow_home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        return "\n".join(_events(file) for file in sorted(folder.rglob("*.log")))

    def told(self) -> str:
        """What helps to understand a failure: the parts, the ends of their logs, and of the newest task logs."""
        logs = sorted(self.settings.logs.glob("*.log"))
        tasks = sorted((self.settings.airflow_home / "logs").rglob("attempt=*.log"), key=lambda f: f.stat().st_mtime)
        text = [self.command("local.stack", "status").stdout]
        text += [f"--- {log.name}\n{_end_of(log.read_text(errors='replace'))}" for log in logs]
        text += [f"--- {log.relative_to(self.settings.state)}\n{_end_of(_events(log))}" for log in tasks[-4:]]
        return "\n".join(text)


def eventually(find: Callable[[], Found | None], what: str, *, seconds: float = 120) -> Found:
    """Polls until something is found; fails after some time."""
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.5)


def _end_of(text: str) -> str:
    return "\n".join(text.splitlines()[-LAST_LINES:])


def _events(log: Path) -> str:
    lines = []
    for line in log.read_text(errors="replace").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            lines.append(line)
            continue
        errors = "".join(f" {e.get('exc_type')}: {e.get('exc_value')}" for e in told.get("error_detail") or ())
        lines.append(f"{told.get('level', '')} {told.get('event', '')}{errors}")
    return "\n".join(lines)
