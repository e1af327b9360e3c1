"""Rejected applicants as training rows: weights, outcomes by band, and slices that stay as they are."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.transforms.training import rejected_rows


def unlabelled(spark: SparkSession, *values: str | None) -> DataFrame:
    rows = [(f"b{n}", float(n), value) for n, value in enumerate(values)]
    return spark.createDataFrame(rows, "borrower_id string, income double, _target_value string")


def scored(spark: SparkSession, *scores: float) -> DataFrame:
    rows = [(1.0, n, 0, score) for n, score in enumerate(scores)]
    return spark.createDataFrame(rows, "income double, row_order long, shard int, default_probability double")


@pytest.mark.parametrize(("values", "kept"), [((), ["b1"]), (("Declined", "Refused"), ["b0", "b3"])])
def test_rejected_are_those_without_a_target_or_with_a_named_one(
    spark: SparkSession, values: tuple[str, ...], kept: list[str]
) -> None:
    rows = rejected_rows.keep_rejected(unlabelled(spark, "Declined", None, "Current", "Refused"), values)

    assert sorted(row["borrower_id"] for row in rows.collect()) == kept


def test_held_out_customers_and_days_are_not_learnt_from(spark: SparkSession) -> None:
    rows = [("a", "2025-01-01"), ("b", "2025-01-01"), ("a", "2025-07-01"), (None, "2025-06-30")]
    rejected = spark.createDataFrame(rows, "customer string, day string").withColumn("day", F.to_date("day"))
    held_out = spark.createDataFrame([("b",), (None,)], "customer string")

    def kept(**how: str | None) -> list[tuple[str | None, str]]:
        given = {"group": None, "event_time": "day", "test_from": None} | how
        found = rejected_rows.keep_on_the_training_side(rejected, held_out, **given).collect()
        return [(row["customer"], str(row["day"])) for row in found]

    assert sorted(kept(test_from="2025-07-01"), key=str) == sorted([rows[0], rows[1], rows[3]], key=str)
    assert sorted(kept(group="customer"), key=str) == sorted([rows[0], rows[2], rows[3]], key=str)
    assert sorted(kept(), key=str) == sorted(rows, key=str)


def test_a_fuzzy_row_is_bad_by_its_probability_and_good_by_the_rest(spark: SparkSession) -> None:
    rows = rejected_rows.to_fuzzy_rows(scored(spark, 0.2, 0.8), factor=1.5, seed=1)

    found = sorted((row["is_default"], round(row["_row_weight"], 9)) for row in rows.collect())
    assert found == [(0, 0.7), (1, 0.3), (1, 1.0)]
    assert rows.select("row_order").distinct().count() == 3


def test_parcels_are_bad_at_the_rate_of_their_band(spark: SparkSession) -> None:
    rejects = spark.range(4000).select(
        F.lit(1.0).alias("income"), F.xxhash64("id").alias("row_order"), F.lit(0).alias("shard"),
        F.when(F.col("id") < 2000, 0.1).otherwise(0.6).alias("default_probability"),
    )  # fmt: skip
    banded = rejected_rows.with_band(rejects, (0.5,)).withColumn("income", F.col("_band").cast("double"))

    rows = rejected_rows.to_parcelled_rows(banded, (0.1, 0.7), seed=3)
    rates = {
        row["income"]: row["rate"] for row in rows.groupBy("income").agg(F.avg("is_default").alias("rate")).collect()
    }
    assert rates == {0.0: pytest.approx(0.1, abs=0.03), 1.0: pytest.approx(0.7, abs=0.04)}


def test_weights_follow_the_band_and_leave_slices_alone(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1, 0), (2, 0), (3, -1), (4, 1)], "row_order long, shard int")
    bands = spark.createDataFrame([(1, 0), (2, 1), (3, 1), (4, 1)], "row_order long, _band int")

    weighted = rejected_rows.with_augmented_weights(rows, bands, (1.25, 4.0))
    assert {row["row_order"]: row["_row_weight"] for row in weighted.collect()} == {1: 1.25, 2: 4.0, 3: 1.0, 4: 4.0}


def test_counted_rows_stand_for_their_weights_on_average(spark: SparkSession) -> None:
    rows = spark.range(4000).select(
        F.xxhash64("id").alias("row_order"),
        (F.col("id") % 2).cast("int").alias("is_default"),
        F.when(F.col("id") % 2 == 0, 2.25).otherwise(0.5).alias("_row_weight"),
    )

    counts = {
        row["is_default"]: row["count"]
        for row in rejected_rows.as_counted(rows, seed=1).groupBy("is_default").count().collect()
    }
    assert counts == {0: pytest.approx(4500, abs=90), 1: pytest.approx(1000, abs=90)}
