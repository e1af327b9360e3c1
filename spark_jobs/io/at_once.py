"""Runs independent actions of one job beside each other.

A small query leaves most of the machine idle: the executors wait while the driver plans, and the driver while they
compute.

See docs/adr/0054.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyspark import inheritable_thread_target
from pyspark.sql import SparkSession


def at_once(spark: SparkSession, first: Callable[[], Any], *others: Callable[[], Any]) -> list[Any]:
    """Runs actions that need nothing of each other. Returns their results in the given order when all have ended.

    Args:
        first: runs in the caller's thread, as what uses MLflow's open run must.

    Raises:
        Exception: of the first action, in the given order, that failed.
    """
    in_thread = inheritable_thread_target(spark)
    with ThreadPoolExecutor(max_workers=len(others) or None, thread_name_prefix="action") as pool:
        begun = [pool.submit(in_thread(action)) for action in others]
        return [first(), *(action.result() for action in begun)]
