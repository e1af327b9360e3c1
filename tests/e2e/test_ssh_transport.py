"""The ssh transport against a real OpenSSH server and a real Spark master: nothing may be left behind on the node."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyspark
import pytest

from local.environment import QUICK_START
from tests.e2e.ssh_server import SshServer, sshd  # noqa: F401  # a fixture

pytestmark = pytest.mark.e2e

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("run_remote_job.py")
SPARK_HOME = Path(pyspark.__file__).parent
PATIENCE_SECONDS = 180.0

JOB = """
import sys, time
if sys.argv[1] == "75":
    sys.exit(75)
from pyspark.sql import SparkSession
from arrears.contracts.outcome_facts import JobResult, OutcomeFact
spark = SparkSession.builder.getOrCreate()
print("rows counted:", spark.range(100).count(), "secret of the node:", len(__import__("os").environ["NODE_SECRET"]))
if sys.argv[1] == "wait":
    print("waiting now", flush=True)
    spark.sparkContext.parallelize([1], 1).map(lambda row: time.sleep(600)).collect()
spark.stop()
"""


@dataclass(frozen=True)
class Master:
    """A Spark standalone master with one worker."""

    url: str
    page: str

    def active_applications(self) -> list[str]:
        """Names of the applications that the master knows as running or waiting."""
        with urllib.request.urlopen(f"{self.page}/json/", timeout=10) as answer:
            return [application["name"] for application in json.load(answer)["activeapps"]]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def eventually(is_so: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Polls until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Master]:
    folder, port, page = tmp_path_factory.mktemp("spark"), _free_port(), _free_port()
    environ = {
        **os.environ,
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
    }
    environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_WORKER_DIR": str(folder)}
    spark_class = [str(SPARK_HOME / "bin" / "spark-class")]
    host = ["--host", "127.0.0.1"]
    url = f"spark://127.0.0.1:{port}"
    programs = [
        ["org.apache.spark.deploy.master.Master", *host, "--port", str(port), "--webui-port", str(page)],
        ["org.apache.spark.deploy.worker.Worker", url, *host, "-c", "1", "-m", "512m", "--webui-port", "0"],
    ]
    with (folder / "log").open("wb") as log:
        running = [subprocess.Popen(spark_class + program, env=environ, stdout=log, stderr=log) for program in programs]
    found = Master(url, f"http://127.0.0.1:{page}")
    try:
        eventually(lambda: _has_worker(found.page), f"a Spark worker, see {folder}/log")
        yield found
    finally:
        for process in running:
            process.kill()
            process.wait()


def _has_worker(page: str) -> bool:
    try:
        with urllib.request.urlopen(f"{page}/json/", timeout=5) as answer:
            return bool(json.load(answer)["aliveworkers"])
    except OSError:
        return False


class Attempt:
    """One job that a separate process runs over SSH, watched from the test."""

    def __init__(self, server: SshServer, master: Master, folder: Path, *arguments: str, **extra: Any):
        self.name = f"job{uuid.uuid4().hex}"
        self.master = master
        self.home = folder / "node"
        application = folder / f"{self.name}.py"
        application.write_text(JOB)
        package = folder / "arrears.zip"
        with zipfile.ZipFile(package, "w") as archive:
            for source in sorted((PROJECT / "arrears").rglob("*.py")):
                archive.write(source, source.relative_to(PROJECT))
        env_file = folder / "node.env"
        env_file.write_text(
            f"export JAVA_HOME='{os.environ.get('JAVA_HOME', '')}'\n" * bool(os.environ.get("JAVA_HOME"))
            + f"PYSPARK_PYTHON={sys.executable}\nSPARK_LOCAL_IP=127.0.0.1\nNODE_SECRET='four'\n"
        )
        on_node = {
            "spark_submit": str(SPARK_HOME / "bin" / "spark-submit"),
            "master": master.url,
            "env_file": str(env_file),
            "remote_folder": str(self.home),
        }
        operator = {
            "task_id": "trial",
            "outcome": (folder / "outcome.json").as_uri(),
            "ssh_conn_id": "node",
            "application": str(application),
            "application_args": list(arguments),
            "name": self.name,
            "py_files": str(package),
            "conf": {
                "spark.executor.memory": "512m",
                "spark.ui.enabled": "false",
                "spark.cores.max": "1",
                "spark.driver.extraJavaOptions": QUICK_START,
                "spark.executor.extraJavaOptions": QUICK_START,
            },
        }
        self._log = folder / "task.log"
        environ = {
            **os.environ,
            "AIRFLOW_CONN_NODE": server.connection(**(on_node | extra)),
            "PYTHONPATH": str(PROJECT),
        }
        environ |= {"AIRFLOW_HOME": str(folder / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), json.dumps(operator), str(PATIENCE_SECONDS)],
                env=environ,
                cwd=PROJECT,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for_output(self, text: str) -> None:
        eventually(lambda: text in self.log or self.process.poll() is not None, f"{text!r} in the log")
        assert text in self.log, self.log

    def exit_status(self) -> int:
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def left_over(self) -> list[str]:
        """Command lines of this job's processes on the node, which is this machine."""
        lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
        return [line for line in lines if self.name in line and PROGRAM.name not in line]

    def assert_nothing_is_left(self) -> None:
        eventually(lambda: not self.left_over(), "the end of every process of the job on the node", 60)
        eventually(lambda: self.name not in self.master.active_applications(), "the end of the Spark application", 60)
        eventually(lambda: not list(self.home.iterdir()), "the removal of the attempt's folder on the node", 60)


