"""The order, the validation slice and the shards of training rows depend on seed and id alone."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import ID
from arrears.model.fitting.resampling import Resampling
from spark_jobs.transforms.ids import hash_of
from spark_jobs.transforms.training.resampled_rows import to_resampled_rows
from spark_jobs.transforms.training.training_rows import (
    AGAIN,
    CALIBRATION,
    VALIDATION,
    marked_again,
    to_level_counts,
    to_training_rows,
    with_slice_again,
)

BORROWERS = 400
DEFAULTS = 40


@pytest.fixture
def borrowers(spark: SparkSession) -> DataFrame:
    records = [(f"b{number}", float(number), int(number < DEFAULTS)) for number in range(BORROWERS)]
    return spark.createDataFrame(records, "borrower_id string, income double, is_default int")


def prepared(borrowers: DataFrame, *, seed: int = 42, shards: int = 4, share: float = 0.2) -> list[Row]:
    rows = to_training_rows(borrowers, features=["income"], validation_share=share, shards=shards, seed=seed)
    return sorted(rows.collect(), key=lambda row: row["income"])


def test_no_borrower_is_lost_or_doubled(borrowers: DataFrame) -> None:
    assert [row["income"] for row in prepared(borrowers)] == [float(number) for number in range(BORROWERS)]


@pytest.mark.parametrize("partitions", [1, 3, 7])
def test_the_partitioning_changes_nothing(borrowers: DataFrame, partitions: int) -> None:
    assert prepared(borrowers.repartition(partitions)) == prepared(borrowers)


def test_another_seed_gives_another_order_and_another_slice(borrowers: DataFrame) -> None:
    first, second = prepared(borrowers, seed=1), prepared(borrowers, seed=2)
    assert [row["row_order"] for row in first] != [row["row_order"] for row in second]
    assert [row["shard"] for row in first] != [row["shard"] for row in second]


def test_slice_and_shards_hold_both_classes_in_proportion(borrowers: DataFrame) -> None:
    counted = Counter((row["shard"], row["is_default"]) for row in prepared(borrowers))
    assert counted[VALIDATION, 1] == 0.2 * DEFAULTS
    assert counted[VALIDATION, 0] == 0.2 * (BORROWERS - DEFAULTS)
    assert {counted[shard, 1] for shard in range(4)} == {8}
    assert {counted[shard, 0] for shard in range(4)} == {72}


def test_the_slice_comes_again_as_training_rows_of_every_shard(borrowers: DataFrame) -> None:
    rows = to_training_rows(borrowers, features=["income"], validation_share=0.2, shards=3, seed=42)
    found = marked_again(with_slice_again(rows, 3)).collect()
    again = {row["income"]: row["shard"] for row in found if row["shard"] <= AGAIN}
    assert set(again) == {row["income"] for row in found if row["shard"] == VALIDATION}
    assert set(again.values()) == {AGAIN, AGAIN - 1, AGAIN - 2}
    assert len(found) == BORROWERS + len(again)


def test_the_copies_of_the_slice_are_resampled_as_training_rows_are(borrowers: DataFrame) -> None:
    rows = to_training_rows(borrowers, features=["income"], validation_share=0.2, shards=1, seed=42)
    sampled = to_resampled_rows(with_slice_again(rows, 1), Resampling("over", 3.0), seed=42)
    counted = Counter((row["shard"], row["is_default"]) for row in marked_again(sampled).collect())
    assert counted[AGAIN, 1] == 3 * counted[VALIDATION, 1] == 3 * DEFAULTS // 5
    assert counted[AGAIN, 0] == counted[VALIDATION, 0]


def test_the_ids_stay_behind(borrowers: DataFrame) -> None:
    assert set(prepared(borrowers)[0].asDict()) == {"income", "is_default", "row_order", "shard"}


def test_a_missing_category_is_counted_as_a_level(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("NY",), ("NY",), (None,)], "state string")
    assert {row["level"]: row["row_count"] for row in to_level_counts(rows, "state", at_most=9).collect()} == {
        "NY": 2,
        "__missing__": 1,
    }


def test_only_the_commonest_levels_reach_the_driver(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(state,) for state in ("c", "b", "a", "b", None, None, None)], "state string")
    found = [tuple(row) for row in to_level_counts(rows.repartition(3), "state", at_most=3).collect()]
    assert found == [("__missing__", 3), ("b", 2), ("a", 1)]


@pytest.mark.parametrize("partitions", [1, 7])
def test_no_customer_is_on_both_sides_of_the_validation_slice(borrowers: DataFrame, partitions: int) -> None:
    # Five rows a customer; rows without a customer stand for themselves.
    customers = borrowers.selectExpr("*", "IF(income >= 390, NULL, floor(income * 7 % 80)) AS customer").repartition(
        partitions
    )
    rows = to_training_rows(
        customers, features=["customer", "income"], validation_share=0.25, shards=2, seed=3, group="customer"
    ).collect()

    sides: dict[object, set[int]] = {}
    for row in rows:
        sides.setdefault(row["income"] if row["customer"] is None else f"c{row['customer']}", set()).add(row["shard"])
    assert all(len(shards) == 1 for shards in sides.values())
    assert len(rows) == BORROWERS
    assert 0.2 < sum(row["shard"] == VALIDATION for row in rows) / BORROWERS < 0.3
    assert {row["is_default"] for row in rows if row["shard"] == VALIDATION} == {0, 1}


def slow_shards(borrowers: DataFrame, *, shares: tuple[float, float], shards: int, seed: int) -> dict[float, int]:
    """Every customer numbered in one order of all of its class, and counted off."""
    rows = borrowers.select("income", "customer", "is_default", F.coalesce("customer", ID).alias("whole"))
    hashed = rows.withColumn("order", hash_of(seed, "validation and shards", "whole")).toPandas()
    hashed["stratum"] = hashed.groupby("whole")["is_default"].transform("max")
    found: dict[float, int] = {}
    for _, of_class in hashed.groupby("stratum"):
        wholes = of_class.drop_duplicates("whole").sort_values(["order", "whole"])["whole"].tolist()
        validation, calibration = (math.ceil(len(wholes) * share) for share in shares)
        rest = len(wholes) - validation - calibration
        cuts = [validation, *(validation + calibration + rest * shard // shards for shard in range(shards))]
        stretch = {whole: bisect_right(cuts, place) for place, whole in enumerate(wholes)}
        numbers = [VALIDATION, CALIBRATION, *range(shards)]
        found |= {row.income: numbers[stretch[row.whole]] for row in of_class.itertuples()}
    return found


@pytest.mark.parametrize(
    ("shares", "shards", "seed", "customers"),
    [((0.2, 0.0), 1, 42, 400), ((0.15, 0.1), 5, 1, 90), ((0.01, 0.3), 7, 2, 400), ((0.5, 0.4), 40, 3, 300)],
)
def test_shards_are_those_of_counting_off_every_customer_in_one_order(
    borrowers: DataFrame, shares: tuple[float, float], shards: int, seed: int, customers: int
) -> None:
    dealt = borrowers.selectExpr(
        "*", f"IF(income % 9 = 0, NULL, CAST(floor(income * 7 % {customers}) AS STRING)) AS customer"
    ).repartition(3)
    rows = to_training_rows(
        dealt,
        features=["income"],
        validation_share=shares[0],
        calibration_share=shares[1],
        shards=shards,
        seed=seed,
        group="customer",
    )
    expected = slow_shards(dealt, shares=shares, shards=shards, seed=seed)
    assert {row["income"]: row["shard"] for row in rows.collect()} == expected


def test_a_calibration_slice_is_apart_from_validation_slice_and_shards(borrowers: DataFrame) -> None:
    rows = to_training_rows(
        borrowers, features=["income"], validation_share=0.2, calibration_share=0.1, shards=2, seed=42
    ).collect()
    counted = Counter((row["shard"], row["is_default"]) for row in rows)
    assert {shard: counted[shard, 1] for shard in (VALIDATION, CALIBRATION, 0, 1)} == {-1: 8, -2: 4, 0: 14, 1: 14}
    assert {shard: counted[shard, 0] for shard in (VALIDATION, CALIBRATION, 0, 1)} == {-1: 72, -2: 36, 0: 126, 1: 126}
