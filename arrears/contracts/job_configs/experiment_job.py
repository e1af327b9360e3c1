"""The configuration of an experiment's run. What it tries stands in its YAML file. Defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.arguments import option
from arrears.contracts.job_configs.job_config import JobConfig
from arrears.contracts.job_configs.leak_override import LeakOverride, override_problems


@dataclass(frozen=True, kw_only=True)
class ExperimentRun(JobConfig):
    """Which experiment is run, on which training set, and for whose run."""

    experiment: str = option(
        "engines",
        help="name of an experiment that comes with Arrears; make experiment also takes the address of any YAML file",
        title="Experiment",
    )
    as_of: str = option(help="business date of the run (YYYY-MM-DD): the dataset version in force on it is used")
    pins: str = option(help="S3 address where the pinned dataset version of this run is kept")
    report_folder: str = option(help="S3 folder for the page, the ranking and the best configuration")
    run_label: str = option("by-hand", help="the run that asks, such as Airflow's run id; kept with the MLflow run")
    run_url: str = option("", help="page of the run that asks, which MLflow links to; empty: none")


@dataclass(frozen=True, kw_only=True)
class RunExperimentConfig(LeakOverride, ExperimentRun):
    """Trains many models side by side, measures each on folds of the training set, and ranks what was tried."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if problems := override_problems(self):
            raise BadConfiguration(*problems)
