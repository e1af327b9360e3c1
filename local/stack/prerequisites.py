"""What must be there before services can start: folders, tools, Airflow's database. Done once, checked each time."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from arrears.contracts.errors import BadConfiguration
from local.credentials import Credentials, write_private
from local.environment import ADMIN, Toolchain
from local.progress import Progress
from local.stack_settings import StackSettings
from local.tools.java import JavaMissing, find_java
from local.tools.package_jobs import Package, build_package
from local.tools.spark_home import ensure_spark_home

LAST_LINES = 12

FOLDERS = (
    "run", "logs", "parts", "mail", "mlflow", "s3/data", "s3/accounts", "s3/versions", "s3/metadata",
    "spark/scratch", "spark/worker-1", "spark/worker-2", "airflow/logs",
)  # fmt: skip

MLFLOW_AUTH = """\
[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/basic_auth.db
admin_username = {admin}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
# Hashing the password costs a tenth of a second of each request. Remembering who has logged in loses nothing with
# one server process, which forgets it when a password changes.
auth_cache_ttl_seconds = 3600
"""


def make_folders(settings: StackSettings) -> None:
    """Make the state folder, closed to other users, and all that services expect in it."""
    settings.state.mkdir(parents=True, exist_ok=True)
    settings.state.chmod(0o700)
    settings.tools.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        (settings.state / name).mkdir(parents=True, exist_ok=True)


def write_service_files(settings: StackSettings, credentials: Credentials) -> None:
    """Write the files in which MLflow and Airflow read who may log in."""
    folder = settings.state / "mlflow"
    write_private(folder / "basic_auth.ini", MLFLOW_AUTH.format(folder=folder, admin=ADMIN))
    write_private(settings.airflow_home / "passwords.json", json.dumps({ADMIN: credentials.airflow_password}) + "\n")


def inspect_machine(settings: StackSettings, environ: Mapping[str, str]) -> Toolchain:
    """Find Java, Spark and the commit, and pack the jobs' code. The jars are not known yet.

    Raises BadConfiguration with advice where Java or Spark is missing.
    """
    try:
        java = find_java(environ)
    except JavaMissing as missing:
        raise BadConfiguration(str(missing)) from missing
    spark = importlib.util.find_spec("pyspark")
    if spark is None or not spark.submodule_search_locations:
        raise BadConfiguration("this Python has no pyspark: run `make up`, which uses the environment in .venv")
    package: Package = build_package(settings.repository)
    return Toolchain(
        python=Path(sys.prefix) / "bin" / "python",
        spark_home=ensure_spark_home(Path(spark.submodule_search_locations[0]), settings.tools),
        java_home=java.home,
        path=environ.get("PATH", os.defpath),
        jars=(),
        package=package.path,
        source_digest=package.digest,
        git_commit=git_commit(settings.repository),
        cores=os.cpu_count() or 1,
    )


def git_commit(repository: Path) -> str:
    """Return the commit that is checked out, empty where there is no git or no commit yet."""
    command = ["git", "-C", str(repository), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def ensure_airflow_database(settings: StackSettings, environment: Mapping[str, str], progress: Progress) -> None:
    """Bring Airflow's database to this Airflow's version. A stamp spares the slow check the next time.

    Raises BadConfiguration with the last lines of the migration where it fails.
    """
    version = importlib.metadata.version("apache-airflow")
    stamp, database = settings.airflow_home / "migrated", settings.airflow_home / "airflow.db"
    if database.exists() and stamp.exists() and stamp.read_text() == version:
        return
    progress.say("preparing Airflow's database")
    log = settings.logs / "airflow-database.log"
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    with log.open("w") as output:
        migration = subprocess.run(command, env=dict(environment), stdout=output, stderr=output, check=False)
    if migration.returncode != 0:
        tail = " | ".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
        raise BadConfiguration(f"Airflow's database could not be prepared (whole log: {log}): {tail}")
    stamp.write_text(version)
    progress.say("prepared Airflow's database")


def running_tasks(settings: StackSettings) -> int:
    """Count the tasks that Airflow is running now, by its database. 0 where there is no database yet."""
    database = settings.airflow_home / "airflow.db"
    if not database.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        cursor = connection.execute("SELECT count(*) FROM task_instance WHERE state IN ('queued', 'running')")
        return int(cursor.fetchone()[0])
