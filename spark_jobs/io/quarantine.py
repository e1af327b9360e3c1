"""Quarantine: rows that broke a rule of their table's contract, put aside for whoever mends the source."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from arrears.stores.objects import Objects
from spark_jobs.io.session import hadoop_uri


def overwrite_quarantine(broken: DataFrame, uri: str, summary: Mapping[str, object], objects: Objects) -> None:
    """Replaces the broken rows of one partition as Parquet, then the counts beside them at ``<uri>.json``."""
    objects.delete(f"{uri}.json")
    broken.write.mode("overwrite").parquet(hadoop_uri(uri))
    objects.put_json(f"{uri}.json", summary)


def remove_quarantine(uri: str, objects: Objects) -> None:
    """Removes what an earlier run of the partition put aside. It is no error if there is nothing."""
    objects.delete(f"{uri}.json")
    for file in objects.list(uri):
        objects.delete(file.uri)
