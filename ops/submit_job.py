"""Run one job on the stack by hand, by the very spark-submit command that Airflow would run.

`python -m ops.submit_job train_model -- --help` explains a job without starting anything. The job's code is packed
anew, so that what was just edited is what runs. Its log comes to the terminal. A full cluster is waited for, and said.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from arrears.contracts.errors import ArrearsError, BadConfiguration
from arrears.contracts.job_configs.arguments import parse
from arrears.contracts.job_configs.jobs import JOBS
from local.progress import Progress
from local.spark_slot import executor_size, master_page, wait_for_slot
from local.stack.running_environment import stack_variables
from local.stack_settings import REPOSITORY, StackSettings
from local.tools.package_jobs import build_package

DAGS = (
    "generate_bank",
    "build_features",
    "generate_data",
    "replay",
    "new_data",
    "training",
    "experiment",
    "rollback",
    "inference",
    "maintenance",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Check the arguments, then run spark-submit. Returns its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    cut = words.index("--") if "--" in words else len(words)
    job = _parser().parse_args(words[:cut]).job
    arguments = words[cut + 1 :]
    parse(JOBS[job], arguments, prog=job)  # answers --help and refuses wrong flags before anything starts
    try:
        settings = StackSettings.from_env(os.environ)
        environ = {**os.environ, **stack_variables(settings), "ARREARS_TRANSPORT": "spark"}
        build_package()
        command = submit_command(job, arguments, environ)
        if size := executor_size(command):
            wait_for_slot(size, lambda: master_page(settings.ports), Progress())
    except KeyboardInterrupt:
        return 130
    except ArrearsError as wrong:
        sys.stderr.write("".join(f"{problem}\n" for problem in wrong.problems))
        return wrong.exit_code
    try:
        return subprocess.run(command, env=environ, cwd=REPOSITORY, check=False).returncode
    except KeyboardInterrupt:  # the terminal has told spark-submit too
        return 130


def submit_command(job: str, arguments: Sequence[str], environ: dict[str, str]) -> list[str]:
    """The command that Airflow's task of this name runs, with these arguments in place of the DAG's.

    Raises BadConfiguration where no DAG has such a task.
    """
    os.environ.update(environ)  # the DAGs read their settings when they are imported
    task = _task_of(job)
    task.name = f"by-hand.{job}"
    task.application_args = list(arguments)
    return list(task._get_hook()._build_spark_submit_command(task.application))


def _task_of(job: str) -> Any:
    for name in DAGS:
        task = getattr(importlib.import_module(f"dags.{name}"), job, None)
        if task is not None and not callable(task):
            return task
    raise BadConfiguration(f"no DAG has a task {job}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make submit",
        usage='make submit JOB=train_model ARGS="--dataset-version … --depth 4"',
        description="Run one job on the local stack as Airflow would; ARGS=--help shows what a job takes.",
    )
    parser.add_argument("job", choices=tuple(JOBS), metavar="JOB", help=", ".join(JOBS))
    return parser


if __name__ == "__main__":
    sys.exit(main())
