"""A look at a partition leaves one page, its numbers and a plot; a partition that is not there leaves nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import UpstreamNotReady
from arrears.contracts.job_configs.jobs import ExploreDataConfig, SampleNewDataConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.objects import Objects
from spark_jobs.jobs import explore_data, sample_new_data
from tests.jobs.generated import DATASET, files_below, generate, manifest_of

FEATURES = [f"f{j}" for j in (1, 2, 3, 4, 6, 5)]
DAYS = ("2026-02-01", "2026-02-02")


@pytest.fixture(scope="module")
def generated(spark_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data set and two days of new data."""
    folder = tmp_path_factory.mktemp("generated")
    version = generate(spark_session, folder).values["dataset_version"]
    for day in DAYS:
        settings = {"root": folder.as_uri(), "dataset": DATASET, "as_of": day, "dataset_version": version}
        sample_new_data.run(spark_session, SampleNewDataConfig(**settings, fraction=0.5))
    return folder, version


@pytest.fixture
def version(delta_spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The version of a data set that each test gets its own copy of; asked for only where Delta is at hand."""
    folder, version = request.getfixturevalue("generated")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return str(version)


def explore(spark: SparkSession, folder: Path, partition: str, **given: Any) -> JobResult:
    settings = {"root": folder.as_uri(), "dataset": DATASET, "partition": partition, **given}
    return explore_data.run(spark, ExploreDataConfig(**settings, report_folder=f"{folder.as_uri()}/report"))


def numbers_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report/exploration.json").read_text("utf-8"))
    return found


def test_a_training_set_is_explored_with_its_default_rates(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    result = explore(delta_spark, tmp_path, version)

    manifest, found = manifest_of(tmp_path, version), numbers_of(tmp_path)
    assert found["rows"] == result.figures["rows"] == manifest["rows"]["train"]
    assert found["defaults"] == manifest["defaults"]["train"]
    assert [feature["name"] for feature in found["features"]] == FEATURES
    assert all(sum(entry["rows"] for entry in f["bins"]) == found["rows"] for f in found["features"])
    assert found["compared"] is None
    strongest = max(found["features"], key=lambda feature: feature["information_value"])
    told = str(result.figures["strongest features (information value)"])
    assert told.startswith(f"{strongest['name']} {strongest['information_value']:.3f}, ")
    assert [Path(address).name for address in result.attachments] == ["exploration.html", "overview.png"]
    assert all(Objects().exists(address) for address in result.attachments)
    page = (tmp_path / "report/exploration.html").read_text("utf-8")
    assert f"{found['defaults']} of them" in page
    assert page.count("<article") == len(FEATURES)


def test_new_data_has_no_default_rates_and_is_compared_with_another_day(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    result = explore(delta_spark, tmp_path, DAYS[1], table="test_sample", compared_with=DAYS[0])

    found = numbers_of(tmp_path)
    assert found["rows"] == 90
    assert found["defaults"] is None
    assert found["compared"] == [f"test_sample {day}" for day in DAYS]
    assert all(0 <= feature["drift_psi"] < 2 and "auc" not in feature for feature in found["features"])
    assert "strongest features (information value)" not in result.figures
    assert result.figures["drift compares"] == f"test_sample {DAYS[0]} with test_sample {DAYS[1]}"
    assert "no outcome yet" in (tmp_path / "report/exploration.html").read_text("utf-8")


def test_decisions_with_dates_are_compared_early_against_late(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    address = Addresses(tmp_path.as_uri()).dataset_manifest(DATASET, version)
    manifest = Objects().get_json(address)
    rows = delta_spark.read.format("delta").load(f"{tmp_path.as_uri()}/test/{DATASET}")
    dated = rows.selectExpr("*", "date_add(DATE'2025-01-01', CAST(coalesce(f1, 0) * 10 AS INT)) AS decided_on")
    dated.write.format("delta").mode("overwrite").option("overwriteSchema", True).partitionBy("dataset_version").save(
        f"{tmp_path.as_uri()}/test/{DATASET}"
    )
    described = manifest["description"] | {"dates": ["decided_on"], "event_time": "decided_on"}
    Objects().put_json(address, manifest | {"description": described})

    result = explore(delta_spark, tmp_path, version, table="test")

    drifts = {feature["name"]: feature["drift_psi"] for feature in numbers_of(tmp_path)["features"]}
    assert max(drifts, key=lambda name: drifts[name]) == "f1"
    assert drifts["f1"] > 1
    assert str(result.figures["drift compares"]).startswith("decided_on 20")
    assert str(result.figures["largest drift (stability index)"]).startswith(f"f1 {drifts['f1']:.3f}, ")


def test_a_partition_that_is_not_there_leaves_nothing(delta_spark: SparkSession, tmp_path: Path, version: str) -> None:
    before = files_below(tmp_path)
    with pytest.raises(UpstreamNotReady):
        explore(delta_spark, tmp_path, "0123456789abcdef")
    with pytest.raises(UpstreamNotReady, match="2026-03-01"):
        explore(delta_spark, tmp_path, DAYS[0], table="test_sample", compared_with="2026-03-01")
    assert files_below(tmp_path) == before
