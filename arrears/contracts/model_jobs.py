"""The configuration of the jobs that train, measure, promote and use models. Defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arrears.contracts.arguments import option
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_config import JobConfig


@dataclass(frozen=True, kw_only=True)
class ResolveVersionsConfig(JobConfig):
    """Pins a run to one dataset version and one champion, once; a rerun of the run finds the same pins."""

    as_of: str = option(help="business date of the run (YYYY-MM-DD)")
    pins: str = option(help="S3 address where the pinned versions of this run are kept")
    needs_champion: bool = option(False, help="end with an error when there is no champion yet")


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
    missing: Literal["native", "fill", "constant"] = option(
        "native", help="missing values: as they are, filled by median or most frequent level, or by a constant"
    )
    missing_flags: bool = option(False, help="add a feature that tells where a value was missing")
    outliers: Literal["keep", "clip", "flag", "drop"] = option(
        "keep", help="numbers far from the mean: kept, clipped, flagged by a feature, or the training row dropped"
    )
    outlier_deviations: float = option(3.0, help="standard deviations from which on a number is far", minimum=1.0)
    encoding: Literal["native", "one_hot", "woe"] = option(
        "native", help="categories: the engine's own way, one column a level, or all features by weight of evidence"
    )
    deciles: tuple[str, ...] = option((), help="numeric features to add as deciles of the training rows")
    interactions: tuple[str, ...] = option((), help="pairs of numeric features to multiply or divide: a*b,c/d")
    leak_override: str = option(
        "", help="reason for training in spite of what the leak check found; it is logged and kept with the model"
    )


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
