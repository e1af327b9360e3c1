"""The rows of an experiment, pinned once: who may learn from which, by chance and in time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.experiments import Folds
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.model.fitting.resampling import Resampling
from arrears.stores.objects import Objects
from spark_jobs.engines.interface import VALIDATION_SHARD
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.experiments.pinned_folds import PinnedFolds, pinned_folds
from spark_jobs.io.snapshots import read_slices
from spark_jobs.io.tables import overwrite_partition
from tests.spark.training.planted import DESCRIPTION, ROWS, borrowers

DATED = replace(DESCRIPTION, name="dated", dates=("decided_on",), event_time="decided_on")


@pytest.fixture(scope="module")
def dated(spark_session: SparkSession, config: TrainModelConfig) -> TrainModelConfig:
    """The same borrowers as a bank's, two a day; an outcome is known two months and ten days after the decision."""
    day = F.expr("date_add(DATE'2024-01-01', CAST(CAST(substring(borrower_id, 2) AS INT) DIV 2 AS INT))")
    rows = spark_session.createDataFrame(borrowers()).withColumn("is_default", F.col("is_default").cast("int"))
    overwrite_partition(rows.withColumn("decided_on", day), config.addresses, Table.TRAIN, "dated", "v1")
    manifest = {"label_known": {"months": 2, "days": 10}}
    Objects().put_json(config.addresses.dataset_manifest("dated", "v1"), manifest)
    return replace(config, dataset="dated")


def values_of(snapshot: Snapshot, shard: int | None = None) -> pa.Table:
    slices = snapshot.slices if shard is None else snapshot.shard(shard)
    return read_slices(slices, ["strong", "is_default", "row_order"])


def orders(snapshot: Snapshot, shard: int | None = None) -> set[int]:
    return set(values_of(snapshot, shard).column("row_order").to_pylist())


def test_models_learn_from_other_folds_alone_and_every_row_is_measured_once(folds: PinnedFolds) -> None:
    measured: list[int] = []
    for block in range(2):
        view, rows = folds.training(block, Resampling())
        held_out = orders(folds.held_out(block))
        training, stopping = orders(view, 0), orders(view, VALIDATION_SHARD)
        assert not training & (stopping | held_out)
        assert not stopping & held_out
        assert len(training) + len(stopping) + len(held_out) == ROWS == folds.snapshot.rows
        assert 0.15 < len(stopping) / (len(training) + len(stopping)) < 0.25
        assert {row["row_order"] for row in rows.select("row_order").collect()} == training
        measured += held_out
    assert len(set(measured)) == len(measured) == ROWS


def test_resampling_changes_what_is_learnt_from_and_nothing_else(folds: PinnedFolds) -> None:
    plain, _ = folds.training(1, Resampling())
    view, rows = folds.training(1, Resampling("over", 3.0))
    assert orders(view, VALIDATION_SHARD) == orders(plain, VALIDATION_SHARD)
    before, after = values_of(plain, 0).to_pandas(), values_of(view, 0).to_pandas()
    assert after.is_default.sum() == 3 * before.is_default.sum()
    assert (after.is_default == 0).sum() == (before.is_default == 0).sum()
    assert rows.count() == len(after)
    assert view.digest != plain.digest


def test_a_fold_in_time_neither_learns_nor_stops_by_outcomes_that_were_not_known_when_it_began(
    spark: SparkSession, dated: TrainModelConfig
) -> None:
    numbers = spark.createDataFrame(borrowers()).selectExpr("strong", "CAST(substring(borrower_id, 2) AS INT) AS n")
    place = {row["strong"]: row["n"] for row in numbers.collect()}
    with pinned_folds(spark, dated, Folds("expanding", 2), DATED, name="in-time") as pinned:
        for block, begins in ((1, 250), (2, 500)):  # the day on which the block of 250 days begins
            view, rows = pinned.training(block, Resampling("under", 2.0))
            held_out = [place[value] // 2 for value in values_of(pinned.held_out(block)).column("strong").to_pylist()]
            assert (min(held_out), max(held_out)) == (begins, begins + 249)
            plain, _ = pinned.training(block, Resampling())
            days = [place[value] // 2 for value in values_of(plain).column("strong").to_pylist()]
            first_day = pd.Timestamp("2024-01-01") + pd.Timedelta(days=begins)
            last = pd.Timestamp("2024-01-01") + pd.Timedelta(days=max(days))
            assert last + pd.DateOffset(months=2, days=10) <= first_day
            assert last + pd.DateOffset(months=2, days=12) > first_day
            assert len(days) == 2 * (max(days) + 1)
            assert set(rows.select("strong").toPandas().strong) == set(values_of(view, 0).column("strong").to_pylist())
        assert pinned.defaults + pinned.non_defaults < 1000  # no row of the last block, nor one known too late


def test_folds_in_time_that_begin_before_any_outcome_is_known_are_refused(
    spark: SparkSession, dated: TrainModelConfig
) -> None:
    with (
        pytest.raises(BadConfiguration, match=r"1 of 12 expanding folds.*2 months and 10 days.*ask for fewer folds"),
        pinned_folds(spark, dated, Folds("expanding", 12), DATED, name="too-many"),
    ):
        pass


@pytest.mark.parametrize(("kind", "wrong"), [("grouped", "declares no group"), ("expanding", "declares no event_time")])
def test_folds_that_the_data_set_cannot_have_are_refused(
    spark: SparkSession, config: TrainModelConfig, kind: Any, wrong: str
) -> None:
    with (
        pytest.raises(BadConfiguration, match=wrong),
        pinned_folds(spark, config, Folds(kind, 3), DESCRIPTION, name="refused"),
    ):
        pass


def test_nothing_is_left_of_the_rows_after_an_experiment(spark: SparkSession, config: TrainModelConfig) -> None:
    with pytest.raises(BadInput), pinned_folds(spark, config, Folds("stratified", 2), DESCRIPTION, name="left"):
        raise BadInput("enough")
    folder = Path(config.addresses.snapshot("planted", "left").removeprefix("file://"))
    assert not [path for path in folder.rglob("*") if path.is_file()]
