"""Measures a trained model of any task on held-out borrowers, and beside the champion on rows that neither learnt from.

Reads one version of the held-out set, the models and their lineages; writes figures, plots and the report page to
MLflow and to ``artifacts``. Fails when the held-out set is absent or holds one class only, or when the model has learnt
from a row of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table, registered_model
from arrears.contracts.job_configs.jobs import EvaluateModelConfig
from arrears.contracts.objectives import DEFAULT
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.scoring.document import ModelDocument
from arrears.stores.model_notes import RUN_URL_TAG
from arrears.stores.models import ModelFiles, Models
from arrears.stores.objects import Objects
from spark_jobs.io import snapshots
from spark_jobs.launch import launch
from spark_jobs.measuring.measured_model import measured_beside
from spark_jobs.measuring.model_report import mail_figures, report_files
from spark_jobs.measuring.trained import TrainedRun
from spark_jobs.measuring.unlearnt import Unlearnt, unlearnt_rows
from spark_jobs.objectives.objective_registry import measure_task
from spark_jobs.objectives.objective_rows import MeasuredTask

MAILED = ("roc_curve.png", "score_histogram.png", "report.html")


def run(spark: SparkSession, config: EvaluateModelConfig) -> JobResult:
    """Scores the held-out rows with both models, compares them, and keeps the evidence."""
    objects, models = Objects(), Models()
    manifest = objects.get_json(config.addresses.dataset_manifest(config.dataset, config.dataset_version))
    files, serving, served_tags = models.files_of_run(config.mlflow_run_id), None, None
    task = ModelDocument.from_json(files.document).task
    if config.champion_version is not None:
        name = registered_model(config.dataset, task)
        serving = models.files_of_version(name, config.champion_version)
        _, _, served_tags = models.run_facts(models.run_of_version(name, config.champion_version))
    link, now = models.run_url(config.mlflow_run_id), datetime.now(UTC)
    metrics, parameters, tags = models.run_facts(config.mlflow_run_id)
    links = {"MLflow run": link, "Airflow run": tags.get(RUN_URL_TAG, "")}
    trained = TrainedRun(metrics, parameters, tags, links, measured_at=f"{now:%Y-%m-%d %H:%M} UTC")
    description = DatasetDescription.from_dict(manifest["description"])
    unlearnt = unlearnt_rows(spark, config, description, task=task, candidate=tags, champion=served_tags)
    measure = _measured_default if task == DEFAULT else measure_task
    measured = measure(spark, config, manifest, files, serving, unlearnt, trained)
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


def _measured_default(
    spark: SparkSession,
    config: EvaluateModelConfig,
    manifest: Mapping[str, Any],
    files: ModelFiles,
    serving: ModelFiles | None,
    unlearnt: Unlearnt,
    trained: TrainedRun,
) -> MeasuredTask:
    """Measures a model of default; see `spark_jobs.objectives.objective_registry.measure_task` for the others."""
    held_out = snapshots.pin_partition(
        spark,
        config.addresses.table(Table.TEST, config.dataset),
        {"dataset_version": config.dataset_version},
        what="run generate_data",
    )
    description, document = (
        DatasetDescription.from_dict(manifest["description"]),
        ModelDocument.from_json(files.document),
    )
    candidate, champion = measured_beside(spark, config, description, held_out, files, serving, unlearnt)
    report = report_files(config, manifest, files.model, document, candidate, champion, trained=trained)
    metrics = candidate.metrics() | (champion.metrics("champion_") if champion else {})
    return MeasuredTask(metrics, report, mail_figures(candidate, champion), MAILED)


if __name__ == "__main__":
    launch(run, EvaluateModelConfig)