@pytest.fixture
def attempt(sshd: SshServer, master: Master, tmp_path: Path) -> Iterator[Callable[..., Attempt]]:  # noqa: F811
    started: list[Attempt] = []

    def start(*arguments: str, **extra: Any) -> Attempt:
        started.append(Attempt(sshd, master, tmp_path, *arguments, **extra))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


def test_output_of_the_node_is_in_the_log_when_the_job_ends_well(attempt: Callable[..., Attempt]) -> None:
    job = attempt("count")
    assert job.exit_status() == 0, job.log
    assert "rows counted: 100 secret of the node: 4" in job.log
    job.assert_nothing_is_left()


def test_task_fails_with_the_jobs_exit_status_when_the_job_fails(attempt: Callable[..., Attempt]) -> None:
    job = attempt("75")
    assert job.exit_status() == 1
    assert "exit status 75" in job.log
    job.assert_nothing_is_left()


def test_output_arrives_while_the_job_runs_and_nothing_is_left_when_the_task_is_ended(
    attempt: Callable[..., Attempt],
) -> None:
    job = attempt("wait")
    job.wait_for_output("waiting now")
    assert len(job.left_over()) >= 3  # the remote runner, spark-submit's JVM, the Python driver
    assert job.name in job.master.active_applications()
    job.process.send_signal(signal.SIGTERM)
    assert job.exit_status() == 1
    job.assert_nothing_is_left()


def test_nothing_is_left_when_the_task_times_out(attempt: Callable[..., Attempt]) -> None:
    job = attempt("wait")
    job.wait_for_output("waiting now")
    job.process.send_signal(signal.SIGALRM)  # what Airflow's time limit sets off, without waiting for it
    assert job.exit_status() == 3
    job.assert_nothing_is_left()


def test_nothing_is_left_when_airflow_itself_is_killed(attempt: Callable[..., Attempt]) -> None:
    job = attempt("wait")
    job.wait_for_output("waiting now")
    job.process.kill()
    job.assert_nothing_is_left()


def test_changed_host_key_is_refused_for_good_and_nothing_is_sent(
    attempt: Callable[..., Attempt],
    sshd: SshServer,  # noqa: F811
) -> None:
    pinned = sshd.host_key
    sshd.change_host_key()
    job = attempt("count", host_key=pinned)
    assert job.exit_status() == 2
    assert "shows another host key" in job.log
    assert not job.home.exists()


def test_connection_that_skips_the_host_key_check_is_refused(attempt: Callable[..., Attempt]) -> None:
    job = attempt("count", host_key=None, no_host_key_check=True)
    assert job.exit_status() == 2
    assert "switches the host key check off" in job.log


def test_missing_spark_submit_on_the_node_is_said_in_the_log(attempt: Callable[..., Attempt]) -> None:
    job = attempt("count", spark_submit="/nowhere/spark-submit")
    assert job.exit_status() == 1
    assert "exit status 78" in job.log
    assert "/nowhere/spark-submit" in job.log
