"""A write replaces exactly one partition, or nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import BooleanType, StructField, StructType

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.errors import BadInput, UpstreamNotReady
from arrears.stores.objects import Objects
from spark_jobs.io import tables
from spark_jobs.io.commits import table_version
from spark_jobs.io.snapshots import materialise, pin_partition, read_slices
from spark_jobs.io.tables import (
    active_files,
    live_files,
    overwrite_partition,
    read_partition,
    rows_at,
)
from spark_jobs.schemas import FIXED_COLUMNS

DATASET = "small_bank"
COLUMNS = "sample_id string, borrower_id string, age long"


@pytest.fixture
def addresses(tmp_path: Path, delta_spark: SparkSession) -> Addresses:
    return Addresses(tmp_path.as_uri())


@pytest.fixture
def address(addresses: Addresses) -> str:
    return addresses.table(Table.TEST_SAMPLE, DATASET)


def a_day(spark: SparkSession, *ids: str, columns: str = COLUMNS) -> DataFrame:
    return spark.createDataFrame([(name, name, 40) for name in ids], columns)


def write(rows: DataFrame, addresses: Addresses, as_of: str) -> tables.WrittenPartition:
    return overwrite_partition(rows, addresses, Table.TEST_SAMPLE, DATASET, as_of)


def ids(spark: SparkSession, address: str, as_of: str) -> list[str]:
    return sorted(row["sample_id"] for row in read_partition(spark, address, {"as_of": as_of}, what="").collect())


def test_a_second_write_of_a_day_replaces_it_and_leaves_the_others(
    delta_spark: SparkSession, addresses: Addresses, address: str
) -> None:
    write(a_day(delta_spark, "a", "b"), addresses, "2026-01-01")
    write(a_day(delta_spark, "c"), addresses, "2026-01-02")
    written = write(a_day(delta_spark, "d", "e", "f"), addresses, "2026-01-01")
    assert written.rows == 3
    assert ids(delta_spark, address, "2026-01-01") == ["d", "e", "f"]
    assert ids(delta_spark, address, "2026-01-02") == ["c"]


def test_a_run_that_pinned_the_day_before_it_was_replaced_still_reads_its_rows(
    delta_spark: SparkSession, addresses: Addresses, address: str
) -> None:
    write(a_day(delta_spark, "a", "b"), addresses, "2026-01-01")
    pinned = pin_partition(delta_spark, address, {"as_of": "2026-01-01"}, what="")
    write(a_day(delta_spark, "c"), addresses, "2026-01-01")
    assert sorted(read_slices(pinned.slices, ["sample_id"]).column(0).to_pylist()) == ["a", "b"]
    assert pin_partition(delta_spark, address, {"as_of": "2026-01-01"}, what="").rows == 1


def test_a_version_that_is_gone_is_said_to_be_gone(
    delta_spark: SparkSession, addresses: Addresses, address: str
) -> None:
    write(a_day(delta_spark, "a"), addresses, "2026-01-01")
    with pytest.raises(BadInput, match="has no version 7 any more"):
        rows_at(delta_spark, address, 7)


def test_a_manifest_names_the_files_that_hold_the_rows_and_no_replaced_ones(
    delta_spark: SparkSession, addresses: Addresses, address: str
) -> None:
    first = write(a_day(delta_spark, "a"), addresses, "2026-01-01")
    second = write(a_day(delta_spark, "b"), addresses, "2026-01-01")
    assert not {uri for uri, _ in first.files} & {uri for uri, _ in second.files}
    assert all(Objects().size(uri) == size for uri, size in second.files)
    assert len(Objects().list(f"{address}/as_of=2026-01-01")) > len(second.files)  # the replaced file is still there


def test_a_column_that_a_newer_version_adds_is_empty_in_days_of_before(
    delta_spark: SparkSession, addresses: Addresses, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(a_day(delta_spark, "a"), addresses, "2026-01-01")
    wider = a_day(delta_spark, "b").selectExpr("*", "true AS is_checked")
    with pytest.raises(BadInput, match="column is_checked is not expected"):
        write(wider, addresses, "2026-01-02")
    known = StructType([*FIXED_COLUMNS[Table.TEST_SAMPLE], StructField("is_checked", BooleanType())])
    monkeypatch.setitem(FIXED_COLUMNS, Table.TEST_SAMPLE, known)
    write(wider, addresses, "2026-01-02")
    for as_of, expected in (("2026-01-01", None), ("2026-01-02", True)):
        (row,) = read_partition(delta_spark, address, {"as_of": as_of}, what="").collect()
        assert row["is_checked"] is expected


def test_other_columns_are_named_and_nothing_is_written(
    delta_spark: SparkSession, addresses: Addresses, address: str
) -> None:
    write(a_day(delta_spark, "a"), addresses, "2026-01-01")
    with pytest.raises(BadInput) as error:
        write(a_day(delta_spark, "b", columns=COLUMNS.replace("age long", "years int")), addresses, "2026-01-01")
    assert error.value.problems[:2] == ("column age is missing", "column years is not expected")
    with pytest.raises(BadInput, match="column age is int, expected bigint"):
        write(a_day(delta_spark, "b", columns=COLUMNS.replace("long", "int")), addresses, "2026-01-02")
    assert table_version(address) == 0
    assert ids(delta_spark, address, "2026-01-01") == ["a"]


def test_a_table_is_never_written_without_the_columns_it_always_has(
    delta_spark: SparkSession, addresses: Addresses, address: str
) -> None:
    with pytest.raises(RuntimeError, match="borrower_id is missing; column sample_id is bigint"):
        write(delta_spark.range(1).withColumnRenamed("id", "sample_id"), addresses, "2026-01-01")
    assert table_version(address) is None


def test_versions_count_commits_also_past_a_checkpoint(
    delta_spark: SparkSession, addresses: Addresses, address: str
) -> None:
    for number in range(12):
        written = write(a_day(delta_spark, f"b{number}"), addresses, "2026-01-01")
        assert written.delta_version == table_version(address) == number
    assert ids(delta_spark, address, "2026-01-01") == ["b11"]


def test_an_absent_table_and_an_empty_day_say_which_run_writes_them(
    delta_spark: SparkSession, addresses: Addresses, address: str
) -> None:
    with pytest.raises(UpstreamNotReady, match="does not exist: run new_data"):
        read_partition(delta_spark, address, {"as_of": "2026-01-01"}, what="run new_data")
    write(a_day(delta_spark, "a"), addresses, "2026-01-01")
    with pytest.raises(UpstreamNotReady, match="holds no row of as_of=2026-01-02: run new_data"):
        read_partition(delta_spark, address, {"as_of": "2026-01-02"}, what="run new_data")
    with pytest.raises(UpstreamNotReady, match="holds no row of as_of=2026-01-02: run new_data"):
        pin_partition(delta_spark, address, {"as_of": "2026-01-02"}, what="run new_data")


def test_a_materialised_snapshot_holds_each_shard_by_itself(delta_spark: SparkSession, tmp_path: Path) -> None:
    rows = delta_spark.createDataFrame([(number, number % 3 - 1) for number in range(30)], "row_order long, shard int")
    pinned = materialise(rows, (tmp_path / "x").as_uri(), digest="d", sort_key="row_order")
    assert pinned.rows == 30
    for shard in range(-1, 2):
        read = read_slices(pinned.shard(shard), ["row_order"]).column(0).to_pylist()
        assert sorted(read) == [number for number in range(30) if number % 3 - 1 == shard]


def test_files_that_are_live_are_those_that_spark_reads_after_a_compaction(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    address = (tmp_path / "table").as_uri()
    for number in range(3):
        rows = delta_spark.range(number, number + 9, 1, 3).selectExpr("id", f"{number} % 2 AS shard")
        rows.write.format("delta").partitionBy("shard").mode("append").save(address)
    delta_spark.sql(f"OPTIMIZE delta.`{address}` WHERE shard = 0")
    version = table_version(address)
    assert version == 3
    live = live_files(address, version)
    read = delta_spark.read.format("delta").load(address).inputFiles()
    assert {Path(file["path"]).name for file in live} == {Path(file).name for file in read}
    assert sorted(file["partitionValues"]["shard"] for file in live) == ["0", "1", "1", "1"]


def test_files_are_counted_in_rows(delta_spark: SparkSession, addresses: Addresses, address: str) -> None:
    write(a_day(delta_spark, "a", "b", "c").repartition(2), addresses, "2026-01-01")
    assert sum(rows for _, _, rows in active_files(delta_spark, address, {"as_of": "2026-01-01"}, 0)) == 3
