"""Measures a trained model on held-out borrowers, and the present champion beside it on the same rows.

Reads one version of the held-out set and the models; writes figures, plots and the report page to MLflow and to
``artifacts``. Fails when the held-out set is absent or holds one class only.
"""

from __future__ import annotations

from pyspark.sql import SparkSession

from arrears.contracts.catalogue import Table, registered_model
from arrears.contracts.descriptions import ID, LABEL
from arrears.contracts.facts import JobResult
from arrears.contracts.jobs import EvaluateModelConfig
from arrears.scoring.batch import check_columns
from arrears.scoring.document import ModelDocument
from arrears.stores.models import ModelFiles, Models
from arrears.stores.objects import Objects
from spark_jobs.engines.contract import Snapshot
from spark_jobs.engines.scoring import score_snapshot
from spark_jobs.evaluation import evaluate
from spark_jobs.io import snapshots
from spark_jobs.launch import launch
from spark_jobs.model_report import Measured, content_type, report_files

DEFAULT_CUTOFF = 0.5  # of models that were trained before cut-offs were kept with them
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
    files = models.files_of_run(config.mlflow_run_id)
    candidate = _measured(spark, config, held_out, files)
    champion = _champion(spark, config, held_out, models)
    _, parameters, tags = models.run_facts(config.mlflow_run_id)
    manifest = objects.get_json(config.catalogue.dataset_manifest(config.dataset, config.dataset_version))
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
    found = candidate.evaluation
    flagged = (
        f"{found.tp + found.fp:,} flagged at {found.threshold:g}, {found.tp:,} of {found.defaults:,} defaults caught"
    )
    return {
        "AUC": found.auc,
        "AUC, 95 % interval": f"{found.auc_low:.4f} to {found.auc_high:.4f}",
        **({"AUC of the champion on the same rows": champion.evaluation.auc} if champion else {}),
        "Gini": found.gini,
        "KS": found.ks,
        "AUC-PR": found.auc_pr,
        "log-loss": found.log_loss,
        "Brier": found.brier,
        "held-out borrowers": found.rows,
        "at the threshold": flagged,
        "accuracy, precision, recall, F1": ", ".join(
            f"{value:.4f}" for value in (found.accuracy, found.precision, found.recall, found.f1)
        ),
    }


def _champion(spark: SparkSession, config: EvaluateModelConfig, held_out: Snapshot, models: Models) -> Measured | None:
    if config.champion_version is None:
        return None
    files = models.files_of_version(registered_model(config.dataset), config.champion_version)
    return _measured(spark, config, held_out, files)


def _measured(spark: SparkSession, config: EvaluateModelConfig, held_out: Snapshot, files: ModelFiles) -> Measured:
    document = ModelDocument.from_json(files.document)
    own = document.cutoff.value if document.cutoff else DEFAULT_CUTOFF
    check_columns(snapshots.schema_of(held_out), document)
    scored = score_snapshot(
        spark, held_out, files.model, document, snapshots.read_slices, carry={ID: "string", LABEL: "int"}
    )
    threshold = own if config.threshold is None else config.threshold
    found = evaluate(scored, id=ID, threshold=threshold, replicates=config.replicates, seed=config.seed)
    return Measured(*found)


if __name__ == "__main__":
    launch(run, EvaluateModelConfig)
