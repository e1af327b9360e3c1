"""Prepare Airflow in containers: its database, the pool of Spark jobs, the password of its user.

Every start of the stack runs it. What is there already stays as it is, but for the password.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from arrears.contracts.errors import EXIT_OK, BadConfiguration
from local.credentials import write_private
from local.environment import ADMIN
from local.stack.provisioning import POOL

SLOTS = "1"
MEANING = "Jobs on the Spark cluster: one at a time."


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Do it. The exit status is Airflow's own where one of its commands fails."""
    password = environ.get("ARREARS_AIRFLOW_PASSWORD", "")
    if not password:
        sys.stderr.write("ARREARS_AIRFLOW_PASSWORD is not set: python -m deploy.write_env draws one\n")
        return BadConfiguration.exit_code
    passwords = Path(environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    write_private(passwords, json.dumps({ADMIN: password}) + "\n")
    status = _airflow("db", "migrate")
    if status == EXIT_OK and _airflow("pools", "get", POOL) != EXIT_OK:
        # A pool that is there keeps its slots: a person may have changed them.
        status = _airflow("pools", "set", POOL, SLOTS, MEANING)
    return status


def _airflow(*command: str) -> int:
    argv: Sequence[str] = (sys.executable, "-m", "airflow", *command)
    return subprocess.run(argv, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
