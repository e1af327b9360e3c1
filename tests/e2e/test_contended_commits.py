"""Two processes that commit to one Delta table on a real S3 server: no commit is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arrears.contracts.addresses import Addresses, Table
from arrears.stores.objects import Objects
from spark_jobs.io.commits import table_version
from tests.conftest import REPOSITORY, spark_jars
from tests.stores.conftest import s3, s3_environment  # noqa: F401  # fixtures

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("commits", [15, pytest.param(50, marks=pytest.mark.full)])
def test_commits_of_two_processes_at_once_are_all_there(folder: str, commits: int) -> None:
    if not spark_jars():
        pytest.skip("no Delta jars: run `make up` once")
    command = [sys.executable, "-m", "tests.jobs.commit_many", folder, str(commits)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    writers = [subprocess.Popen([*command, name], cwd=REPOSITORY, **pipes) for name in ("a", "b")]
    for writer in writers:
        told, _ = writer.communicate(timeout=1200)
        assert writer.returncode == 0, told

    uri = Addresses(folder).table(Table.TEST_SAMPLE, "contended")
    assert table_version(uri) == 2 * commits - 1
    partitions = {found.uri.removeprefix(f"{uri}/").split("/")[0] for found in Objects().list(uri)}
    wanted = {f"as_of={name}{number}" for name in ("a", "b") for number in range(commits)}
    assert partitions == {"_delta_log", *wanted}


@pytest.fixture
def folder(s3: Objects, tmp_path: Path) -> str:  # noqa: F811  # the fixture
    """A fresh root on a real S3 server."""
    return f"s3://bucket/{tmp_path.name}"
