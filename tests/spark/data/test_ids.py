from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.transforms.ids import digest_of, digest_sums, with_borrower_id, with_row_digest


def loans(spark: SparkSession) -> DataFrame:
    rows = [(number % 40, float(number % 7), "a" if number % 5 else None) for number in range(300)]
    return spark.createDataFrame(rows, "amount int, rate double, grade string")


def ids_of(frame: DataFrame) -> list[tuple[object, ...]]:
    identified = with_borrower_id(frame, None).select("borrower_id", "amount", "rate", "grade")
    return sorted((tuple(row) for row in identified.collect()), key=str)


def digest(frame: DataFrame) -> str:
    counted = with_row_digest(frame).agg(F.count("*").alias("rows"), *digest_sums()).collect()[0]
    return digest_of(counted, counted["rows"])


@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_derived_ids_are_the_same_under_any_partitioning(spark: SparkSession, partitions: int) -> None:
    assert ids_of(loans(spark).repartition(partitions, F.rand(partitions))) == ids_of(loans(spark).coalesce(1))


def test_derived_ids_are_unique_when_rows_repeat(spark: SparkSession) -> None:
    repeated = loans(spark).union(loans(spark))

    assert len({row[0] for row in ids_of(repeated)}) == 600


def test_derived_ids_do_not_depend_on_the_order_of_columns(spark: SparkSession) -> None:
    assert ids_of(loans(spark).select("grade", "rate", "amount")) == ids_of(loans(spark))


def test_rows_that_differ_only_in_which_value_is_missing_get_different_ids(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(None, 1), (1, None)], "a int, b int")

    ids = [row["borrower_id"] for row in with_borrower_id(rows, None).collect()]

    assert [one.endswith("-1") for one in ids] == [True, True]
    assert ids[0] != ids[1]


def test_the_source_s_own_id_is_kept_as_text(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(7,)], "number bigint")

    assert with_borrower_id(rows, "number").collect()[0]["borrower_id"] == "7"


def test_the_digest_ignores_the_order_of_rows(spark: SparkSession) -> None:
    assert digest(loans(spark).orderBy(F.desc("amount")).repartition(5)) == digest(loans(spark))


def test_the_digest_changes_when_two_rows_swap_a_value(spark: SparkSession) -> None:
    one = spark.createDataFrame([(1, 10), (2, 20)], "a int, b int")
    other = spark.createDataFrame([(1, 20), (2, 10)], "a int, b int")

    assert digest(one) != digest(other)


def test_the_digest_changes_when_a_row_is_doubled(spark: SparkSession) -> None:
    assert digest(loans(spark).union(loans(spark).limit(1))) != digest(loans(spark))
