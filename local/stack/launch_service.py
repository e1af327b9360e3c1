"""Become one service of the stack: read its recorded command and environment, and replace this process by it.

The environment is the supervisor's own plus what is recorded, so that no secret stands in the supervisor's
configuration or on a command line. The supervisor runs this as `python launch_service.py STATE NAME`. Stdlib
only, so that a restart costs milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(state: Path, name: str) -> None:
    """Replace this process by the service that `local.stack up` recorded under this name."""
    record = json.loads((state / "parts" / f"{name}.json").read_text())
    os.chdir(record["folder"])
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SUPERVISOR_")} | record["environment"]
    os.execve(record["argv"][0], record["argv"], environment)  # noqa: S606 - a list, no shell


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
