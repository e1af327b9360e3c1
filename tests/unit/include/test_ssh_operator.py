"""What holds for a job on a node before any server is involved: the remote runner, the connection, the outcome fact."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from arrears.contracts.outcome_facts import JobResult, OutcomeFact
from include.transports import ssh_remote_runner
from include.transports.job_operator import JobOperator, require_package
from include.transports.ssh_node import Node

# A job that starts a child in a process group of its own, as PySpark's daemon does, and stays.
STAYING = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], preexec_fn=os.setpgrp)
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def eventually(is_so: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a remote runner in a folder of its own, as the node's SSH server would."""
    started: list[subprocess.Popen[str]] = []

    def start(*argv: str, env_file: str = "", grace: float = 10.0) -> subprocess.Popen[str]:
        folder = tmp_path / "attempt"
        folder.mkdir()
        source = (
            Path(ssh_remote_runner.__file__).read_text().replace("GRACE_SECONDS = 10.0", f"GRACE_SECONDS = {grace}")
        )
        (folder / "ssh_remote_runner.py").write_text(source)
        (folder / "command.json").write_text(json.dumps({"argv": argv, "env_file": env_file}))
        command = [sys.executable, str(folder / "ssh_remote_runner.py")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, **pipes))  # type: ignore[call-overload]
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_remote_runner_ends_with_the_commands_exit_status_and_removes_its_folder(keep: Any, tmp_path: Path) -> None:
    kept = keep(sys.executable, "-c", "print('hello'); raise SystemExit(65)")
    assert kept.wait(30) == 65
    assert kept.stdout.read() == "hello\n"
    assert not (tmp_path / "attempt").exists()


def test_remote_runner_passes_arguments_on_untouched(keep: Any) -> None:
    strange = ["$(reboot)", "a b", "'", '"', "; exit 1", "{{ 7 * 7 }}", ""]
    kept = keep(sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *strange)
    assert json.loads(kept.stdout.readline()) == strange


