"""The configuration of the jobs that train, measure, promote and use models. Defaults live here only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.gate_rules import OVERRIDE_WORDS, reason_problems
from arrears.contracts.job_configs.arguments import option
from arrears.contracts.job_configs.job_config import JobConfig
from arrears.contracts.objectives import ObjectiveName

# Sections of the forms and of --help.
_MEASURES = "Measurement"
_GATE = "Override of the gate"


@dataclass(frozen=True, kw_only=True)
class ResolveVersionsConfig(JobConfig):
    """Pins a run to one dataset version and one champion, once. A rerun of the run finds the same pins."""

    as_of: str = option(help="business date of the run (YYYY-MM-DD)")
    pins: str = option(help="S3 address where the pinned versions of this run are kept")
    needs_champion: bool = option(False, help="end with an error when there is no champion yet")
    task: ObjectiveName = option(
        "default", help="which of the data set's models: default, loss, segments or next_product"
    )


@dataclass(frozen=True, kw_only=True)
class EvaluateModelConfig(JobConfig):
    """Measures a trained model, and the present champion beside it, on the held-out rows."""

    dataset_version: str = option(help="version of the held-out set")
    mlflow_run_id: str = option(help="MLflow run of the trained model")
    champion_version: str | None = option(
        None, help="registry version of the present champion; empty: there is none yet"
    )
    report_folder: str = option(help="S3 folder for the report page and the plots")
    segment_by: tuple[str, ...] = option(
        (),
        help="columns whose levels or quartiles are measured apart; empty: the first three categories",
        title="Segments",
        section=_MEASURES,
    )
    replicates: int = option(
        0,
        help="bootstrap replicates behind the AUC interval; 0: DeLong's interval, which needs none",
        minimum=0,
        maximum=5000,
        title="Bootstrap replicates",
        section=_MEASURES,
    )
    seed: int = option(42, help="seed of the bootstrap and of the sample that explains the model")


@dataclass(frozen=True, kw_only=True)
class ProposeModelConfig(JobConfig):
    """Registers an evaluated model as challenger and says what each rule of the gate says of it."""

    dataset_version: str = option(help="version of the data that the model was trained and measured on")
    mlflow_run_id: str = option(help="MLflow run of the trained and evaluated model")
    champion_version: str | None = option(
        None, help="registry version that the candidate was compared with; empty: there was none"
    )
    task: ObjectiveName = option(
        "default", help="which of the data set's models: default, loss, segments or next_product"
    )


@dataclass(frozen=True, kw_only=True)
class PromoteModelConfig(ProposeModelConfig):
    """Registers an evaluated model and makes it champion if every rule of the gate is met or overridden."""

    approval: Literal["auto", "human"] = option(
        "auto", help="who lets a model through that meets the rules: nobody else, or a named person", title="Approval"
    )
    answer: Literal["", "Approve", "Reject"] = option("", help="what that person said; empty: nobody was asked")
    approver: str = option("", help="who said so; empty: nobody answered in time")
    answered_at: str = option("", help="when, ISO 8601")
    approval_reason: str = option("", help="why, in the approver's words")
    judged: str = option("", help="digest of the verdicts that the approver saw")
    gate_override: bool = option(
        False,
        help="promote in spite of the rules that are not met; it needs a reason",
        title="Override unmet rules",
        section=_GATE,
    )
    override_reason: str = option(
        "",
        help=f"why they do not matter here, in at least {OVERRIDE_WORDS} different words; logged for good, shown first",
        title="Reason for the override",
        section=_GATE,
        is_long=True,
    )
    report_folder: str = option(
        "", help="S3 folder of this run's report, whose page says first of all that rules were overridden; empty: none"
    )
    run_label: str = option("by-hand", help="the run that asks, such as Airflow's run id")
    requested_by: str = option("", help="who started that run; empty: a schedule, or nobody knows")

    def __post_init__(self) -> None:
        super().__post_init__()
        if problems := reason_problems(self.gate_override, self.override_reason, "gate_override"):
            raise BadConfiguration(*problems)


@dataclass(frozen=True, kw_only=True)
class RollbackModelConfig(JobConfig):
    """Makes an earlier champion champion again."""

    to_version: str | None = option(
        None, help="registry version to bring back; empty: the champion before this one", title="Version to bring back"
    )
    task: ObjectiveName = option(
        "default", help="which of the data set's models: default, loss, segments or next_product", title="Model"
    )
    reason: str = option(help="why the present champion must go; it is logged for good", title="Reason", is_long=True)
    run_label: str = option("by-hand", help="the run that asks, such as Airflow's run id")
    requested_by: str = option("", help="who started that run; empty: nobody knows")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.reason.strip():
            raise BadConfiguration("reason must say why the champion is rolled back")


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
    force: bool = option(False, help="score again a date that another model version has scored", title="Score again")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("risk_limits", "risk_quantiles"):
            limits = getattr(self, name)
            if limits and (len(limits) != 2 or not limits[0] < limits[1]):
                raise BadConfiguration(f"{name} must be two rising numbers, not {limits}")
