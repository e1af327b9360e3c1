"""The jobs' own Spark session on two local cores, for benchmarks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from local.stack_settings import REPOSITORY
from spark_jobs.io.session import spark_session


@contextmanager
def local_session(name: str, folder: str, *, memory: str = "2g", **conf: str) -> Iterator[SparkSession]:
    """A session with Delta's jars as `make up` left them. All of Spark's memory is ``memory``, whatever the data."""
    jars = ",".join(f"local:{jar}" for jar in sorted((REPOSITORY / ".arrears/tools/jars").glob("*.jar")))
    conf |= {"spark.local.dir": f"{folder}/local", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    conf |= {"spark.log.level": "ERROR", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    flags = " ".join(f"--conf {name}={value}" for name, value in conf.items())
    os.environ |= {
        "PYSPARK_SUBMIT_ARGS": f"--master local[2] --driver-memory {memory} --jars {jars} {flags} pyspark-shell",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])),
        "TZ": "UTC",
    }
    spark = spark_session(name)
    try:
        yield spark
    finally:
        spark.stop()
