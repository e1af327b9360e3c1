"""Care of a table is a write like any other, and leaves the rows as they are."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from arrears.contracts.addresses import Addresses
from arrears.contracts.job_configs.jobs import MaintainTablesConfig
from spark_jobs.io.commits import table_version
from spark_jobs.io.compaction import compact
from spark_jobs.io.source_tables import overwrite_source_table
from spark_jobs.jobs import maintain_tables


def test_tables_are_cared_for_and_their_rows_stay_as_they_are(delta_spark: SparkSession, tmp_path: Path) -> None:
    addresses = Addresses(tmp_path.as_uri())
    for rows in (3, 5):
        overwrite_source_table(delta_spark.range(rows), addresses, "bank", "people")
    uri = addresses.source_table("bank", "people")
    config = MaintainTablesConfig(root=tmp_path.as_uri(), dataset="bank")

    assert maintain_tables.run(delta_spark, config).figures["tables"] == 1
    assert table_version(uri) == 3
    assert delta_spark.read.format("delta").load(uri).count() == 5
    assert delta_spark.read.format("delta").option("versionAsOf", 0).load(uri).count() == 3


def test_small_files_are_joined_and_counted_and_joining_again_changes_nothing(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    uri = (tmp_path / "table").as_uri()
    delta_spark.range(0, 9, 1, 3).write.format("delta").save(uri)
    assert [compact(delta_spark, uri), compact(delta_spark, uri)] == [3, 0]
    assert delta_spark.read.format("delta").load(uri).count() == 9
