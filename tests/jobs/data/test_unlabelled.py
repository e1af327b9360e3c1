"""Rows without a label: refused with their number, or kept beside train and test, and scored later."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.jobs import GenerateDataConfig, ReplayTrainingSetConfig, SampleNewDataConfig
from arrears.stores.objects import Objects
from spark_jobs.jobs import replay_training_set, sample_new_data
from tests.jobs.generated import DATASET, files_below, generate, manifest_of, partition_manifest_of, rows_of

BAD, GOOD = '"Late, 31-120 days",Default', "Fully Paid"


def a_csv(folder: Path, *, with_unlabelled: bool) -> str:
    """60 loans that were repaid, 30 that were not; and 12 current ones and 8 applicants, if asked for."""
    labelled = [f"{n},{n * 10},Fully Paid" for n in range(60)]
    labelled += [
        f"{n},{n * 7},{'Default' if n % 2 else chr(34) + 'Late, 31-120 days' + chr(34)}" for n in range(60, 90)
    ]
    others = [f"{n},{n * 9},Current" for n in range(90, 102)] + [f"{n},{n * 9}," for n in range(102, 110)]
    file = folder / f"loans_{with_unlabelled}.csv"
    lines = ["number,income,loan_status", *labelled, *(others if with_unlabelled else [])]
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def test_refused_rows_are_counted_by_kind_and_the_way_out_is_told(spark: SparkSession, tmp_path: Path) -> None:
    source = a_csv(tmp_path, with_unlabelled=True)
    with pytest.raises(BadInput) as refused:
        generate(spark, tmp_path / "root", source=source, target="loan_status", bad_when=BAD, good_when=GOOD)

    assert refused.value.problems == (
        "target loan_status must hold Late, 31-120 days, Default (bad) or Fully Paid (good) but also holds Current",
        "target loan_status is missing in 8 rows and is neither bad nor good in 12 rows: mend them, or leave them out"
        " with unlabelled: leave_out",
    )
    assert files_below(tmp_path / "root") == []


def test_rows_that_are_left_out_change_nothing_of_train_and_test(delta_spark: SparkSession, tmp_path: Path) -> None:
    rules = {"target": "loan_status", "bad_when": BAD, "good_when": GOOD, "id_column": "number"}
    sides: dict[bool, list[list[tuple[object, ...]]]] = {}
    for with_unlabelled in (False, True):
        folder, source = tmp_path / str(with_unlabelled), a_csv(tmp_path, with_unlabelled=with_unlabelled)
        version = generate(
            delta_spark, folder, source=source, unlabelled="leave_out", **rules
        ).values["dataset_version"]  # fmt: skip
        sides[with_unlabelled] = [
            sorted(map(tuple, rows_of(delta_spark, folder, table, version).drop("dataset_version").collect()))
            for table in (Table.TRAIN, Table.TEST)
        ]
    assert sides[True] == sides[False]
    assert [len(rows) for rows in sides[True]] == [63, 27]


def test_rows_that_are_left_out_are_kept_replayed_and_drawn_as_new_data(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    result = generate(
        delta_spark,
        tmp_path / "root",
        source=a_csv(tmp_path, with_unlabelled=True),
        target="loan_status",
        bad_when=BAD,
        good_when=GOOD,
        id_column="number",
        unlabelled="leave_out",
    )
    root, version = tmp_path / "root", result.values["dataset_version"]
    kept = rows_of(delta_spark, root, Table.UNLABELLED, version)

    assert result.figures["rows without a label, left out"] == 20
    assert kept.columns == ["borrower_id", "income", "_target_value", "dataset_version"]
    assert sorted(row["_target_value"] or "" for row in kept.collect()) == [""] * 8 + ["Current"] * 12
    counts = manifest_of(root, version)["unlabelled"]
    assert (counts["rows"], counts["without_target"], counts["neither_bad_nor_good"]) == (20, 8, 12)
    assert partition_manifest_of(root, Table.UNLABELLED, version)["digest"] == counts["digest"]

    given = {"root": root.as_uri(), "dataset": DATASET, "dataset_version": version}
    assert replay_training_set.run(delta_spark, ReplayTrainingSetConfig(**given)).figures["replayed"] == "identical"

    drawn = SampleNewDataConfig(**given, as_of="2026-02-01", drawn_from="unlabelled", fraction=1.0)
    assert sample_new_data.run(delta_spark, drawn).figures["drawn from borrowers without a label"] == 20
    applicants = {row["borrower_id"] for row in rows_of(delta_spark, root, Table.TEST_SAMPLE, "2026-02-01").collect()}
    assert applicants == {str(number) for number in range(90, 110)}


def test_a_version_that_kept_no_such_row_has_none_to_draw(delta_spark: SparkSession, tmp_path: Path) -> None:
    version = generate(delta_spark, tmp_path).values["dataset_version"]
    given = {"root": tmp_path.as_uri(), "dataset": DATASET, "dataset_version": version, "as_of": "2026-02-01"}

    with pytest.raises(BadConfiguration, match="keeps no row without a label"):
        sample_new_data.run(delta_spark, SampleNewDataConfig(**given, drawn_from="unlabelled"))


def test_a_change_among_the_rows_left_out_is_another_version(delta_spark: SparkSession, tmp_path: Path) -> None:
    versions = []
    for status in ("Current", "Grace"):
        source = tmp_path / f"{status}.csv"
        source.write_text(Path(a_csv(tmp_path, with_unlabelled=True)).read_text().replace("Current", status))
        settings = {"source": str(source), "target": "loan_status", "bad_when": BAD, "good_when": GOOD}
        generated = generate(delta_spark, tmp_path / "root", unlabelled="leave_out", **settings)
        versions.append(generated.values["dataset_version"])

    assert len(set(versions)) == 2


def test_good_values_beside_a_description_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    description = tmp_path / "loans.yaml"
    description.write_text("{name: loans, target: loan_status, bad_when: [Default], numeric: [income]}")
    given = {"source": a_csv(tmp_path, with_unlabelled=True), "description": str(description), "good_when": GOOD}

    with pytest.raises(BadConfiguration, match="good_when belongs into the description"):
        generate(spark, tmp_path / "root", **given)


def test_the_objects_of_a_version_name_the_choice(delta_spark: SparkSession, tmp_path: Path) -> None:
    rules = {"target": "loan_status", "bad_when": BAD, "good_when": GOOD, "unlabelled": "leave_out"}
    source = a_csv(tmp_path, with_unlabelled=False)
    version = generate(delta_spark, tmp_path / "root", source=source, **rules).values["dataset_version"]

    manifest = manifest_of(tmp_path / "root", version)
    assert manifest["description"]["bad_when"] == ["Late, 31-120 days", "Default"]
    assert manifest["description"]["unlabelled"] == "leave_out"
    assert manifest["unlabelled"]["rows"] == 0
    assert not Objects().list(f"{(tmp_path / 'root').as_uri()}/unlabelled")
    assert GenerateDataConfig(**manifest["configuration"]).unlabelled == "leave_out"
