"""The feature store: one Delta table a view, a row per entity and moment, merged by processing date.

A merge touches the partition of its date alone: rows that changed are updated, new ones inserted, those that are gone
deleted. A repeated run with the same rows changes no row, so the table is the same however often a date is built.

See docs/adr/0012.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadInput, UpstreamNotReady
from arrears.contracts.tables.features import View
from spark_jobs.io.commits import commit, table_version
from spark_jobs.io.session import hadoop_uri
from spark_jobs.io.tables import rows_at
from spark_jobs.schemas import differences
from spark_jobs.transforms.bank.stored_features import BUILT_FOR
from spark_jobs.transforms.ids import ROW_DIGEST

PROCESSING_DATE, STORED_DIGEST = "as_of", "row_digest"
_MERGED = "arrears_merged_features"
_ATTEMPTS = 5  # Delta takes merges of two dates for a conflict; the rows are computed by then


@dataclass(frozen=True)
class StoredFeatures:
    """A view's stored rows at one version.

    Attributes:
        builds: the dates that are built there, rising.
    """

    rows: DataFrame
    version: int
    builds: tuple[date, ...]


def read_features(
    spark: SparkSession, addresses: Addresses, bank: str, view: View, *, version: int | None = None
) -> StoredFeatures:
    """A view's stored features: entity, ``event_time`` and the view's columns.

    Raises:
        UpstreamNotReady: the view has never been built.
    """
    uri = addresses.feature_table(bank, view.name)
    pinned = table_version(uri) if version is None else version
    if pinned is None:
        raise UpstreamNotReady(f"{uri} does not exist: run build_features for the dates that decisions need")
    rows = rows_at(spark, uri, pinned)
    builds = sorted(date.fromisoformat(row[0]) for row in rows.select(PROCESSING_DATE).distinct().collect())
    return StoredFeatures(rows.select(view.entity, BUILT_FOR, *view.feature_names), pinned, tuple(builds))


def merge_features(
    rows: DataFrame, addresses: Addresses, bank: str, view: View, *, as_of: str, allow_new_columns: bool
) -> int:
    """Merges one processing date's features into the store. Returns the Delta version that holds them.

    Args:
        rows: entity, ``event_time``, the view's columns and their digest. Unique by entity and event time.

    Raises:
        BadInput: the stored table has other columns. Nothing is written. New ones are added where allowed.
        Contended: another writer has written the view's table meanwhile.
    """
    uri = addresses.feature_table(bank, view.name)
    dated = rows.withColumnRenamed(ROW_DIGEST, STORED_DIGEST).withColumn(PROCESSING_DATE, F.lit(as_of))
    grows = _refuse_other_columns(dated, uri, allow_new_columns=allow_new_columns)

    def write() -> None:
        if table_version(uri) is None:
            dated.write.format("delta").partitionBy(PROCESSING_DATE).save(hadoop_uri(uri))
        else:
            _merge(dated, uri, view, as_of=as_of, grows=grows)

    return commit(rows.sparkSession, uri, write, attempts=_ATTEMPTS)


def _merge(rows: DataFrame, uri: str, view: View, *, as_of: str, grows: bool) -> None:
    rows.createOrReplaceTempView(_MERGED)
    try:
        # The literal date lets Delta read and lock the one partition; as_of is a checked date.
        rows.sparkSession.sql(
            f"""
            MERGE {"WITH SCHEMA EVOLUTION" if grows else ""} INTO delta.`{hadoop_uri(uri)}` AS stored
            USING {_MERGED} AS new
            ON stored.{PROCESSING_DATE} = '{as_of}' AND new.{PROCESSING_DATE} = '{as_of}'
                AND stored.`{view.entity}` = new.`{view.entity}` AND stored.{BUILT_FOR} = new.{BUILT_FOR}
            WHEN MATCHED AND stored.{STORED_DIGEST} <> new.{STORED_DIGEST} THEN UPDATE SET *
            WHEN NOT MATCHED THEN INSERT *
            WHEN NOT MATCHED BY SOURCE AND stored.{PROCESSING_DATE} = '{as_of}' THEN DELETE
            """
        )
    finally:
        rows.sparkSession.catalog.dropTempView(_MERGED)


def _refuse_other_columns(rows: DataFrame, uri: str, *, allow_new_columns: bool) -> bool:
    """Whether the rows bring columns that the stored table does not have yet."""
    if table_version(uri) is None:
        return False
    stored = rows.sparkSession.read.format("delta").load(hadoop_uri(uri)).schema
    new = [name for name in rows.columns if name not in stored.names]
    problems = differences(rows.drop(*new).schema if allow_new_columns else rows.schema, stored)
    if problems:
        raise BadInput(*problems, f"{uri} holds other columns: allow_new_columns accepts added ones, nothing the rest")
    return bool(new)
