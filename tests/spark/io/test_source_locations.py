"""A source is found under any name that a file system or a bucket takes; one that cannot be read says why."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import ArrearsError, BadConfiguration, Unreachable, UpstreamNotReady
from arrears.contracts.s3_server import S3Server
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from arrears.stores.foreign_errors import cause_of
from arrears.stores.objects import Objects
from spark_jobs.io.session import hadoop_pattern, hadoop_uri
from spark_jobs.io.source_tables import read_source_table
from spark_jobs.io.sources import Source, read_source
from tests.spark.loans import a_config
from tests.stores.conftest import folder, s3, s3_environment  # noqa: F401  # the fixtures

FOLDER = "_Kredite März 2026 [x] {v2} 50%20#?"
ROWS = "income,bad\n1,0\n2,1\n3,0\n"
PEOPLE = TableContract("people", (ColumnContract("income", "bigint"), ColumnContract("bad", "bigint")), ("income",))


def read(spark: SparkSession, source: str | Path) -> Source:
    return read_source(spark, a_config(source=str(source), target="bad"), Objects())


@pytest.fixture
def s3_spark(delta_spark: SparkSession, s3: Objects, s3_environment: dict[str, str]) -> Iterator[SparkSession]:  # noqa: F811
    """Spark on the tests' own S3 server."""
    java: Any = delta_spark
    hadoop, system = java._jsc.hadoopConfiguration(), java._jvm.java.lang.System
    keys = {"aws.accessKeyId": "AWS_ACCESS_KEY_ID", "aws.secretAccessKey": "AWS_SECRET_ACCESS_KEY"}
    told = S3Server(s3_environment["AWS_ENDPOINT_URL"]).for_session()
    options = {name.removeprefix("spark.hadoop."): value for name, value in told.items() if "hadoop" in name}
    options |= {"fs.s3a.impl.disable.cache": "true", "fs.s3a.attempts.maximum": "1", "fs.s3a.retry.limit": "1"}
    for name, value in options.items():
        hadoop.set(name, value)
    for name, variable in keys.items():
        system.setProperty(name, s3_environment[variable])
    of_tasks = delta_spark.sparkContext.environment  # as a cluster's nodes have it
    before = dict(of_tasks)
    of_tasks.update(s3_environment)
    yield delta_spark
    of_tasks.clear()
    of_tasks.update(before)
    for name in options:
        hadoop.unset(name)
    for name in keys:
        system.clearProperty(name)


@pytest.mark.parametrize(
    "name", ["loans (1).csv", "loans [final].csv", "loans{v2}.csv", "50%.csv", "ä*b?.csv", "a#3.csv"]
)
def test_a_csv_is_read_under_any_name(spark: SparkSession, tmp_path: Path, name: str) -> None:
    place = tmp_path / FOLDER
    place.mkdir()
    (place / name).write_text(ROWS)
    assert read(spark, place / name).loans.count() == 3


def test_delta_parquet_and_a_banks_table_are_read_in_any_folder(delta_spark: SparkSession, tmp_path: Path) -> None:
    place, rows = tmp_path / FOLDER, delta_spark.sql("SELECT id AS income, id % 2 AS bad FROM range(3)")
    rows.write.format("delta").save(str(place / "delta"))
    rows.write.parquet(str(place / "parquet"))
    (place / "people.csv").write_text(ROWS)
    assert (read(delta_spark, place / "delta").loans.count(), read(delta_spark, place / "delta").version) == (3, 0)
    assert read(delta_spark, place / "parquet").loans.count() == 3
    rows.withColumn("month", F.lit("01")).write.partitionBy("month").parquet(str(place / "months"))
    assert read(delta_spark, place / "months").loans.count() == 3
    for name in ("delta", "parquet", "people.csv"):
        contract = TableContract(PEOPLE.name, PEOPLE.columns, PEOPLE.key, str(place / name))
        table = read_source_table(delta_spark, Addresses(tmp_path.as_uri()), "bank", contract)
        assert table.rows.count() == 3


