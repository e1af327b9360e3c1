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
from spark_jobs.measuring import Measured, measured_beside
from spark_jobs.model_report import content_type, report_files

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
    return JobResult(_figures(candidate, champion), attachments=mailed, links=links)


def _figures(candidate: Measured, champion: Measured | None) -> dict[str, float | int | str | None]:
    """What the mail tells; MLflow and the report page have all of it."""
    found, findings = candidate.findings.evaluation, candidate.findings
    flagged = (
        f"{found.tp + found.fp:,} flagged at {found.threshold:.4g}, {found.tp:,} of {found.defaults:,} defaults caught"
    )
    difference = findings.auc_difference
    beside: dict[str, float | int | str | None] = {}
    if champion is not None:
        beside["AUC of the champion on the same rows"] = champion.findings.evaluation.auc
    if difference is not None:
        beside["AUC above the champion's, 95 % interval"] = f"{difference.low:+.4f} to {difference.high:+.4f}"
    return {
        "AUC": found.auc,
        "AUC, 95 % interval": f"{found.auc_low:.4f} to {found.auc_high:.4f}",
        **beside,
        "Gini": found.gini,
        "KS": found.ks,
        "AUC-PR": found.auc_pr,
        "log-loss": found.log_loss,
        "Brier": found.brier,
        "calibration error (ECE)": findings.calibration.ece,
        **({"score PSI": findings.stability.psi} if findings.stability else {}),
        "held-out borrowers": found.rows,
        "at the threshold": flagged,
        "accuracy, precision, recall, F1": ", ".join(
            f"{value:.4f}" for value in (found.accuracy, found.precision, found.recall, found.f1)
        ),
        **({"profit of 100 applications": 100 * candidate.profit.chosen.profit} if candidate.profit else {}),
    }


if __name__ == "__main__":
    launch(run, EvaluateModelConfig)
