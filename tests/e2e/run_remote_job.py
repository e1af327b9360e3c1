"""Runs one job over SSH as Airflow's task process does: a time limit around it, `on_kill` on SIGTERM.

Usage: python run_remote_job.py '<operator arguments as JSON>' SECONDS
"""

from __future__ import annotations

import json
import logging
import signal
import sys

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout

from include.transports.ssh import RemoteSparkJob

log = logging.getLogger(__name__)


def main(arguments: str, seconds: str) -> int:
    """Exit status: 0 done, 1 failed, 2 failed for good, 3 timed out."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    job = RemoteSparkJob(**json.loads(arguments))
    signal.signal(signal.SIGTERM, lambda signum, frame: job.on_kill())
    try:
        with timeout(float(seconds)):
            job.submit_job({})
    except AirflowTaskTimeout:
        job.on_kill()
        return 3
    except AirflowFailException as error:
        log.error("refused: %s", error)
        return 2
    except AirflowException as error:
        log.error("failed: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
