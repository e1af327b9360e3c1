"""Care of Delta tables: compaction, removal of files that no version needs, and of folders that killed runs left."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import SparkSession

from arrears.contracts.addresses import Addresses, Table
from arrears.stores.objects import Objects
from spark_jobs.io.commits import actions_of, commit, table_version
from spark_jobs.io.session import hadoop_uri
from spark_jobs.io.snapshots import discard


def delta_tables(addresses: Addresses, dataset: str, objects: Objects) -> dict[str, str]:
    """Every Delta table of a data set that exists: its name, such as ``train-DATASET``, and its address."""
    fixed = {f"{table.value}-{dataset}": addresses.table(table, dataset) for table in Table}
    folders = {"sources": addresses.source_table(dataset, ""), "features": addresses.feature_table(dataset, "")}
    for kind, folder in folders.items():
        names = {file.uri.removeprefix(folder).split("/")[0] for file in objects.list(folder.rstrip("/"))}
        fixed |= {f"{kind}-{dataset}-{name}": folder + name for name in sorted(names)}
    return {name: uri for name, uri in fixed.items() if table_version(uri) is not None}


def compact(spark: SparkSession, uri: str) -> int:
    """Joins small files of a table into larger ones. Returns how many files went.

    Raises:
        Contended: a writer has replaced some of them meanwhile.
    """
    before = table_version(uri)
    version = commit(spark, uri, lambda: spark.sql(f"OPTIMIZE delta.`{hadoop_uri(uri)}`"))
    return 0 if version == before else sum("remove" in action for action in actions_of(uri, version))


def remove_unneeded_files(spark: SparkSession, uri: str, *, retain_hours: int) -> None:
    """Deletes files that no version of the last hours needs. Older versions can no longer be read afterwards."""
    # Delta writes down in the table's log that it begins and ends: two commits.
    commit(spark, uri, lambda: spark.sql(f"VACUUM delta.`{hadoop_uri(uri)}` RETAIN {retain_hours} HOURS"))


def sweep_snapshots(addresses: Addresses, dataset: str, objects: Objects, *, before: datetime) -> list[str]:
    """Removes training snapshots in which nothing was written since. Returns their names."""
    folder = addresses.snapshot(dataset, "")
    newest: dict[str, datetime] = {}
    for file in objects.list(folder.rstrip("/")):
        name = file.uri.removeprefix(folder).split("/")[0]
        newest[name] = max(newest.get(name, file.modified_at), file.modified_at)
    stale = sorted(name for name, modified_at in newest.items() if modified_at < before)
    for name in stale:
        discard(folder + name)
    return stale
