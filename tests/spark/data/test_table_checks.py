"""A table that breaks its contract is told with counts and ids; broken rows are put aside or stop the run."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadInput
from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from arrears.stores.objects import Objects
from spark_jobs.data.contract_check import Verdict, Violation, enforce, table_verdict

AS_OF = "2026-03-31"
PAYMENTS = TableContract(
    name="payments",
    columns=(
        ColumnContract("loan_id", "string"),
        ColumnContract("month_on", "date", nullable=False, minimum="2020-01-01"),
        ColumnContract("arrived_on", "date"),
        ColumnContract("paid_amount", "double", nullable=False, minimum=0, maximum=1000),
        ColumnContract("days_past_due", "int", maximum=3650),
        ColumnContract("currency", "string", allowed=("EUR", "CZK")),
    ),
    key=("loan_id", "month_on"),
    event_time="month_on",
    arrived_on="arrived_on",
    most_rows=1000,
    freshness_days=45,
    every="month",
)
SCHEMA = ", ".join(f"{column.name} {column.type}" for column in PAYMENTS.columns)


def month_end(number: int) -> dt.date:
    """The last day of the month so many months after December 2025."""
    return dt.date(2026 + number // 12, number % 12 + 1, 1) - dt.timedelta(days=1)


def a_payment(loan: str | None = "L1", month: int = 3, **different: Any) -> dict[str, Any]:
    on = month_end(month)
    row = {"loan_id": loan, "month_on": on, "arrived_on": on, "paid_amount": 10.0, "days_past_due": 0}
    return row | {"currency": "EUR"} | different


def valid_payments(loans: int = 10) -> list[dict[str, Any]]:
    return [a_payment(f"L{loan:02}", month) for loan in range(loans) for month in (0, 1, 2, 3)]


def table(spark: SparkSession, rows: list[dict[str, Any]], schema: str = SCHEMA) -> DataFrame:
    names = [column.split()[0] for column in schema.split(", ")]
    return spark.createDataFrame([tuple(row[name] for name in names) for row in rows], schema)


def verdict_of(rows: DataFrame, contract: TableContract = PAYMENTS, **more: Any) -> Verdict:
    return table_verdict(rows, contract, **{"as_of": AS_OF, "allow_new_columns": False, **more})


def told(verdict: Verdict) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {violation.rule: (violation.rows, violation.examples) for violation in verdict.violations}


def test_a_row_that_came_later_than_its_table_promises_is_broken(spark: SparkSession) -> None:
    rows = [*valid_payments(), a_payment("Z", 1, arrived_on=month_end(2)), a_payment("Y", 2, arrived_on=month_end(3))]
    promised = replace(PAYMENTS, delay_days=30)  # 28 days to the end of February, 31 to that of March

    verdict = verdict_of(table(spark, rows), promised)

    assert told(verdict) == {"arrived_on is more than 30 days after month_on": (1, ("Y/2026-02-28",))}


def enforced(
    rows: DataFrame, folder: Path, *, share: float = 0.5, **more: Any
) -> tuple[dict[str, DataFrame], list[Violation]]:
    return enforce(
        {"payments": (rows, PAYMENTS)},
        **{"as_of": AS_OF, "most_broken_share": share, "allow_new_columns": False, "partition": AS_OF, **more},
        objects=Objects(),
        addresses=Addresses(folder.as_uri()),
        dataset="bank",
    )


def quarantine(folder: Path) -> str:
    return Addresses(folder.as_uri()).quarantine("bank", "payments", AS_OF)


def test_a_table_that_keeps_its_contract_is_not_blamed(spark: SparkSession) -> None:
    assert verdict_of(table(spark, valid_payments())) == Verdict("payments", rows=40)


def test_each_broken_rule_is_told_with_its_rows_and_the_first_five_ids(spark: SparkSession) -> None:
    future = [a_payment(f"F{number}", 4) for number in range(6)]
    broken = [
        a_payment(None, 3),
        a_payment("N1", month_on=None, arrived_on=None),
        a_payment("P1", paid_amount=None),
        a_payment("I1", paid_amount=float("nan")),
        a_payment("I2", paid_amount=float("-inf")),
        a_payment("I3", paid_amount=float("inf")),
        a_payment("R1", paid_amount=-0.01),
        a_payment("R2", paid_amount=1000.01),
        a_payment("R3", days_past_due=3651, currency="USD"),
        a_payment("A1", arrived_on=month_end(2)),
        a_payment("D1", month_on=dt.date(2019, 12, 31)),
    ]
    contract = TableContract(**{**vars(PAYMENTS), "every": None})

    verdict = verdict_of(table(spark, [*valid_payments(), *future, *broken]), contract)

    assert told(verdict) == {
        "key loan_id is missing": (1, ("(missing)/2026-03-31",)),
        "key month_on is missing": (1, ("N1/(missing)",)),
        "month_on is below 2020-01-01": (1, ("D1/2019-12-31",)),
        "paid_amount is missing": (1, ("P1/2026-03-31",)),
        "paid_amount is NaN or infinite": (3, ("I1/2026-03-31", "I2/2026-03-31", "I3/2026-03-31")),
        "paid_amount is outside 0 to 1000": (2, ("R1/2026-03-31", "R2/2026-03-31")),
        "days_past_due is above 3650": (1, ("R3/2026-03-31",)),
        "currency is none of EUR, CZK": (1, ("R3/2026-03-31",)),
        "month_on is later than 2026-03-31": (6, tuple(f"F{number}/2026-04-30" for number in range(5))),
        "arrived_on is before month_on": (1, ("A1/2026-03-31",)),
    }
    assert (verdict.rows, verdict.broken_rows, verdict.problems) == (57, 17, ())
    assert "30" not in str(verdict.violations[4])


def test_limits_and_missing_values_that_may_be_missing_are_no_violation(spark: SparkSession) -> None:
    edges = [
        a_payment("E1", paid_amount=0.0, days_past_due=3650),
        a_payment("E2", paid_amount=1000.0, currency=None, arrived_on=None, days_past_due=None),
    ]

    assert verdict_of(table(spark, [*valid_payments(), *edges])).violations == ()


def test_a_changed_schema_is_told_whole_and_no_row_is_read(spark: SparkSession) -> None:
    changed = spark.createDataFrame([], "loan_id string, month_on date, paid_amount string, extra int")
    unreadable = changed.selectExpr("*", "raise_error('read') AS days_past_due", "'EUR' AS currency")

    verdict = verdict_of(unreadable.selectExpr("*", "CAST(days_past_due AS bigint) AS d").drop("days_past_due"))

    assert verdict.problems == (
        "table payments: column arrived_on (date) is missing",
        "table payments: column days_past_due (int) is missing",
        "table payments: column paid_amount is string, its contract says double",
        "table payments: column extra is not in the contract: add it there, or allow new columns",
        "table payments: column d is not in the contract: add it there, or allow new columns",
    )
    assert verdict.rows == 0


def test_a_new_column_is_ignored_and_noted_where_it_is_allowed(spark: SparkSession, tmp_path: Path) -> None:
    wider = table(spark, valid_payments()).selectExpr("1 AS extra", "*")

    assert verdict_of(wider, allow_new_columns=True) == Verdict(
        "payments", rows=40, notes=("table payments: column extra is not in the contract: ignored",)
    )
    clean, _ = enforced(wider, tmp_path, allow_new_columns=True)
    assert clean["payments"].columns == [column.name for column in PAYMENTS.columns]


def test_repeated_keys_are_counted_and_named_and_a_missing_key_is_none(spark: SparkSession) -> None:
    again = [a_payment("L03", 2, paid_amount=11.0), a_payment("L03", 2), a_payment("L01", 0)]
    keyless = [a_payment(None, 3), a_payment(None, 3)]

    assert verdict_of(table(spark, [*valid_payments(), *again, *keyless])).problems == (
        "table payments: key loan_id, month_on is repeated by 3 rows, such as L01/2025-12-31, L03/2026-02-28",
    )


def test_different_keys_with_one_hash_are_not_taken_for_a_repeated_key(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyspark.sql import functions as F

    from spark_jobs.transforms.bank import repeated_keys

    monkeypatch.setattr(repeated_keys, "_key_hash", lambda key: F.lit(7).cast("bigint"))

    assert verdict_of(table(spark, valid_payments())).problems == ()


def test_holes_between_the_first_and_the_last_month_are_named_up_to_twelve(spark: SparkSession) -> None:
    rows = [a_payment("L1", month) for month in (-30, -14, 1, 3)]

    (problem,) = verdict_of(table(spark, rows)).problems

    named = ", ".join(f"{month:%Y-%m}" for month in map(month_end, range(-29, -17)))
    # From month -30 to month 3 are 34 months; 4 have rows, 12 are named.
    assert problem == f"table payments: has no row for {named} and 18 more: every month must have some"


def test_a_future_event_neither_freshens_a_table_nor_makes_a_hole(spark: SparkSession) -> None:
    rows = [a_payment(f"L{loan}", month) for loan in range(8) for month in (-1, 0)]

    verdict = verdict_of(table(spark, [*rows, a_payment("F", 9)]))

    assert verdict.problems == ("table payments: its newest month_on is 2025-12-31, before 2026-02-14",)


def test_a_daily_table_of_times_names_missing_days(spark: SparkSession) -> None:
    contract = TableContract(
        name="events",
        columns=(ColumnContract("id", "bigint"), ColumnContract("at", "timestamp", maximum="2026-03-31")),
        key=("id",),
        event_time="at",
        every="day",
    )
    moments = ["2026-03-27 23:59:59", "2026-03-28 00:00:00", "2026-03-31 23:59:59"]
    events = [{"id": number, "at": dt.datetime.fromisoformat(at)} for number, at in enumerate(moments)]
    rows = table(spark, events, "id bigint, at timestamp")

    assert verdict_of(rows, contract) == Verdict(
        "events", ("table events: has no row for 2026-03-29, 2026-03-30: every day must have some",), rows=3
    )


@pytest.mark.parametrize(
    ("rows", "problem"), [(0, "holds 0 rows, fewer than 1"), (1001, "holds 1,001 rows, more than 1,000")]
)
def test_a_table_with_too_few_or_too_many_rows_is_refused(spark: SparkSession, rows: int, problem: str) -> None:
    payments = table(spark, [a_payment(f"L{number}") for number in range(rows)])

    assert verdict_of(payments).problems == (f"table payments: {problem}",)


def test_more_rules_than_one_number_has_bits_are_counted_apart(spark: SparkSession) -> None:
    names = [f"c{number}" for number in range(130)]
    contract = TableContract(
        "wide", (ColumnContract("id", "int"), *(ColumnContract(name, "int", minimum=0) for name in names)), key=("id",)
    )
    values = (f"IF(id = 1 AND {number} % 3 = 0, -1, 0) AS c{number}" for number in range(130))
    rows = spark.range(3).selectExpr("CAST(id AS int) AS id", *values)

    assert {rule.split()[0]: found for rule, found in told(verdict_of(rows, contract)).items()} == {
        f"c{number}": (1, ("1",)) for number in range(0, 130, 3)
    }


PAYMENT = st.fixed_dictionaries(
    {
        "loan_id": st.sampled_from(["L1", "L2", "L3", None]),
        "month_on": st.sampled_from([None, *map(month_end, (-80, 1, 2, 3, 4))]),
        "arrived_on": st.sampled_from([None, *map(month_end, (1, 2, 3))]),
        "paid_amount": st.sampled_from([None, -1.0, 0.0, 500.0, 1001.0, float("nan"), float("inf")]),
        "days_past_due": st.sampled_from([None, 0, 3650, 3651]),
        "currency": st.sampled_from([None, "EUR", "USD"]),
    }
)


def plain(rows: list[dict[str, Any]]) -> tuple[dict[str, int], int, int]:
    """Rows by broken rule, broken rows and repeated keys, row by row as one would say it."""
    broken: dict[str, int] = {}
    bad = 0
    for row in rows:
        on, arrived, paid, due = row["month_on"], row["arrived_on"], row["paid_amount"], row["days_past_due"]
        found = {
            "key loan_id is missing": row["loan_id"] is None,
            "key month_on is missing": on is None,
            "month_on is below 2020-01-01": on is not None and on < dt.date(2020, 1, 1),
            "paid_amount is missing": paid is None,
            "paid_amount is NaN or infinite": paid is not None and not math.isfinite(paid),
            "paid_amount is outside 0 to 1000": paid is not None and math.isfinite(paid) and not 0 <= paid <= 1000,
            "days_past_due is above 3650": due is not None and due > 3650,
            "currency is none of EUR, CZK": row["currency"] not in (None, "EUR", "CZK"),
            "month_on is later than 2026-03-31": on is not None and on > dt.date(2026, 3, 31),
            "arrived_on is before month_on": None not in (on, arrived) and arrived < on,
        }
        bad += any(found.values())
        for rule in (rule for rule, is_so in found.items() if is_so):
            broken[rule] = broken.get(rule, 0) + 1
    keys = [(row["loan_id"], row["month_on"]) for row in rows if None not in (row["loan_id"], row["month_on"])]
    return broken, bad, len(keys) - len(set(keys))


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(PAYMENT, min_size=1, max_size=25))
def test_the_one_pass_counts_what_a_row_by_row_check_counts(
    spark_session: SparkSession, rows: list[dict[str, Any]]
) -> None:
    broken, bad, repeated = plain(rows)

    verdict = verdict_of(table(spark_session, rows).repartition(3))

    assert {rule: count for rule, (count, _) in told(verdict).items()} == broken
    assert (verdict.rows, verdict.broken_rows) == (len(rows), bad)
    assert any(f"is repeated by {repeated} rows" in problem for problem in verdict.problems) == (repeated > 0)


def test_too_many_broken_rows_stop_the_run_and_nothing_is_written(spark: SparkSession, tmp_path: Path) -> None:
    broken = [a_payment("B1", paid_amount=-1.0), a_payment("B2", paid_amount=-87654.0), a_payment("L01", 3)]

    with pytest.raises(BadInput) as refused:
        enforced(table(spark, [*valid_payments(), *broken]), tmp_path, share=0.04)

    assert refused.value.problems == (
        "table payments: key loan_id, month_on is repeated by 1 rows, such as L01/2026-03-31",
        "table payments: 2 of 43 rows (4.65%) break a rule, at most 4.00% may",
        "table payments: paid_amount is outside 0 to 1000 in 2 rows, such as B1/2026-03-31, B2/2026-03-31",
    )
    assert "87654" not in str(refused.value)
    assert list(tmp_path.rglob("*")) == []


def test_all_tables_are_judged_before_any_row_is_put_aside(spark: SparkSession, tmp_path: Path) -> None:
    slightly = table(spark, [*valid_payments(), a_payment("B1", currency="USD")])
    other = TableContract("loans", (ColumnContract("id", "int"),), key=("id",))

    with pytest.raises(BadInput) as refused:
        enforce(
            {"payments": (slightly, PAYMENTS), "loans": (spark.range(1), other)},
            as_of=AS_OF,
            most_broken_share=0.1,
            allow_new_columns=False,
            objects=Objects(),
            addresses=Addresses(tmp_path.as_uri()),
            dataset="bank",
            partition=AS_OF,
        )

    assert refused.value.problems == (
        "table loans: column id is bigint, its contract says int; not every bigint fits int: declare bigint, or convert"
        " the table",
        "table payments: currency is none of EUR, CZK in 1 rows, such as B1/2026-03-31",
    )
    assert list(tmp_path.rglob("*")) == []


def test_broken_rows_are_put_aside_with_their_rules_the_same_on_each_rerun(spark: SparkSession, tmp_path: Path) -> None:
    broken = [a_payment("B2", currency="USD", days_past_due=4000), a_payment("B1", paid_amount=None)]
    rows = table(spark, [*broken, *valid_payments()])

    def outcome() -> tuple[Any, ...]:
        clean, violations = enforced(rows, tmp_path)
        aside = spark.read.parquet(quarantine(tmp_path)).orderBy("loan_id").collect()
        ids = sorted(row["loan_id"] for row in clean["payments"].collect())
        return ids, violations, aside, json.loads(Objects().get(f"{quarantine(tmp_path)}.json"))

    ids, violations, aside, summary = outcome()

    assert ids == sorted(row["loan_id"] for row in valid_payments())
    assert [(row["loan_id"], row["broken_rules"]) for row in aside] == [
        ("B1", ["paid_amount is missing"]),
        ("B2", ["days_past_due is above 3650", "currency is none of EUR, CZK"]),
    ]
    assert (summary["rows"], summary["broken_rows"], len(summary["rules"])) == (42, 2, 3)
    assert [rule["examples"] for rule in summary["rules"]] == [list(violation.examples) for violation in violations]
    assert outcome() == (ids, violations, aside, summary)


def test_a_rerun_on_mended_rows_removes_the_quarantine(spark: SparkSession, tmp_path: Path) -> None:
    enforced(table(spark, [*valid_payments(), a_payment("B1", currency="USD")]), tmp_path)
    assert Objects().exists(f"{quarantine(tmp_path)}.json")

    _, violations = enforced(table(spark, valid_payments()), tmp_path)

    assert violations == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
