"""A bank's table is written whole and read as it was delivered: from Delta, Parquet or CSV."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadConfiguration, BadInput, UpstreamNotReady
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from arrears.stores.objects import Objects
from spark_jobs.io.source_tables import SourceTable, overwrite_source_table, read_source_table

TYPES = {
    "id": "bigint", "name": "string", "income": "double", "days": "int", "is_new": "boolean", "born": "date",
    "seen": "timestamp",
}  # fmt: skip
CsvOf = Callable[..., str]


def a_contract(source: str = "") -> TableContract:
    return TableContract("people", tuple(ColumnContract(name, kind) for name, kind in TYPES.items()), ("id",), source)


@pytest.fixture
def addresses(tmp_path: Path) -> Addresses:
    return Addresses((tmp_path / "root").as_uri())


@pytest.fixture
def csv_of(tmp_path: Path) -> CsvOf:
    def write(*lines: str) -> str:
        file = tmp_path / "people.csv"
        file.write_text("\n".join(lines) + "\n")
        return str(file)

    return write


def read(spark: SparkSession, addresses: Addresses, source: str = "", version: int | None = None) -> SourceTable:
    return read_source_table(spark, addresses, "bank", a_contract(source), version=version)


def test_a_table_is_replaced_with_its_columns_and_an_earlier_version_can_still_be_read(
    delta_spark: SparkSession, addresses: Addresses
) -> None:
    first = overwrite_source_table(delta_spark.range(7), addresses, "bank", "people")
    second = overwrite_source_table(delta_spark.sql("SELECT 'x' AS name, 1.5D AS n"), addresses, "bank", "people")

    assert [(written.rows, written.delta_version) for written in (first, second)] == [(7, 0), (1, 1)]
    assert all(Objects().size(uri) == size for uri, size in (*first.files, *second.files))
    newest, pinned = read(delta_spark, addresses), read(delta_spark, addresses, version=0)
    assert (newest.rows.columns, newest.version) == (["name", "n"], 1)
    assert (pinned.rows.count(), pinned.version) == (7, 0)
    assert newest.uri == addresses.source_table("bank", "people")
    named = read(delta_spark, Addresses("s3://elsewhere"), newest.uri)
    assert (named.rows.collect()[0][:], named.version) == (("x", 1.5), 1)


def test_a_table_that_nobody_delivered_says_how_it_comes(delta_spark: SparkSession, addresses: Addresses) -> None:
    with pytest.raises(UpstreamNotReady, match="run generate_bank, or name the source of table people"):
        read(delta_spark, addresses)


def test_a_csv_has_the_types_that_its_contract_declares(
    spark: SparkSession, addresses: Addresses, csv_of: CsvOf
) -> None:
    source = csv_of(
        "id;name;income;is_new;born;seen;note",
        "1;007;1e3;true;2026-01-31;2026-01-31 10:00:00;5",
        "2;NA;nan;;;null;x",
    )

    table = read(spark, addresses, source)

    assert dict(table.rows.dtypes) == {name: kind for name, kind in TYPES.items() if name != "days"} | {
        "note": "string"
    }
    full, empty = table.rows.orderBy("id").collect()
    assert full[:5] == (1, "007", 1000.0, True, datetime.date(2026, 1, 31))
    assert empty[:6] == (2, None, None, None, None, None)
    assert (table.version, table.uri) == (None, Path(source).as_uri())


def test_values_that_do_not_fit_are_counted_for_each_column_and_not_shown(
    spark: SparkSession, addresses: Addresses, csv_of: CsvOf
) -> None:
    source = csv_of(
        "id,name,income,days,is_new,born,seen",
        "1D,a,secret,1.5,perhaps,2026,2026",
        "2,b,1d,12345678901,true,2026-02-30,2026-01-01",
        "x,c,3,4,false,2026-01-31x,2026-01-31 10:00:00",
        "x,c,3",
    )

    with pytest.raises(BadInput) as caught:
        read(spark, addresses, source)

    assert [problem.removeprefix("table people: ") for problem in caught.value.problems] == [
        "people.csv: 1 line with other fields than the header's 7, separated by ',': 1 with 3 (line 5)",
        "column id: 2 values are no bigint",
        "column income: 2 values are no double",
        "column days: 2 values are no int",
        "column is_new: 1 values are no boolean",
        "column born: 3 values are no date",
        "column seen: 1 values are no timestamp",
    ]
    assert "secret" not in str(caught.value)


def test_a_parquet_is_read_as_it_is_and_not_a_number_is_left_to_its_contract(
    spark: SparkSession, addresses: Addresses, tmp_path: Path
) -> None:
    folder = str(tmp_path / "people")
    spark.sql("SELECT 1 AS id, double('NaN') AS `my income`").write.parquet(folder)

    table = read(spark, addresses, folder)

    assert table.rows.dtypes == [("id", "bigint"), ("my_income", "double")]
    assert str(table.rows.collect()[0][:]) == "(1, nan)"


@pytest.mark.parametrize("source", ["/nowhere/people.csv", "/nowhere/people"])
def test_a_source_that_does_not_exist_is_told_with_its_table(
    spark: SparkSession, addresses: Addresses, source: str
) -> None:
    with pytest.raises(BadConfiguration, match=r"table people: .*does not exist"):
        read(spark, addresses, source)


def test_a_file_has_no_version_to_read(spark: SparkSession, addresses: Addresses, csv_of: CsvOf) -> None:
    with pytest.raises(BadConfiguration, match=r"table people: .* is no Delta table and has no version 3"):
        read(spark, addresses, csv_of("id,name", "1,a"), version=3)
