"""The configuration of an experiment's run. What it tries stands in its YAML file; defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.gate_rules import OVERRIDE_WORDS, reason_problems
from arrears.contracts.job_configs.arguments import option
from arrears.contracts.job_configs.job_config import JobConfig
from arrears.contracts.job_configs.training_job import LEAKS


@dataclass(frozen=True, kw_only=True)
class RunExperimentConfig(JobConfig):
    """Trains many models side by side, measures each on folds of the training set, and ranks what was tried."""

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
    leak_override: bool = option(
        False,
        help="go on in spite of what the leak check finds; without effect where it finds nothing",
        title="Override the leak check",
        section=LEAKS,
    )
    leak_override_reason: str = option(
        "",
        help=f"why that is right, in at least {OVERRIDE_WORDS} different words; logged, and kept with the run"
        " where a leak was overridden",
        title="Reason for the override",
        section=LEAKS,
        is_long=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        problems = reason_problems(self.leak_override, self.leak_override_reason, "leak_override")
        if problems:
            raise BadConfiguration(*problems)
