"""Draws the day's new borrowers from the held-out stream, without their labels.

Reads one dataset version of ``test``. Writes the day's partition of ``test_sample`` and its manifest. Fails when the
dataset version does not exist, or when the sample would be empty. Then nothing is written.
"""

from __future__ import annotations

import logging

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import SampleNewDataConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.column_names import ID
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.objects import Objects
from spark_jobs.io import tables
from spark_jobs.launch import launch
from spark_jobs.transforms.borrowers.samples import to_new_borrowers
from spark_jobs.transforms.ids import ROW_DIGEST, digest_of, digest_sums, with_row_digest

log = logging.getLogger(__name__)


def run(spark: SparkSession, config: SampleNewDataConfig) -> JobResult:
    """Writes one business date's new borrowers."""
    objects, addresses = Objects(), config.addresses
    dataset = objects.get_json(addresses.dataset_manifest(config.dataset, config.dataset_version))
    new_borrowers = with_row_digest(_drawn(spark, config, DatasetDescription.from_dict(dataset["description"])))
    counted = _counted(new_borrowers.persist())
    held_out = dataset["rows"]["test"]
    if counted["rows"] == 0:
        raise BadConfiguration(
            f"a fraction of {config.fraction:g} of {held_out:,} held-out borrowers draws nobody for {config.as_of}:"
            " raise the fraction"
        )
    log.info("drew %s rows for %s", counted["rows"], config.as_of)
    written = tables.overwrite_partition(
        new_borrowers.drop(ROW_DIGEST), addresses, Table.TEST_SAMPLE, config.dataset, config.as_of
    )
    if written.rows != counted["rows"]:
        raise RuntimeError(f"{counted['rows']} rows were to be written, {written.rows} are there")
    address = addresses.partition_manifest(Table.TEST_SAMPLE, config.dataset, config.as_of)
    how = {name: getattr(config, name) for name in ("dataset_version", "fraction", "with_replacement", "seed")}
    objects.put_json(address, written.to_manifest(digest=digest_of(counted, counted["rows"]), **how))
    figures = {
        "rows": written.rows,
        "borrowers": counted["borrowers"],
        "drawn from held-out borrowers": held_out,
        "fraction": config.fraction,
        "with replacement": "yes" if config.with_replacement else "no",
        "dataset version": config.dataset_version,
    }
    return JobResult(figures, {"rows": str(written.rows)})


def _drawn(spark: SparkSession, config: SampleNewDataConfig, description: DatasetDescription) -> DataFrame:
    held_out = tables.read_partition(
        spark,
        config.addresses.table(Table.TEST, config.dataset),
        {Table.TEST.partition_column: config.dataset_version},
        what="run generate_data first",
    )
    return to_new_borrowers(
        held_out,
        columns=(*description.features, *description.dates),
        as_of=config.as_of,
        fraction=config.fraction,
        with_replacement=config.with_replacement,
        seed=config.seed,
    )


def _counted(new_borrowers: DataFrame) -> Row:
    counts = (F.count("*").alias("rows"), F.count_distinct(ID).alias("borrowers"))
    return new_borrowers.agg(*counts, *digest_sums()).collect()[0]


if __name__ == "__main__":
    launch(run, SampleNewDataConfig)