def test_remote_runner_gives_the_command_the_variables_of_the_nodes_file(keep: Any, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# a comment\nexport NAME='two words'\n\nOTHER=\"x=y\" # more\n")
    kept = keep(
        sys.executable, "-c", "import os; print(os.environ['NAME'], os.environ['OTHER'])", env_file=f"{tmp_path}/env"
    )
    assert kept.stdout.readline() == "two words x=y\n"


@pytest.mark.parametrize("command", [["/nowhere/spark-submit"], [sys.executable]])
def test_remote_runner_ends_as_a_wrong_configuration_when_the_node_lacks_something(
    keep: Any, tmp_path: Path, command: list[str]
) -> None:
    kept = keep(*command, env_file="" if command[0].startswith("/nowhere") else f"{tmp_path}/missing")
    assert kept.wait(30) == 78
    assert "check spark_submit and env_file" in kept.stdout.read()


def end_of(kept: subprocess.Popen[str], how: str) -> None:
    if how == "closed input":
        assert kept.stdin is not None
        kept.stdin.close()
    elif how == "nobody listens":
        assert kept.stdin is not None
        assert kept.stdout is not None
        kept.stdout.close()
        kept.stdin.close()
    else:
        kept.send_signal(getattr(signal, how))


@pytest.mark.parametrize("how", ["closed input", "nobody listens", "SIGTERM", "SIGHUP"])
def test_remote_runner_ends_every_process_of_the_session_when_left_alone(keep: Any, how: str) -> None:
    kept = keep(sys.executable, "-c", STAYING)
    pids = [int(pid) for pid in kept.stdout.readline().split()[1:]]
    end_of(kept, how)
    assert kept.wait(30) != 0
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_remote_runner_kills_a_process_that_does_not_end_when_asked(keep: Any) -> None:
    kept = keep(sys.executable, "-c", DEAF, grace=0.5)
    assert kept.stdout.readline() == "deaf\n"
    kept.stdin.close()
    assert kept.wait(30) == 128 + signal.SIGKILL


def test_node_without_master_is_refused_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NODE", json.dumps({"conn_type": "ssh", "host": "h", "extra": {"python": "py"}}))
    with pytest.raises(AirflowFailException, match='connection node needs "master"'):
        Node.of("node")


def test_node_takes_what_its_connection_says(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {
        "master": "yarn",
        "spark_submit": "/usr/bin/spark-submit",
        "env_file": "/etc/arrears.env",
        "host_key": "x y",
    }
    monkeypatch.setenv("AIRFLOW_CONN_NODE", json.dumps({"conn_type": "ssh", "host": "h", "extra": extra}))
    node = Node.of("node")
    assert (node.master, node.spark_submit, node.env_file) == ("yarn", "/usr/bin/spark-submit", "/etc/arrears.env")
    assert (node.remote_folder, node.python) == (".arrears/jobs", "python3")


def test_missing_package_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match="make package"):
        require_package(str(tmp_path / "arrears.zip"))


class Job(JobOperator):
    """A job that leaves this fact, or none, and ends like this."""

    def __init__(
        self, *, address: str, fact: OutcomeFact | None, error: Exception | None, code: int | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.outcome, self._fact, self._error, self._code = address, fact, error, code

    @property
    def exit_code(self) -> int | None:
        return self._code

    def submit_job(self, context: Any) -> None:
        if self._fact is not None:
            Path(self.outcome.removeprefix("file://")).write_text(self._fact.to_json())
        if self._error is not None:
            raise self._error


def run(tmp_path: Path, fact: OutcomeFact | None = None, error: Exception | None = None, code: int | None = 0) -> Any:
    with DAG("training", schedule=None):
        job = Job(task_id="train_model", address=(tmp_path / "1.json").as_uri(), fact=fact, error=error, code=code)
    return JobOperator.execute.__wrapped__(job, {"params": {}})  # type: ignore[attr-defined]  # outside of a task process


def a_fact(outcome: str = "success", **given: Any) -> OutcomeFact:
    return OutcomeFact("train_model", outcome, "2026-03-14T02:06:00", "2026-03-14T02:07:00", **given)  # type: ignore[arg-type]


CRASH = AirflowException("Cannot execute: spark-submit")


def test_figures_and_values_of_the_job_are_the_tasks_result(tmp_path: Path) -> None:
    result = JobResult(figures={"rows": 10}, values={"dataset_version": "1"})
    assert run(tmp_path, a_fact(result=result)) == {"rows": 10, "dataset_version": "1"}


def test_success_without_a_fact_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(AirflowException, match="left no outcome fact at file://"):
        run(tmp_path)


def test_bad_input_is_not_tried_again(tmp_path: Path) -> None:
    fact = a_fact("failed", error_class="BadInput", who_acts="data owner", may_retry=False, first_line="no rows")
    with pytest.raises(AirflowFailException, match=r"^BadInput \(data owner must act\): no rows$"):
        run(tmp_path, fact, CRASH, 65)


def test_what_may_heal_is_tried_again_with_the_jobs_own_words(tmp_path: Path) -> None:
    fact = a_fact("failed", error_class="Contended", who_acts="upstream", first_line="locked")
    with pytest.raises(AirflowException, match=r"^Contended \(upstream must act\): locked$") as caught:
        run(tmp_path, fact, CRASH, 76)
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("code", [2, 65, 78])
def test_refused_arguments_are_not_tried_again_even_without_a_fact(tmp_path: Path, code: int) -> None:
    with pytest.raises(AirflowFailException, match=f"exit status {code}"):
        run(tmp_path, None, CRASH, code)


@pytest.mark.parametrize("code", [1, 70, 137, None])
def test_other_ends_without_a_fact_keep_the_transports_error(tmp_path: Path, code: int | None) -> None:
    with pytest.raises(AirflowException) as caught:
        run(tmp_path, None, CRASH, code)
    assert caught.value is CRASH


def test_unreadable_store_does_not_hide_the_jobs_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(address: str) -> None:
        raise OSError("the store is down")

    monkeypatch.setattr("include.transports.job_operator.read_outcome", fail)
    with pytest.raises(AirflowException) as caught:
        run(tmp_path, None, CRASH, 1)
    assert caught.value is CRASH


def test_remote_runner_runs_on_an_old_python_of_a_node() -> None:
    import ast

    tree = ast.parse(Path(ssh_remote_runner.__file__).read_text(), feature_version=(3, 8))
    imported = {node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.Import)}
    assert imported <= set(sys.stdlib_module_names)


def test_remote_runner_survives_its_own_users_environment() -> None:
    assert ssh_remote_runner.read_environment("") == {}
    assert os.getpid() not in ssh_remote_runner.session_members(subprocess.Popen([sys.executable, "-c", ""]))


@pytest.mark.parametrize(
    ("environ", "added"),
    [
        ({"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}),
        ({}, {"LC_ALL": "C.UTF-8"}),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, {"LC_ALL": "C.UTF-8"}),
        ({"LANG": "de_DE.UTF-8"}, {}),
        ({"LC_ALL": "de_DE.utf8", "LANG": "C"}, {}),
    ],
)
def test_a_job_is_started_in_a_locale_that_loses_no_umlaut(environ: dict[str, str], added: dict[str, str]) -> None:
    assert ssh_remote_runner.utf8_locale(environ) == added
