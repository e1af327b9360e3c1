"""The configuration of an experiment's run. What it tries stands in its YAML file; defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.arguments import option
from arrears.contracts.job_config import JobConfig


@dataclass(frozen=True, kw_only=True)
class RunExperimentConfig(JobConfig):
    """Trains many models side by side, measures each on folds of the training set, and ranks what was tried."""

    experiment: str = option(help="name of an experiment that comes with Arrears, or the address of a YAML file")
    as_of: str = option(help="business date of the run (YYYY-MM-DD): the dataset version in force on it is used")
    pins: str = option(help="S3 address where the pinned dataset version of this run is kept")
    report_folder: str = option(help="S3 folder for the page, the ranking and the best configuration")
    run_label: str = option("by-hand", help="name of the MLflow run, after the experiment's own")
    leak_override: str = option(
        "", help="reason for going on in spite of what the leak check found; it is logged and kept with the run"
    )
