"""Every job explains itself when it is run by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arrears.contracts.job_configs.jobs import JOBS

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "spark_jobs" / "jobs"


def helped(command: list[str] | str, **how: Any) -> str:
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **how)
    assert told.returncode == 0, told.stderr
    return told.stdout


@pytest.mark.parametrize("job", sorted(JOBS))
def test_a_job_tells_what_it_does_and_which_flags_it_takes(job: str, tmp_path: Path) -> None:
    told = helped([sys.executable, str(FOLDER / f"{job}.py"), "--help"], cwd=tmp_path)
    about = (JOBS[job].__doc__ or "").split(",")[0]
    assert told.startswith(f"usage: {job}.py")
    assert about in told
    assert "--dataset" in told


def test_the_very_line_of_the_docs_runs_where_nothing_is_on_the_path(tmp_path: Path) -> None:
    """A new shell's environment: the venv is not active, and the system's python3 has no PySpark."""
    text = (REPOSITORY / "docs/reference/command-lines.md").read_text()
    (line,) = (line for line in text.splitlines() if ".venv/bin/spark-submit" in line)
    java = Path(shutil.which("java") or "").parent
    path = os.pathsep.join(map(str, (java, "/usr/local/bin", "/usr/bin", "/bin")))
    told = helped(line, cwd=REPOSITORY, shell=True, env={"PATH": path, "HOME": str(tmp_path)})
    assert "--dataset-version" in told
