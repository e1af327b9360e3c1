"""A place where Spark breaks off long chains of steps, for the length of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from spark_jobs.io.session import hadoop_uri
from spark_jobs.io.snapshots import discard


@contextmanager
def checkpoints(spark: SparkSession, uri: str) -> Iterator[None]:
    """Lets Spark write intermediate results below an address that all executors reach. Removes them in the end.

    Without it the plan of an iterative training grows with its steps until a task cannot even read it.
    """
    spark.sparkContext.setCheckpointDir(hadoop_uri(uri))
    try:
        yield
    finally:
        discard(uri)
