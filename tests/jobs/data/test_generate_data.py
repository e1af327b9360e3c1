from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.errors import BadInput
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.objects import Objects
from tests.jobs.generated import AS_OF, DATASET, files_below, generate, manifest_of, partition_manifest_of, rows_of
from tests.spark.loans import a_loan, loans_of, real


def active_rows(spark: SparkSession, folder: Path, table: Table, version: str) -> list[tuple[object, ...]]:
    return sorted(map(tuple, rows_of(spark, folder, table, version).collect()), key=str)


def test_a_source_becomes_train_and_test_with_manifests_and_is_in_force(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    result = generate(delta_spark, tmp_path)

    version, root = result.values["dataset_version"], Addresses(tmp_path.as_uri())
    train, test = (rows_of(delta_spark, tmp_path, table, version) for table in (Table.TRAIN, Table.TEST))
    manifest = manifest_of(tmp_path, version)
    assert manifest["rows"] == {"train": train.count(), "test": test.count()}
    assert manifest["defaults"] == {
        "train": train.where("is_default = 1").count(), "test": test.where("is_default = 1").count()
    }  # fmt: skip
    assert train.columns == [
        "borrower_id",
        "is_default",
        *(f"f{j}" for j in (1, 2, 3, 4, 6, 5)),
        "loss",
        "dataset_version",
    ]
    assert DatasetDescription.from_dict(manifest["description"]).kept == ("loss",)
    assert Objects().get_json(f"{root.activations(DATASET)}/{AS_OF}.json")["dataset_version"] == version
    for table in (Table.TRAIN, Table.TEST):
        written = partition_manifest_of(tmp_path, table, version)
        assert written["rows"] == manifest["rows"][table.value]
        assert {Objects().size(file["uri"]) for file in written["files"]} == {f["size"] for f in written["files"]}
    assert result.figures["rows"] == 600
    assert result.figures["rows of train"] == manifest["rows"]["train"]
    assert result.figures["features"] == 6


def test_a_rerun_gives_the_same_version_and_the_same_rows(delta_spark: SparkSession, tmp_path: Path) -> None:
    first = generate(delta_spark, tmp_path)
    version = first.values["dataset_version"]
    before = active_rows(delta_spark, tmp_path, Table.TRAIN, version)
    digest = partition_manifest_of(tmp_path, Table.TRAIN, version)["digest"]

    assert generate(delta_spark, tmp_path) == first
    assert active_rows(delta_spark, tmp_path, Table.TRAIN, version) == before
    assert partition_manifest_of(tmp_path, Table.TRAIN, version)["digest"] == digest


def test_another_split_is_another_version_beside_the_first(delta_spark: SparkSession, tmp_path: Path) -> None:
    first = generate(delta_spark, tmp_path)
    second = generate(delta_spark, tmp_path, test_share=0.5)

    versions = [result.values["dataset_version"] for result in (first, second)]
    counts = [rows_of(delta_spark, tmp_path, Table.TEST, version).count() for version in versions]
    assert len(set(versions)) == 2
    assert counts == [result.figures["rows of test"] for result in (first, second)]
    assert counts[0] < counts[1]


def test_other_columns_under_the_same_name_are_refused_and_change_nothing(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    generate(delta_spark, tmp_path)
    before = [file for file in files_below(tmp_path) if "/locks/" not in file]

    with pytest.raises(BadInput, match="own data set name"):
        generate(delta_spark, tmp_path, features=7)

    assert [file for file in files_below(tmp_path) if "/locks/" not in file] == before


def test_one_error_names_every_problem_and_nothing_is_written(spark: SparkSession, tmp_path: Path) -> None:
    bank, root = tmp_path / "loans.parquet", tmp_path / "root"
    loans = loans_of(spark, *(a_loan(n) for n in range(1, 30)), a_loan(7), a_loan(None, bad=2), a_loan(40, bad=None))
    loans.withColumnRenamed("state", "city").write.parquet(str(bank))
    yaml = tmp_path / "bank.yaml"
    yaml.write_text(
        "{name: any, target: bad, id: number, numeric: [income], categorical: [state], kept: [loss],"
        " excluded: [recovered]}"
    )

    with pytest.raises(BadInput) as caught:
        generate(spark, root, source=str(bank), description=str(yaml))

    assert caught.value.problems == (
        "column state (categorical) is missing",
        "column city has no role: declare it a feature, kept or excluded",
        "target bad must hold 1 (bad) or 0 (good) but also holds 2",
        "id number is missing in 1 rows",
        "id number is not unique: 1 rows repeat the id of another",
        "target bad is missing in 1 rows and is neither bad nor good in 1 rows: mend them, or leave them out with"
        " unlabelled: leave_out",
    )
    assert files_below(tmp_path / "root") == []


def test_an_empty_csv_with_a_header_ends_with_one_problem_and_writes_nothing(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "loans.csv").write_text("income,bad\n")

    with pytest.raises(BadInput) as caught:
        generate(spark, tmp_path / "root", source=str(tmp_path / "loans.csv"), target="bad")

    assert caught.value.problems == ("the source holds no row",)
    assert files_below(tmp_path / "root") == []


def test_real_loans_of_a_path_with_another_bad_level_are_split(delta_spark: SparkSession, tmp_path: Path) -> None:
    result = generate(delta_spark, tmp_path, source=real("german_credit"), target="class", bad_when="2")

    manifest = manifest_of(tmp_path, result.values["dataset_version"])
    assert manifest["rows"] == {"train": 700, "test": 300}
    assert manifest["defaults"] == {"train": 210, "test": 90}
    assert manifest["description"]["good_when"] == "1"
    assert len(manifest["description"]["categorical"]) == 13
