"""Ending a job of the spark transport ends every process that spark-submit started."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.transports.spark_submit import SubmittedSparkJob, folded

# Stands for spark-submit's JVM: it starts the Python driver, and dies without ending it, as the JVM does.
SPARK_SUBMIT = f"""#!{sys.executable}
import subprocess, sys, time
driver = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[0] + ".driver", "w") as note:
    note.write(str(driver.pid))
time.sleep(600)
"""


def eventually(is_so: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SubmittedSparkJob:
    """A job whose spark-submit is a program of this test."""
    (tmp_path / "spark-submit").write_text(SPARK_SUBMIT)
    (tmp_path / "spark-submit").chmod(0o755)
    (tmp_path / "arrears.zip").touch()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", '{"conn_type": "spark", "host": "local"}')
    return SubmittedSparkJob(
        task_id="train_model",
        outcome=(tmp_path / "1.json").as_uri(),
        application="train_model.py",
        application_args=[],
        name="trial",
        py_files=str(tmp_path / "arrears.zip"),
        conf={},
    )


def test_driver_does_not_outlive_a_job_that_is_ended(job: SubmittedSparkJob, tmp_path: Path) -> None:
    errors: list[Exception] = []

    def submit() -> None:
        try:
            job.submit_job({})
        except AirflowException as error:
            errors.append(error)

    running = threading.Thread(target=submit, daemon=True)
    running.start()
    note = tmp_path / "spark-submit.driver"
    eventually(lambda: note.exists() and bool(note.read_text()))
    driver = int(note.read_text())
    assert psutil.pid_exists(driver)
    job.on_kill()
    eventually(lambda: not psutil.pid_exists(driver))
    running.join(30)
    # An ended job must not look like one that ended well.
    assert len(errors) == 1
    assert job.exit_code not in (0, None)


def test_ending_a_job_that_never_started_does_nothing(job: SubmittedSparkJob) -> None:
    job.on_kill()
    assert job.exit_code is None


def test_missing_connection_is_said_instead_of_falling_back_to_yarn(
    job: SubmittedSparkJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job._conn_id = "nowhere"
    with pytest.raises(AirflowFailException, match="connection nowhere is missing"):
        job.submit_job({})


def test_missing_package_is_said_before_anything_is_submitted(job: SubmittedSparkJob, tmp_path: Path) -> None:
    (tmp_path / "arrears.zip").unlink()
    with pytest.raises(AirflowFailException, match="make package"):
        job.submit_job({})


def test_the_command_in_the_log_names_the_first_jar_of_many_and_all_else(job: SubmittedSparkJob) -> None:
    jars = [f"local:/tools/jars/some.group_library-{number}.0.jar" for number in range(53)]
    listed, path = ",".join(jars), ":".join(jar.removeprefix("local:") for jar in jars)
    job.jars, job.conf = listed, {"spark.driver.extraClassPath": path, "spark.executor.extraClassPath": path}
    job.application_args = ["--dataset", "a,b", "--decided", "2026-01-31T12:00:00"]
    hook = job._get_hook()
    command = hook._build_spark_submit_command("train_model.py")
    told = hook._mask_cmd(command)
    assert len(" ".join(command)) > 6_000 > 1_500 > len(told)
    assert f"--jars {jars[0]},…(52 more) " in told
    assert "extraClassPath=/tools/jars/some.group_library-0.0.jar,…(52 more) " in told
    assert told.endswith("train_model.py --dataset a,b --decided 2026-01-31T12:00:00")
    assert listed in command
    assert folded("spark-submit --jars a.jar,b.jar x.py") == "spark-submit --jars a.jar,b.jar x.py"
