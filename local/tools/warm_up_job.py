"""Does once what the jobs do, on a hundred rows, so that the JVM which archives its classes has loaded theirs."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from spark_jobs.io.session import spark_session

DATES = ("2026-01-31", "2026-02-28")
NOBODY_LISTENS = {
    "access.key": "none", "secret.key": "none", "endpoint": "http://127.0.0.1:9", "endpoint.region": "us-east-1",
    "aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
    "path.style.access": "true", "attempts.maximum": "1", "retry.limit": "0",
}  # fmt: skip


def use_delta(spark: SparkSession, uri: str) -> DataFrame:
    """Two partitions overwritten, and one of them read at a version."""
    for date in DATES:
        rows = spark.range(100).select(
            F.col("id").cast("string").alias("sample_id"),
            (F.col("id") % 3).alias("segment"),
            F.rand(7).alias("score"),
            F.lit(date).alias("as_of"),
        )
        written = rows.write.format("delta").mode("overwrite").option("replaceWhere", f"as_of = '{date}'")
        written.option("mergeSchema", value=False).partitionBy("as_of").save(uri)
    return spark.read.format("delta").option("versionAsOf", 1).load(uri).where(F.col("as_of") == DATES[0])


def use_sql(spark: SparkSession, rows: DataFrame, folder: str) -> None:
    """Aggregates, a window, a join, rows through Python and back, plain Parquet."""
    sums = rows.mapInArrow(_unchanged, rows.schema).groupBy("segment")
    sums.agg(F.sum("score"), F.count("*"), F.percentile_approx("score", 0.5)).collect()
    ranked = rows.withColumn("rank", F.row_number().over(Window.partitionBy("segment").orderBy("score")))
    ranked.join(rows.select("sample_id", F.col("score").alias("again")), "sample_id").toArrow()
    rows.write.parquet(folder)
    spark.read.parquet(folder).count()


def use_s3(spark: SparkSession) -> None:
    """A request to an address where no server is: the client is made all the same."""
    java: Any = spark
    hadoop = java._jsc.hadoopConfiguration()
    for name, value in NOBODY_LISTENS.items():
        hadoop.set(f"fs.s3a.{name}", value)
    path = java._jvm.org.apache.hadoop.fs.Path("s3a://none/none")
    with contextlib.suppress(Py4JJavaError):
        path.getFileSystem(hadoop).exists(path)


def _unchanged(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


if __name__ == "__main__":
    spark = spark_session("usual job", environ={})
    with tempfile.TemporaryDirectory() as folder:
        use_sql(spark, use_delta(spark, f"file://{folder}/table"), f"file://{folder}/parquet")
        use_s3(spark)
    spark.stop()
