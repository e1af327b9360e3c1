from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import reduce
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.features import ProfileView, WindowView
from arrears.contracts.tables.knowledge import RowKnowledge
from arrears.contracts.tables.table_contracts import DayPart
from spark_jobs.transforms.bank.point_in_time import Lookup, to_build, training_set
from spark_jobs.transforms.bank.stored_features import StoredLookup
from tests.spark.data.slow_point_in_time import Row, moment_of, slow_training_set

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


def lookups(
    spark: SparkSession, history: list[Row], incomes: list[Row], days_of: DayPart = "end"
) -> list[tuple[Lookup, list[Row]]]:
    behaviour = Lookup(WINDOWS, frame(spark, history, HISTORY), RowKnowledge("month_on", days_of, delay_days=2))
    profile = Lookup(PROFILE, frame(spark, incomes, INCOMES), RowKnowledge("updated_at", arrived_on="arrived_on"))
    return [(behaviour, history), (profile, incomes)]


def joined(
    spark: SparkSession, decisions: list[Row], tables: Sequence[tuple[Lookup | StoredLookup, list[Row]]]
) -> dict[str, Row]:
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
@given(decisions=decision_rows, history=history_rows, incomes=income_rows, days_of=st.sampled_from(["start", "end"]))
def test_training_set_holds_what_was_known_at_each_decision(
    spark: SparkSession, decisions: list[Row], history: list[Row], incomes: list[Row], days_of: DayPart
) -> None:
    tables = lookups(spark, history, incomes, days_of)
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
            "arrived_on": at.date(),
        }
        incomes = [*incomes, heard_late | {"income": amount, "job": "clerk"}]
    after = joined(spark, decisions, lookups(spark, history, incomes))
    assert after == before


def test_the_date_of_arrival_counts_where_a_delay_is_given_too(spark: SparkSession) -> None:
    decision = {"decision_id": "d", "loan_id": "a", "customer_id": "a", "decided_at": START}
    times = [(START - timedelta(days=9), START.date() - timedelta(days=1)), (START - timedelta(days=2), START.date())]
    incomes: list[Row] = [
        {"customer_id": "a", "updated_at": event, "arrived_on": arrival, "income": float(number), "job": ""}
        for number, (event, arrival) in enumerate(times)
    ]
    for delay_days in (1, 30):  # by the one delay the second row would be known, by the other none
        rows = frame(spark, incomes, INCOMES)
        lookup = Lookup(PROFILE, rows, RowKnowledge("updated_at", arrived_on="arrived_on", delay_days=delay_days))
        found = joined(spark, [decision], [(lookup, incomes)])
        assert_same(found, expected([decision], [(lookup, incomes)]))
        assert found["d"]["income"] == 0.0


def stored(lookup: Lookup, builds: list[date]) -> StoredLookup:
    rows = reduce(DataFrame.unionByName, (to_build(lookup, as_of=str(build)) for build in builds))
    return StoredLookup(lookup.view, rows, builds)


def newest_build(decision: Row, builds: list[date]) -> date | None:
    return max((build for build in builds if moment_of(build) <= decision["decided_at"]), default=None)


@settings(few, max_examples=2)
@given(
    decisions=decision_rows,
    history=history_rows,
    incomes=income_rows,
    builds=st.lists(days, min_size=2, max_size=3, unique=True),
)
def test_the_store_gives_what_the_tables_give_at_the_moment_of_the_newest_build(
    spark: SparkSession, decisions: list[Row], history: list[Row], incomes: list[Row], builds: list[date]
) -> None:
    for build in builds:  # every entity at the very moment of each build, one that no table knows too
        ids: tuple[str | None, ...] = ("a", "b", "c", "never seen", None)
        at = moment_of(build)
        decisions = decisions + [
            {"decision_id": f"{build} {who}", "loan_id": who, "customer_id": who, "decided_at": at} for who in ids
        ]
    tables = lookups(spark, history, incomes)

    found = joined(spark, decisions, [(stored(lookup, builds), rows) for lookup, rows in tables])

    seen = [(decision, newest_build(decision, builds)) for decision in decisions]
    at_builds = [decision | {"decided_at": moment_of(build)} for decision, build in seen if build is not None]
    wanted = expected(at_builds, tables)
    names = [name for lookup, _ in tables for name in lookup.view.feature_names]
    for decision, build in seen:
        if build is None:  # nobody has looked yet: not even a count is known
            untold = {name: value for name, value in decision.items() if name != "decided_at"}
            wanted[decision["decision_id"]] = untold | dict.fromkeys(names)
    assert_same(found, wanted)
    exact = joined(spark, at_builds, tables)
    assert {key: found[key] for key in exact} == exact  # to the last bit


