"""Scores one day's new borrowers with one pinned model.

Reads the day's ``test_sample`` and the model. Writes the day's ``test_sample_inference``, exactly one row per borrower
of the sample, and a histogram. Fails when the day is empty, the columns do not fit the model, or another model has
scored the day.
"""

from __future__ import annotations

from datetime import datetime

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table, registered_model
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import ScoreBorrowersConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.column_names import ID, SCORE
from arrears.model.fitting.risk import CATEGORIES, risk_limits
from arrears.model.metrics.cutoffs import NO_CUTOFF, approval_mark
from arrears.reports import figures
from arrears.scoring.batch import check_columns
from arrears.scoring.document import ModelDocument
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.io import snapshots, tables
from spark_jobs.io.at_once import at_once
from spark_jobs.launch import launch
from spark_jobs.measuring.evaluation import score_histogram
from spark_jobs.schemas import SAMPLE_ID
from spark_jobs.scoring.score_snapshot import score_snapshot
from spark_jobs.transforms.scores.risk_column import risk_category


def run(spark: SparkSession, config: ScoreBorrowersConfig) -> JobResult:
    """Scores the snapshot in the tasks, proves that no row was lost or doubled, and replaces the day."""
    objects, name = Objects(), registered_model(config.dataset)
    _refuse_second_model(objects, config)
    files, sample = at_once(
        spark, lambda: Models().files_of_version(name, config.model_version), lambda: _sample(spark, config)
    )
    document = ModelDocument.from_json(files.document)
    limits = config.risk_limits or risk_limits(document.score_quantiles, config.risk_quantiles)
    check_columns(snapshots.schema_of(sample), document)
    scored = score_snapshot(
        spark, sample, files.model, document, snapshots.read_batches, carry={SAMPLE_ID: "string", ID: "string"}
    )
    rows = _as_published(scored, config, document, limits).persist(StorageLevel.MEMORY_AND_DISK)
    summary = _summary(rows, sample)
    table = Table.TEST_SAMPLE_INFERENCE
    written, counts = at_once(
        spark,
        lambda: tables.overwrite_partition(rows, config.addresses, table, config.dataset, config.as_of),
        lambda: score_histogram(rows),
    )
    address = f"{config.report_folder}/score_histogram.png"
    plot = figures.score_histogram(counts, limits=limits, as_of=config.as_of)
    objects.put(address, plot)
    _keep_manifest(objects, config, written, name)
    mail_figures = {
        "rows scored": written.rows,
        "mean default probability": summary["mean"],
        **{f"{category} risk, borrowers": summary[category] for category in CATEGORIES},
        "risk limits, default probability": f"{100 * limits[0]:.2f} % and {100 * limits[1]:.2f} %",
        **_approved(document, summary),
        "model": f"{name} version {config.model_version}",
    }
    return JobResult(mail_figures, {"rows": str(written.rows)}, attachments=(address,))


def _sample(spark: SparkSession, config: ScoreBorrowersConfig) -> Snapshot:
    return snapshots.pin_partition(
        spark,
        config.addresses.table(Table.TEST_SAMPLE, config.dataset),
        {"as_of": config.as_of},
        what=f"run new_data for {config.as_of}",
    )


def _as_published(
    scored: DataFrame, config: ScoreBorrowersConfig, document: ModelDocument, limits: tuple[float, ...]
) -> DataFrame:
    """A borrower who scores below the model's cut-off is approved. Without a cut-off that is unknown."""
    is_approved = F.lit(None) if document.cutoff is None else F.col(SCORE) < F.lit(document.cutoff.value)
    return scored.select(
        SAMPLE_ID,
        ID,
        SCORE,
        risk_category(SCORE, limits).alias("risk_category"),
        is_approved.cast("boolean").alias("is_approved"),
        F.lit(registered_model(config.dataset)).alias("model_name"),
        F.lit(config.model_version).alias("model_version"),
        F.lit(datetime.fromisoformat(config.scored_at)).alias("scored_at"),
    )


def _approved(document: ModelDocument, summary: Row) -> dict[str, int | str]:
    """How many the cut-off approves, marked where they are few, or that no cut-off is set."""
    if document.cutoff is None:
        return {"approved": NO_CUTOFF}
    mark = approval_mark(summary["approved"] / summary["rows"])
    name = f"approved, below {document.cutoff.value:.4g}"
    return {name: summary["approved"], **({"share approved": mark} if mark else {})}


def _summary(rows: DataFrame, sample: Snapshot) -> Row:
    """Counts of the scored rows. It is an error when they are not exactly the rows of the sample."""
    summary = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_distinct(SAMPLE_ID).alias("ids"),
        F.count_if(F.col(SCORE).between(0, 1)).alias("valid"),
        F.avg(SCORE).alias("mean"),
        F.count_if("is_approved").alias("approved"),
        *(F.count_if(F.col("risk_category") == category).alias(category) for category in CATEGORIES),
    ).first()
    if summary is None or not summary["rows"] == summary["ids"] == summary["valid"] == sample.rows:
        raise RuntimeError(f"{sample.rows} rows were to be scored, the result differs: {summary}")
    return summary


def _refuse_second_model(objects: Objects, config: ScoreBorrowersConfig) -> None:
    address = config.addresses.partition_manifest(Table.TEST_SAMPLE_INFERENCE, config.dataset, config.as_of)
    if not objects.exists(address):
        return
    manifest = objects.get_json(address)
    if manifest["model_version"] == config.model_version:
        return
    if not config.force:
        raise BadConfiguration(
            f"{config.as_of} was scored by version {manifest['model_version']} already, this run has version"
            f" {config.model_version}: set force to score the day again"
        )
    earlier = f"{address.removesuffix('.json')}.by-version-{manifest['model_version']}.json"
    objects.put_json(earlier, manifest)


def _keep_manifest(objects: Objects, config: ScoreBorrowersConfig, written: tables.WrittenPartition, name: str) -> None:
    address = config.addresses.partition_manifest(Table.TEST_SAMPLE_INFERENCE, config.dataset, config.as_of)
    objects.put_json(
        address,
        written.to_manifest(model_name=name, model_version=config.model_version, scored_at=config.scored_at),
    )


if __name__ == "__main__":
    launch(run, ScoreBorrowersConfig, imports=("mlflow.pyfunc", "matplotlib.figure"))
