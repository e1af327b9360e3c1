"""Every Spark job with its configuration: the fields an analyst or operator may set, their defaults and limits.

One frozen dataclass a job, named after it: ``train_model`` reads ``TrainModelConfig``. Defaults live there only.
"""

from __future__ import annotations

from arrears.contracts.job_configs.bank_jobs import BuildFeaturesConfig, GenerateBankConfig
from arrears.contracts.job_configs.data_jobs import (
    ExploreDataConfig,
    GenerateDataConfig,
    KeepOutcomesConfig,
    MaintainTablesConfig,
    ReplayTrainingSetConfig,
    SampleNewDataConfig,
)
from arrears.contracts.job_configs.experiment_job import RunExperimentConfig
from arrears.contracts.job_configs.job_config import JobConfig, default_of
from arrears.contracts.job_configs.model_jobs import (
    EvaluateModelConfig,
    PromoteModelConfig,
    ProposeModelConfig,
    ResolveVersionsConfig,
    RollbackModelConfig,
    ScoreBorrowersConfig,
)
from arrears.contracts.job_configs.training_job import TrainModelConfig

__all__ = [
    "JOBS",
    "BuildFeaturesConfig",
    "EvaluateModelConfig",
    "ExploreDataConfig",
    "GenerateBankConfig",
    "GenerateDataConfig",
    "JobConfig",
    "KeepOutcomesConfig",
    "MaintainTablesConfig",
    "PromoteModelConfig",
    "ProposeModelConfig",
    "ReplayTrainingSetConfig",
    "ResolveVersionsConfig",
    "RollbackModelConfig",
    "RunExperimentConfig",
    "SampleNewDataConfig",
    "ScoreBorrowersConfig",
    "TrainModelConfig",
    "default_of",
]

JOBS: dict[str, type[JobConfig]] = {
    "generate_bank": GenerateBankConfig,
    "build_features": BuildFeaturesConfig,
    "generate_data": GenerateDataConfig,
    "explore_data": ExploreDataConfig,
    "replay_training_set": ReplayTrainingSetConfig,
    "maintain_tables": MaintainTablesConfig,
    "resolve_versions": ResolveVersionsConfig,
    "sample_new_data": SampleNewDataConfig,
    "keep_outcomes": KeepOutcomesConfig,
    "run_experiment": RunExperimentConfig,
    "train_model": TrainModelConfig,
    "evaluate_model": EvaluateModelConfig,
    "propose_model": ProposeModelConfig,
    "promote_model": PromoteModelConfig,
    "rollback_model": RollbackModelConfig,
    "score_borrowers": ScoreBorrowersConfig,
}
