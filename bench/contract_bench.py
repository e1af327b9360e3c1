"""What checking a table against its contract costs, beside one Spark pass that counts, minimum and maximum."""

from __future__ import annotations

import os
import tempfile
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.tables.table_contracts import ColumnContract, TableContract
from bench.bench_session import local_session
from bench.results import Measurement
from bench.timing import medians
from spark_jobs.data.contract_check import table_verdict
from spark_jobs.transforms.bank.repeated_keys import to_repeated_hashes
from spark_jobs.transforms.bank.row_rules import in_contract, row_rules
from spark_jobs.transforms.bank.table_checks import to_content_counts

GOAL = 1.5
ROWS = int(os.environ.get("ARREARS_BENCH_ROWS", "24000000"))
ROUNDS = int(os.environ.get("ARREARS_BENCH_ROUNDS", "5"))
MONTHS = 24
AS_OF = date(2025, 12, 31)
HISTORY = TableContract(
    name="credit_history",
    columns=(
        ColumnContract("loan_id", "string", nullable=False),
        ColumnContract("month_on", "date", nullable=False, minimum="2020-01-01"),
        ColumnContract("arrived_on", "date", nullable=False),
        ColumnContract("due_amount", "double", nullable=False, minimum=0, maximum=1_000_000),
        ColumnContract("paid_amount", "double", minimum=0, maximum=1_000_000),
        ColumnContract("balance_amount", "double", minimum=0, maximum=10_000_000),
        ColumnContract("days_past_due", "int", nullable=False, minimum=0, maximum=3650),
    ),
    key=("loan_id", "month_on"),
    event_time="month_on",
    arrived_on="arrived_on",
    freshness_days=45,
    every="month",
)


def contracts() -> Measurement:
    """Seconds of the whole content check over those of the plain pass, medians of alternating warm rounds."""
    with (
        tempfile.TemporaryDirectory(prefix="arrears-contracts-") as folder,
        local_session("bench-contracts", folder) as spark,
    ):
        path = f"{folder}/credit_history"
        _history(spark, ROWS // MONTHS).write.parquet(path)
        history = spark.read.parquet(path)
        verdict = table_verdict(history, HISTORY, as_of=AS_OF.isoformat(), allow_new_columns=False)
        if verdict.problems or verdict.violations or verdict.rows != ROWS // MONTHS * MONTHS:
            raise RuntimeError(f"the table should keep its contract: {verdict}")
        runs = {
            "plain pass": lambda: _plain(history),
            "row rules": lambda: _row_rules(history),
            "unique keys": lambda: _unique_keys(history),
        }
        seconds = medians(runs, rounds=ROUNDS, warm_up=1)
    rules, keys = (seconds[part] / seconds["plain pass"] for part in ("row rules", "unique keys"))
    detail = {"rows": f"{ROWS:,}", **{part: f"{each:.2f} s" for part, each in seconds.items()}}
    detail |= {"row rules alone": f"{rules:.2f}", "unique keys alone": f"{keys:.2f}"}
    return Measurement("contracts", rules + keys, GOAL, "lower", "x", detail)


def _plain(history: DataFrame) -> None:
    named = [(name, part) for name in history.columns for part in (F.count, F.min, F.max)]
    history.agg(*(part(name).alias(f"{name}_{part.__name__}") for name, part in named)).collect()


def _row_rules(history: DataFrame) -> None:
    to_content_counts(in_contract(history, HISTORY), HISTORY, row_rules(HISTORY, AS_OF), AS_OF).collect()


def _unique_keys(history: DataFrame) -> None:
    if to_repeated_hashes(in_contract(history, HISTORY), HISTORY.key, row_count=ROWS).count():
        raise RuntimeError("a key repeats, or two keys have one hash")


def _history(spark: SparkSession, loans: int) -> DataFrame:
    """A monthly history like a bank's: text keys, dates, amounts of which some are missing, few in arrears."""
    share = "pmod(xxhash64(id, '{}'), 1000000) / 1e6"
    months = spark.range(0, loans * MONTHS, 1, numPartitions=4).selectExpr(
        "*",
        f"id div {MONTHS} AS loan",
        *(f"{share.format(name)} AS {name}" for name in ("due", "paid", "balance", "past_due", "late")),
    )
    return months.selectExpr(
        "concat('L', lpad(CAST(loan AS STRING), 9, '0')) AS loan_id",
        f"last_day(add_months(DATE'2023-01-01', CAST(pmod(xxhash64(loan), 13) + id % {MONTHS} AS INT))) AS month_on",
        "CAST(IF(late < 0.05, late * 600, 0) AS INT) AS late_days",
        "round(100 + 900 * due, 2) AS due_amount",
        "round(IF(paid < 0.04, NULL, 1000 * paid), 2) AS paid_amount",
        "round(30000 * balance, 2) AS balance_amount",
        "CAST(greatest(0, past_due - 0.9) * 1200 AS INT) AS days_past_due",
    ).selectExpr(
        "loan_id", "month_on", "date_add(month_on, late_days) AS arrived_on", "* EXCEPT (loan_id, month_on, late_days)"
    )
