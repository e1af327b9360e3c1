"""Airflow parses DAG files all day: they must be light and touch nothing outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dags.rendering import ENVIRONMENT, PROJECT

HEAVY = ["pyspark", "pandas", "numpy", "mlflow", "catboost", "boto3", "botocore", "matplotlib", "pyarrow"]
# Processor time, so that a busy machine does not matter.
MOST_SECONDS = 6.0

PROGRAM = """
import json, runpy, socket, sys, time
def refuse(*given, **named):
    raise AssertionError("a DAG file opened a socket")
from airflow.sdk import DAG
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
started = time.process_time()
for path in sys.argv[1:]:
    runpy.run_path(path)
print(json.dumps({"seconds": time.process_time() - started, "modules": sorted(sys.modules)}))
"""


@pytest.mark.parametrize("transport", ["spark", "ssh"])
def test_parsing_loads_no_heavy_library_and_opens_no_socket(transport: str, tmp_path: Path) -> None:
    files = sorted(map(str, (PROJECT / "dags").glob("*.py")))
    assert len(files) == 11
    environ = {**os.environ, **ENVIRONMENT, "ARREARS_TRANSPORT": transport, "AIRFLOW_HOME": str(tmp_path)}
    environ["PYTHONPATH"] = str(PROJECT)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *files], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert not set(seen["modules"]) & set(HEAVY)
    assert seen["seconds"] < MOST_SECONDS


def test_wrong_setting_is_an_import_error_that_names_it(tmp_path: Path) -> None:
    environ = {**os.environ, "ARREARS_NEW_DATA_CRON": "daily", "AIRFLOW_HOME": str(tmp_path)}
    environ["PYTHONPATH"] = str(PROJECT)
    done = subprocess.run(
        [sys.executable, str(PROJECT / "dags/new_data.py")], env=environ, capture_output=True, text=True, check=False
    )
    assert "ARREARS_NEW_DATA_CRON: 'daily' is no cron expression" in done.stderr
