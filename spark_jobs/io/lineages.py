"""Keeps the lineage of a model beside its files, and finds it again."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadInput, UpstreamNotReady
from arrears.contracts.job_configs.job_config import JobConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.lineage import CUSTOMER, KEY, KIND, ROW, Lineage
from arrears.stores.objects import Objects
from spark_jobs.io import tables
from spark_jobs.io.session import hadoop_pattern, hadoop_uri
from spark_jobs.transforms.training.lineage_rows import to_lineage

log = logging.getLogger(__name__)


def keep_lineage(
    spark: SparkSession, config: JobConfig, description: DatasetDescription, dataset_version: str, run_id: str
) -> Lineage:
    """Writes the ids of every training row of a version, and of its customers, beside the model of a run.

    Raises:
        UpstreamNotReady: the training set has no such version.
    """
    rows = tables.read_version(spark, config.addresses, Table.TRAIN, config.dataset, dataset_version)
    address = f"{config.addresses.model_folder(config.dataset, run_id)}/lineage"
    # Sorted, neighbours share most of their digits: the files shrink, and one id is found without reading all.
    ids = to_lineage(rows, description.group).orderBy(KIND, KEY)
    ids.write.mode("overwrite").option("compression", "zstd").parquet(hadoop_uri(address))
    counted = _counted(spark.read.parquet(hadoop_pattern(address)))
    return Lineage(address, counted.get(ROW, 0), counted.get(CUSTOMER, 0))


def lineage_of(
    spark: SparkSession, config: JobConfig, description: DatasetDescription, tags: Mapping[str, str]
) -> DataFrame | None:
    """What the model of an MLflow run has learnt from: ``kind`` and ``key``, see `Lineage`.

    An earlier version of Arrears kept no lineage. Its model has learnt from the training rows of its dataset version.

    Args:
        tags: of the MLflow run.

    Returns:
        None where neither its lineage nor those training rows are there any more.

    Raises:
        BadInput: the files do not hold what was written.
    """
    lineage = Lineage.of(tags)
    if lineage is not None and Objects().list(lineage.address):
        ids = spark.read.parquet(hadoop_pattern(lineage.address))
        counted = _counted(ids)
        if (counted.get(ROW, 0), counted.get(CUSTOMER, 0)) != (lineage.rows, lineage.customers):
            raise BadInput(
                f"the lineage at {lineage.address} is damaged: {counted} ids, and {lineage.rows} rows and"
                f" {lineage.customers} customers were written"
            )
        return ids
    version = tags.get("arrears.dataset_version", "")
    try:
        rows = tables.read_version(spark, config.addresses, Table.TRAIN, config.dataset, version)
    except UpstreamNotReady as error:
        log.warning("it is not known which rows the model has learnt from: %s", error)
        return None
    log.info("the model keeps no lineage: it has learnt from the training rows of version %s", version)
    return to_lineage(rows, description.group)


def _counted(ids: DataFrame) -> dict[str, int]:
    return {row[KIND]: row["count"] for row in ids.groupBy(KIND).count().collect()}
