from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.banks import Join
from arrears.contracts.tables.features import DerivedFeature, ProfileView
from arrears.contracts.tables.knowledge import LabelKnowledge, RowKnowledge
from arrears.stores.bank_files import shipped_bank
from spark_jobs.transforms.bank.derived import with_derived
from spark_jobs.transforms.bank.joins import to_repeated_join_keys, with_joined
from spark_jobs.transforms.bank.labels import to_labelled
from spark_jobs.transforms.bank.point_in_time import Lookup, to_features, to_features_on
from spark_jobs.transforms.borrowers.splits import with_grouped_part, with_time_part

BANK = shipped_bank("synthetic_bank")


def test_derived_features_follow_their_definitions(spark: SparkSession) -> None:
    row = {"a": 6.0, "b": 4.0, "none": 0.0, "missing": None, "early": date(2024, 1, 31), "late": date(2024, 3, 30)}
    rows = spark.createDataFrame(
        [tuple(row.values())], "a double, b double, none double, missing double, early date, late date"
    )
    bands = {"limits": (4.0, 6.0), "labels": ("low", "middle", "high")}
    wanted: dict[str, tuple[DerivedFeature, Any]] = {}

    def expect(value: Any, kind: Any, *columns: str, **more: Any) -> None:
        name = f"feature_{len(wanted)}"
        wanted[name] = DerivedFeature(name, kind, columns, **more), value

    expect(1.5, "ratio", "a", "b")
    expect(None, "ratio", "a", "none")
    expect(None, "ratio", "missing", "b")
    expect(2.0, "difference", "a", "b")
    expect(24.0, "product", "a", "b")
    expect("high", "bucket", "a", **bands)  # a value on a limit belongs above it
    expect("middle", "bucket", "b", **bands)
    expect("low", "bucket", "none", **bands)
    expect(None, "bucket", "missing", **bands)
    expect(2024, "calendar", "late", part="year")
    expect(1, "calendar", "late", part="quarter")
    expect(3, "calendar", "late", part="month")
    expect(6, "calendar", "late", part="weekday")  # a Saturday
    expect(59, "days_between", "late", "early")
    expect(1, "months_between", "late", "early")  # the second month has not ended
    expect(9.0, "product", "feature_0", "a")  # an earlier feature is a column like any other

    found = with_derived(rows, [feature for feature, _ in wanted.values()]).collect()[0].asDict()

    assert {name: found[name] for name in wanted} == {name: value for name, (_, value) in wanted.items()}


def test_a_join_adds_columns_and_keeps_every_decision_once(spark: SparkSession) -> None:
    loans = spark.createDataFrame([(1, 10), (2, 10), (3, 11), (4, None)], "loan_id int, account int")
    people = spark.createDataFrame(
        [(10, "OWNER", "anna"), (10, "USER", "ben"), (12, "OWNER", "carl")], "id int, type string, name string"
    )
    join = Join("people", on="account", on_theirs="id", where={"type": "OWNER"})

    found = with_joined(loans, join, people).select("loan_id", "name").orderBy("loan_id").collect()

    assert [tuple(row) for row in found] == [(1, "anna"), (2, "anna"), (3, None), (4, None)]
    assert to_repeated_join_keys(people, join).collect()[0]["key_count"] == 0
    everybody = Join("people", on="account", on_theirs="id")
    assert to_repeated_join_keys(people, everybody).collect()[0]["key_count"] == 1
    with pytest.raises(BadConfiguration, match="column name stands in people and in the decisions"):
        with_joined(loans.withColumn("name", F.lit("")), join, people)


def test_a_label_counts_arrears_after_the_decision_within_the_window_and_known_on_the_date(
    spark: SparkSession,
) -> None:
    decided, in_time = date(2024, 1, 15), date(2025, 2, 1)
    cases = {  # month_on, arrived_on, days past due → label on 2025-02-14
        1: (date(2024, 1, 14), in_time, 90, 0),  # its day ends as that of the decision begins: known before it
        2: (date(2024, 1, 15), in_time, 90, 1),
        3: (date(2025, 1, 14), in_time, 90, 1),  # the last day of the window
        4: (date(2025, 1, 15), in_time, 90, 0),
        5: (date(2024, 6, 30), in_time, 89, 0),
        6: (date(2024, 6, 30), date(2025, 2, 14), 95, 1),
        7: (date(2024, 6, 30), date(2025, 2, 15), 95, 0),  # arrives a day late
    }
    loans = spark.createDataFrame([(n, decided) for n in (*cases, 8)], "loan_id bigint, decided_on date")
    young = spark.createDataFrame([(9, date(2024, 1, 17))], "loan_id bigint, decided_on date")
    history = spark.createDataFrame(
        [(n, month, arrived, days) for n, (month, arrived, days, _) in cases.items()],
        "loan_id bigint, month_on date, arrived_on date, days_past_due int",
    )

    known = LabelKnowledge(12, 30)
    labelled = to_labelled(loans.union(young), history, BANK, as_of="2025-02-14", known=known)

    found = {row["loan_id"]: row["is_default"] for row in labelled.collect()}
    assert found == {n: label for n, (*_, label) in cases.items()} | {8: 0}  # 9 is too young by a day


