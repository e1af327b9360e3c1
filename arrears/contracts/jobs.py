"""The configuration of every Spark job: the fields an analyst or operator may set, their defaults and limits.

One frozen dataclass a job, named after it: ``train_model`` reads ``TrainModelConfig``. Defaults live here only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from arrears.contracts.arguments import option
from arrears.contracts.catalogue import Catalogue, checked_dataset
from arrears.contracts.errors import BadConfiguration


@dataclass(frozen=True, kw_only=True)
class JobConfig:
    """What every job knows: the root of all data, and where to leave its outcome fact."""

    root: str = option("s3://arrears", help="where every dataset and artifact lives")
    outcome: str | None = option(None, help="S3 address of this attempt's outcome fact; none: only the log tells")
    dataset: str = option(
        "lending_club", help="the data set's name: one folder in every table, one model in the registry"
    )

    def __post_init__(self) -> None:
        checked_dataset(self.dataset)
        _ = self.catalogue
        as_of = getattr(self, "as_of", None)
        if as_of is not None and not _is_date(as_of):
            raise BadConfiguration(f"as_of {as_of!r} is not a date such as 2026-01-31")

    @property
    def catalogue(self) -> Catalogue:
        """Addresses under this job's root."""
        return Catalogue(self.root)


@dataclass(frozen=True, kw_only=True)
class GenerateDataConfig(JobConfig):
    """Reads a source, checks it against its description, and splits it into train and test."""

    as_of: str = option(help="business date from which this data is in force (YYYY-MM-DD)")
    source: str = option("lending_club", help="lending_club, synthetic, or a path to CSV or Parquet (local or s3://)")
    target: str | None = option(None, help="target column of a path source that has no description")
    bad_when: str = option(
        "1", help="target values that mean default: a value such as 1 or bad, or a comparison such as '> 0'"
    )
    id_column: str | None = option(None, help="column that identifies a row; none: an id is derived from its content")
    description: str | None = option(
        None, help="YAML dataset description (path or s3://); none: built in, or read off the file"
    )
    test_share: float = option(0.3, help="share of borrowers held out", minimum=0.05, maximum=0.95)
    seed: int = option(42, help="seed of every random choice")
    rows: int = option(100_000, help="synthetic: number of borrowers", minimum=100)
    features: int = option(100, help="synthetic: number of features", minimum=5, maximum=5000)
    default_rate: float = option(0.09, help="synthetic: share of borrowers that default", minimum=0.001, maximum=0.5)
    missing_share: float = option(
        0.05, help="synthetic: share of missing values in the columns that have any", minimum=0.0, maximum=0.9
    )


@dataclass(frozen=True, kw_only=True)
class ResolveVersionsConfig(JobConfig):
    """Pins a run to one dataset version and one champion, once; a rerun of the run finds the same pins."""

    as_of: str = option(help="business date of the run (YYYY-MM-DD)")
    pins: str = option(help="S3 address where the pinned versions of this run are kept")
    needs_champion: bool = option(False, help="end with an error when there is no champion yet")


@dataclass(frozen=True, kw_only=True)
class SampleNewDataConfig(JobConfig):
    """Draws the day's new borrowers from the held-out stream, without their labels."""

    as_of: str = option(help="business date of the new data (YYYY-MM-DD)")
    dataset_version: str = option(help="version of the held-out set to draw from")
    fraction: float = option(0.1, help="share of the held-out set to draw", minimum=0.0001, maximum=1.0)
    with_replacement: bool = option(False, help="a borrower may be drawn more than once")
    seed: int = option(42, help="seed of the draw; the business date is mixed in")


