from __future__ import annotations

from collections import Counter

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.transforms.borrowers.splits import held_out_count, with_is_drawn
from tests.spark.loans import many_borrowers, to_train_and_test


def split(borrowers: DataFrame, share: float = 0.3, seed: int = 42) -> tuple[list[str], list[str]]:
    train, test = to_train_and_test(borrowers, test_share=share, seed=seed)
    return tuple(sorted(row["borrower_id"] for row in part.select("borrower_id").collect()) for part in (train, test))  # type: ignore[return-value]


def test_no_borrower_is_lost_or_doubled_by_the_split(spark: SparkSession) -> None:
    train, test = split(many_borrowers(spark, 1000))

    assert sorted(train + test) == sorted(str(number) for number in range(1, 1001))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.95])
def test_exactly_the_share_of_each_class_is_held_out(spark: SparkSession, share: float) -> None:
    borrowers = many_borrowers(spark, 1000)
    whole = Counter(row["is_default"] for row in borrowers.collect())

    _, test = to_train_and_test(borrowers, test_share=share, seed=42)

    held_out = Counter(row["is_default"] for row in test.collect())
    assert held_out == {label: held_out_count(count, share) for label, count in whole.items()}


@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_the_split_is_the_same_under_any_partitioning(spark: SparkSession, partitions: int) -> None:
    borrowers = many_borrowers(spark, 400)

    assert split(borrowers.repartition(partitions, F.rand(partitions))) == split(borrowers.coalesce(1))


def test_another_seed_holds_out_other_borrowers(spark: SparkSession) -> None:
    borrowers = many_borrowers(spark, 400)

    assert split(borrowers, seed=1) != split(borrowers, seed=2)


def test_nobody_is_drawn_from_a_stratum_too_small_for_the_share(spark: SparkSession) -> None:
    drawn = with_is_drawn(
        many_borrowers(spark, 4), share=0.1, seed=1, purpose="test", key="borrower_id", stratum=F.lit(0)
    )

    assert drawn.where("_is_drawn").count() == 0
    assert drawn.count() == 4


def test_the_share_is_exact_when_all_hashes_fall_into_one_bucket(spark: SparkSession) -> None:
    same_key = many_borrowers(spark, 9).withColumn("borrower_id", F.lit("same"))

    drawn = with_is_drawn(same_key, share=1.0, seed=1, purpose="test", key="borrower_id", stratum=F.lit(0))

    assert drawn.where("_is_drawn").count() == 9
