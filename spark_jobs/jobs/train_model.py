"""Trains one model on the cluster.

Reads one version of the training set; writes an MLflow run with the model, its parameters and facts. Fails when the
version does not exist, or when its rows know what they must not (the leak check) and no reason overrides that.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

from pyspark.sql import SparkSession

import arrears
from arrears.contracts.catalogue import Table
from arrears.contracts.descriptions import DatasetDescription
from arrears.contracts.facts import JobResult
from arrears.contracts.jobs import TrainModelConfig
from arrears.scoring.document import ModelDocument
from arrears.stores.models import ModelFiles, Models
from arrears.stores.objects import Objects
from spark_jobs.engines.contract import FittedModel, TrainingSpec
from spark_jobs.engines.registry import engine_named
from spark_jobs.io.snapshots import read_slices
from spark_jobs.launch import launch
from spark_jobs.leak_check import checked_for_leaks
from spark_jobs.training import pinned_rows, with_training_scores

REQUIREMENTS = ("catboost", "mlflow", "numpy", "pandas", "pyarrow")


def run(spark: SparkSession, config: TrainModelConfig) -> JobResult:
    """Refuses leaks, pins the rows, trains, takes the scores of the training rows, and logs the model."""
    manifest = Objects().get_json(config.catalogue.dataset_manifest(config.dataset, config.dataset_version))
    description = DatasetDescription.from_dict(manifest["description"])
    models = Models()
    leaks = checked_for_leaks(spark, config, description)
    experiment, tags = f"arrears/{config.dataset}", {**_tags(config), **leaks.tags}
    with models.run(experiment, config.run_label, parameters=_parameters(config), tags=tags) as run_id:
        with pinned_rows(spark, config, description, name=run_id) as (snapshot, spec):
            fitted = engine_named(config.engine).fit(spark, snapshot, spec, read_slices)
            document = with_training_scores(spark, _document(config, spec, fitted), snapshot, fitted)
        files = ModelFiles(fitted.model, document.to_json(), fitted.file_name)
        requirements = [f"{package}=={version(package)}" for package in REQUIREMENTS]
        models.log_model(files, example=fitted.example, requirements=requirements)
        source = config.catalogue.table(Table.TRAIN, config.dataset)
        models.log_dataset(run_id, name=config.dataset, digest=config.dataset_version, source=source)
        models.log_results(run_id, fitted.numbers(), {}, {})
    figures: dict[str, Any] = {"engine": fitted.engine, **fitted.facts, **leaks.figures}
    return JobResult(figures, {"mlflow_run_id": run_id}, links={"MLflow run": models.run_url(run_id)})


def _document(config: TrainModelConfig, spec: TrainingSpec, fitted: FittedModel) -> ModelDocument:
    return ModelDocument(
        dataset=config.dataset,
        dataset_version=config.dataset_version,
        engine=fitted.engine,
        numeric=spec.numeric,
        categorical=spec.categorical,
        text=spec.text,
        encoded=spec.encoded,
        preparation=spec.preparation,
        example=fitted.example,
        model_format=fitted.model_format,
    )


def _parameters(config: TrainModelConfig) -> dict[str, Any]:
    return {name: value for name, value in vars(config).items() if name not in ("root", "outcome", "run_label")}


def _tags(config: TrainModelConfig) -> dict[str, str]:
    return {
        "arrears.version": arrears.__version__,
        "arrears.dataset_version": config.dataset_version,
        "mlflow.source.git.commit": os.environ.get("ARREARS_GIT_COMMIT", ""),
    }


if __name__ == "__main__":
    launch(run, TrainModelConfig)