@dataclass(frozen=True, kw_only=True)
class TrainModelConfig(JobConfig):
    """Trains one model on the cluster and logs it to MLflow."""

    dataset_version: str = option(help="version of the training set")
    run_label: str = option("by-hand", help="name of the MLflow run; a rerun with the same label replaces nothing")
    engine: Literal["catboost"] = option("catboost", help="which library trains")
    iterations: int = option(1000, help="most trees", minimum=1, maximum=100_000)
    learning_rate: float | None = option(
        None, help="step size; none: CatBoost chooses from the data", minimum=1e-6, maximum=1.0
    )
    depth: int = option(6, help="tree depth", minimum=1, maximum=16)
    early_stopping_rounds: int = option(
        50, help="stop after so many trees without gain on the validation slice", minimum=1
    )
    validation_share: float = option(
        0.2, help="share of training rows kept for early stopping", minimum=0.01, maximum=0.5
    )
    shards: int = option(
        1, help="1: the exact model in one task; N: N models in N tasks, merged", minimum=1, maximum=256
    )
    threads: int = option(
        2, help="CatBoost threads a task; part of what makes a model reproducible", minimum=1, maximum=256
    )
    seed: int = option(42, help="seed of the model, the validation slice and the shards")


@dataclass(frozen=True, kw_only=True)
class EvaluateModelConfig(JobConfig):
    """Measures a trained model, and the present champion beside it, on the held-out rows."""

    dataset_version: str = option(help="version of the held-out set")
    mlflow_run_id: str = option(help="MLflow run of the trained model")
    champion_version: str | None = option(
        None, help="registry version of the present champion; none: there is none yet"
    )
    report_folder: str = option(help="S3 folder for the report page and the plots")
    threshold: float = option(0.5, help="cut-off of the confusion matrix", minimum=0.0, maximum=1.0)
    replicates: int = option(200, help="bootstrap replicates behind the AUC interval", minimum=20, maximum=5000)
    seed: int = option(42, help="seed of the bootstrap")


@dataclass(frozen=True, kw_only=True)
class PromoteModelConfig(JobConfig):
    """Registers a trained model and makes it champion if it meets the floors and beats the present one."""

    dataset_version: str = option(help="version of the data that the model was trained and measured on")
    mlflow_run_id: str = option(help="MLflow run of the trained and evaluated model")
    champion_version: str | None = option(
        None, help="registry version that the candidate was compared with; none: there was none"
    )


@dataclass(frozen=True, kw_only=True)
class ScoreBorrowersConfig(JobConfig):
    """Scores one day's new borrowers with one pinned model."""

    as_of: str = option(help="business date of the new data (YYYY-MM-DD)")
    model_version: str = option(help="registry version of the model")
    scored_at: str = option(help="fixed time of the run, ISO 8601 with zone; a rerun writes the same")
    report_folder: str = option(help="S3 folder for the score histogram")
    risk_limits: tuple[float, ...] = option(
        (),
        help="LOW below the first, HIGH from the second probability on, such as 0.4,0.7",
        minimum=0.0,
        maximum=1.0,
    )
    risk_quantiles: tuple[float, ...] = option(
        (0.8, 0.95), help="without limits: quantiles of the training scores", minimum=0.0, maximum=1.0
    )
    force: bool = option(False, help="score again a date that another model version has scored")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("risk_limits", "risk_quantiles"):
            limits = getattr(self, name)
            if limits and (len(limits) != 2 or not limits[0] < limits[1]):
                raise BadConfiguration(f"{name} must be two rising numbers, not {limits}")


JOBS: dict[str, type[JobConfig]] = {
    "generate_data": GenerateDataConfig,
    "resolve_versions": ResolveVersionsConfig,
    "sample_new_data": SampleNewDataConfig,
    "train_model": TrainModelConfig,
    "evaluate_model": EvaluateModelConfig,
    "promote_model": PromoteModelConfig,
    "score_borrowers": ScoreBorrowersConfig,
}


def default_of(config_type: type[JobConfig], name: str) -> Any:
    """The default of one field, for an Airflow Param that shows the same."""
    return config_type.__dataclass_fields__[name].default


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
