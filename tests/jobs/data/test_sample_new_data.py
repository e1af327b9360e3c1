from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.job_configs.jobs import SampleNewDataConfig
from arrears.contracts.outcome_facts import JobResult
from spark_jobs.jobs import sample_new_data
from tests.jobs.generated import DATASET, files_below, generate, partition_manifest_of, rows_of

DAY = "2026-02-01"


@pytest.fixture(scope="module")
def generated(spark_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("generated")
    return folder, generate(spark_session, folder).values["dataset_version"]


@pytest.fixture
def version(delta_spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The version of a data set that each test gets its own copy of; asked for only where Delta is at hand."""
    folder, version = request.getfixturevalue("generated")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return str(version)


def sample(spark: SparkSession, folder: Path, version: str, **given: Any) -> JobResult:
    settings = {"root": folder.as_uri(), "dataset": DATASET, "as_of": DAY, "dataset_version": version} | given
    return sample_new_data.run(spark, SampleNewDataConfig(**settings))


def day_of(spark: SparkSession, folder: Path, as_of: str = DAY) -> DataFrame:
    return rows_of(spark, folder, Table.TEST_SAMPLE, as_of)


def test_a_day_of_new_data_is_a_tenth_of_the_held_out_borrowers(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    result = sample(delta_spark, tmp_path, version)

    drawn = {row["borrower_id"] for row in day_of(delta_spark, tmp_path).collect()}
    held_out = {row["borrower_id"] for row in rows_of(delta_spark, tmp_path, Table.TEST, version).collect()}
    manifest = partition_manifest_of(tmp_path, Table.TEST_SAMPLE, DAY)
    assert len(drawn) == result.figures["rows"] == manifest["rows"] == 18
    assert drawn < held_out
    assert manifest["dataset_version"] == version
    assert manifest["files"]


@pytest.mark.parametrize("with_replacement", [False, True])
def test_neither_label_nor_kept_columns_are_in_new_data(
    delta_spark: SparkSession, tmp_path: Path, version: str, with_replacement: bool
) -> None:
    sample(delta_spark, tmp_path, version, with_replacement=with_replacement)

    columns = day_of(delta_spark, tmp_path).columns
    assert columns == ["sample_id", "borrower_id", *(f"f{j}" for j in (1, 2, 3, 4, 6, 5)), "as_of"]


def test_a_rerun_of_a_day_leaves_the_same_rows(delta_spark: SparkSession, tmp_path: Path, version: str) -> None:
    first = sample(delta_spark, tmp_path, version)
    before = sorted(map(tuple, day_of(delta_spark, tmp_path).collect()), key=str)

    assert sample(delta_spark, tmp_path, version) == first
    assert sorted(map(tuple, day_of(delta_spark, tmp_path).collect()), key=str) == before


def test_another_day_leaves_the_day_before_alone(delta_spark: SparkSession, tmp_path: Path, version: str) -> None:
    sample(delta_spark, tmp_path, version)
    before = partition_manifest_of(tmp_path, Table.TEST_SAMPLE, DAY)

    sample(delta_spark, tmp_path, version, as_of="2026-02-02", fraction=0.2)

    assert day_of(delta_spark, tmp_path).count() == 18
    assert day_of(delta_spark, tmp_path, "2026-02-02").count() == 36
    assert partition_manifest_of(tmp_path, Table.TEST_SAMPLE, DAY) == before


def test_a_fraction_that_draws_nobody_is_refused_and_writes_nothing(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    before = files_below(tmp_path)

    with pytest.raises(BadConfiguration, match="draws nobody for 2026-02-01: raise the fraction"):
        sample(delta_spark, tmp_path, version, fraction=0.001)

    assert files_below(tmp_path) == before


def test_a_version_that_does_not_exist_may_come_later(delta_spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UpstreamNotReady):
        sample(delta_spark, tmp_path, "0123456789abcdef")
