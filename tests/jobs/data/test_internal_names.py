"""A bank whose columns are called as ours: every value comes through generation, sampling, training and scoring."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import SampleNewDataConfig, TrainModelConfig
from arrears.contracts.tables.column_names import ID
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.data.leak_check import find_leaks
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.io import snapshots
from spark_jobs.jobs import sample_new_data
from spark_jobs.measuring.scored_rows import score_carrying
from spark_jobs.training.documents import document_of
from spark_jobs.training.pinned_rows import pinned_rows
from spark_jobs.training.training_plan import training_plan
from tests.jobs.generated import DATASET, generate, manifest_of, rows_of

COLUMNS = {
    "part": "part", "ROW_DIGEST": "ROW_DIGEST", "Is_Drawn": "Is_Drawn", "_stratum": "stratum_", "_part": "part_",
    "_row_digest": "row_digest_", "target": "target", "features": "features", "prediction": "prediction",
    "label": "label", "weight": "weight", "inputs": "inputs", "hidden": "hidden", "id": "id", "_order": "order_",
}  # fmt: skip
ROWS, DAY = 160, "2026-02-01"


def assert_whole(rows: DataFrame, key: str | None = ID) -> int:
    found = rows.select(*([key] if key else []), *(F.col(f"`{name}`") for name in COLUMNS.values())).collect()
    for row in found:
        values = list(row)[1:] if key else list(row)
        first = 1000 * int(row[0]) if key else values[0]
        assert values == [first + place for place in range(len(COLUMNS))]
    return len(found)


def test_every_value_of_columns_that_are_called_as_ours_comes_through(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    file, header = tmp_path / "loans.csv", ["_id", "_customer", "bad", *COLUMNS]
    lines = [
        [row, row // 2, int(row % 3 == 0), *(1000 * row + place for place in range(len(COLUMNS)))]
        for row in range(ROWS)
    ]
    file.write_text("\n".join(",".join(map(str, line)) for line in [header, *lines]))
    yaml = tmp_path / "any.yaml"
    yaml.write_text(f"{{name: any, target: bad, id: _id, group: _customer, numeric: [{', '.join(COLUMNS)}]}}")
    given = {"source": str(file), "description": str(yaml), "split": "grouped", "test_share": 0.5}

    made = generate(delta_spark, tmp_path, **given)

    version = made.values["dataset_version"]
    assert "column _part is kept as part_" in manifest_of(tmp_path, version)["notes"]
    train, test = (rows_of(delta_spark, tmp_path, table, version) for table in (Table.TRAIN, Table.TEST))
    assert assert_whole(train) + assert_whole(test) == ROWS
    description = DatasetDescription.from_dict(manifest_of(tmp_path, version)["description"])
    assert not [leak for leak in find_leaks(train, test, description, seed=1) if "both sides" in leak]
    root = tmp_path.as_uri()
    drawn = SampleNewDataConfig(root=root, dataset=DATASET, as_of=DAY, dataset_version=version, fraction=0.5)
    sample_new_data.run(delta_spark, drawn)
    assert assert_whole(rows_of(delta_spark, tmp_path, Table.TEST_SAMPLE, DAY)) == round(test.count() / 2)
    config = TrainModelConfig(
        root=root, dataset=DATASET, dataset_version=version, iterations=3, sampling="over", sampling_factor=2.0
    )
    with pinned_rows(delta_spark, training_plan(config, description), name="x") as pinned:
        assert assert_whole(snapshots.read_pinned(delta_spark, pinned.snapshot), key=None) > train.count()
        fitted = engine_named("catboost").fit(delta_spark, pinned.snapshot, pinned.spec, snapshots.read_slices)
        document = document_of(config, pinned.spec, fitted)
    table = Addresses(root).table(Table.TEST_SAMPLE, DATASET)
    sample = snapshots.pin_partition(delta_spark, table, {"as_of": DAY}, what="")
    scored = score_carrying(delta_spark, sample, fitted.model, document, (ID, *COLUMNS.values()))
    assert assert_whole(scored) == sample.rows
    assert scored.where("default_probability BETWEEN 0 AND 1").count() == sample.rows


def test_a_name_that_is_stored_beside_a_sources_columns_is_refused_at_the_door(
    delta_spark: SparkSession, tmp_path: Path
) -> None:
    file = tmp_path / "loans.csv"
    file.write_text("loan_id,age,Default_Probability,SHARD,bad\n" + "".join(f"{n},{n},1,2,{n % 2}\n" for n in range(9)))

    with pytest.raises(BadConfiguration) as refused:
        generate(delta_spark, tmp_path, source=str(file), target="bad", id_column="loan_id")

    (problem,) = refused.value.problems
    assert problem.startswith(
        "column Default_Probability, SHARD has a reserved name: in upper and lower case, borrower_id"
    )
