"""Point-in-time features: our transform beside the leanest hand-written SQL with the same result, and as data grow."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import psutil
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.tables.features import WindowView
from arrears.contracts.tables.knowledge import RowKnowledge
from bench.bench_session import local_session
from bench.results import Measurement
from bench.timing import medians
from spark_jobs.io.session import fit_shuffles
from spark_jobs.transforms.bank.point_in_time import Lookup, training_set

GOAL, GROWTH_GOAL = 1.2, 1.15
DECISIONS = int(os.environ.get("ARREARS_BENCH_DECISIONS", "1000000"))
ROUNDS = int(os.environ.get("ARREARS_BENCH_ROUNDS", "5"))
WARM_UP = 2  # the JVM compiles during the first rounds
MONTHS = 24
GROWTH = (0.25, 1.0, 4.0)
MEMORY = "2g"
AMOUNTS = ("paid_amount", "due_amount", "balance_amount")
VIEW = WindowView("behaviour", "credit_history", "loan_id", (3, 6, 12), AMOUNTS, "days_past_due")
HINTS = {"plain SQL": "", "plain SQL, hash join": "/*+ SHUFFLE_HASH(d) */"}


def pit_join() -> Measurement:
    """Seconds of our join over those of the leaner of two plain SQL plans, as medians of alternating warm rounds."""
    with tempfile.TemporaryDirectory(prefix="arrears-pit-") as folder, _session(folder) as spark:
        _write(spark, DECISIONS, folder)
        ours, plain = _ours(spark, folder), {name: _plain(spark, folder, hint) for name, hint in HINTS.items()}
        _refuse_other_results(ours, plain["plain SQL"])
        runs = {name: partial(_run, rows) for name, rows in {"ours": ours, **plain}.items()}
        runs["DuckDB"] = partial(_duckdb, folder)
        seconds = medians(runs, rounds=ROUNDS, warm_up=WARM_UP)
    leanest = min(seconds[name] for name in plain)
    detail = {"decisions": f"{DECISIONS:,}", "history": f"{DECISIONS * MONTHS:,}"}
    detail |= {name: f"{each:.2f} s" for name, each in seconds.items()}
    return Measurement("pit-join", seconds["ours"] / leanest, GOAL, "lower", "x", detail)


def pit_join_growth() -> Measurement:
    """Time per row at 4 times the size over that at 1, in the same memory. The peak of the process is shown too."""
    per_row: dict[float, float] = {}
    detail: dict[str, Any] = {"heap": MEMORY}
    for factor in GROWTH:
        decisions = int(DECISIONS * factor)
        # A session each, so that the peak of one size is not that of another.
        with tempfile.TemporaryDirectory(prefix="arrears-pit-") as folder, _session(folder) as spark:
            _write(spark, decisions, folder)
            ours = _ours(spark, folder)
            runs = {"ours": partial(_run, ours)}
            seconds = medians(runs, rounds=max(2, ROUNDS - 2), warm_up=WARM_UP)["ours"]
            per_row[factor] = seconds / decisions
            detail[f"{factor:g}x"] = (
                f"{seconds:.1f} s, {1e6 * per_row[factor]:.2f} us a decision, {_peak_gib():.2f} GiB"
            )
    return Measurement("pit-join-growth", per_row[4.0] / per_row[1.0], GROWTH_GOAL, "lower", "x", detail)


def _session(folder: str) -> Any:
    return local_session("bench-pit", folder, memory=MEMORY)


def _write(spark: SparkSession, decisions: int, folder: str) -> None:
    days = "make_dt_interval(CAST(pmod(xxhash64(id, 1), 365) AS INT))"
    spark.range(decisions).selectExpr(
        "concat('L', id) AS loan_id", f"TIMESTAMP'2024-01-15 10:00:00' + {days} AS decided_at"
    ).write.parquet(f"{folder}/decisions")
    spark.range(0, decisions * MONTHS, 1, max(4, decisions * MONTHS // 4_000_000)).selectExpr(
        f"id div {MONTHS} AS loan", f"CAST(id % {MONTHS} AS INT) AS month"
    ).selectExpr(
        "concat('L', loan) AS loan_id",
        "last_day(add_months(DATE'2023-01-01', month)) AS month_on",
        "IF(pmod(xxhash64(loan, month, 2), 10) = 0, 30, 0) AS days_past_due",
        *(f"round(pmod(xxhash64(loan, month, '{name}'), 100000) / 100, 2) AS {name}" for name in AMOUNTS),
    ).write.parquet(f"{folder}/history")
    fit_shuffles(spark, sum(file.stat().st_size for file in Path(folder).rglob("*.parquet")))


def _ours(spark: SparkSession, folder: str) -> DataFrame:
    history = spark.read.parquet(f"{folder}/history")
    decisions = spark.read.parquet(f"{folder}/decisions")
    lookup = Lookup(VIEW, history, RowKnowledge("month_on", "start"))  # as the plain SQL compares days
    return training_set(decisions, [lookup], id="loan_id", decided_at="decided_at")


def _plain(spark: SparkSession, folder: str, hint: str) -> DataFrame:
    for name in ("decisions", "history"):
        spark.read.parquet(f"{folder}/{name}").createOrReplaceTempView(name)
    return spark.sql(_sql(hint, start="d.decided_at - INTERVAL {} MONTHS", days="datediff(d.decided_at, h.month_on)"))


def _sql(hint: str, *, start: str, days: str) -> str:
    """One join and one aggregate, as a person would write them for this one view."""
    columns = [
        f"min({days}) AS days_since_last_event",
        f"min(CASE WHEN days_past_due > 0 THEN {days} END) / 30.4375 AS months_since_arrears",
    ]
    for months in VIEW.months:
        inside = "h.month_on IS NOT NULL" if months == max(VIEW.months) else f"h.month_on > {start.format(months)}"
        columns += [
            f"sum(CASE WHEN {inside} THEN 1 ELSE 0 END) AS event_count_{months}m",
            f"max(CASE WHEN {inside} THEN days_past_due END) AS worst_days_past_due_{months}m",
            f"sum(CASE WHEN {inside} AND days_past_due > 0 THEN 1 ELSE 0 END) AS arrears_count_{months}m",
        ]
        for amount in AMOUNTS:
            value = f"CASE WHEN {inside} THEN {amount} END"
            columns += [
                f"sum({value}) AS {amount}_sum_{months}m",
                f"avg({value}) AS {amount}_mean_{months}m",
                f"max({value}) AS {amount}_max_{months}m",
                f"regr_slope({value}, -{days}) * 30.4375 AS {amount}_trend_{months}m",
            ]
    return f"""
        SELECT {hint} d.loan_id, d.decided_at, {", ".join(columns)}
        FROM history h RIGHT JOIN decisions d
        ON h.loan_id = d.loan_id AND h.month_on <= d.decided_at AND h.month_on > {start.format(max(VIEW.months))}
        GROUP BY d.loan_id, d.decided_at
    """  # noqa: S608  # every part stands in this file


def _refuse_other_results(ours: DataFrame, plain: DataFrame) -> None:
    """An error unless both give the same: a ratio of different work would say nothing."""
    joined = ours.alias("o").join(plain.alias("p"), on="loan_id", how="full")
    differences = [
        F.count_if(~_is_same(F.col(f"o.{name}"), F.col(f"p.{name}"))).alias(name) for name in VIEW.feature_names
    ]
    totals = joined.agg(F.count(F.lit(1)).alias("rows"), *differences).collect()[0].asDict()
    rows, other = totals.pop("rows"), {name: count for name, count in totals.items() if count}
    if rows != DECISIONS or other:
        raise RuntimeError(f"plain SQL gives another result: {rows:,} rows, other values in {other}")


def _is_same(ours: Column, plain: Column) -> Column:
    """Both missing, or both there and as good as equal."""
    return F.coalesce(F.abs(ours - plain) <= 1e-6, ours.isNull() & plain.isNull())


def _duckdb(folder: str) -> None:
    """The same on the same files and cores, in one process without a cluster."""
    sql = _sql(
        "", start="d.decided_at - to_months({})", days="date_diff('day', h.month_on, CAST(d.decided_at AS DATE))"
    )
    with duckdb.connect() as database:
        database.execute("SET threads = 2")
        for name in ("decisions", "history"):
            database.read_parquet(f"{folder}/{name}/*.parquet").create_view(name)
        database.execute(f"CREATE TEMP TABLE result AS {sql}")


def _run(rows: DataFrame) -> None:
    rows.write.format("noop").mode("overwrite").save()


def _peak_gib() -> float:
    """The largest memory that the session's JVM ever had."""
    (java,) = (child for child in psutil.Process().children(recursive=True) if "java" in child.name())
    lines = Path(f"/proc/{java.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024**2 for line in lines if line.startswith("VmHWM"))
