"""Trains one model on the cluster: of default, of the loss given default, of segments, or of the next product.

Reads one version of the training set. Writes an MLflow run with the model, its parameters and facts, and beside the
model its lineage: the ids of the rows that it has learnt from. Fails when the version does not exist, or when its rows
know what they must not (the leak check) and no reason overrides that.
"""

from __future__ import annotations

import os
from typing import Any

from pyspark.sql import SparkSession

import arrears
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.model_notes import about_training, parameters_of, run_tags, short_name
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from arrears.stores.tracking_checks import require_experiment
from spark_jobs.io.at_once import at_once
from spark_jobs.io.lineages import keep_lineage
from spark_jobs.launch import launch
from spark_jobs.objectives.objective_registry import OBJECTIVES
from spark_jobs.training.log_model import keep_model

# An override counts only where a leak was found: the tags tell then. A switch that did nothing is none.
_NO_PARAMETERS = ("root", "outcome", "run_label", "run_url", "as_of", "leak_override", "leak_override_reason")


def run(spark: SparkSession, config: TrainModelConfig) -> JobResult:
    """Checks what is to be learnt, refuses leaks, trains on the pinned version, and logs the model."""
    manifest = Objects().get_json(config.addresses.dataset_manifest(config.dataset, config.dataset_version))
    description = DatasetDescription.from_dict(manifest["description"])
    models, objective = Models(), OBJECTIVES[config.task]
    experiment = f"arrears/{config.dataset}"
    require_experiment(experiment)
    training = objective.ready(spark, config, description)
    leaks = training.leaks
    tags = {**_tags(config), **(leaks.tags if leaks else {})}
    with models.run(experiment, short_name(config, config.engine), parameters=_parameters(config), tags=tags) as run_id:
        trained = training.fit(run_id)
        _, lineage = at_once(
            spark,
            lambda: keep_model(models, run_id, config, trained.fitted, trained.document),
            lambda: keep_lineage(spark, config, description, config.dataset_version, run_id),
        )
        models.tag_run(run_id, lineage.tags)
    figures = {**trained.figures, **(leaks.figures if leaks else {})}
    return JobResult(figures, {"mlflow_run_id": run_id}, links={"MLflow run": models.run_url(run_id)})


def _parameters(config: TrainModelConfig) -> dict[str, Any]:
    return parameters_of({name: value for name, value in vars(config).items() if name not in _NO_PARAMETERS})


def _tags(config: TrainModelConfig) -> dict[str, str]:
    return {
        **run_tags(config, about_training(config, config.engine)),
        "arrears.version": arrears.__version__,
        "arrears.dataset_version": config.dataset_version,
        "arrears.task": config.task,
        "mlflow.source.git.commit": os.environ.get("ARREARS_GIT_COMMIT", ""),
    }


if __name__ == "__main__":
    launch(run, TrainModelConfig, imports=("mlflow.pyfunc",))
