"""A bank's own tables: written whole in one Delta commit, and read from Delta, Parquet or CSV as delivered."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadConfiguration, BadInput, UpstreamNotReady
from arrears.contracts.tables.table_contracts import TableContract
from arrears.sources.compression import TEXT
from arrears.stores.objects import Objects, is_reachable, uri_of
from arrears.stores.source_listing import TEXT_ENDINGS, DeliveredFile, Delivery, delivery
from spark_jobs.io.commits import commit, table_version
from spark_jobs.io.session import hadoop_uri
from spark_jobs.io.source_files import parquet_rows, stored_names
from spark_jobs.io.tables import WrittenPartition, rows_at, written_by
from spark_jobs.io.text_tables import read_text
from spark_jobs.transforms.bank.widening import widened
from spark_jobs.transforms.borrowers.text_columns import as_declared, with_missing_marks_as_null


@dataclass(frozen=True)
class SourceTable:
    """Rows of one table of a bank, where they were read, and the Delta version that holds them.

    Attributes:
        version: None for files that keep no versions.
        notes: what a reader should know: columns that are stored in a narrower type than the declared one.
    """

    rows: DataFrame
    uri: str
    version: int | None
    notes: tuple[str, ...] = ()


def overwrite_source_table(rows: DataFrame, addresses: Addresses, bank: str, table: str) -> WrittenPartition:
    """Replaces a bank's table, columns and all, by these rows in one atomic commit.

    Raises:
        Contended: another writer has written the table meanwhile.
    """
    uri = addresses.source_table(bank, table)
    writer = rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    return written_by(uri, commit(rows.sparkSession, uri, lambda: writer.save(hadoop_uri(uri))))


def read_source_table(
    spark: SparkSession, addresses: Addresses, bank: str, contract: TableContract, *, version: int | None = None
) -> SourceTable:
    """One table of a bank, as it is: whether it keeps its contract is checked elsewhere.

    Args:
        contract: tells where the table lies, and its columns' types: those of a CSV are read as them, narrower ones
            of Delta and Parquet are widened to them where no value can be lost.
        version: of a Delta table. None: the newest.

    Raises:
        UpstreamNotReady: nobody has delivered the Delta table yet.
        BadConfiguration: there is no such file, or a version is asked of a file that has none.
        BadInput: the file is no table, or holds values that do not fit their column's type.
    """
    uri = uri_of(contract.source) if contract.source else addresses.source_table(bank, contract.name)
    pinned = table_version(uri) if version is None else version
    if pinned is not None and (version is None or table_version(uri) is not None):
        return _in_declared_types(rows_at(spark, uri, pinned), contract, uri, pinned)
    if not contract.source:
        raise UpstreamNotReady(f"{uri} does not exist: run generate_bank, or name the source of table {contract.name}")
    if version is not None:
        raise BadConfiguration(f"table {contract.name}: {uri} is no Delta table and has no version {version}")
    rows, notes = _from_files(spark, uri, contract)
    table = _in_declared_types(rows, contract, uri, None)
    told = tuple(f"table {contract.name}: {note}" for note in notes)
    return dataclasses.replace(table, notes=(*told, *table.notes))


def _in_declared_types(rows: DataFrame, contract: TableContract, uri: str, version: int | None) -> SourceTable:
    wide, notes = widened(rows, {column.name: column.type for column in contract.columns})
    return SourceTable(wide, uri, version, tuple(f"table {contract.name}: {note}" for note in notes))


def _from_files(spark: SparkSession, uri: str, contract: TableContract) -> tuple[DataFrame, tuple[str, ...]]:
    try:
        found = delivery(uri, Objects()) if is_reachable(uri) else None
        if (found is not None and found.kind == TEXT) or uri.lower().endswith(TEXT_ENDINGS):
            return _from_text(spark, found or Delivery(TEXT, (DeliveredFile(uri),)), contract)
        return _from_parquet(spark, uri), ()
    except (BadConfiguration, BadInput) as error:
        raise type(error)(*(f"table {contract.name}: {problem}" for problem in error.problems)) from None


def _from_parquet(spark: SparkSession, uri: str) -> DataFrame:
    rows = parquet_rows(spark, uri)
    return rows.toDF(*stored_names(rows.columns))


def _from_text(spark: SparkSession, found: Delivery, contract: TableContract) -> tuple[DataFrame, tuple[str, ...]]:
    names = [column.name for column in contract.columns]
    table = read_text(spark, found.files, expected=names, as_text=True)
    stored = stored_names(table.names)
    texts = with_missing_marks_as_null(table.rows.toDF(*stored), stored)
    kinds = {column.name: column.type for column in contract.columns if column.name in stored}
    casts = {name: F.expr(as_declared(name, kind)) for name, kind in kinds.items()}
    misfits = [F.count_if(F.col(name).isNotNull() & cast.isNull()).alias(name) for name, cast in casts.items()]
    counts = texts.agg(F.count("*").alias("rows of the file"), *misfits).collect()[0]
    problems = [f"column {c}: {counts[c]:,} values are no {kind}" for c, kind in kinds.items() if counts[c]]
    if table.problems or problems:
        raise BadInput(*table.problems, *problems)
    return texts.withColumns(casts), table.notes
