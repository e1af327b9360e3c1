"""Measures a trained model on held-out borrowers, and the present champion beside it on the same rows.

Reads one version of the held-out set and the models; writes figures, plots and the report page to MLflow and to
``artifacts``. Fails when the held-out set is absent or holds one class only.
"""

from __future__ import annotations

import json

from pyspark.sql import SparkSession

from arrears.contracts.catalogue import Table, registered_model
from arrears.contracts.descriptions import ID, LABEL
from arrears.contracts.facts import JobResult
from arrears.contracts.jobs import EvaluateModelConfig
from arrears.model.curves import Curves
from arrears.model.decisions import decide
from arrears.model.metrics import Evaluation
from arrears.reports.figures import model_plots
from arrears.reports.model_page import ModelPage, render_model_page
from arrears.scoring.batch import check_columns
from arrears.scoring.document import ModelDocument
from arrears.stores.models import ModelFiles, Models
from arrears.stores.objects import Objects
from spark_jobs.engines.catboost import importance
from spark_jobs.engines.contract import Snapshot
from spark_jobs.engines.scoring import score_snapshot
from spark_jobs.evaluation import evaluate
from spark_jobs.io import snapshots
from spark_jobs.launch import launch

MAILED = ("roc_curve.png", "score_histogram.png", "report.html")
CONTENT_TYPES = {"png": "image/png", "html": "text/html; charset=utf-8", "json": "application/json"}


def run(spark: SparkSession, config: EvaluateModelConfig) -> JobResult:
    """Scores the held-out rows with both models and compares them."""
    objects, models = Objects(), Models()
    held_out = snapshots.pin_partition(
        spark,
        config.catalogue.table(Table.TEST, config.dataset),
        {"dataset_version": config.dataset_version},
        what="run generate_data",
    )
    files = models.files_of_run(config.mlflow_run_id)
    evaluation, curves = _measured(spark, config, held_out, files)
    champion = _champion(spark, config, held_out, models)
    report = _report(config, objects, models, files, (evaluation, curves), champion)
    metrics = {**evaluation.to_dict(), **_prefixed(champion)}
    tags = {
        "arrears.evaluated_on": config.dataset_version,
        "arrears.compared_with": config.champion_version or "",
    }
    models.log_results(config.mlflow_run_id, metrics, report, tags)
    kept = {**report, "model.cbm": files.model, "document.json": files.document.encode()}
    for name, body in kept.items():
        objects.put(f"{config.catalogue.model_folder(config.dataset, config.mlflow_run_id)}/{name}", body)
    for name, body in report.items():
        objects.put(f"{config.report_folder}/{name}", body, content_type=CONTENT_TYPES[name.rpartition(".")[2]])
    mailed = [f"{config.report_folder}/{name}" for name in MAILED]
    return JobResult(metrics, attachments=tuple(mailed), links={"MLflow run": models.run_url(config.mlflow_run_id)})


def _report(
    config: EvaluateModelConfig,
    objects: Objects,
    models: Models,
    files: ModelFiles,
    candidate: tuple[Evaluation, Curves],
    champion: tuple[Evaluation, Curves] | None,
) -> dict[str, bytes]:
    """The report page, its plots and the figures, by file name."""
    evaluation, curves = candidate
    manifest = objects.get_json(config.catalogue.dataset_manifest(config.dataset, config.dataset_version))
    floors = manifest["description"]["floors"]
    _, parameters, tags = models.run_facts(config.mlflow_run_id)
    weights = importance(files.model, ModelDocument.from_json(files.document))
    plots = model_plots(evaluation, curves, importance=weights, champion=champion[1] if champion else None)
    page = ModelPage(
        title=f"Default model of {config.dataset}",
        dataset=config.dataset,
        dataset_version=config.dataset_version,
        evaluation=evaluation,
        plots=plots,
        floors=floors,
        champion=champion[0] if champion else None,
        champion_name=f"version {config.champion_version}",
        decision=decide(evaluation.to_dict(), champion[0].to_dict() if champion else None, floors),
        parameters=parameters,
        importance=weights,
        provenance={
            "MLflow run": config.mlflow_run_id,
            "source": manifest.get("source", ""),
            "commit": tags.get("mlflow.source.git.commit", ""),
            "package": f"arrears {tags.get('arrears.version', '')}",
        },
    )
    return {
        "report.html": render_model_page(page).encode(),
        "metrics.json": json.dumps(evaluation.to_dict(), indent=1).encode(),
        **{f"{name}.png": body for name, body in plots.items()},
    }


def _champion(
    spark: SparkSession, config: EvaluateModelConfig, held_out: Snapshot, models: Models
) -> tuple[Evaluation, Curves] | None:
    if config.champion_version is None:
        return None
    files = models.files_of_version(registered_model(config.dataset), config.champion_version)
    return _measured(spark, config, held_out, files)


def _measured(
    spark: SparkSession, config: EvaluateModelConfig, held_out: Snapshot, files: ModelFiles
) -> tuple[Evaluation, Curves]:
    document = ModelDocument.from_json(files.document)
    check_columns(snapshots.schema_of(held_out), document)
    scored = score_snapshot(
        spark, held_out, files.model, document, snapshots.read_slices, carry={ID: "string", LABEL: "int"}
    )
    return evaluate(scored, id=ID, threshold=config.threshold, replicates=config.replicates, seed=config.seed)


def _prefixed(champion: tuple[Evaluation, Curves] | None) -> dict[str, float]:
    if champion is None:
        return {}
    return {f"champion_{name}": value for name, value in champion[0].to_dict().items()}


if __name__ == "__main__":
    launch(run, EvaluateModelConfig)
