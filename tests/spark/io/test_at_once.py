"""Actions beside each other: all results, in order, and the first failure of all that have ended."""

from __future__ import annotations

import threading

import pytest
from pyspark.sql import SparkSession

from spark_jobs.io.at_once import at_once


def test_results_come_in_the_given_order_and_actions_do_run_beside_each_other(spark: SparkSession) -> None:
    together = threading.Barrier(3, timeout=60)  # each waits for the others: one after the other would never end

    def counted(rows: int) -> int:
        together.wait()
        return spark.range(rows).count()

    assert at_once(spark, lambda: counted(3), lambda: counted(1), lambda: counted(2)) == [3, 1, 2]


def test_first_action_runs_in_the_callers_thread(spark: SparkSession) -> None:
    here, elsewhere = at_once(spark, threading.get_ident, threading.get_ident)
    assert here == threading.get_ident() != elsewhere


def test_first_failure_in_the_given_order_is_raised_when_all_have_ended(spark: SparkSession) -> None:
    ended = []

    def failing(name: str, *, after: threading.Event | None = None) -> None:
        if after:
            assert after.wait(60)
        ended.append(name)
        raise ValueError(name)

    last_is_through = threading.Event()

    def last() -> None:
        try:
            failing("last")
        finally:
            last_is_through.set()

    with pytest.raises(ValueError, match="middle"):
        at_once(spark, lambda: ended.append("first"), lambda: failing("middle", after=last_is_through), last)
    assert sorted(ended) == ["first", "last", "middle"]


def test_what_is_set_for_the_callers_actions_holds_for_all(spark: SparkSession) -> None:
    spark.sparkContext.setLocalProperty("spark.job.description", "the leak check")
    try:
        read = lambda: spark.sparkContext.getLocalProperty("spark.job.description")  # noqa: E731  # once, and named
        assert at_once(spark, read, read) == ["the leak check"] * 2
    finally:
        spark.sparkContext.setLocalProperty("spark.job.description", None)
