"""The spark transport: spark-submit runs beside Airflow and hands the job to the cluster of the Spark connection."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Sequence
from typing import Any

import psutil  # type: ignore[import-untyped, unused-ignore]
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from include.transports.job_operator import JobOperator, require_package, with_outcome
from include.transports.ssh_remote_runner import utf8_locale

_GRACE_SECONDS = 10.0
_LISTED = 3


class SubmittedSparkJob(JobOperator, SparkSubmitOperator):  # type: ignore[misc]  # it returns more than None
    """A job that spark-submit, running beside Airflow, hands to the cluster of the Spark connection."""

    template_fields: Sequence[str] = with_outcome(SparkSubmitOperator.template_fields)

    def __init__(self, *, outcome: str, **kwargs: Any) -> None:
        # Durable operators reconnect to an earlier attempt's application: ours write one fact an attempt.
        super().__init__(durable=False, **kwargs)
        self.outcome = outcome

    def _get_hook(self) -> Any:
        hook: Any = super()._get_hook()
        masked = hook._mask_cmd
        hook._mask_cmd = lambda command: folded(masked(command))
        hook._env = {**(hook._env or {}), **utf8_locale(dict(os.environ))}
        return hook

    @property
    def exit_code(self) -> int | None:
        """Exit status of spark-submit, which is the job's own in client mode."""
        return None if self._process is None else self._process.returncode

    def submit_job(self, context: Any) -> None:
        """Runs spark-submit to its end with its output in the task's log."""
        self._require_connection()
        require_package(str(self.py_files))
        SparkSubmitOperator.execute(self, context)

    def on_kill(self) -> None:
        """Ends spark-submit and every process it started: by itself the provider leaves the Python driver running."""
        spark_submit = self._process
        if spark_submit is None or spark_submit.poll() is not None:
            return
        descendants = _descendants(spark_submit.pid)
        spark_submit.terminate()
        # Not psutil's wait: it would reap the process, and subprocess would then report success.
        with contextlib.suppress(subprocess.TimeoutExpired):
            spark_submit.wait(_GRACE_SECONDS)
        super().on_kill()
        _end(descendants)

    @property
    def _process(self) -> Any:
        return None if self._hook is None else self._hook._submit_sp

    def _require_connection(self) -> None:
        # Without the connection the provider falls back to a YARN cluster, silently.
        try:
            BaseHook.get_connection(self._conn_id)
        except AirflowNotFoundException:
            raise AirflowFailException(
                f"the Airflow connection {self._conn_id} is missing: create it, or set "
                f"AIRFLOW_CONN_{self._conn_id.upper()}, with the address of the Spark master"
            ) from None


def folded(command: str) -> str:
    """A command as a log shows it: of a list of jars, which has 14 kB, the first one and how many follow."""

    def short(match: re.Match[str]) -> str:
        first, *more = re.split(r"(?<=\.jar)[,:]", match[0])
        return f"{first},…({len(more)} more)" if len(more) > _LISTED else match[0]

    return re.sub(r"\S+\.jar\b", short, command)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        children: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return children


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=_GRACE_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
