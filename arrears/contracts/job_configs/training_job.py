"""The configuration of training, put together from groups of choices. See docs/adr/0052.

A training's configuration is each of its groups: a function that needs a few choices takes the group, as its type.
"""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.engines import engine_problems
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.arguments import Choices, option
from arrears.contracts.job_configs.engine_choices import ClusterChoices, EngineChoices
from arrears.contracts.job_configs.job_config import JobConfig
from arrears.contracts.job_configs.leak_override import LeakOverride, override_problems
from arrears.contracts.job_configs.model_choices import CalibrationChoices, CutoffChoices, cutoff_problems
from arrears.contracts.job_configs.preparation_choices import PreparationChoices, RejectChoices, SamplingChoices
from arrears.contracts.objectives import DEFAULT, ObjectiveName


@dataclass(frozen=True, kw_only=True)
class TrainingRun(JobConfig):
    """What a model learns, from which training set, and for whose run."""

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


@dataclass(frozen=True, kw_only=True)
class MeasurementChoices(Choices):
    """What the evaluation will be asked for, which is checked before anything is trained."""

    segment_by: tuple[str, ...] = option(
        (),
        help="columns that the evaluation will part the rows by: checked before anything is trained",
        title="Segments by",
    )


# Python gathers a dataclass's fields from its last base to its first: so flags stand from below upwards.
@dataclass(frozen=True, kw_only=True)
class TrainModelConfig(
    LeakOverride,
    CutoffChoices,
    CalibrationChoices,
    MeasurementChoices,
    PreparationChoices,
    RejectChoices,
    SamplingChoices,
    ClusterChoices,
    EngineChoices,
    TrainingRun,
):
    """Trains one model on the cluster and logs it to MLflow."""

    def __post_init__(self) -> None:
        super().__post_init__()
        problems = engine_problems(self.task, self.engine)
        problems += override_problems(self)
        problems += [
            f"engine_options: {text!r} is not name=value" for text in self.engine_options if "=" not in text[1:]
        ]
        reserved = self.validation_share + (self.calibration_share if self.calibration != "none" else 0.0)
        if reserved >= 0.9:
            problems.append(f"validation_share and calibration_share together keep back {reserved:.0%} of the rows")
        if not self.validation_share and self.sampling in ("over", "under"):
            problems.append(
                f"validation_share 0 scores training rows, which sampling {self.sampling} repeats or thins out: keep a"
                " slice back, or take sampling class_weights"
            )
        problems += cutoff_problems(self) + _reject_problems(self)
        if problems:
            raise BadConfiguration(*problems)


def _reject_problems(config: TrainModelConfig) -> list[str]:
    if config.reject_inference == "none":
        return []
    asked = {
        f"task {config.task}: only a model of default infers anything of rejected applicants": config.task != DEFAULT,
        f"sampling {config.sampling}: both would change the odds that the rows hold": config.sampling != "none",
        "validation_share 0: what ends a training must be accepted borrowers alone": not config.validation_share,
    }
    return [f"reject_inference {config.reject_inference} and {what}" for what, is_so in asked.items() if is_so]
