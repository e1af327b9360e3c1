"""Delta tables: the only reads and writes of the pipeline's datasets. A write replaces exactly one partition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import unquote

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.errors import BadInput, Contended, UpstreamNotReady
from spark_jobs.io.commits import actions_of, commit, table_version
from spark_jobs.io.session import fit_batches, hadoop_uri
from spark_jobs.schemas import FIXED_COLUMNS, differences


@dataclass(frozen=True)
class WrittenPartition:
    """What one overwrite left: rows, the Delta version that holds them, and their files (address, bytes)."""

    rows: int
    delta_version: int
    files: tuple[tuple[str, int], ...]

    def to_manifest(self, **more: Any) -> dict[str, Any]:
        """What stands in the partition's manifest."""
        files = [{"uri": uri, "size": size} for uri, size in self.files]
        return {"rows": self.rows, "delta_version": self.delta_version, "files": files, **more}


def rows_at(spark: SparkSession, uri: str, version: int) -> DataFrame:
    """The rows of a Delta table at one version.

    Raises:
        BadInput: the table's history does not reach back to it any more.
    """
    try:
        rows = spark.read.format("delta").option("versionAsOf", version).load(hadoop_uri(uri))
    except AnalysisException as error:
        if not (error.getCondition() or "").startswith("DELTA_VERSION"):
            raise
        raise BadInput(
            f"{uri} has no version {version} any more: Delta keeps a table's history for a time only;"
            " build the data set again from the present tables"
        ) from None
    fit_batches(spark, len(rows.columns))
    return rows


def read_partition(
    spark: SparkSession, uri: str, partition: Mapping[str, str], *, what: str, version: int | None = None
) -> DataFrame:
    """The rows of one partition of a Delta table, at one version.

    Raises:
        UpstreamNotReady: the table or the partition does not exist or holds no row. ``what`` tells which run writes it.
    """
    pinned = table_version(uri) if version is None else version
    if pinned is None:
        raise UpstreamNotReady(f"{uri} does not exist: {what}")
    rows = rows_at(spark, uri, pinned).where(_is_in(partition))
    if rows.isEmpty():
        named = ", ".join(f"{k}={v}" for k, v in partition.items())
        raise UpstreamNotReady(f"{uri} holds no row of {named}: {what}")
    return rows


def read_version(spark: SparkSession, addresses: Addresses, table: Table, dataset: str, version: str) -> DataFrame:
    """The rows of one version of a data set, of its training or its held-out table.

    Raises:
        UpstreamNotReady: there is no such version.
    """
    address = addresses.table(table, dataset)
    return read_partition(spark, address, {table.partition_column: version}, what="run generate_data")


def overwrite_partition(
    rows: DataFrame, addresses: Addresses, table: Table, dataset: str, partition: str
) -> WrittenPartition:
    """Replaces one partition of a table by these rows in one atomic commit.

    Args:
        rows: the partition's rows without the partition column, which is added here.

    Raises:
        BadInput: the table has other columns. Nothing is written.
        Contended: another writer has written this partition, or changed the table's columns, meanwhile.
        RuntimeError: a column that the table always has is missing or of another type.
    """
    uri = addresses.table(table, dataset)
    column = table.partition_column
    complete = rows.withColumn(column, F.lit(partition))
    writer = (
        complete.write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", f"{column} = '{partition}'")
        .option("mergeSchema", _is_wider(uri, table, complete))
        .partitionBy(column)
    )
    is_new, spark = table_version(uri) is None, rows.sparkSession
    try:
        version = commit(spark, uri, lambda: writer.save(hadoop_uri(uri)))
    except Contended:
        # Who makes the table stands in everybody's way, though only a writer of this very partition is a rival.
        if not is_new or _holds(uri, column, partition):
            raise
        version = commit(spark, uri, lambda: writer.save(hadoop_uri(uri)))
    return written_by(uri, version)


def written_by(uri: str, version: int) -> WrittenPartition:
    """Rows and files of a commit that replaced a whole partition or table, read off Delta's log: no Spark job."""
    added = [action["add"] for action in actions_of(uri, version) if "add" in action]
    files = sorted((f"{uri}/{unquote(add['path'])}", int(add["size"])) for add in added)
    return WrittenPartition(sum(int(json.loads(add["stats"])["numRecords"]) for add in added), version, tuple(files))


def live_files(uri: str, version: int) -> list[dict[str, Any]]:
    """What Delta's log holds of each file of a table: ``path``, ``partitionValues`` …, without a Spark job.

    For tables of few commits, which are replayed from the first: a cluster may compact files right after a write.
    """
    live: dict[str, dict[str, Any]] = {}
    for number in range(version + 1):
        for action in actions_of(uri, number):
            if "add" in action:
                live[action["add"]["path"]] = action["add"]
            elif "remove" in action:
                live.pop(action["remove"]["path"], None)
    return [live[path] for path in sorted(live)]


def _holds(uri: str, column: str, partition: str) -> bool:
    version = table_version(uri)
    files = [] if version is None else live_files(uri, version)
    return any(file["partitionValues"].get(column) == partition for file in files)


def active_files(
    spark: SparkSession, uri: str, partition: Mapping[str, str], version: int
) -> list[tuple[str, int, int]]:
    """Address, bytes and rows of the files that hold a partition at one version. Replaced files are not among them."""
    rows = rows_at(spark, uri, version).where(_is_in(partition))
    files = rows.groupBy("_metadata.file_path", "_metadata.file_size").count().orderBy("file_path").collect()
    return [(_s3_uri(file["file_path"]), int(file["file_size"]), int(file["count"])) for file in files]


def _is_wider(uri: str, table: Table, rows: DataFrame) -> bool:
    """Whether the rows have a column of every table of this kind that one of an earlier version of Arrears lacks.

    Raises:
        BadInput: the table has other columns than the rows in any other way.
    """
    fixed = FIXED_COLUMNS[table]
    missing = differences(rows.select(*(name for name in fixed.names if name in rows.columns)).schema, fixed)
    if missing:
        raise RuntimeError(f"{table.value} was to be written wrongly: {'; '.join(missing)}")
    if table_version(uri) is None:
        return False
    present = rows.sparkSession.read.format("delta").load(hadoop_uri(uri)).schema
    new = [name for name in fixed.names if name not in present.names]
    problems = differences(rows.drop(*new).schema, present)
    if problems:
        raise BadInput(*problems, f"{uri} holds other columns: give data of another shape its own data set name")
    return bool(new)


def _is_in(partition: Mapping[str, str]) -> Column:
    return reduce(Column.__and__, (F.col(name) == F.lit(value) for name, value in partition.items()))


def _s3_uri(path: str) -> str:
    if path.startswith("s3a://"):
        return "s3://" + path.removeprefix("s3a://")
    return (
        "file://" + path.removeprefix("file:") if path.startswith("file:/") and not path.startswith("file://") else path
    )
