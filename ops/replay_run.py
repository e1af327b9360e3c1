"""Build the training set of a run again and prove that it is the same: `make replay RUN=…`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import PurePosixPath

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import ArrearsError, BadConfiguration
from arrears.contracts.outcome_facts import OutcomeFact
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from local.environment import ROOT
from local.stack.running_environment import stack_variables
from local.stack_settings import StackSettings
from ops import submit_job

ADDRESSES = Addresses(ROOT)


def main(argv: Sequence[str] | None = None) -> int:
    """Find the run's dataset version, then submit the replay job for it. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="make replay", usage="make replay RUN=…", description=__doc__)
    parser.add_argument(
        "run",
        help="MLflow run id of a training, Airflow run id of generate_data, or a dataset version: each is in a mail",
    )
    run = parser.parse_args(argv).run
    os.environ.update(stack_variables(StackSettings.from_env(os.environ)))
    try:
        dataset, version = trained_on(run, Objects())
    except ArrearsError as wrong:
        sys.stderr.write("".join(f"{problem}\n" for problem in wrong.problems))
        return wrong.exit_code
    print(f"replaying {dataset}, dataset version {version}")
    return submit_job.main(["replay_training_set", "--", "--dataset", dataset, "--dataset-version", version])


def trained_on(run: str, objects: Objects) -> tuple[str, str]:
    """The data set and dataset version behind a run.

    Args:
        run: MLflow run id (32 hex digits), dataset version (16), else an Airflow run id of generate_data.

    Raises:
        BadConfiguration: nothing of this name is there.
    """
    if re.fullmatch(r"[0-9a-f]{32}", run):
        _, parameters, _ = Models().run_facts(run)
        return parameters["dataset"], parameters["dataset_version"]
    version = run if re.fullmatch(r"[0-9a-f]{16}", run) else _generated_by(run, objects)
    for file in objects.list(f"{ADDRESSES.artifacts}/datasets"):
        path = PurePosixPath(file.uri)
        if path.stem == version:
            return path.parent.name, version
    raise BadConfiguration(f"there is no dataset version {version}: {run!r} is no run of generate_data or training")


def _generated_by(run: str, objects: Objects) -> str:
    folder = f"{ADDRESSES.run_folder('generate_data', run)}/generate_data"
    facts = [OutcomeFact.from_json(objects.get(file.uri)) for file in objects.list(folder)]
    versions = [fact.result.values["dataset_version"] for fact in facts if fact.outcome == "success"]
    if not versions:
        raise BadConfiguration(
            f"there is no run {run!r}: give the MLflow run id of a training, the Airflow run id of generate_data, or a"
            " dataset version"
        )
    return versions[-1]


if __name__ == "__main__":
    sys.exit(main())
