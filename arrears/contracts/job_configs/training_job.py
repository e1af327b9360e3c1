"""The configuration of training: engine, sampling, preparation, calibration and cut-off. Defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arrears.contracts.engines import EngineName, engine_problems, engines_of
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.gate_rules import OVERRIDE_WORDS, reason_problems
from arrears.contracts.job_configs.arguments import option
from arrears.contracts.job_configs.cutoff_choice import cutoff_problems
from arrears.contracts.job_configs.job_config import JobConfig
from arrears.contracts.objectives import LOSS, NEXT_PRODUCT, SEGMENTS, ObjectiveName

# Sections of the forms and of --help.
LEAKS = "Override of the leak check"
_ENGINE = "More about the engine"
_RARE = "Rare defaults"
_PREPARATION = "Preparation of features"
_CALIBRATION = "Calibration"
_CUTOFF = "Cut-off"
_CLUSTER = "Cluster, memory and seed"

_ENGINES_TOLD = "; ".join(f"{what}: {', '.join(engines_of(what))}" for what in (LOSS, SEGMENTS, NEXT_PRODUCT))


@dataclass(frozen=True, kw_only=True)
class TrainModelConfig(JobConfig):
    """Trains one model on the cluster and logs it to MLflow."""

    dataset_version: str = option(help="version of the training set")
    run_label: str = option("by-hand", help="the run that asks, such as Airflow's run id; kept with the MLflow run")
    run_url: str = option("", help="page of the run that asks, which MLflow links to; empty: none")
    as_of: str | None = option(None, help="business date of the run, kept with the model (YYYY-MM-DD); empty: none")
    task: ObjectiveName = option(
        "default",
        help="default: who defaults; loss: the loss given default; segments: customer segments; next_product: the"
        " product bought next",
        title="What is learnt",
    )
    engine: EngineName = option(
        "catboost",
        help=f"which library trains; {_ENGINES_TOLD}",
        title="Engine",
    )
    engine_options: tuple[str, ...] = option(
        (),
        help="more settings of the engine by its own names: boosting_type=Ordered,l2_leaf_reg=5",
        title="Engine's own settings",
        section=_ENGINE,
    )
    iterations: int = option(
        1000,
        help="most trees, or most steps of a linear model",
        minimum=1,
        maximum=100_000,
        title="Trees or steps, at most",
    )
    learning_rate: float | None = option(
        None,
        help="step size of boosted trees; empty: the engine chooses",
        minimum=1e-6,
        maximum=1.0,
        title="Learning rate",
    )
    depth: int = option(6, help="tree depth", minimum=1, maximum=16, title="Tree depth")
    early_stopping_rounds: int = option(
        50,
        help="boosted trees stop after so many without gain on the validation slice",
        minimum=1,
        title="Early stopping",
        unit="rounds",
        section=_ENGINE,
    )
    clusters: int = option(4, help="segments: how many", minimum=2, maximum=50, title="Clusters", section=_ENGINE)
    validation_share: float = option(
        0.2,
        help="share of training rows kept to end a training early and to choose the cut-off; 0: none, all iterations"
        " are trained on all rows, and three more models each score the third that they have not seen",
        minimum=0.0,
        maximum=0.5,
        title="Rows kept for validation",
        unit="share",
        section=_ENGINE,
    )
    refit: bool = option(
        True,
        help="train again on all rows, the slice among them, with the trees that it found; false: the slice stays out",
        title="Train again on all rows",
        section=_ENGINE,
    )
    shards: int | None = option(
        None,
        help="CatBoost: 1 is the exact model in one task, N are N models in N tasks, merged; empty: as memory allows",
        minimum=1,
        maximum=256,
        title="Shards",
        section=_CLUSTER,
    )
    task_memory_mb: int = option(
        4096,
        help="memory that one task may use, in MB; rows that need more are trained in shards",
        minimum=256,
        title="Memory of a training task",
        unit="MB",
        section=_CLUSTER,
    )
    threads: int = option(
        2,
        help="threads a task; part of what makes a model reproducible",
        minimum=1,
        maximum=256,
        title="Threads of a training task",
        section=_CLUSTER,
    )
    seed: int = option(
        42, help="seed of the model, the slices, the shards and the sampling", title="Seed", section=_CLUSTER
    )
    sampling: Literal["none", "class_weights", "over", "under"] = option(
        "none",
        help="rare defaults: as they are, weighted, repeated, or the others thinned out",
        title="Sampling",
        section=_RARE,
    )
    sampling_factor: float = option(
        1.0,
        help="how much more a default counts than it occurs (k); 0: both classes count alike",
        minimum=0.0,
        title="Weight of a default",
        unit="times",
        section=_RARE,
    )
    features: tuple[str, ...] = option(
        (), help="features to train on, of those that the data set declares; empty: all of them", title="Features"
    )
    missing: Literal["native", "fill", "constant"] = option(
        "native",
        help="missing values: the engine's own way, filled by median or most frequent level, or a constant",
        title="Missing values",
        section=_PREPARATION,
    )
    missing_flags: Literal["native", "add", "none"] = option(
        "native",
        help="features that tell where a value was missing; native: added where the engine takes no missing values",
        title="Flag missing values",
        section=_PREPARATION,
    )
    outliers: Literal["keep", "clip", "flag", "drop"] = option(
        "keep",
        help="numbers far from the mean: kept, clipped, flagged by a feature, or the training row dropped",
        title="Outliers",
        section=_PREPARATION,
    )
    outlier_deviations: float = option(
        3.0,
        help="standard deviations from which on a number is far",
        minimum=1.0,
        title="Outliers from",
        unit="standard deviations",
        section=_PREPARATION,
    )
    encoding: Literal["native", "index", "one_hot", "woe"] = option(
        "native",
        help="categories: the engine's own way, a number or a column a level, or all by weight of evidence",
        title="Categories",
        section=_PREPARATION,
    )
    deciles: tuple[str, ...] = option(
        (), help="numeric features to add as deciles of the training rows", title="Deciles", section=_PREPARATION
    )
    interactions: tuple[str, ...] = option(
        (), help="pairs of numeric features to multiply or divide: a*b,c/d", title="Interactions", section=_PREPARATION
    )
    segment_by: tuple[str, ...] = option(
        (),
        help="columns that the evaluation will part the rows by: checked before anything is trained",
        title="Segments by",
    )
    calibration: Literal["none", "platt", "isotonic"] = option(
        "none",
        help="fit probabilities to outcomes on a slice of their own; resampling is always corrected for",
        title="Calibration",
        section=_CALIBRATION,
    )
    calibration_share: float = option(
        0.1,
        help="share of training rows kept for the calibration, where one is asked for",
        minimum=0.01,
        maximum=0.5,
        title="Rows kept for calibration",
        unit="share",
        section=_CALIBRATION,
    )
    cutoff_by: Literal["as_given", "fixed", "f1", "ks", "approval_rate", "profit"] = option(
        "as_given",
        help="how the cut-off is chosen, on scores of rows unseen; as_given: by what is given of margin and lgd"
        " (profit), approval_rate, or cutoff (fixed); none of them: no cut-off is set, the model only scores",
        title="Cut-off chosen by",
        section=_CUTOFF,
    )
    cutoff: float | None = option(
        None,
        help="the fixed cut-off: a score at or above it is declined; empty: none is fixed",
        minimum=0.0,
        maximum=1.0,
        title="Fixed cut-off",
        unit="probability",
        section=_CUTOFF,
    )
    approval_rate: float | None = option(
        None,
        help="share of applications to approve; empty: the cut-off is not chosen by it",
        minimum=0.01,
        maximum=1.0,
        title="Approval rate",
        unit="share",
        section=_CUTOFF,
    )
    margin: float | None = option(
        None,
        help="earned on a loan that is repaid, as a share of its exposure; empty: profit is not counted",
        minimum=0.0,
        title="Margin",
        unit="share of the exposure",
        section=_CUTOFF,
    )
    lgd: float | None = option(
        None,
        help="loss given default, as a share of the exposure (Basel II: 0.45 for unsecured senior claims); empty:"
        " profit is not counted",
        minimum=0.0,
        maximum=1.0,
        title="Loss given default (LGD)",
        unit="share of the exposure",
        section=_CUTOFF,
    )
    exposure: str | None = option(
        None,
        help="numeric column with the exposure at default of a loan; empty: every loan counts 1",
        title="Exposure column",
        section=_CUTOFF,
    )
    cost: float = option(
        0.0,
        help="cost of one approved application, in the exposure's unit",
        minimum=0.0,
        title="Cost of an application",
        unit="unit of the exposure",
        section=_CUTOFF,
    )
    leak_override: bool = option(
        False,
        help="train in spite of what the leak check finds; without effect where it finds nothing",
        title="Override the leak check",
        section=LEAKS,
    )
    leak_override_reason: str = option(
        "",
        help=f"why that is right, in at least {OVERRIDE_WORDS} different words; logged, and kept with the model"
        " where a leak was overridden",
        title="Reason for the override",
        section=LEAKS,
        is_long=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        problems = engine_problems(self.task, self.engine)
        problems += reason_problems(self.leak_override, self.leak_override_reason, "leak_override")
        problems += [
            f"engine_options: {given!r} is not name=value" for given in self.engine_options if "=" not in given[1:]
        ]
        kept_back = self.validation_share + (self.calibration_share if self.calibration != "none" else 0.0)
        if kept_back >= 0.9:
            problems.append(f"validation_share and calibration_share together keep back {kept_back:.0%} of the rows")
        if not self.validation_share and self.sampling in ("over", "under"):
            problems.append(
                f"validation_share 0 scores training rows, which sampling {self.sampling} repeats or thins out: keep a"
                " slice back, or take sampling class_weights"
            )
        problems += cutoff_problems(vars(self))
        if problems:
            raise BadConfiguration(*problems)
