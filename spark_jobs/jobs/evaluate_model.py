"""Measures a trained model on held-out borrowers, and the present champion beside it on the same rows.

Reads one version of the held-out set and the models; writes figures, plots and the report page to MLflow and to
``artifacts``. Fails when the held-out set is absent or holds one class only.
"""

from __future__ import annotations

from pyspark.sql import SparkSession

from arrears.contracts.catalogue import Table, registered_model
from arrears.contracts.descriptions import DatasetDescription
from arrears.contracts.facts import JobResult
from arrears.contracts.jobs import EvaluateModelConfig
from arrears.scoring.document import ModelDocument
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.io import snapshots
from spark_jobs.launch import launch
from spark_jobs.measuring import measured_beside
from spark_jobs.model_report import content_type, mail_figures, report_files

MAILED = ("roc_curve.png", "score_histogram.png", "report.html")


def run(spark: SparkSession, config: EvaluateModelConfig) -> JobResult:
    """Scores the held-out rows with both models, compares them, and keeps the evidence."""
    objects, models = Objects(), Models()
    held_out = snapshots.pin_partition(
        spark,
        config.catalogue.table(Table.TEST, config.dataset),
        {"dataset_version": config.dataset_version},
        what="run generate_data",
    )
    manifest = objects.get_json(config.catalogue.dataset_manifest(config.dataset, config.dataset_version))
    description = DatasetDescription.from_dict(manifest["description"])
    files, serving = models.files_of_run(config.mlflow_run_id), None
    if config.champion_version is not None:
        serving = models.files_of_version(registered_model(config.dataset), config.champion_version)
    candidate, champion = measured_beside(spark, config, description, held_out, files, serving)
    _, parameters, tags = models.run_facts(config.mlflow_run_id)
    document = ModelDocument.from_json(files.document)
    report = report_files(
        config, manifest, files.model, document, candidate, champion, parameters=parameters, tags=tags
    )
    model_folder = config.catalogue.model_folder(config.dataset, config.mlflow_run_id)
    for name, body in report.items():
        for folder in (config.report_folder, model_folder):
            objects.put(f"{folder}/{name}", body, content_type=content_type(name))
    objects.put(f"{model_folder}/{files.name}", files.model)
    objects.put(f"{model_folder}/document.json", files.document.encode(), content_type="application/json")
    metrics = candidate.metrics() | (champion.metrics("champion_") if champion else {})
    compared = {
        "arrears.evaluated_on": config.dataset_version,
        "arrears.compared_with": config.champion_version or "",
    }
    models.log_results(config.mlflow_run_id, metrics, report, compared)
    mailed = tuple(f"{config.report_folder}/{name}" for name in MAILED)
    links = {"MLflow run": models.run_url(config.mlflow_run_id)}
    return JobResult(mail_figures(candidate, champion), attachments=mailed, links=links)


if __name__ == "__main__":
    launch(run, EvaluateModelConfig)
