"""The one way by which a DAG submits Spark work. A setting chooses the transport, never the DAG's text.

See docs/adr/0001.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.arguments import to_argv
from arrears.contracts.job_configs.jobs import JOBS
from arrears.contracts.packages import EXCLUDED, coordinates
from arrears.contracts.s3_server import S3Server
from include.cluster_sizes import ClusterSize
from include.settings import POOL, PROJECT, Settings
from include.templating import OUTCOME
from include.transports.job_operator import JobOperator
from include.transports.spark_submit import SubmittedSparkJob


def spark_task(
    job: str,
    settings: Settings,
    *,
    size: ClusterSize,
    retries: int | None = None,
    execution_timeout: timedelta | None = None,
    outlets: Sequence[Any] = (),
    pre_execute: Callable[[Any], None] | None = None,
    post_execute: Callable[[Any, Any], None] | None = None,
    trigger_rule: str | None = None,
    **arguments: Any,
) -> JobOperator:
    """One job of `spark_jobs/jobs` as an Airflow task of the same name.

    Args:
        job: the job file's stem. It is the task's id too.
        size: how much of the cluster it asks for.
        arguments: fields of the job's configuration, as values or Jinja expressions. `root` and `outcome` are added.

    Raises:
        BadConfiguration: while the DAG is parsed, naming every argument that the job does not have or misses.
    """
    if job not in JOBS:
        raise BadConfiguration(f"there is no job {job!r}; jobs are {', '.join(JOBS)}")
    policy: dict[str, Any] = {
        "retries": retries,
        "execution_timeout": execution_timeout,
        "trigger_rule": trigger_rule,
        # A job without Spark must not wait until a training of hours has given the cluster back.
        "pool": POOL if size.opens_session else None,
    }
    common: dict[str, Any] = {
        "task_id": job,
        "outlets": list(outlets),
        "pre_execute": pre_execute,
        "post_execute": post_execute,
        "outcome": OUTCOME,
        "application": str(PROJECT / "spark_jobs" / "jobs" / f"{job}.py"),
        "application_args": to_argv(JOBS[job], {"root": settings.root, "outcome": OUTCOME, **arguments}),
        "name": "{{ dag.dag_id }}.{{ task.task_id }}",
        "py_files": settings.package,
        "conf": {**size.conf(), **_s3a(settings, size), **dict(settings.spark_conf)},
        **_jars(settings, size),
        **{name: value for name, value in policy.items() if value is not None},
    }
    if settings.transport == "ssh":
        from include.transports.ssh import RemoteSparkJob

        return RemoteSparkJob(ssh_conn_id=settings.ssh_connection, **common)
    return SubmittedSparkJob(conn_id=settings.spark_connection, **common)


def _s3a(settings: Settings, size: ClusterSize) -> dict[str, str]:
    return S3Server(settings.s3_endpoint, settings.s3_region).for_s3a() if size.opens_session else {}


def _jars(settings: Settings, size: ClusterSize) -> dict[str, str]:
    if not size.opens_session:
        return {}
    if settings.spark_jars:
        return {"jars": ",".join(settings.spark_jars)}
    return {"packages": ",".join(coordinates()), "exclude_packages": ",".join(EXCLUDED)}
