"""A label is given when nothing can change it any more, and then it stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.tables.banks import BankDescription, LabelDefinition, OutcomeColumn
from arrears.contracts.tables.knowledge import LabelKnowledge, label_knowledge
from arrears.stores.bank_files import shipped_bank
from spark_jobs.transforms.bank.labels import to_labelled

SHIPPED = shipped_bank("synthetic_bank")
HISTORY = SHIPPED.tables["credit_history"]
DECIDED = date(2023, 1, 1)


def a_bank(**history: Any) -> BankDescription:
    """The shipped bank with a window of one month and another promise of when its history is known."""
    label = LabelDefinition("credit_history", "days_past_due", at_least=90, window_months=1)
    contract = replace(HISTORY, **{"arrived_on": None, "delay_days": None, **history})
    return replace(SHIPPED, label=label, tables={**SHIPPED.tables, "credit_history": contract})


def labels(
    spark: SparkSession, bank: BankDescription, loans: DataFrame, history: DataFrame, as_of: date
) -> dict[int, int]:
    found = to_labelled(loans, history, bank, as_of=str(as_of), known=label_knowledge(bank))
    return {row["loan_id"]: row["is_default"] for row in found.collect()}


def test_a_loan_is_not_good_until_the_row_that_may_make_it_bad_is_known(spark: SparkSession) -> None:
    bank = a_bank(delay_days=40)
    bank = replace(bank, label=replace(bank.label, window_months=12))
    loans = spark.createDataFrame([(1, DECIDED), (2, DECIDED)], "loan_id bigint, decided_on date")
    history = spark.createDataFrame([(1, date(2023, 12, 31), 90)], "loan_id bigint, month_on date, days_past_due int")

    found = {day: labels(spark, bank, loans, history, date(2024, 2, day)) for day in (8, 9, 10)}

    # The window ends with 2023-12-31, of which is known 40 days later, by the end of 2024-02-09.
    assert found == {8: {}, 9: {1: 1, 2: 0}, 10: {1: 1, 2: 0}}


LOANS = 60


def a_world(seed: int) -> tuple[list[date], list[tuple[int, date, date, int]]]:
    """Decisions, and about two rows of history for each: often the only one that makes a loan bad is late."""
    chance = Random(seed)

    def day(first: int, last: int) -> date:
        return DECIDED + timedelta(days=chance.randint(first, last))

    history = []
    for _ in range(2 * LOANS):
        event = day(25, 72)
        arrival = event + timedelta(days=chance.randint(0, 9))
        history.append((chance.randint(1, LOANS), event, arrival, chance.choice([30, 90])))
    return [day(0, 40) for _ in range(LOANS)], history


# Each example is a dozen Spark jobs: worlds are large instead of many, the simplest one too, so a seed is drawn.
@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(world=st.integers(0, 2**32 - 1).map(a_world), known_at=st.sampled_from(["start", "end"]))
@pytest.mark.parametrize("arrives", [True, False])
def test_a_label_that_was_given_stays_whatever_arrives_later(
    spark: SparkSession, arrives: bool, world: tuple[list[date], list[tuple[Any, ...]]], known_at: str
) -> None:
    bank = a_bank(known_at=known_at, delay_days=9, arrived_on="arrived_on" if arrives else None)
    decided, history = world
    loans = spark.createDataFrame(list(enumerate(decided, 1)), "loan_id bigint, decided_on date").cache()
    table = spark.createDataFrame(history, "loan_id bigint, month_on date, arrived_on date, days_past_due int").cache()
    last = labels(spark, bank, loans, table, DECIDED + timedelta(days=200))
    assert len(last) == len(decided)

    given_early = {}
    for number in (42, 50, 60, 74):
        found = labels(spark, bank, loans, table, DECIDED + timedelta(days=number))
        assert found == {loan: last[loan] for loan in found}
        assert given_early.keys() <= found.keys()
        given_early = found


def test_an_outcome_that_a_column_dates_is_a_label_from_the_end_of_that_day(spark: SparkSession) -> None:
    outcome = OutcomeColumn("channel", bad=("broker",), good=("branch",), known_on="opened_on")
    bank = replace(SHIPPED, label=outcome)
    rows = [(1, "broker", date(2024, 5, 9)), (2, "branch", date(2024, 5, 10)), (3, "branch", None),
            (4, "online", date(2024, 5, 9))]  # fmt: skip
    loans = spark.createDataFrame(rows, "loan_id bigint, channel string, opened_on date").selectExpr(
        "*", "DATE'2024-01-01' AS decided_on"
    )

    assert labels(spark, bank, loans, loans, date(2024, 5, 9)) == {1: 1}
    assert labels(spark, bank, loans, loans, date(2024, 5, 10)) == {1: 1, 2: 0}
    untold = replace(bank, label=replace(outcome, known_on=""))
    assert labels(spark, untold, loans, loans, date(2024, 1, 2)) == {1: 1, 2: 0, 3: 0}


@pytest.mark.parametrize(
    ("contract", "longest", "days"),
    [
        ({}, None, 0),
        ({"delay_days": 40}, None, 40),
        ({"arrived_on": "arrived_on", "delay_days": 90}, None, 90),
        ({"arrived_on": "arrived_on", "delay_days": 90}, 120, 90),  # what is declared counts
        ({"arrived_on": "arrived_on"}, 12, 12),
        # A day that counts from its start ends a day later, and what arrives that day is known by then.
        ({"arrived_on": "arrived_on", "delay_days": 90, "known_at": "start"}, None, 91),
        ({"delay_days": 40, "known_at": "start"}, None, 40),
    ],
)
def test_a_label_waits_for_the_row_that_comes_last(contract: dict[str, Any], longest: int | None, days: int) -> None:
    assert label_knowledge(a_bank(**contract), longest_delay=longest) == LabelKnowledge(1, days)


def test_an_embargo_only_adds() -> None:
    assert LabelKnowledge(12, 90).later_by(30) == LabelKnowledge(12, 120)
    assert not LabelKnowledge()
    assert LabelKnowledge(column="ended_on")
