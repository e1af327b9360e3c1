"""Fixtures for every suite: one Spark session for the whole run, handed to each test as if it were fresh."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from local.environment import QUICK_START
from local.tools.spark_home import ensure_spark_home
from tests.scheduling import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401  # hooks
from tests.suite_cost import SuiteCost

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# A property is not a timed test: on a busy machine, or where an example loads a library, it may take its time.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

REPOSITORY = Path(__file__).resolve().parents[1]
# A session of the suite compiles thousands of queries: the first tier's cache of code, made for short programs, would
# fill up and leave the rest interpreted.
LONG_RUN = "-Xmn400m -XX:ReservedCodeCacheSize=240m -XX:MetaspaceSize=512m"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds what ``make test`` gives."""
    how = "when `make test` began, in seconds since 1970: prints at the end what the suite has cost since"
    parser.addoption("--suite-begun", type=float, metavar="SECONDS", help=how)


def pytest_configure(config: pytest.Config) -> None:
    """Adds up the costs where they are asked for."""
    if begun := config.getoption("--suite-begun"):
        config.pluginmanager.register(SuiteCost(config, begun), "suite_cost")


def spark_jars() -> tuple[str, ...]:
    """Jars of Delta and S3A: named in ARREARS_SPARK_JARS, or left in .arrears/tools/jars by ``make up``."""
    named = tuple(filter(None, os.environ.get("ARREARS_SPARK_JARS", "").split(",")))
    return named or tuple(f"local:{jar}" for jar in sorted((REPOSITORY / ".arrears/tools/jars").glob("*.jar")))


def spark_settings(folder: Path) -> dict[str, str]:
    """Spark as small as it goes; Delta and S3A in the same session where their jars are at hand."""
    settings = {
        "spark.sql.codegen.cache.maxEntries": "3000",  # with 100, a like query of the next test is compiled again
        "spark.python.sql.dataFrameDebugging.enabled": "false",  # as in the jobs' own session
        "spark.sql.shuffle.partitions": "4",  # 200 empty tasks a shuffle would be most of the suite's time
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1536m",
        "spark.driver.extraJavaOptions": f"{QUICK_START} {LONG_RUN} -Duser.timezone=UTC -Dderby.system.home={folder}",
        "spark.local.dir": str(folder / "local"),
        "spark.ui.enabled": "false",
        # Kept for a page that nobody opens, a thousand queries' plans fill the heap: then every collection is full.
        "spark.sql.ui.retainedExecutions": "1",
        "spark.ui.retainedJobs": "10",
        "spark.ui.retainedStages": "10",
        "spark.ui.retainedTasks": "100",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    if spark_jars():
        settings |= {
            "spark.jars": ",".join(spark_jars()),
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            "spark.databricks.delta.snapshotPartitions": "2",
            "spark.databricks.delta.delta.log.cacheSize": "10",  # as in Delta's own tests: each log keeps its snapshot
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
        }
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            settings["spark.hadoop.fs.s3a.endpoint"] = endpoint
    return settings


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The run's one Spark session; tests ask for ``spark``, not for this."""
    import pyspark
    from pyspark.sql import SparkSession

    # The Python workers are new processes: they find the package by PYTHONPATH, not by pytest's sys.path.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["SPARK_HOME"] = str(ensure_spark_home(Path(pyspark.__file__).parent, REPOSITORY / ".arrears/tools"))
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["TZ"] = "UTC"
    time.tzset()
    builder = SparkSession.builder.master("local[2]").appName("arrears-tests")
    for name, value in spark_settings(tmp_path_factory.mktemp("spark")).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    # Its connections say goodbye while the interpreter ends, when pytest has closed what they would write to.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    yield session
    session.stop()


@pytest.fixture
def spark(spark_session: SparkSession) -> Iterator[SparkSession]:
    """Spark with nothing left behind by the test before: no cached frames, no temporary views."""
    yield spark_session
    spark_session.catalog.clearCache()
    for table in spark_session.catalog.listTables():
        if table.isTemporary:
            spark_session.catalog.dropTempView(table.name)


@pytest.fixture(scope="session")
def delta_session(spark_session: SparkSession) -> SparkSession:
    """The session for what a module's tests share on Delta tables; they skip where the jars are not at hand."""
    if not spark_jars():
        pytest.skip("no Delta jars: set ARREARS_SPARK_JARS or run `make up` once")
    return spark_session


@pytest.fixture
def delta_spark(delta_session: SparkSession, spark: SparkSession) -> SparkSession:
    """Spark that reads and writes Delta tables; the test skips where the jars are not at hand."""
    return spark
