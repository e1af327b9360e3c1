"""Every job explains itself when it is run by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arrears.contracts.jobs import JOBS

FOLDER = Path(__file__).resolve().parents[2] / "spark_jobs" / "jobs"


def helped(command: list[str], folder: Path) -> str:
    told = subprocess.run([*command, "--help"], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert told.returncode == 0, told.stderr
    return told.stdout


@pytest.mark.parametrize("job", sorted(JOBS))
def test_a_job_tells_what_it_does_and_which_flags_it_takes(job: str, tmp_path: Path) -> None:
    told = helped([sys.executable, str(FOLDER / f"{job}.py")], tmp_path)
    about = (JOBS[job].__doc__ or "").split(",")[0]
    assert told.startswith(f"usage: {job}.py")
    assert about in told
    assert "--dataset" in told


def test_plain_spark_submit_finds_the_package_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    told = helped(["spark-submit", str(FOLDER / "score_borrowers.py")], tmp_path)
    assert "--risk-limits" in told