def test_a_customer_who_fell_silent_is_not_known_by_an_older_build(spark: SparkSession) -> None:
    incomes: list[Row] = []
    history: list[Row] = [
        {"loan_id": loan, "month_on": day, "days_past_due": 0, "paid": 75.0}
        for loan, day in (
            ("silent", date(2022, 1, 10)), ("silent", date(2022, 1, 20)),
            ("back", date(2022, 1, 10)), ("back", date(2024, 1, 20)),
            ("late", date(2024, 2, 20)),
        )
    ]  # fmt: skip
    decisions = [
        {"decision_id": loan, "loan_id": loan, "customer_id": None, "decided_at": datetime(2024, 2, 28, tzinfo=UTC)}
        for loan in ("silent", "back", "late", "new")
    ]
    (behaviour, _), _ = lookups(spark, history, incomes)
    behaviour = replace(behaviour, view=replace(WINDOWS, prefix="cards_"))
    builds = [date(2022, 2, 1), date(2023, 2, 1), date(2024, 2, 1), date(2024, 3, 1)]

    found = joined(spark, decisions, [(stored(behaviour, builds), history)])

    told = {key: (row["cards_event_count_12m"], row["cards_paid_sum_12m"]) for key, row in found.items()}
    assert told == {"silent": (0, None), "back": (1, 75.0), "late": (0, None), "new": (0, None)}


@pytest.mark.parametrize(
    ("day", "balance_at", "decided", "seen"),
    [
        ("end", date(2024, 5, 10), datetime(2024, 5, 10, 9, tzinfo=UTC), False),  # the day has not closed yet
        ("end", date(2024, 5, 10), date(2024, 5, 10), False),
        ("end", date(2024, 5, 10), datetime(2024, 5, 11, tzinfo=UTC), True),
        ("end", date(2024, 5, 10), date(2024, 5, 11), True),
        ("start", date(2024, 5, 10), datetime(2024, 5, 10, 9, tzinfo=UTC), True),
        ("start", date(2024, 5, 10), date(2024, 5, 10), True),
        ("end", datetime(2024, 5, 10, 8, 59, tzinfo=UTC), datetime(2024, 5, 10, 9, tzinfo=UTC), True),
        ("end", datetime(2024, 5, 10, 9, 1, tzinfo=UTC), datetime(2024, 5, 10, 9, tzinfo=UTC), False),
    ],
)  # fmt: skip
def test_a_closing_balance_is_known_when_its_day_has_ended(
    spark: SparkSession, day: DayPart, balance_at: date, decided: date, seen: bool
) -> None:
    kinds = ["timestamp" if isinstance(moment, datetime) else "date" for moment in (balance_at, decided)]
    balances = spark.createDataFrame([("a", balance_at, 100.0)], f"account string, at {kinds[0]}, balance double")
    decisions = spark.createDataFrame([("d", "a", decided)], f"id string, account string, decided_at {kinds[1]}")
    view = ProfileView("state", "balances", "account", ("balance",))

    lookup = Lookup(view, balances, RowKnowledge("at", day))
    (found,) = training_set(decisions, [lookup], id="id", decided_at="decided_at").collect()

    assert found["balance"] == (100.0 if seen else None)


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
        view = Lookup(WINDOWS, frame(spark, history, HISTORY).repartition(partitions), RowKnowledge("month_on"))
        complete = training_set(
            frame(spark, decisions, DECISIONS).repartition(partitions),
            [view],
            id="decision_id",
            decided_at="decided_at",
        )
        found.append(sorted(complete.drop("decided_at").collect()))
    assert found[0] == found[1] == found[2]  # to the last bit: sums are of whole numbers


def test_two_views_with_a_column_of_the_same_name_are_refused(spark: SparkSession) -> None:
    again = Lookup(WINDOWS, frame(spark, [], HISTORY), RowKnowledge("month_on"))
    with pytest.raises(BadConfiguration, match="event_count_3m would stand in the training set twice"):
        training_set(frame(spark, [], DECISIONS), [again, again], id="decision_id", decided_at="decided_at")
