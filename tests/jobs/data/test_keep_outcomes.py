"""Outcomes come back: each of somebody, with a label in the data set's own meaning, and known by then."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration, BadInput, UpstreamNotReady
from arrears.contracts.job_configs.jobs import KeepOutcomesConfig
from arrears.contracts.outcome_facts import JobResult
from spark_jobs.jobs import keep_outcomes
from tests.jobs.generated import DATASET, files_below, generate, partition_manifest_of, rows_of

DAY = "2026-02-01"
STATES = ("Charged Off", "Fully Paid", "Current")
DESCRIPTION = "{name: any, target: state, bad_when: Charged Off, good_when: Fully Paid, id: loan, numeric: [income]"
LEAVING_OUT = f"{DESCRIPTION}, unlabelled: leave_out}}"


def generated(spark: SparkSession, folder: Path, description: str, states: int) -> str:
    rows = "\n".join(f"L{n},{STATES[n % states]},{n}.5" for n in range(90))
    (folder / "loans.csv").write_text(f"loan,state,income\n{rows}\n")
    (folder / "any.yaml").write_text(description)
    made = generate(spark, folder, source=str(folder / "loans.csv"), description=str(folder / "any.yaml"))
    return str(made.values["dataset_version"])


@pytest.fixture(scope="module")
def world(spark_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("generated")
    return folder, generated(spark_session, folder, f"{DESCRIPTION}}}", states=2)


@pytest.fixture
def version(delta_spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    folder, version = request.getfixturevalue("world")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return str(version)


def keep(spark: SparkSession, folder: Path, version: str, **given: Any) -> JobResult:
    settings = {"root": folder.as_uri(), "dataset": DATASET, "as_of": DAY, "dataset_version": version}
    return keep_outcomes.run(
        spark, KeepOutcomesConfig(**settings | {"source": str(folder / "out_{{as_of}}.csv")} | given)
    )


def deliver(folder: Path, *rows: str, header: str = "loan,state,known_on") -> None:
    (folder / f"out_{DAY}.csv").write_text("\n".join([header, *rows]) + "\n")


def day_of(spark: SparkSession, folder: Path) -> list[tuple[Any, ...]]:
    rows = rows_of(spark, folder, Table.OUTCOMES, DAY).select("borrower_id", "is_default", "known_on")
    return sorted((row[0], row[1], str(row[2])) for row in rows.collect())


def test_outcomes_are_kept_as_labels_with_the_day_since_which_they_are_known(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    deliver(
        tmp_path,
        "L1,Charged Off,2026-01-31,web",
        "L2,Fully Paid,2026-02-01,web",
        header="loan,state,known_on,channel",
    )

    result = keep(delta_spark, tmp_path, version)

    assert day_of(delta_spark, tmp_path) == [("L1", 1, "2026-01-31"), ("L2", 0, "2026-02-01")]
    manifest = partition_manifest_of(tmp_path, Table.OUTCOMES, DAY)
    assert (manifest["rows"], manifest["defaults"], manifest["dataset_version"]) == (2, 1, version)
    assert (result.figures["known from"], result.figures["known until"]) == ("2026-01-31", "2026-02-01")
    assert "left out: channel" in result.figures["notes on the delivery"]


def test_a_redelivery_replaces_the_days_outcomes(delta_spark: SparkSession, tmp_path: Path, version: str) -> None:
    deliver(tmp_path, "L1,Charged Off,2026-01-31", "L2,Fully Paid,2026-01-31")
    keep(delta_spark, tmp_path, version)

    deliver(tmp_path, "L1,Fully Paid,2026-01-31")
    keep(delta_spark, tmp_path, version)

    assert day_of(delta_spark, tmp_path) == [("L1", 0, "2026-01-31")]


def test_everything_wrong_with_outcomes_is_told_at_once_and_nothing_is_written(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    deliver(
        tmp_path,
        "L1,Charged Off,2026-02-02",
        "L1,Fully Paid,2026-01-31",
        "L2,,2026-01-31",
        "L3,Secret Status,2026-01-31",
        "L4,Fully Paid,",
        ",Fully Paid,2026-01-31",
    )
    before = files_below(tmp_path)

    with pytest.raises(BadInput) as refused:
        keep(delta_spark, tmp_path, version, fewest=7)

    assert refused.value.problems[1:] == (
        "in 1 rows the id loan is missing",
        "in 1 rows the id loan is that of another: doubled",
        "in 1 rows the outcome state is missing",
        "in 1 rows the outcome state is neither default nor its opposite",
        "in 1 rows known_on is missing",
        "in 1 rows known_on is after the business date 2026-02-01",
    )
    assert "holds 6 outcomes, fewer than 7: it is taken for a part of one" in refused.value.problems[0]
    assert "Secret" not in str(refused.value)
    assert files_below(tmp_path) == before


def test_columns_that_are_missing_and_a_day_that_is_late_or_empty_are_told(
    delta_spark: SparkSession, tmp_path: Path, version: str
) -> None:
    with pytest.raises(UpstreamNotReady, match="no delivery at"):
        keep(delta_spark, tmp_path, version)
    deliver(tmp_path)
    with pytest.raises(BadInput, match="is empty: it holds no outcomes"):
        keep(delta_spark, tmp_path, version)
    deliver(tmp_path, "L1,soon", header="loan,since")
    with pytest.raises(BadInput, match=r"column state \(outcome\) is missing; column known_on .* is missing"):
        keep(delta_spark, tmp_path, version)
    with pytest.raises(BadInput, match="column since is string: it should be a date"):
        keep(delta_spark, tmp_path, version, known_on="since")


def test_loans_without_an_outcome_yet_are_left_out_and_counted_where_the_data_set_does_so(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    version = generated(delta_spark, tmp_path, LEAVING_OUT, states=3)
    deliver(tmp_path, "L1,Charged Off,2026-01-31", "L2,Current,2026-01-31", "L3,,2026-01-31")

    result = keep(delta_spark, tmp_path, version)

    assert day_of(delta_spark, tmp_path) == [("L1", 1, "2026-01-31")]
    assert result.figures["notes on the delivery"] == "2 rows whose state is no outcome yet are left out"


def test_a_place_that_is_the_same_on_every_day_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="is the same on every day"):
        KeepOutcomesConfig(as_of=DAY, dataset_version="1", source="s3://bank/outcomes")
