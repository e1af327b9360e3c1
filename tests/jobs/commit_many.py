"""Commits partitions of one Delta table again and again: one of the two processes of test_contended_commits."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

from arrears.contracts.addresses import Addresses, Table
from spark_jobs.io.log_store import commit_by_conditional_put
from spark_jobs.io.tables import overwrite_partition
from tests.conftest import spark_settings

if __name__ == "__main__":
    root, times, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    builder = SparkSession.builder.master("local[1]").appName(f"writer-{name}")
    for key, value in spark_settings(Path(tempfile.mkdtemp())).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    commit_by_conditional_put(spark)
    for number in range(times):
        rows = spark.createDataFrame([(f"s-{name}{number}", f"b-{number}")], "sample_id string, borrower_id string")
        overwrite_partition(rows, Addresses(root), Table.TEST_SAMPLE, "contended", f"{name}{number}")
    spark.stop()
