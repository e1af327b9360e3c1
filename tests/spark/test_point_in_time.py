from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.features import ProfileView, WindowView
from spark_jobs.transforms.point_in_time import Lookup, training_set
from tests.spark.slow_point_in_time import Row, slow_training_set

WINDOWS = WindowView("behaviour", "history", "loan_id", (1, 3, 12), ("paid",), "days_past_due")
PROFILE = ProfileView("profile", "incomes", "customer_id", ("income", "job"), max_age_days=400)
DECISIONS = "decision_id string, loan_id string, customer_id string, decided_at timestamp"
HISTORY = "loan_id string, month_on date, days_past_due int, paid double"
INCOMES = "customer_id string, updated_at timestamp, arrived_on date, income double, job string"
START = datetime(2024, 2, 29, tzinfo=UTC)

entities = st.sampled_from(["a", "b", "c", None])
zones = st.sampled_from([timezone(timedelta(hours=hours)) for hours in (0, 13)])
# Few distinct times, so that ties and hits on the very edge of a window are common.
near = st.sampled_from([0, 1, 2, 29, 90, 365, 366, 400])
moments = st.builds(
    lambda days, seconds, zone: (START + timedelta(days=days, seconds=seconds)).astimezone(zone),
    near,
    st.sampled_from([0, 1]),
    zones,
)
days = near.map(lambda number: (START + timedelta(days=number)).date())


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


decision_rows = st.lists(st.tuples(entities, entities, moments), min_size=20, max_size=30).map(
    lambda rows: [
        {"decision_id": f"d{n}", "loan_id": loan, "customer_id": customer, "decided_at": at}
        for n, (loan, customer, at) in enumerate(rows)
    ]
)
amounts = st.sampled_from([0.0, 10.5, 99.9999, 1234.56785])
history_rows = st.lists(
    st.fixed_dictionaries(
        {
            "loan_id": entities,
            "month_on": days,
            "days_past_due": maybe(st.sampled_from([0, 0, 30, 95])),
            "paid": maybe(amounts),
        }
    ),
    min_size=40,
    max_size=60,
)
income_rows = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": entities,
            "updated_at": maybe(moments),
            "arrived_on": maybe(days),
            "income": maybe(amounts),
            "job": maybe(st.sampled_from(["", "clerk"])),
        }
    ),
    min_size=40,
    max_size=60,
)


def frame(spark: SparkSession, rows: list[Row], schema: str) -> DataFrame:
    names = [part.split()[0] for part in schema.split(", ")]
    return spark.createDataFrame([tuple(row[name] for name in names) for row in rows], schema)


def lookups(spark: SparkSession, history: list[Row], incomes: list[Row]) -> list[tuple[Lookup, list[Row]]]:
    return [
        (Lookup(WINDOWS, frame(spark, history, HISTORY), "month_on", delay_days=2), history),
        (Lookup(PROFILE, frame(spark, incomes, INCOMES), "updated_at", arrived_on="arrived_on"), incomes),
    ]


def joined(spark: SparkSession, decisions: list[Row], tables: list[tuple[Lookup, list[Row]]]) -> dict[str, Row]:
    complete = training_set(
        frame(spark, decisions, DECISIONS), [lookup for lookup, _ in tables], id="decision_id", decided_at="decided_at"
    )
    rows = [row.asDict() for row in complete.drop("decided_at").collect()]
    assert len(rows) == len(decisions)
    return {row["decision_id"]: row for row in rows}


def expected(decisions: list[Row], tables: list[tuple[Lookup, list[Row]]]) -> dict[str, Row]:
    rows = slow_training_set(decisions, tables)
    return {row["decision_id"]: {k: v for k, v in row.items() if k != "decided_at"} for row in rows}


def assert_same(found: dict[str, Row], wanted: dict[str, Row]) -> None:
    assert found.keys() == wanted.keys()
    for key, row in wanted.items():
        assert found[key] == {
            name: pytest.approx(value, rel=1e-9, abs=1e-6) if isinstance(value, float) else value
            for name, value in row.items()
        }


