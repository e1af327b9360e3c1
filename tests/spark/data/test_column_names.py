"""A source's columns may be called as anything: they come through whole, or are refused at the door."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.experiments import Folds
from arrears.contracts.tables.column_names import RESERVED
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.fitting.resampling import Resampling
from arrears.stores.source_listing import DeliveredFile
from spark_jobs.io.source_files import stored_names
from spark_jobs.io.text_tables import read_text
from spark_jobs.schemas import stored_name
from spark_jobs.transforms.borrowers import splits
from spark_jobs.transforms.borrowers.borrowers import in_stored_names, to_borrowers
from spark_jobs.transforms.borrowers.leak_counts import to_later_dates, to_overlaps
from spark_jobs.transforms.borrowers.samples import to_new_borrowers
from spark_jobs.transforms.features.feature_statistics import to_number_statistics
from spark_jobs.transforms.training.folds import to_fold_rows
from spark_jobs.transforms.training.resampled_rows import to_resampled_rows
from spark_jobs.transforms.training.training_rows import to_training_rows, with_sample_mark

ROWS, CUSTOMERS, GROUP, TARGET = 60, 10, "CUSTOMER", "is_bad"
_JOBS = Path(__file__).resolve().parents[3] / "spark_jobs"
_MAKES_COLUMNS = {"alias", "withColumn", "withColumns", "withColumnRenamed", "col", "drop", "partitionBy", "groupBy"}


def names_in_the_code() -> list[str]:
    """Every text that the jobs name a column by, or keep in a constant: in capitals, as Spark takes both for one."""
    names = {"part", "is_drawn", "row_digest", "stratum"}  # a user's case
    for room in ("transforms", "io", "data", "jobs", "objectives"):
        for file in (_JOBS / room).rglob("*.py"):
            module = ast.parse(file.read_text())
            calls = (node for node in ast.walk(module) if isinstance(node, ast.Call))
            makers = [call for call in calls if getattr(call.func, "attr", "") in _MAKES_COLUMNS]
            constants = [node for node in module.body if isinstance(node, ast.Assign | ast.AnnAssign)]
            for node in (*makers, *constants):
                texts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
                names |= {text for text in texts if isinstance(text, str) and re.fullmatch(r"_*[A-Za-z]\w*", text)}
    return sorted({name.upper() for name in names if name.lower() not in (*RESERVED, TARGET)})


def given_rows(spark: SparkSession, names: list[str]) -> DataFrame:
    """Numbers of which each tells its row and its column."""
    numbers = (f"CAST(1000 * id + {place} AS double) AS `{name}`" for place, name in enumerate(names))
    return spark.range(ROWS).selectExpr("CAST(id % 3 = 0 AS int) AS is_bad", *numbers)


def described(names: list[str], **given: str) -> DatasetDescription:
    return DatasetDescription(name="any", target="is_bad", numeric=tuple(names), **given)  # type: ignore[arg-type]


def assert_whole(rows: DataFrame, names: list[str]) -> None:
    found = rows.select(*(F.col(f"`{name}`") for name in names)).collect()
    assert found
    for row in found:
        first = row[0]
        assert first % 1000 == 0
        assert list(row) == [first + place for place in range(len(names))]


def test_no_column_of_ours_takes_the_place_of_a_sources(spark: SparkSession) -> None:
    # _N and N_ would have one name in the tables, and stored_names refuses that.
    declared = list({stored_name(name): name for name in reversed(names_in_the_code()) if name != GROUP}.values())
    assert len(declared) > 150
    assert {"PART", "_PART", "_STRATUM", "_ROW_DIGEST", "_IS_DRAWN", "_WHOLE", "_HIGH"} <= set(declared)
    names = stored_names(declared)
    loans = given_rows(spark, declared).toDF(TARGET, *names)
    # Two customers could lie on one side of a split by chance.
    loans = loans.withColumn(GROUP, (F.col(f"`{names[0]}`") / 1000).cast("int") % CUSTOMERS)
    description = in_stored_names(described(declared, group=GROUP))

    borrowers = to_borrowers(loans, description).cache()
    parted = [
        splits.with_random_part(borrowers, test_share=0.5, seed=1),
        splits.with_grouped_part(borrowers, group=GROUP, test_share=0.5, seed=1),
    ]
    for rows in parted:
        assert {row[0] for row in rows.select(splits.PART).distinct().collect()} == {"train", "test"}
        assert_whole(rows, names)
    for with_replacement in (False, True):
        sample = to_new_borrowers(
            borrowers, columns=names, as_of="2026-01-31", fraction=0.5, with_replacement=with_replacement, seed=1
        )
        assert_whole(sample, names)
    training = to_training_rows(borrowers, features=names, validation_share=0.2, shards=2, seed=1, group=GROUP)
    assert_whole(with_sample_mark(to_resampled_rows(training, Resampling("over", 1.5), seed=1), 0.9), names)
    folds = to_fold_rows(borrowers, Folds("grouped", 2), features=names, validation_share=0.2, seed=1, group=GROUP)
    assert_whole(folds, names)
    means = [row["mean"] for row in to_number_statistics(borrowers, names).collect()]
    assert means == pytest.approx([means[0] + place for place in range(len(names))])
    overlaps = to_overlaps(borrowers, borrowers, features=names, group=GROUP).collect()
    assert {row["kind"]: row["keys"] for row in overlaps} == {
        "rows": 1,
        "borrower_id": ROWS,
        GROUP: CUSTOMERS,
        "content": ROWS,
    }


def test_dates_that_are_stored_under_another_name_keep_the_days_until_they_were_known() -> None:
    declared = DatasetDescription("x", target="y", dates=("opened on", "_closed"), known_after={"opened on": 1})
    stored = in_stored_names(declared)
    assert (stored.dates, stored.known_after) == (("opened_on", "closed_"), {"opened_on": 1})


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(st.text(alphabet="_aA .(x1", min_size=1, max_size=5), min_size=1, max_size=6, unique=True),
    reserved=st.sets(st.sampled_from([*RESERVED, *map(str.upper, RESERVED), "Sample Id"]), max_size=2),
)
def test_names_are_stored_apart_from_ours_or_refused_in_sentences(names: list[str], reserved: set[str]) -> None:
    columns, refusal, stored = [*names, *reserved], "", []
    try:
        stored = stored_names(columns)
        in_stored_names(described(columns))
    except (BadInput, BadConfiguration) as refused:
        refusal = str(refused)
    if refusal:
        lowered = [re.sub(r"[ .(]+", "_", name.strip()).strip("_").lower() for name in columns]
        assert reserved or "" in lowered or len(set(lowered)) < len(lowered)
        return
    assert not any(name.startswith("_") for name in stored)
    assert len({name.lower() for name in stored}) == len(columns)
    assert not {name.lower() for name in stored} & set(RESERVED)


def test_a_date_that_is_called_as_the_count_beside_it_is_compared(spark: SparkSession) -> None:
    rows = spark.sql("SELECT DATE'2026-01-01' AS at, DATE'2026-01-02' AS ROW_COUNT, DATE'2025-01-01' AS _rows")

    (counted,) = to_later_dates(rows, event_time="at", dates=["ROW_COUNT", "_rows"]).collect()

    assert counted[:] == (1, 0, 1)


def test_a_header_may_hold_the_names_of_the_list_of_files(spark: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "loans.csv"
    file.write_text("place,content,_id\nx,y,1\n")

    table = read_text(spark, [DeliveredFile(file.as_uri())])

    assert table.names == ("place", "content", "_id")
    assert [tuple(row) for row in table.rows.collect()] == [("x", "y", 1)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"group": "BORROWER_ID"}, "BORROWER_ID has a reserved name: in upper and lower case, borrower_id, "),
        ({"dates": ("AS_OF",)}, "AS_OF has a reserved name"),
        ({"kept": ("Age",)}, "columns age, Age differ in upper and lower case alone"),
    ],
)
def test_a_name_of_ours_is_refused_in_any_case(given: dict[str, object], told: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        DatasetDescription(name="any", target="bad", numeric=("age", "Shard"), **given)  # type: ignore[arg-type]

    assert any(told in problem for problem in refused.value.problems)
    assert any("Shard" in problem and "default_probability" in problem for problem in refused.value.problems)
