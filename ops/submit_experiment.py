"""Run an experiment on the stack by hand: `make experiment FILE=…`.

The file is one of `experiments/`, by name or path, or any other YAML file. The result stands in MLflow and in S3.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import ArrearsError
from arrears.contracts.job_configs.experiments import shipped_experiments
from arrears.stores.experiment_files import read_experiment
from arrears.stores.objects import Objects
from local.environment import ROOT
from ops import submit_job

ADDRESSES = Addresses(ROOT)


def main(argv: Sequence[str] | None = None, now: datetime | None = None) -> int:
    """Check the experiment, then submit its job. Returns its exit status."""
    arguments = _parser().parse_args(argv)
    moment = now or datetime.now(UTC)
    try:
        read_experiment(arguments.file, Objects())
    except ArrearsError as wrong:
        sys.stderr.write("".join(f"{problem}\n" for problem in wrong.problems))
        return wrong.exit_code
    return submit_job.main(
        ["run_experiment", "--", *job_arguments(arguments.file, arguments.dataset, arguments.as_of, moment)]
    )


def job_arguments(file: str, dataset: str | None, as_of: str | None, now: datetime) -> list[str]:
    """The job's flags: a folder of its own for this run, and the file by its full path where it is a path."""
    label = f"by-hand-{now:%Y-%m-%dT%H-%M-%S}"
    folder = ADDRESSES.run_folder("experiment", label)
    is_path = "://" not in file and ("/" in file or file.endswith((".yaml", ".yml")))
    flags = {
        "--experiment": str(Path(file).resolve()) if is_path else file,
        "--as-of": as_of or f"{now:%Y-%m-%d}",
        "--pins": f"{folder}/resolved.json",
        "--report-folder": f"{folder}/report",
        "--run-label": label,
        **({"--dataset": dataset} if dataset else {}),
    }
    return [part for flag, value in flags.items() for part in (flag, value)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make experiment", usage="make experiment FILE=… [DATASET=…] [AS_OF=…]", description=__doc__
    )
    parser.add_argument("file", help=f"a YAML file, or one of {', '.join(shipped_experiments())}")
    parser.add_argument("--dataset", help="the data set, where the experiment names none")
    parser.add_argument("--as-of", help="business date (YYYY-MM-DD); today by default")
    return parser


if __name__ == "__main__":
    sys.exit(main())
