"""Does this container's server answer? Docker runs it: exit 0 when it does, else 1 with the reason.

`healthcheck.py http URL` wants status 200, `healthcheck.py airflow FIELD` reads Airflow's own report, and
`healthcheck.py spark-worker HOST` wants the master to see that worker. Standard library only.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

AIRFLOW = "http://airflow-api-server:8080/api/v2/monitor/health"
SPARK_MASTER = "http://spark-master:8090/json/"
TIMEOUT_SECONDS = 8.0


def missing(kind: str, what: str) -> str:
    """Return what keeps a part from being healthy, empty where nothing does. Raises OSError where nobody answers."""
    if kind == "http":
        _read(what)
        return ""
    report = json.loads(_read(AIRFLOW if kind == "airflow" else SPARK_MASTER))
    return airflow_lacks(report, what) if kind == "airflow" else worker_lacks(report, what)


def airflow_lacks(report: dict[str, Any], field: str) -> str:
    """Return what Airflow's health report says against one of its parts."""
    status = report.get(field, {}).get("status")
    return "" if status == "healthy" else f"Airflow says that its {field} is {status or 'unknown'}"


def worker_lacks(report: dict[str, Any], host: str) -> str:
    """Return what the Spark master's report says against one worker."""
    # The master goes on listing earlier processes of a restarted worker as dead.
    states = [worker.get("state") for worker in report.get("workers", []) if worker.get("host") == host]
    return "" if "ALIVE" in states else f"the master sees {host} as {', '.join(states) or 'absent'}"


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - addresses of this file and of docker-compose.yaml
        body: bytes = answer.read()
    return body


def main(kind: str, what: str) -> int:
    """Say what is missing, if anything is."""
    try:
        reason = missing(kind, what)
    except (OSError, ValueError) as refused:
        reason = f"no good answer: {refused}"
    if reason:
        sys.stdout.write(f"{reason}\n")
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
