"""What is learnt from training rows before an engine trains in shards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.objects import Objects
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.io.snapshots import read_slices
from spark_jobs.io.tables import overwrite_partition
from spark_jobs.training import pinned_rows as pinned_rows_module
from spark_jobs.training.pinned_rows import pinned_rows, training_spec
from spark_jobs.training.training_plan import training_plan

ROWS = 600
CONFIG = TrainModelConfig(dataset_version="v")
DESCRIPTION = DatasetDescription("d", target="is_default", numeric=("age",), categorical=("fits", "edge", "wide"))
NUMBERS = replace(DESCRIPTION, categorical=())


@pytest.fixture(scope="module")
def spec(spark_session: SparkSession) -> Iterator[TrainingSpec]:
    """Categories of 254 and of 255 levels and a missing value each, and one of 300 levels, the first of them often."""

    def level(number: int, levels: int) -> str | None:
        return None if number % (levels + 1) == levels else f"level {number % (levels + 1)}"

    records = [
        (float(n), level(n, 254), level(n, 255), f"level {max(0, n - 300)}", int(n % 9 == 0), n, 0) for n in range(ROWS)
    ]
    schema = "age double, fits string, edge string, wide string, is_default int, row_order bigint, shard int"
    rows = spark_session.createDataFrame(records, schema)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pinned_rows_module, "MOST_RATED_LEVELS", 260)
        yield training_spec(rows, training_plan(CONFIG, DESCRIPTION), 2)


def test_a_missing_value_is_one_of_the_levels_that_shards_can_share(spec: TrainingSpec) -> None:
    assert spec.categorical == ("fits",)
    assert [rates.column for rates in spec.encoded] == ["edge", "wide"]
    edge = spec.encoded[0].rates
    assert len(edge) == 256
    assert edge["__missing__"] == 2 / ROWS
    assert sum(edge.values()) == pytest.approx(1.0)


@pytest.fixture(scope="module")
def in_two_shards(delta_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TrainModelConfig:
    """A training on a table of 600 borrowers, 67 of them defaulters."""
    config = replace(CONFIG, root=tmp_path_factory.mktemp("d").as_uri(), dataset="d", shards=2)
    columns = ("CONCAT('b', id) AS borrower_id", "id * 1.0D AS age", "INT(id % 9 = 0) AS is_default")
    overwrite_partition(delta_session.range(ROWS).selectExpr(*columns), config.addresses, Table.TRAIN, "d", "v")
    return config


def test_under_sampling_that_would_leave_a_shard_without_one_class_is_refused_and_leaves_nothing(
    spark: SparkSession, in_two_shards: TrainModelConfig
) -> None:
    config = replace(in_two_shards, sampling="under", sampling_factor=300.0)
    with (
        pytest.raises(BadConfiguration, match=r"none of 426 training rows.*choose a smaller sampling_factor"),
        pinned_rows(spark, training_plan(config, NUMBERS), name="refused"),
    ):
        pass
    assert not Objects().list(f"{config.root}/artifacts/snapshots")


def test_rows_of_the_sample_are_the_first_in_the_training_order_and_lie_apart(
    spark: SparkSession, in_two_shards: TrainModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinned_rows_module, "BORDER_ROWS", 150)
    with pinned_rows(spark, training_plan(replace(in_two_shards, refit=False), NUMBERS), name="sampled") as pinned:
        orders = {
            in_sample: [
                order
                for piece in pinned.snapshot.slices
                if piece.in_sample is in_sample
                for order in read_slices([piece], ["row_order"]).column(0).to_pylist()
            ]
            for in_sample in (True, False)
        }
        assert len(orders[True]) + len(orders[False]) == pinned.snapshot.rows == ROWS
        assert max(orders[True]) <= -(2**62) < min(orders[False])  # a quarter of all hashes
        assert {piece.shard for piece in pinned.snapshot.sample(1)} == {0, 1}
        assert all(piece.in_sample for piece in pinned.snapshot.sample(1))


def test_only_the_commonest_levels_of_a_category_are_kept_with_the_model(spec: TrainingSpec) -> None:
    wide = spec.encoded[1].rates
    assert len(wide) == 260
    assert wide["level 0"] == 301 / ROWS
    assert "level 1" in wide
    assert "level 99" not in wide  # as rare as others, and the last by name
    assert sum(wide.values()) < 1.0
