"""Opens the Spark session of a job.

See docs/adr/0002.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from arrears.contracts.locations import Location
from arrears.contracts.s3_server import S3Server
from spark_jobs.io.log_store import commit_by_conditional_put

# What a job needs to be right, wherever it is submitted. Sizes and addresses come from spark-submit.
_CORRECTNESS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # spark.hadoop.fs.s3 has no implementation outside EMR: both spellings of an address mean S3A.
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
}
# Memory stays bounded by configuration: a side of a join is hashed only where each of its parts is this small, and both
# are sorted, spilling to disk, otherwise.
_JOINS = {"spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold": "64m"}
# PySpark would note for every Column which line of ours made it, so that errors can name the line: a walk of the stack
# and three calls of the JVM each, two minutes of a job of 6,000 columns. The traceback names the line all the same.
_WIDE_TABLES = {"spark.python.sql.dataFrameDebugging.enabled": "false"}
# Small tables: the defaults (50 and 200 tasks) turn a four-second OPTIMIZE into a minute.
_SMALL_TABLES = {
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    "spark.sql.shuffle.partitions": "4",
}

_CELLS_A_BATCH = 1_000_000  # 8 MB: tables of up to 100 columns keep Spark's own batches
_BATCHES = {
    "spark.sql.parquet.columnarReaderBatchSize": 4096,
    "spark.sql.inMemoryColumnarStorage.batchSize": 10_000,
    "spark.sql.execution.arrow.maxRecordsPerBatch": 10_000,
}

_SQL = "org.apache.spark.sql.execution"
# Windows over a whole table are meant: it has a row a bucket or a day. Spark warns of each in every query. It also
# warns with seventy lines of Java of a path that is not there, before it says so in one sentence.
_TOO_LOUD = (f"{_SQL}.window.WindowExec", f"{_SQL}.streaming.sinks.FileStreamSink")
_BYTES_A_TASK = 16 * 1024 * 1024  # compressed: a task holds some ten times as much


def spark_session(app_name: str, environ: MutableMapping[str, str] = os.environ) -> SparkSession:
    """Opens (or joins) the session. What spark-submit set wins over the defaults for small tables."""
    builder = SparkSession.Builder().appName(app_name)
    for key, value in {**_CORRECTNESS, **_JOINS, **_WIDE_TABLES, **_s3_server(environ)}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    submitted = spark.sparkContext.getConf()
    for key, value in _SMALL_TABLES.items():
        if not submitted.contains(key):
            spark.conf.set(key, value)
    _quieten(spark)
    commit_by_conditional_put(spark)
    return spark


def _quieten(spark: SparkSession) -> None:
    java: Any = spark
    log4j = java._jvm.org.apache.logging.log4j
    for name in _TOO_LOUD:
        log4j.core.config.Configurator.setLevel(name, log4j.Level.ERROR)


def fit_shuffles(spark: SparkSession, stored_bytes: int) -> None:
    """Gives later shuffles as many tasks as tables of this size need, so that no task outgrows its executor."""
    wanted = stored_bytes // _BYTES_A_TASK
    if wanted > int(spark.conf.get("spark.sql.shuffle.partitions") or 0):
        spark.conf.set("spark.sql.shuffle.partitions", wanted)


def fit_batches(spark: SparkSession, columns: int) -> None:
    """Makes batches of rows as short as wide tables need: Spark reserves a whole batch for each column and task.

    For 6,000 columns that were 200 MB to read Parquet and 480 MB to keep rows in memory, however few rows there are.
    """
    rows = _CELLS_A_BATCH // max(1, columns)
    for name, usual in _BATCHES.items():
        if rows < int(spark.conf.get(name, str(usual)) or usual):
            spark.conf.set(name, max(rows, 1))


def _s3_server(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Spark's settings of the one S3 server. The environment, and so pyarrow and boto3, gets the same."""
    SparkContext._ensure_initialized()  # only then does SparkConf hold spark-submit's settings
    submitted = dict(SparkConf().getAll())
    server = S3Server.from_spark(submitted, environ)
    environ.update(server.to_env())
    return {name: value for name, value in server.for_session().items() if name not in submitted}


def hadoop_uri(place: str) -> str:
    """The place as Spark writes to it, and as Delta reads it: ``s3a://`` for ``s3://``, a path without escapes."""
    return Location.of(place).in_spark


def hadoop_pattern(place: str) -> str:
    """The place as Spark reads files from it: brackets of a name are no pattern."""
    return Location.of(place).as_pattern
