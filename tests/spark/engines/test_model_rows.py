"""Rows reach Spark's learners as the scorer would see them, dealt and ordered by their hashes and number alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from arrears.scoring.batch import number_matrix
from arrears.scoring.preparation import Deciles, Preparation
from spark_jobs.engines.examples import example_borrower
from spark_jobs.engines.interface import CALIBRATION_SHARD, VALIDATION_SHARD, TrainingSpec
from spark_jobs.engines.model_rows import directions, input_moments, parts_of, to_model_rows, with_fills
from spark_jobs.io.snapshots import read_slices
from tests.spark.engines.engine_rows import written

ROWS = 700
SPEC = TrainingSpec("is_default", ("income", "age"), (), 1, 1, 1, seed=1, threads=1, class_weights=(1.0, 3.0))


@pytest.fixture(scope="module")
def borrowers() -> pa.Table:
    random = np.random.default_rng(21)
    income = random.normal(1e6, 1.0, ROWS)
    income[::9], income[5] = np.nan, np.inf
    return pa.table(
        {
            "income": income,
            "age": random.integers(18, 80, ROWS),
            "is_default": (random.random(ROWS) < 0.3).astype(np.int32),
            "row_order": random.integers(-(2**63), 2**63 - 1, ROWS),
            "shard": random.choice([VALIDATION_SHARD, CALIBRATION_SHARD, 0, 1], ROWS),
        }
    )


def test_moments_are_those_of_the_finite_values_of_the_training_rows_in_any_number_of_parts(
    spark: SparkSession, borrowers: pa.Table, tmp_path: Path
) -> None:
    snapshot = written(borrowers, tmp_path, files=2)
    rows = to_model_rows(spark, snapshot, SPEC, read_slices, parts=3).persist()
    found = input_moments(rows)
    training = borrowers.filter(pa.array(borrowers.column("shard").to_numpy() >= 0))
    numbers = number_matrix(training, SPEC.numeric).astype(np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    assert found.rows == training.num_rows
    assert found.defaults == training.column("is_default").to_numpy().sum()
    assert found.counts == tuple(np.isfinite(numbers).sum(axis=0).tolist())
    assert found.means == pytest.approx(np.nanmean(numbers, axis=0).tolist(), rel=1e-12)
    assert found.deviations == pytest.approx(np.nanstd(numbers, axis=0, ddof=1).tolist(), rel=1e-9)

    filled = with_fills(rows, (-1.0, -2.0))
    kept = filled.select("inputs", "label", "weight", "row_order", F.spark_partition_id().alias("part")).collect()
    rows.unpersist()
    assert len(kept) == sum(borrowers.column("shard").to_numpy() >= VALIDATION_SHARD)
    assert {row["weight"] for row in kept if row["label"] == 1} == {3.0}
    assert sum(row["inputs"][0] == -1.0 for row in kept) > 50
    assert all(np.isfinite(row["inputs"]).all() for row in kept)
    for part in range(3):
        orders = [row["row_order"] for row in kept if row["part"] == part]
        assert orders == sorted(orders)
        assert len(orders) > 100


def test_the_example_is_made_of_medians_of_training_rows(
    spark: SparkSession, borrowers: pa.Table, tmp_path: Path
) -> None:
    example = example_borrower(spark, written(borrowers, tmp_path, files=1), SPEC, read_slices)
    training = borrowers.filter(pa.array(borrowers.column("shard").to_numpy() >= 0))
    assert example["age"] == pytest.approx(np.median(training.column("age").to_numpy()), abs=1)
    assert set(example) == {"income", "age"}


def test_rows_are_parted_by_their_number_alone_and_never_without_bound() -> None:
    assert [parts_of(rows) for rows in (0, 1, 100_000, 100_001, 10**9)] == [1, 1, 1, 2, 256]


def test_a_numbers_decile_goes_the_way_of_the_number() -> None:
    spec = replace(SPEC, monotone={"age": -1}, preparation=Preparation(deciles=(Deciles("age", (30.0,)),)))
    assert directions(spec) == (0, -1, -1)