def test_a_file_that_spark_passes_over_is_not_taken_for_an_empty_one(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(3).write.parquet(str(tmp_path / "parquet"))
    part = next((tmp_path / "parquet").glob("*.parquet"))
    part.rename(tmp_path / "_loans.parquet")
    with pytest.raises(BadConfiguration, match="begins with _ or a dot: rename it"):
        read(spark, tmp_path / "_loans.parquet")


def test_names_in_a_bucket_are_read_as_they_are(s3_spark: SparkSession, folder: str) -> None:  # noqa: F811
    buffer = io.BytesIO()
    pq.write_table(pa.table({"income": [1, 2, 3], "bad": [0, 1, 0]}), buffer)
    for place in (f"{folder}/März [1] 50%20{{v2}}.parquet", f"{folder}/a b/x#1.parquet"):
        Objects().put(place, buffer.getvalue())
        assert read(s3_spark, place).loans.count() == 3
        assert read(s3_spark, "S3" + place.removeprefix("s3")).loans.count() == 3
    s3_spark.range(3).selectExpr("id", "id AS bad").write.format("delta").save(hadoop_uri(f"{folder}/d [1]/März"))
    assert read(s3_spark, f"{folder}/d [1]/März").version == 0


@pytest.mark.parametrize("name", ["loans.csv", "loans.parquet", "loans"])
@pytest.mark.parametrize(
    ("bucket", "told"),
    [("no-such-bucket", "bucket no-such-bucket does not exist"), ("risk_team", "bucket risk_team: Spark")],
)
def test_a_bucket_that_is_not_there_is_named(s3_spark: SparkSession, bucket: str, told: str, name: str) -> None:
    with pytest.raises(BadConfiguration, match=told) as caught:
        read(s3_spark, f"s3://{bucket}/{name}")
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("place", ["s3:/bucket/x.csv", "https://bank.example/x.csv", "gs:/b/x.parquet"])
def test_an_address_that_is_none_is_told_before_anything_is_opened(spark: SparkSession, place: str) -> None:
    with pytest.raises(BadConfiguration, match=r"looks like|web address"):
        read(spark, place)


@pytest.mark.parametrize("name", ["*.csv", "part-*"])
def test_a_pattern_is_none(spark: SparkSession, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadConfiguration, match=r"are taken as they are: give the folder"):
        read(spark, tmp_path / name)


@pytest.mark.parametrize("place", ["gs://b/x.csv", "gs://b/x", "abfss://a@b.example/x.parquet"])
def test_an_address_without_a_connector_is_told(spark: SparkSession, place: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # ours, or a library's own
        read(spark, place).loans.count()
    error = cause_of(caught.value)
    assert isinstance(error, BadConfiguration)
    assert "Spark has no connector for" in str(error)


def told(spark: SparkSession, place: str) -> ArrearsError | None:
    """What is told of an error of Spark itself, wherever it comes out."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # a library's own
        spark.read.parquet(place).collect()
    assert not isinstance(caught.value, ArrearsError)
    return cause_of(caught.value)


def test_keys_that_a_server_refuses_are_told(s3_spark: SparkSession, folder: str) -> None:  # noqa: F811
    java: Any = s3_spark
    java._jvm.java.lang.System.setProperty("aws.secretAccessKey", "wrong")
    error = told(s3_spark, hadoop_pattern(f"{folder}/x"))
    assert isinstance(error, BadConfiguration)
    assert "must allow it to the keys of this process" in str(error)


def test_a_server_that_is_away_is_tried_again(s3_spark: SparkSession, folder: str) -> None:  # noqa: F811
    java: Any = s3_spark
    java._jsc.hadoopConfiguration().set("fs.s3a.endpoint", "http://127.0.0.1:9")
    assert isinstance(told(s3_spark, hadoop_pattern(f"{folder}/x")), Unreachable)


def test_a_file_that_goes_away_while_it_is_read_is_told(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(3).write.parquet(str(tmp_path / "x"))
    rows = spark.read.parquet(str(tmp_path / "x"))
    for file in (tmp_path / "x").glob("part-*"):
        file.unlink()
    with pytest.raises(Exception) as caught:  # noqa: PT011  # a library's own
        rows.collect()
    error = cause_of(caught.value)
    assert isinstance(error, UpstreamNotReady)
    assert "went away while it was read" in str(error)


@pytest.mark.parametrize("has_checksum", [True, False])
def test_a_file_cut_short_is_the_data_owners(spark: SparkSession, tmp_path: Path, has_checksum: bool) -> None:
    spark.range(3).write.parquet(str(tmp_path / "x"))
    rows = spark.read.parquet(str(tmp_path / "x"))
    for file in (tmp_path / "x").glob("part-*"):
        file.write_bytes(file.read_bytes()[:40])
        if not has_checksum:
            file.with_name(f".{file.name}.crc").unlink()
    with pytest.raises(Exception) as caught:  # noqa: PT011  # a library's own
        rows.collect()
    error = cause_of(caught.value)
    assert (type(error).__name__, "part-" in str(error)) == ("BadInput", True)


def test_errors_of_our_own_tasks_come_back_as_they_were(spark: SparkSession) -> None:
    def fail(batches: Any) -> Any:
        raise UpstreamNotReady("s3://b/x does not exist")

    with pytest.raises(Exception) as caught:  # noqa: PT011  # a library's own
        spark.range(1).mapInPandas(fail, "id long").collect()
    error = cause_of(caught.value)
    assert (type(error), str(error)) == (UpstreamNotReady, "s3://b/x does not exist")


def test_a_value_that_does_not_fit_stays_a_bug_and_is_not_quoted(spark: SparkSession) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # a library's own
        spark.sql("SELECT CAST('AccessDenied Smith' AS INT)").collect()
    assert cause_of(caught.value) is None
