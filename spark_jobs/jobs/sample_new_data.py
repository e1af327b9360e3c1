"""Takes in the day's new borrowers: a bank's own applicants, or a sample of the held-out set without its labels.

Reads one dataset version of ``test``, or the delivery of the business date, which must have that version's columns.
Writes the day's partition of ``test_sample`` and its manifest. Fails when the dataset version does not exist, when the
sample would be empty, or when the delivery is late, empty, doubled, a part, or has other columns. Then nothing is
written, and what an earlier delivery of the day has left stays.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table
from arrears.contracts.daily_deliveries import SAMPLE
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import SampleNewDataConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.column_names import ID
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.objects import Objects
from spark_jobs.data.applicant_delivery import delivered_applicants
from spark_jobs.io import tables
from spark_jobs.launch import launch
from spark_jobs.transforms.borrowers.samples import to_new_borrowers
from spark_jobs.transforms.ids import ROW_DIGEST, digest_of, digest_sums, with_row_digest

log = logging.getLogger(__name__)

_DRAWN_FROM = {"test": "drawn from held-out borrowers", "unlabelled": "drawn from borrowers without a label"}


def run(spark: SparkSession, config: SampleNewDataConfig) -> JobResult:
    """Writes one business date's new borrowers."""
    objects = Objects()
    dataset = objects.get_json(config.addresses.dataset_manifest(config.dataset, config.dataset_version))
    if config.source == SAMPLE:
        return _draw(spark, config, dataset, objects)
    return _take_in(spark, config, dataset, objects)


def _draw(spark: SparkSession, config: SampleNewDataConfig, dataset: Mapping[str, Any], objects: Objects) -> JobResult:
    drawn_from = _rows_to_draw_from(dataset, config)
    new_borrowers = with_row_digest(_drawn(spark, config, DatasetDescription.from_dict(dataset["description"])))
    counted = _counted(new_borrowers.persist())
    if counted["rows"] == 0:
        raise BadConfiguration(
            f"a fraction of {config.fraction:g} of {drawn_from:,} borrowers of {config.drawn_from} draws nobody for"
            f" {config.as_of}: raise the fraction"
        )
    log.info("drew %s rows for %s", counted["rows"], config.as_of)
    how = {
        name: getattr(config, name)
        for name in ("dataset_version", "drawn_from", "fraction", "with_replacement", "seed")
    }
    digest = digest_of(counted, counted["rows"])
    rows = _write(new_borrowers.drop(ROW_DIGEST), counted["rows"], config, objects, digest=digest, **how)
    figures = {
        "rows": rows,
        "borrowers": counted["borrowers"],
        _DRAWN_FROM[config.drawn_from]: drawn_from,
        "fraction": config.fraction,
        "with replacement": "yes" if config.with_replacement else "no",
        "dataset version": config.dataset_version,
    }
    return JobResult(figures, {"rows": str(rows)})


def _take_in(
    spark: SparkSession, config: SampleNewDataConfig, dataset: Mapping[str, Any], objects: Objects
) -> JobResult:
    applicants = delivered_applicants(spark, config, dataset, objects)
    delivery = applicants.delivery
    for note in delivery.notes:
        log.info("%s", note)
    how = {"digest": applicants.digest, "dataset_version": config.dataset_version, **delivery.as_manifest()}
    try:
        delivery.require_unchanged(objects)
        rows = _write(applicants.rows.drop(ROW_DIGEST), applicants.count, config, objects, **how)
    finally:
        applicants.rows.unpersist()
    figures: dict[str, float | int | str | None] = {
        "rows": rows,
        "borrowers": applicants.borrowers,
        **delivery.as_figures(),
        "dataset version": config.dataset_version,
    }
    return JobResult(figures, {"rows": str(rows)})


def _write(rows: DataFrame, count: int, config: SampleNewDataConfig, objects: Objects, **how: Any) -> int:
    """Replaces the day by these rows in one commit, then tells what it holds in its manifest."""
    written = tables.overwrite_partition(rows, config.addresses, Table.TEST_SAMPLE, config.dataset, config.as_of)
    if written.rows != count:
        raise RuntimeError(f"{count} rows were to be written, {written.rows} are there")
    address = config.addresses.partition_manifest(Table.TEST_SAMPLE, config.dataset, config.as_of)
    objects.put_json(address, written.to_manifest(**how))
    return written.rows


def _drawn(spark: SparkSession, config: SampleNewDataConfig, description: DatasetDescription) -> DataFrame:
    table = Table(config.drawn_from)
    borrowers = tables.read_partition(
        spark,
        config.addresses.table(table, config.dataset),
        {table.partition_column: config.dataset_version},
        what="run generate_data first",
    )
    return to_new_borrowers(
        borrowers,
        columns=(*description.features, *description.dates),
        as_of=config.as_of,
        fraction=config.fraction,
        with_replacement=config.with_replacement,
        seed=config.seed,
    )


def _rows_to_draw_from(dataset: Mapping[str, Any], config: SampleNewDataConfig) -> int:
    kept = {"test": dataset["rows"]["test"], "unlabelled": dataset.get("unlabelled", {}).get("rows", 0)}
    if not kept[config.drawn_from]:
        raise BadConfiguration(
            f"dataset version {config.dataset_version} keeps no row without a label: generate it with unlabelled:"
            " leave_out from a source that holds some, or draw from test"
        )
    return int(kept[config.drawn_from])


def _counted(new_borrowers: DataFrame) -> Row:
    counts = (F.count("*").alias("rows"), F.count_distinct(ID).alias("borrowers"))
    return new_borrowers.agg(*counts, *digest_sums()).collect()[0]


if __name__ == "__main__":
    launch(run, SampleNewDataConfig)
