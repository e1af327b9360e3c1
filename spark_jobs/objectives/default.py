"""Who defaults: what a model of it is checked for, trained by, and measured with."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.metrics.cutoffs import cutoff_text
from arrears.scoring.document import ModelDocument
from spark_jobs.data.leak_check import checked_for_leaks
from spark_jobs.io import snapshots
from spark_jobs.io.at_once import at_once
from spark_jobs.io.checkpoints import checkpoints
from spark_jobs.measuring.measured_model import measured_beside
from spark_jobs.measuring.model_report import mail_figures, report_files
from spark_jobs.objectives.objective_rows import rows_of_both_sides
from spark_jobs.objectives.protocol import ComparedModels, FittedObjective, MeasuredObjective, ReadyTraining
from spark_jobs.scoring.sampled_explanations import explained
from spark_jobs.training.documents import document_of
from spark_jobs.training.finishing import finished_document, training_auc, with_points
from spark_jobs.training.fitting import TrainedModel, trained_model
from spark_jobs.training.pinned_rows import PinnedTraining, pinned_rows
from spark_jobs.training.reject_inference import Facts, FirstModel, held_out_aucs, with_rejected_applicants
from spark_jobs.training.training_plan import TrainingPlan, training_plan

MAILED = ("roc_curve.png", "score_histogram.png", "report.html")


def ready(spark: SparkSession, config: TrainModelConfig, description: DatasetDescription) -> ReadyTraining:
    """Refuses choices that do not fit the data set or the engine, and rows that know what they must not.

    Raises:
        BadConfiguration: lists all choices that do not fit.
        BadInput: there are leaks and no reason to train in spite of them. Names them all.
    """
    train, held_out = rows_of_both_sides(spark, config)
    plan = training_plan(config, description, train.schema)
    leaks = checked_for_leaks(train, held_out, config, plan.description)
    return ReadyTraining(partial(fit, spark, plan), leaks)


def fit(spark: SparkSession, plan: TrainingPlan, run_id: str) -> FittedObjective:
    """Pins the rows, trains, and takes calibration, cut-off and quantiles from scores of unseen rows."""
    with (
        checkpoints(spark, plan.run.addresses.snapshot(plan.run.dataset, f"checkpoints-{run_id}")),
        pinned_rows(spark, plan, name=run_id) as pinned,
    ):
        trained, document = _trained(spark, plan, pinned)
        inferred: Facts = {}
        if plan.rejects.reject_inference != "none":
            first = FirstModel(trained, document)
            with with_rejected_applicants(spark, plan, first, name=run_id) as (rows, inferred):
                trained, document = _trained(spark, plan, rows)
            inferred |= held_out_aucs(spark, plan, first, FirstModel(trained, document))
        auc = training_auc(spark, document, trained.fitted.model, pinned.snapshot)
    fitted = with_points(trained.fitted, document)
    fitted = replace(fitted, facts=fitted.facts | inferred | {"train_auc": auc})
    figures = {"engine": fitted.engine, **fitted.facts, "cut-off": cutoff_text(document.cutoff)}
    return FittedObjective(fitted, document, figures)


def _trained(spark: SparkSession, plan: TrainingPlan, pinned: PinnedTraining) -> tuple[TrainedModel, ModelDocument]:
    """A model of the pinned rows, with its calibration and its cut-off."""
    trained = trained_model(spark, plan.engine, pinned.snapshot, pinned.spec, refit=plan.model.refit)
    document = document_of(plan.run, pinned.spec, trained.fitted)
    return trained, finished_document(spark, plan, document, trained, pinned.snapshot, pinned.resampling)


def measure(spark: SparkSession, config: EvaluateModelConfig, models: ComparedModels) -> MeasuredObjective:
    """Scores the held-out rows with both models, compares them, and writes the report."""
    held_out = snapshots.pin_partition(
        spark,
        config.addresses.table(Table.TEST, config.dataset),
        {"dataset_version": config.dataset_version},
        what="run generate_data",
    )
    borrowers, model = snapshots.read_pinned(spark, held_out), models.candidate.model
    (candidate, champion), explanation = at_once(
        spark,
        lambda: measured_beside(
            spark, config, models.description, held_out, models.candidate, models.champion, models.unlearnt
        ),
        lambda: explained(borrowers, model, models.document, seed=config.seed),
    )
    candidate = replace(candidate, explanation=explanation)
    report = report_files(config, models.manifest, model, models.document, candidate, champion, trained=models.trained)
    metrics = candidate.metrics() | (champion.metrics("champion_") if champion else {})
    return MeasuredObjective(metrics, report, mail_figures(candidate, champion), MAILED)