def test_a_split_by_time_trains_on_labels_known_before_the_first_held_out_decision(spark: SparkSession) -> None:
    times = {
        "2023-12-02 00:00": "train", "2023-12-02 00:01": "embargo", "2024-12-31 23:59": "embargo",
        "2025-01-01 00:00": "test",
    }  # fmt: skip
    rows = spark.createDataFrame([(datetime.fromisoformat(time),) for time in times], "decided_at timestamp")

    parted = with_time_part(rows, event_time="decided_at", test_from="2025-01-01", known=LabelKnowledge(12, 30))

    assert {f"{row['decided_at']:%F %R}": row["_part"] for row in parted.collect()} == times


def test_a_split_by_time_trains_on_outcomes_that_a_column_tells_to_have_been_known(spark: SparkSession) -> None:
    days = {"2024-12-30": "train", "2024-12-31": "embargo", None: "embargo"}  # a day later for the embargo
    rows = spark.createDataFrame(
        [(date(2024, 1, 1), day and date.fromisoformat(day)) for day in days], "decided_on date, ended_on date"
    )

    known = LabelKnowledge(days=1, column="ended_on")
    parted = with_time_part(rows, event_time="decided_on", test_from="2025-01-01", known=known)

    assert {row["ended_on"] and str(row["ended_on"]): row["_part"] for row in parted.collect()} == days


def test_a_split_by_time_leaves_out_earlier_decisions_of_customers_who_are_held_out(spark: SparkSession) -> None:
    cases = [("a", "2023-01-01", "embargo"), ("a", "2025-02-01", "test"), ("b", "2023-01-01", "train"),
             (None, "2023-01-01", "train"), (None, "2025-02-01", "test")]  # fmt: skip
    rows = spark.createDataFrame([(who, date.fromisoformat(day)) for who, day, _ in cases], "customer string, day date")

    parted = with_time_part(rows, event_time="day", test_from="2025-01-01", known=LabelKnowledge(12), group="customer")

    assert sorted((row["customer"] or "", str(row["day"]), row["_part"]) for row in parted.collect()) == sorted(
        (who or "", day, part) for who, day, part in cases
    )


def test_a_grouped_split_keeps_customers_together_and_rows_without_one_apart(spark: SparkSession) -> None:
    rows = spark.range(3000).selectExpr(
        "string(id) AS borrower_id", "if(id < 2000, id div 4, NULL) AS customer_id", "int(id % 5 = 0) AS is_default"
    )

    parted = with_grouped_part(rows, group="customer_id", test_share=0.3, seed=1).cache()

    sides = parted.where("customer_id IS NOT NULL").groupBy("customer_id").agg(F.count_distinct("_part").alias("n"))
    assert sides.agg(F.max("n")).collect()[0][0] == 1
    share = F.avg(F.expr("double(_part = 'test')"))
    assert parted.agg(share).collect()[0][0] == pytest.approx(0.3, abs=0.03)
    assert parted.where("customer_id IS NULL").agg(share).collect()[0][0] == pytest.approx(0.3, abs=0.05)
    again = with_grouped_part(rows.repartition(7), group="customer_id", test_share=0.3, seed=1)
    assert sorted(again.collect()) == sorted(parted.collect())


def test_a_day_of_the_feature_store_equals_a_decision_of_every_entity_on_that_day(spark: SparkSession) -> None:
    history = spark.range(600).selectExpr(
        "id % 20 AS loan_id",
        "date_add(date'2024-01-01', int(id div 20) * 13) AS month_on",
        "date_add(date'2024-01-01', int(id div 20) * 13 + int(id % 7)) AS arrived_on",
        "int(if(id % 9 = 0, 30, 0)) AS days_past_due",
        "id / 7 AS paid_amount", "id / 3 AS due_amount", "double(id) AS balance_amount", "int(id) AS credit_score",
    )  # fmt: skip
    moments = spark.range(20).selectExpr("id AS loan_id", "date'2024-09-17' AS decided_on")
    for view in BANK.views:
        used = ProfileView(view.name, view.table, view.entity, ("balance_amount", "credit_score"), 20) if isinstance(
            view, ProfileView
        ) else view  # fmt: skip
        lookup = Lookup(used, history, RowKnowledge("month_on", arrived_on="arrived_on"))

        at_decisions = to_features(moments, lookup, id="loan_id", decided_at="decided_on")
        on_the_day = to_features_on(lookup, as_of="2024-09-17")

        assert sorted(at_decisions.select(*on_the_day.columns).collect()) == sorted(on_the_day.collect()) != []
