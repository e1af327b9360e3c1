from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.stores.objects import Objects
from spark_jobs.io.session import fit_batches
from spark_jobs.io.source_files import stored_names
from spark_jobs.io.sources import Source, read_source
from spark_jobs.transforms.borrowers.borrower_checks import schema_problems
from tests.spark.loans import a_config

ROWS = 4


def read(spark: SparkSession, source: Path, **given: Any) -> Source:
    return read_source(spark, a_config(source=str(source), target="bad", **given), Objects())


def write(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    given = {"bad": pa.array([0, 1, 0, 1])} | columns
    pq.write_table(pa.table(given), path)
    return path


def test_what_pandas_leaves_in_parquet_is_read_or_left_out_with_a_note(spark: SparkSession, tmp_path: Path) -> None:
    moments = ["2026-01-01T10:00:00.123456789", None, "1969-12-31", "2026-01-02"]
    frame = pd.DataFrame(
        {
            "bad": [0, 1, 0, 1],
            "opened_at": pd.to_datetime(moments, format="ISO8601"),
            "paid_at": pd.Series([datetime.time(9, 30)] * ROWS),
            "tenure": pd.to_timedelta([1, 2, 3, 4], unit="D"),
            "nothing": [None] * ROWS,
            "number": np.array([1, 2, 3, 2**64 - 1], dtype=np.uint64),
            "amount": [Decimal("1.5000000001")] * ROWS,
            "grade": pd.Categorical(["a", "b", "a", None]),
            "flag": [True, False, True, None],
            "tags": [["a"], [], None, ["b"]],
            "photo": [b"1"] * ROWS,
        },
        index=[3, 1, 2, 0],
    )
    frame.to_parquet(tmp_path / "loans.parquet")

    source = read(spark, tmp_path / "loans.parquet")

    assert source.loans.count() == ROWS
    assert source.loans.selectExpr("string(max(opened_at))").collect()[0][0] == "2026-01-02 00:00:00"
    assert source.loans.selectExpr("max(unix_micros(opened_at) % 1000000)").collect()[0][0] == 123456
    described = source.description
    assert described.numeric == ("tenure", "nothing", "number", "amount", "flag")
    assert (described.categorical, described.dates) == (("grade",), ("opened_at",))
    assert described.excluded == ("paid_at", "tags", "photo", "index_level_0____")
    assert set(source.notes) >= {
        "column paid_at holds times of day: it is left out",
        "column tags is nested (a list, a map or a record): it is left out",
        "column photo holds bytes: it is left out",
        "column __index_level_0__ is the row number that pandas wrote: it is left out",
        "column opened_at holds times to the nanosecond, kept to the microsecond",
        "column tenure holds durations, kept as whole nanoseconds",
        "column nothing has no value in any row",
        "column number holds decimals, kept as double: 15 digits count",
    }


def test_a_declared_column_that_nobody_can_read_is_told_with_the_reason(spark: SparkSession, tmp_path: Path) -> None:
    file = write(tmp_path / "loans.parquet", paid=pa.array([1] * ROWS, pa.time64("us")), income=pa.array([1.0] * ROWS))
    (tmp_path / "bank.yaml").write_text("{name: any, target: bad, numeric: [paid, income]}")

    source = read_source(spark, a_config(source=str(file), description=str(tmp_path / "bank.yaml")), Objects())

    assert schema_problems(source.loans.schema, source.description, source.misfits) == [
        "column paid holds times of day: exclude it"
    ]


def test_a_misspelt_target_is_answered_with_the_nearest_column(spark: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "loans.parquet"
    pq.write_table(pa.table({"BAD": [0, 1], "income": [1.0, 2.0]}), file)

    source = read(spark, file)

    assert schema_problems(source.loans.schema, source.description)[0] == (
        "column bad (target) is missing: did you mean `BAD`?"
    )


def test_a_row_number_that_somebody_asks_for_is_kept(spark: SparkSession, tmp_path: Path) -> None:
    file = write(tmp_path / "loans.parquet", __index_level_0__=pa.array([4, 3, 2, 1]), income=pa.array([1.0] * ROWS))

    source = read(spark, file, id_column="__index_level_0__")

    assert (source.description.id, source.description.excluded) == ("index_level_0____", ())
    assert sorted(row["index_level_0____"] for row in source.loans.collect()) == [1, 2, 3, 4]


def test_files_that_differ_are_told_column_by_column(spark: SparkSession, tmp_path: Path) -> None:
    write(
        tmp_path / "loans/1.parquet", income=pa.array([1, 2, 3, 4]), grade=pa.array(["a"] * ROWS), void=pa.nulls(ROWS)
    )
    write(tmp_path / "loans/2.parquet", income=pa.array([1.5] * ROWS), void=pa.array([1] * ROWS))

    with pytest.raises(BadInput) as caught:
        read(spark, tmp_path / "loans")

    assert caught.value.problems == (
        "column income is bigint in 1 (1.parquet) and double in 1 (2.parquet)",
        "column grade is in 1 of 2 files: 2.parquet has none",
    )


def test_files_that_differ_are_widened_where_that_is_asked_for(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path / "loans/1.parquet", income=pa.array([1, 2, 3, 4]), grade=pa.array(["a"] * ROWS))
    write(tmp_path / "loans/2.parquet", income=pa.array([1.5] * ROWS), day=pa.array([datetime.date(2026, 1, 1)] * ROWS))

    source = read(spark, tmp_path / "loans", schema_drift="widen")

    kinds = {"bad": "bigint", "income": "double", "grade": "string", "day": "date"}
    assert dict(source.loans.dtypes) == kinds
    totals = source.loans.selectExpr("sum(income)", "count(grade)", "count(day)", "count(*)").collect()[0]
    assert tuple(totals) == (16.0, 4, 4, 8)
    assert "column income is bigint in 1 (1.parquet) and double in 1 (2.parquet): it is read as double" in source.notes


def test_types_that_no_type_holds_together_are_refused_even_where_files_may_differ(
    spark: SparkSession, tmp_path: Path
) -> None:
    write(tmp_path / "loans/1.parquet", income=pa.array([1, 2, 3, 4]))
    write(tmp_path / "loans/2.parquet", income=pa.array(["1"] * ROWS))

    with pytest.raises(BadInput, match="no type holds both"):
        read(spark, tmp_path / "loans", schema_drift="widen")


def test_columns_of_folders_are_kept_as_they_stand_and_are_no_features(spark: SparkSession, tmp_path: Path) -> None:
    for month in ("01", "12"):
        write(tmp_path / f"loans [all]/month={month}/part.parquet", income=pa.array([1.0] * ROWS))
    (tmp_path / "loans [all]/_SUCCESS").write_text("x")

    source = read(spark, tmp_path / "loans [all]")

    assert source.description.kept == ("month",)
    assert source.description.numeric == ("income",)
    assert sorted({row["month"] for row in source.loans.collect()}) == ["01", "12"]
    assert "column month is read off the names of folders (month=…)" in source.notes


def test_a_file_that_was_cut_is_named(spark: SparkSession, tmp_path: Path) -> None:
    whole = write(tmp_path / "loans/1.parquet", income=pa.array([1.0] * ROWS)).read_bytes()
    (tmp_path / "loans/2.parquet").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(BadInput, match=r"1 of 2 files of .* end in the middle, such as 2.parquet"):
        read(spark, tmp_path / "loans")


def test_names_that_spark_would_take_for_patterns_are_read(spark: SparkSession, tmp_path: Path) -> None:
    file = write(tmp_path / "März 2026/loans [final] {v2}.parquet", income=pa.array([1.0] * ROWS))

    assert read(spark, file).loans.count() == ROWS


@pytest.mark.parametrize("vectors", ["true", "false"])
def test_delta_tables_with_column_mapping_and_deletion_vectors_are_read(
    delta_spark: SparkSession, tmp_path: Path, vectors: str
) -> None:
    uri = str(tmp_path / "loans")
    delta_spark.sql(
        f"CREATE TABLE delta.`{uri}` (`my income` double, bad int, tags array<int>) USING delta"
        f" TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableDeletionVectors' = {vectors})"
    )
    delta_spark.sql(f"INSERT INTO delta.`{uri}` VALUES (1, 0, array(1)), (2, 1, NULL), (3, 0, NULL)")
    delta_spark.sql(f"DELETE FROM delta.`{uri}` WHERE bad = 1")
    delta_spark.sql(f"ALTER TABLE delta.`{uri}` RENAME COLUMN `my income` TO `monthly income`")

    source = read(delta_spark, tmp_path / "loans")

    assert sorted(row["monthly_income"] for row in source.loans.collect()) == [1.0, 3.0]
    assert "column tags is nested (a list, a map or a record): it is left out" in source.notes


def test_a_feature_of_delta_that_nobody_here_reads_is_one_sentence(delta_spark: SparkSession, tmp_path: Path) -> None:
    delta_spark.sql("SELECT 1.0 AS income, 0 AS bad").write.format("delta").save(str(tmp_path / "loans"))
    log = tmp_path / "loans/_delta_log/00000000000000000001.json"
    unknown = {"readerFeatures": ["timeTravelled"], "writerFeatures": ["timeTravelled"]}
    log.write_text(json.dumps({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **unknown}}))

    with pytest.raises(BadConfiguration, match=r"uses a feature \(timeTravelled\) that this version of Delta"):
        read(delta_spark, tmp_path / "loans")


def test_batches_are_short_where_a_table_is_wide_and_never_longer_again(spark: SparkSession) -> None:
    names = ("spark.sql.parquet.columnarReaderBatchSize", "spark.sql.inMemoryColumnarStorage.batchSize")
    before = [spark.conf.get(name) for name in names]
    try:
        fit_batches(spark, 50)
        assert [spark.conf.get(name) for name in names] == before
        fit_batches(spark, 6_000)
        fit_batches(spark, 50)
        assert [spark.conf.get(name) for name in names] == ["166", "166"]
    finally:
        for name in names:
            spark.conf.unset(name)
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def test_more_columns_than_are_read_are_one_sentence() -> None:
    with pytest.raises(BadInput, match="the source has 20,481 columns, and at most 20,480 are read"):
        stored_names([f"v{n}" for n in range(20_481)])
