"""Trains one model on the cluster: of default, of the loss given default, of segments, or of the next product.

Reads one version of the training set; writes an MLflow run with the model, its parameters and facts, and beside the
model its lineage: the ids of the rows that it has learnt from. Fails when the
version does not exist, or when its rows know what they must not (the leak check) and no reason overrides that.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

import arrears
from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.job_configs.training_choices import with_features
from arrears.contracts.objectives import DEFAULT
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.metrics.cutoffs import told_cutoff
from arrears.stores.model_notes import about_training, parameters_of, run_tags, short_name
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.data.leak_check import checked_for_leaks
from spark_jobs.io.checkpoints import checkpoints
from spark_jobs.io.lineages import keep_lineage
from spark_jobs.io.tables import read_version
from spark_jobs.launch import launch
from spark_jobs.objectives.objective_registry import fit_task
from spark_jobs.training.choices import check_all_choices
from spark_jobs.training.documents import document_of
from spark_jobs.training.finishing import finished_document, training_auc, with_points
from spark_jobs.training.fitting import trained_model
from spark_jobs.training.log_model import keep_model
from spark_jobs.training.pinned_rows import pinned_rows

# An override counts only where a leak was found: the tags tell then. A switch that did nothing is none.
_NO_PARAMETERS = ("root", "outcome", "run_label", "run_url", "as_of", "leak_override", "leak_override_reason")


def run(spark: SparkSession, config: TrainModelConfig) -> JobResult:
    """Checks every choice, refuses leaks, pins the rows, trains, takes scores of unseen rows, and logs the model."""
    manifest = Objects().get_json(config.addresses.dataset_manifest(config.dataset, config.dataset_version))
    description = DatasetDescription.from_dict(manifest["description"])
    models = Models()
    if config.task != DEFAULT:
        return _of_task(spark, config, description, models)
    check_all_choices(config, description, _columns(spark, config))
    leaks = checked_for_leaks(spark, config, with_features(description, config.features))
    experiment, tags = f"arrears/{config.dataset}", {**_tags(config), **leaks.tags}
    with models.run(experiment, short_name(config), parameters=_parameters(config), tags=tags) as run_id:
        with (
            checkpoints(spark, config.addresses.snapshot(config.dataset, f"checkpoints-{run_id}")),
            pinned_rows(spark, config, description, name=run_id) as pinned,
        ):
            trained = trained_model(spark, config, pinned.snapshot, pinned.spec)
            document = document_of(config, pinned.spec, trained.fitted)
            document = finished_document(spark, config, document, trained, pinned.snapshot, pinned.resampling)
            auc = training_auc(spark, document, trained.fitted.model, pinned.snapshot)
        fitted = with_points(trained.fitted, document)
        fitted = replace(fitted, facts=fitted.facts | {"train_auc": auc})
        keep_model(models, run_id, config, fitted, document)
        models.tag_run(run_id, keep_lineage(spark, config, description, config.dataset_version, run_id).tags)
    told = {"engine": fitted.engine, **fitted.facts, "cut-off": told_cutoff(document.cutoff)}
    figures: dict[str, Any] = {**told, **leaks.figures}
    return JobResult(figures, {"mlflow_run_id": run_id}, links={"MLflow run": models.run_url(run_id)})


def _of_task(
    spark: SparkSession, config: TrainModelConfig, description: DatasetDescription, models: Models
) -> JobResult:
    """Trains a model of another task: what knows the default is no leak there."""
    experiment = f"arrears/{config.dataset}"
    with models.run(experiment, short_name(config), parameters=_parameters(config), tags=_tags(config)) as run_id:
        found = fit_task(spark, config, description)
        keep_model(models, run_id, config, found.fitted, found.document)
        models.tag_run(run_id, keep_lineage(spark, config, description, config.dataset_version, run_id).tags)
    figures: dict[str, Any] = {"task": config.task, "engine": found.fitted.engine, **found.fitted.facts}
    return JobResult(figures, {"mlflow_run_id": run_id}, links={"MLflow run": models.run_url(run_id)})


def _columns(spark: SparkSession, config: TrainModelConfig) -> StructType:
    return read_version(spark, config.addresses, Table.TRAIN, config.dataset, config.dataset_version).schema


def _parameters(config: TrainModelConfig) -> dict[str, Any]:
    return parameters_of({name: value for name, value in vars(config).items() if name not in _NO_PARAMETERS})


def _tags(config: TrainModelConfig) -> dict[str, str]:
    return {
        **run_tags(config, about_training(config)),
        "arrears.version": arrears.__version__,
        "arrears.dataset_version": config.dataset_version,
        "arrears.task": config.task,
        "mlflow.source.git.commit": os.environ.get("ARREARS_GIT_COMMIT", ""),
    }


if __name__ == "__main__":
    launch(run, TrainModelConfig)
