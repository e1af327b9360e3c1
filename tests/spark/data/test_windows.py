"""Sums over windows are exact for amounts of any size that a bank's contract lets in, and for any number of them."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.tables.features import LARGEST_AMOUNT, ProfileView, WindowView
from arrears.contracts.tables.knowledge import RowKnowledge
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from arrears.contracts.tables.view_contracts import with_amount_limits
from spark_jobs.data.contract_check import table_verdict
from spark_jobs.transforms.bank.point_in_time import Lookup, training_set

VIEW = WindowView("behaviour", "history", "loan_id", (12,), ("paid",))
DECIDED = datetime.fromisoformat("2026-01-31 00:00:00")
# A bank's second view: its names begin with its own, and it wants one feature alone.
SINGLE = WindowView("cards", "history", "loan_id", (12,), ("paid",), features=("paid_mean_12m",), prefix="cards_")
HISTORY = "loan_id string, day_on date, paid double"


def features(spark: SparkSession, amounts: dict[str, list[float]]) -> dict[str, Any]:
    """The features of each loan, which has one amount a day, the last one on the day of the decision."""
    rows = [
        (loan, DECIDED.date() - timedelta(days=len(paid) - 1 - place), amount)
        for loan, paid in amounts.items()
        for place, amount in enumerate(paid)
    ]
    history = spark.createDataFrame(rows, HISTORY).repartition(3)
    decisions = spark.createDataFrame([(loan, DECIDED) for loan in amounts], "loan_id string, decided_at timestamp")
    lookups = [Lookup(view, history, RowKnowledge("day_on", day="start")) for view in (VIEW, SINGLE)]
    complete = training_set(decisions, lookups, id="loan_id", decided_at="decided_at")
    assert complete.columns[-1] == "cards_paid_mean_12m"
    return {row["loan_id"]: row for row in complete.collect()}


def test_sums_of_amounts_of_any_size_are_exact(spark: SparkSession) -> None:
    drawn = random.Random(7)
    amounts = {
        f"d{number}": [
            drawn.choice((1, -1)) * min(float(LARGEST_AMOUNT), round(10 ** drawn.uniform(0, 15.2), 4))
            for _ in range(drawn.randint(2, 300))
        ]
        for number in range(20)
    }
    amounts |= {"dong": [3e12] * 10, "largest": [float(LARGEST_AMOUNT)] * 365, "least": [-float(LARGEST_AMOUNT)] * 365}
    amounts |= {"rising": [1e12 * day for day in range(100)]}

    found = features(spark, amounts)

    for loan, paid in amounts.items():
        steps = [int((Fraction(amount * 10_000.0) + Fraction(1, 2)).__floor__()) for amount in paid]
        assert found[loan]["paid_sum_12m"] == float(sum(steps)) / 10_000
        assert found[loan]["paid_mean_12m"] == float(sum(steps)) / 10_000 / len(paid)
        assert found[loan]["cards_paid_mean_12m"] == found[loan]["paid_mean_12m"]
        assert found[loan]["paid_max_12m"] == max(steps) / 10_000
        middle = Fraction(len(paid) - 1, 2)
        above = sum((day - middle) * step for day, step in enumerate(steps))
        slope = above / sum((day - middle) ** 2 for day in range(len(paid)))
        size = max(map(abs, steps)) / 10_000
        assert found[loan]["paid_trend_12m"] == pytest.approx(
            float(slope) * 30.4375 / 10_000, rel=1e-9, abs=size * 1e-10
        )
    assert found["dong"]["paid_sum_12m"] == 3e13
    assert found["rising"]["paid_trend_12m"] == 1e12 * 30.4375


def test_an_amount_that_no_sum_could_hold_is_a_broken_row(spark: SparkSession) -> None:
    columns = (ColumnContract("loan_id", "string"), ColumnContract("day_on", "date"), ColumnContract("paid", "double"))
    table = TableContract("history", columns, key=("loan_id", "day_on"))
    kept, other = with_amount_limits(table, [VIEW]), with_amount_limits(table, [ProfileView("p", "history", "x", ())])
    amounts = [9e14, -9e14, 9.1e14, -9.1e14, float("inf"), None]
    rows = spark.createDataFrame([(f"L{n}", date(2026, 1, 1), amount) for n, amount in enumerate(amounts)], HISTORY)

    verdict = table_verdict(rows, kept, as_of="2026-01-31", allow_new_columns=False)

    assert {violation.rule: violation.examples for violation in verdict.violations} == {
        "paid is NaN or infinite": ("L4/2026-01-01",),
        "paid is outside -900000000000000 to 900000000000000": ("L2/2026-01-01", "L3/2026-01-01"),
    }
    assert other == table


@pytest.mark.parametrize(
    ("limits", "limited"),
    [
        ((0, None), (0, LARGEST_AMOUNT)),
        ((None, 1e3), (-LARGEST_AMOUNT, 1e3)),
        ((-1e300, 1e300), (-LARGEST_AMOUNT, LARGEST_AMOUNT)),
    ],
)
def test_a_banks_own_limits_stay_where_they_are_narrower(limits: tuple[Any, Any], limited: tuple[Any, Any]) -> None:
    kinds = ("double", "bigint", "decimal", "decimal(38,2)", "int")
    for kind in kinds:
        column = ColumnContract("paid", kind, minimum=limits[0], maximum=limits[1])
        (found,) = with_amount_limits(TableContract("history", (column,), key=("paid",)), [VIEW]).columns
        assert (found.minimum, found.maximum) == (limits if kind == "int" else limited)
