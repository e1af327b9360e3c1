"""Measures a model of any objective on held-out borrowers, and beside the champion on rows that neither learnt from.

Reads one version of the held-out set, the models and their lineages. Writes figures, plots and the report page to
MLflow and to ``artifacts``. Fails when the held-out set is absent or holds one class only, or when the model has learnt
from a row of it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import SparkSession

from arrears.contracts.addresses import registered_model
from arrears.contracts.job_configs.jobs import EvaluateModelConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.scoring.document import ModelDocument
from arrears.stores.model_notes import RUN_URL_TAG
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from arrears.stores.tracking_checks import require_run
from spark_jobs.io.at_once import at_once
from spark_jobs.launch import launch
from spark_jobs.measuring.trained import TrainedRun
from spark_jobs.measuring.unlearnt import unlearnt_rows
from spark_jobs.objectives.objective_registry import OBJECTIVES
from spark_jobs.objectives.objective_rows import held_out_rows
from spark_jobs.objectives.protocol import ComparedModels


def run(spark: SparkSession, config: EvaluateModelConfig) -> JobResult:
    """Scores the held-out rows with both models, compares them, and keeps the evidence."""
    objects, models = Objects(), Models()
    require_run(config.mlflow_run_id)
    manifest = objects.get_json(config.addresses.dataset_manifest(config.dataset, config.dataset_version))
    files, held_out = at_once(
        spark, lambda: models.files_of_run(config.mlflow_run_id), lambda: held_out_rows(spark, config)
    )
    serving, served_tags = None, None
    objective = ModelDocument.from_json(files.document).task
    if config.champion_version is not None:
        name = registered_model(config.dataset, objective)
        serving = models.files_of_version(name, config.champion_version)
        _, _, served_tags = models.run_facts(models.run_of_version(name, config.champion_version))
    link, now = models.run_url(config.mlflow_run_id), datetime.now(UTC)
    metrics, parameters, tags = models.run_facts(config.mlflow_run_id)
    links = {"MLflow run": link, "Airflow run": tags.get(RUN_URL_TAG, "")}
    trained = TrainedRun(metrics, parameters, tags, links, measured_at=f"{now:%Y-%m-%d %H:%M} UTC")
    description = DatasetDescription.from_dict(manifest["description"])
    unlearnt = unlearnt_rows(held_out, config, description, objective=objective, candidate=tags, champion=served_tags)
    compared_models = ComparedModels(manifest, files, serving, unlearnt, trained)
    measured = OBJECTIVES[objective].measure(spark, config, compared_models)
    model_folder = config.addresses.model_folder(config.dataset, config.mlflow_run_id)
    for name, body in measured.files.items():
        for folder in (config.report_folder, model_folder):
            objects.put(f"{folder}/{name}", body)
    objects.put(f"{model_folder}/{files.name}", files.model)
    objects.put(f"{model_folder}/document.json", files.document.encode())
    compared = {
        "arrears.evaluated_on": config.dataset_version,
        "arrears.compared_with": config.champion_version or "",
    }
    models.log_results(config.mlflow_run_id, measured.metrics, measured.files, compared)
    mailed = tuple(f"{config.report_folder}/{name}" for name in measured.mailed)
    return JobResult({**measured.figures, **unlearnt.figures}, attachments=mailed, links={"MLflow run": link})


if __name__ == "__main__":
    launch(run, EvaluateModelConfig, imports=("mlflow.pyfunc", "matplotlib.figure"))