# Each example is a Spark job or four: worlds are large instead of many, and a failure is shown as it was found.
few = settings(
    max_examples=4,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@few
@given(decisions=decision_rows, history=history_rows, incomes=income_rows)
def test_training_set_holds_what_was_known_at_each_decision(
    spark: SparkSession, decisions: list[Row], history: list[Row], incomes: list[Row]
) -> None:
    tables = lookups(spark, history, incomes)
    assert_same(joined(spark, decisions, tables), expected(decisions, tables))


@settings(few, max_examples=2)
@given(decisions=decision_rows, history=history_rows, incomes=income_rows, noise=st.data())
def test_rows_after_the_decision_change_nothing(
    spark: SparkSession, decisions: list[Row], history: list[Row], incomes: list[Row], noise: st.DataObject
) -> None:
    last = max(decision["decided_at"] for decision in decisions)
    before = joined(spark, decisions, lookups(spark, history, incomes))
    later = st.integers(1, 900).map(lambda days: last + timedelta(days=days))
    for _ in range(noise.draw(st.integers(20, 30))):
        at, entity, amount = noise.draw(later), noise.draw(entities), noise.draw(amounts)
        # The one happens after every decision; the other happened before but is heard of after.
        history = [*history, {"loan_id": entity, "month_on": at.date(), "days_past_due": 95, "paid": amount}]
        heard_late = {
            "customer_id": entity,
            "updated_at": noise.draw(moments),
            "arrived_on": at.date() + timedelta(days=1),
        }
        incomes = [*incomes, heard_late | {"income": amount, "job": "clerk"}]
    after = joined(spark, decisions, lookups(spark, history, incomes))
    assert after == before


def test_the_date_of_arrival_counts_where_a_delay_is_given_too(spark: SparkSession) -> None:
    decision = {"decision_id": "d", "loan_id": "a", "customer_id": "a", "decided_at": START}
    times = [(START - timedelta(days=9), START.date()), (START - timedelta(days=2), START.date() + timedelta(days=1))]
    incomes: list[Row] = [
        {"customer_id": "a", "updated_at": event, "arrived_on": arrival, "income": float(number), "job": ""}
        for number, (event, arrival) in enumerate(times)
    ]
    for delay_days in (1, 30):  # by the one delay the second row would be known, by the other none
        rows = frame(spark, incomes, INCOMES)
        lookup = Lookup(PROFILE, rows, "updated_at", arrived_on="arrived_on", delay_days=delay_days)
        found = joined(spark, [decision], [(lookup, incomes)])
        assert_same(found, expected([decision], [(lookup, incomes)]))
        assert found["d"]["income"] == 0.0


def test_many_decisions_of_a_customer_do_not_multiply_rows(spark: SparkSession) -> None:
    decisions = [
        {"decision_id": f"d{n}", "loan_id": "a", "customer_id": "a", "decided_at": START + timedelta(days=n)}
        for n in range(40)
    ]
    history = [{"loan_id": "a", "month_on": date(2024, 2, 1), "days_past_due": 0, "paid": float(n)} for n in range(30)]
    assert len(joined(spark, decisions, lookups(spark, history, []))) == 40


def test_same_result_whatever_the_partitioning(spark: SparkSession) -> None:
    decisions = [
        {"decision_id": f"d{n}", "loan_id": f"l{n % 7}", "customer_id": f"c{n % 5}", "decided_at": START}
        for n in range(50)
    ]
    history = [
        {"loan_id": f"l{n % 7}", "month_on": date(2024, 1, 1 + n % 28), "days_past_due": n % 40, "paid": n / 7}
        for n in range(300)
    ]
    found = []
    for partitions in (1, 3, 7):
        view = Lookup(WINDOWS, frame(spark, history, HISTORY).repartition(partitions), "month_on")
        complete = training_set(
            frame(spark, decisions, DECISIONS).repartition(partitions),
            [view],
            id="decision_id",
            decided_at="decided_at",
        )
        found.append(sorted(complete.drop("decided_at").collect()))
    assert found[0] == found[1] == found[2]  # to the last bit: sums are of whole numbers


def test_two_views_with_a_column_of_the_same_name_are_refused(spark: SparkSession) -> None:
    again = Lookup(WINDOWS, frame(spark, [], HISTORY), "month_on")
    with pytest.raises(BadConfiguration, match="event_count_3m would stand in the training set twice"):
        training_set(frame(spark, [], DECISIONS), [again, again], id="decision_id", decided_at="decided_at")
