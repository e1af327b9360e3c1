"""The package as it goes to Spark: one zip, asked by a Python that knows nothing else of Arrears."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from local.tools.package_jobs import build_package


def said_in_the_zip(code: str, folder: Path) -> str:
    """What a program prints that imports Arrears from the zip alone, in a folder that holds nothing of it."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(build_package().path)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
