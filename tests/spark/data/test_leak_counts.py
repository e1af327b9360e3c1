"""The leak check finds what was planted, and nothing in honest data."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.features.leaks import CONTENT, ROWS, Overlap, overlap_leaks
from spark_jobs.data.leak_check import find_leaks
from spark_jobs.transforms.borrowers.leak_counts import to_later_dates, to_overlaps
from spark_jobs.transforms.borrowers.samples import to_new_borrowers
from spark_jobs.transforms.ids import with_borrower_id
from tests.spark.loans import real, to_train_and_test

DESCRIPTION = DatasetDescription(
    name="bank",
    target="bad",
    numeric=("income", "debt"),
    categorical=("state",),
    dates=("decided_on", "applied_on"),
    group="customer_id",
    event_time="decided_on",
)
SCHEMA = (
    "borrower_id string, is_default int, customer_id string, income double, debt double, state string,"
    " decided_on date, applied_on date"
)
DECIDED = dt.date(2025, 6, 30)


def borrowers(spark: SparkSession, count: int, *, first: int = 0) -> DataFrame:
    """Borrowers, all different, of whom the poor default more often."""
    random = np.random.default_rng(first)
    income, debt, luck = random.normal(size=(3, count))
    rows = [
        (f"b{n}", int(0.7 * income[n - first] + luck[n - first] < -0.8), f"c{n}", float(income[n - first]),
         float(debt[n - first]), ("NY", "TX")[n % 2], DECIDED, DECIDED)
        for n in range(first, first + count)
    ]  # fmt: skip
    return spark.createDataFrame(rows, SCHEMA)


def overlaps(train: DataFrame, held_out: DataFrame, features: tuple[str, ...]) -> dict[str, Overlap]:
    found = to_overlaps(train, held_out, features=features, group="customer_id").collect()
    return {row["kind"]: Overlap(**row.asDict()) for row in found}


def test_shared_keys_are_counted_exactly_by_kind(spark: SparkSession) -> None:
    schema = "borrower_id string, is_default int, customer_id string, a int, b string, c double"
    train = [
        ("b1", 0, "c1", 1, "x", 1.0),
        ("b2", 1, "c1", 1, "x", 1.0),
        ("b3", 0, None, 2, "y", 2.0),
        ("b4", 1, None, None, "z", 3.0),
        ("b5", 0, "c5", None, None, 4.0),
    ]
    held_out = [
        ("b1", 1, "c9", 1, "x", 1.0),  # the content of b1 (no default) and b2 (default): half a conflict
        ("b6", 0, "c1", 2, "y", 2.0),
        ("b7", 1, None, None, "z", 3.0),  # two filled features are alike by chance
        ("b8", 0, "c5", 4, None, 4.0),
    ]

    found = overlaps(
        spark.createDataFrame(train, schema), spark.createDataFrame(held_out, schema).repartition(3), ("a", "b", "c")
    )

    assert found == {
        ROWS: Overlap(ROWS, 1, 5, 4, 2, 0.4 * 2 + 0.6 * 2),
        "borrower_id": Overlap("borrower_id", 1, 1, 1, 1, 1.0),
        "customer_id": Overlap("customer_id", 2, 3, 2, 0, 0.5),
        CONTENT: Overlap(CONTENT, 2, 3, 2, 1, 0.5),
    }


def test_dates_after_the_decision_are_counted_by_day_where_one_side_has_no_time(spark: SparkSession) -> None:
    rows = spark.sql(
        "SELECT DATE'2025-06-30' AS decided_on, TIMESTAMP'2025-06-30 18:00:00' AS a, TIMESTAMP'2025-07-01 00:00:00' AS"
        " b, CAST(NULL AS DATE) AS c, DATE'2025-06-29' AS d"
    )

    counted = to_later_dates(rows, event_time="decided_on", dates=("a", "b", "c", "d")).collect()

    assert [row.asDict() for row in counted] == [{"a": 0, "b": 1, "c": 0, "d": 0, "_row_count": 1}]
    times = to_later_dates(rows, event_time="a", dates=("b",)).selectExpr("b", "_row_count").collect()
    assert tuple(times[0]) == (1, 1)


def test_rows_of_the_day_of_the_decision_were_known_only_after_it_unless_a_day_counts_from_its_start(
    spark: SparkSession,
) -> None:
    rows = spark.sql(
        "SELECT decided_on, joined_on, joined_on AS opened_on, TIMESTAMP(joined_on) AS seen_at FROM VALUES"
        " (DATE'2025-06-30', DATE'2025-06-29'), (DATE'2025-06-30', DATE'2025-06-30'),"
        " (DATE'2025-06-30', DATE'2025-07-01') AS rows(decided_on, joined_on)"
    )
    days = {"joined_on": 1, "opened_on": 0, "seen_at": 2}

    counted = to_later_dates(rows, event_time="decided_on", dates=tuple(days), known_after=days).collect()

    assert [row.asDict() for row in counted] == [{"joined_on": 2, "opened_on": 1, "seen_at": 3, "_row_count": 3}]
    description = dataclasses.replace(DESCRIPTION, known_after={"applied_on": 1})
    (leak,) = find_leaks(borrowers(spark, 900), None, description, seed=1)
    assert leak.startswith("rows dated by applied_on were known only after the decision (decided_on) in 900 of 900")


def test_honest_borrowers_pass_and_planted_leaks_are_all_named_at_once(spark: SparkSession) -> None:
    train, held_out = borrowers(spark, 900), borrowers(spark, 300, first=900)
    assert find_leaks(train, held_out, DESCRIPTION, seed=1) == []

    known_later = F.when(F.col("income") < -1.5, F.date_add("applied_on", 30)).otherwise(F.col("applied_on"))
    leaking = train.withColumns(
        {
            "debt": F.col("is_default") * 100 + F.col("debt"),
            "applied_on": known_later,
            "customer_id": F.when(F.col("borrower_id") == "b7", "c901").otherwise(F.col("customer_id")),
        }
    )
    time, group, power = find_leaks(leaking, held_out, DESCRIPTION, seed=1)

    later = leaking.where("applied_on > decided_on").count()
    assert time == f"date applied_on is later than the decision (decided_on) in {later} of 1,200 rows"
    assert group.startswith("1 values of customer_id stand on both sides of the split: 1 of 300 held-out rows")
    assert power.startswith("feature debt alone tells too much: AUC 0.99")
    assert find_leaks(leaking, None, DESCRIPTION, seed=1) == [time.replace("1,200", "900"), power]


def test_new_data_drawn_with_replacement_and_joined_to_training_rows_are_caught(spark: SparkSession) -> None:
    held_out = borrowers(spark, 1500, first=5000)
    drawn = to_new_borrowers(
        held_out,
        columns=(*DESCRIPTION.features, *DESCRIPTION.dates, "customer_id"),
        as_of="2026-01-31",
        fraction=0.1,
        with_replacement=True,
        seed=42,
    )
    labelled = drawn.join(held_out.select("borrower_id", "is_default"), "borrower_id", "inner")
    enriched = borrowers(spark, 1500).unionByName(labelled.drop("sample_id"))

    found = overlaps(enriched, held_out, DESCRIPTION.features)

    drawn_borrowers = labelled.select("borrower_id").distinct().count()
    assert found["borrower_id"].keys == found["customer_id"].keys == found[CONTENT].keys == drawn_borrowers
    assert len(overlap_leaks(list(found.values()))) == 3


def test_rows_drawn_with_replacement_under_new_ids_and_then_split_are_caught(spark: SparkSession) -> None:
    columns = (*DESCRIPTION.features, "is_default")
    drawn = to_new_borrowers(
        borrowers(spark, 600), columns=columns, as_of="2026-01-31", fraction=1.0, with_replacement=True, seed=1
    )
    # The same file without ids: each occurrence gets an id of its own.
    anonymous = with_borrower_id(drawn.select(*columns), None).withColumn("customer_id", F.lit(None).cast("string"))
    train, held_out = to_train_and_test(anonymous, test_share=0.3, seed=42)

    found = overlaps(train, held_out, DESCRIPTION.features)

    assert set(found) == {ROWS, CONTENT}
    (leak,) = overlap_leaks(list(found.values()))
    assert "rows were copied" in leak
    assert found[CONTENT].conflicts == 0


def test_borrowers_of_few_coarse_features_are_alike_by_chance_and_pass(spark: SparkSession) -> None:
    coarse = borrowers(spark, 2000).withColumns(
        {"income": F.signum("income"), "debt": F.floor(F.col("debt")).cast("double"), "customer_id": F.lit(None)}
    )
    train, held_out = to_train_and_test(coarse, test_share=0.3, seed=42)

    found = overlaps(train, held_out, DESCRIPTION.features)

    assert found[CONTENT].held_out_rows > 590  # nearly every held-out borrower has a double
    assert overlap_leaks(list(found.values())) == []


def test_the_double_rows_of_real_cards_are_alike_by_chance(spark: SparkSession) -> None:
    cards = spark.read.parquet(real("taiwan_default"))
    features = [name for name in cards.columns if name not in ("ID", "default payment next month")]
    borrowers = cards.withColumnsRenamed({"ID": "borrower_id", "default payment next month": "is_default"})
    train, held_out = to_train_and_test(borrowers, test_share=0.3, seed=42)

    found = to_overlaps(train, held_out, features=features, group=None).collect()

    content = next(Overlap(**row.asDict()) for row in found if row["kind"] == CONTENT)
    assert 5 <= content.held_out_rows <= 60
    assert overlap_leaks([content]) == []


def test_columns_known_after_the_outcome_are_found_in_real_loans_and_honest_ones_are_not(spark: SparkSession) -> None:
    honest = ("int_rate", "annual_inc", "dti", "revol_util", "fico_range_low")
    after = ("recoveries", "collection_recovery_fee", "total_rec_prncp", "last_fico_range_high", "last_pymnt_amnt")
    description = dataclasses.replace(
        DESCRIPTION,
        numeric=honest + after,
        categorical=("sub_grade",),
        dates=("issue_d", "last_pymnt_d", "last_credit_pull_d"),
        event_time="issue_d",
        group=None,
    )
    loans = spark.read.parquet(real("lending_club_2007_2011"))
    loans = loans.withColumnsRenamed({"id": "borrower_id", "default_flag": "is_default"})

    leaks = find_leaks(loans, None, description, seed=42)

    named = {leak.split()[1] for leak in leaks}
    assert named == {*after, "last_pymnt_d", "last_credit_pull_d"}


def test_the_strongest_honest_features_of_real_loans_pass(spark: SparkSession) -> None:
    loans = spark.read.parquet(real("lending_club_modeldata"))
    labelled = with_borrower_id(loans, None).withColumn("is_default", (F.col("Class") == "bad").cast("int"))
    description = DatasetDescription(name="loans", target="Class", numeric=("int_rate",), categorical=("sub_grade",))

    assert find_leaks(labelled, None, description, seed=42) == []
