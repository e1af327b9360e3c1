"""Which Maven packages a Spark cluster needs to read and write Delta tables in S3, by its Spark version.

The one place where these versions are written: the embedded stack resolves them to local jars, clusters get
them as `--packages` with EXCLUDED as `--exclude-packages`.
"""

from __future__ import annotations

from collections.abc import Callable

from arrears.contracts.errors import BadConfiguration

# The SDK bundle alone is 641 MB; the rest is in every Spark distribution already, newer than what Delta
# and S3A name, and Spark's own copy wins on the class path anyway.
EXCLUDED = (
    "software.amazon.awssdk:bundle",
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.parquet:*",
    "org.apache.logging.log4j:*",
    "org.slf4j:*",
    "io.netty:*",
    "com.fasterxml.jackson.core:*",
    "com.github.luben:zstd-jni",
    "org.xerial.snappy:snappy-java",
    "io.airlift:aircompressor",
)

CATBOOST = "1.2.10"  # the library's own version: both read each other's models


def coordinates(spark: str = "4.1.4", scala: str = "2.13") -> tuple[str, ...]:
    """List the packages for a cluster with this Spark and Scala version, as group:artifact:version.

    Raises BadConfiguration for a pair that Arrears has no packages for.
    """
    line = ".".join(spark.split(".")[:2])
    offered = _BY_SPARK_AND_SCALA.get((line, scala))
    if offered is None:
        pairs = ", ".join(
            f"Spark {known_line} with Scala {known_scala}" for known_line, known_scala in _BY_SPARK_AND_SCALA
        )
        raise BadConfiguration(
            f"no Delta and S3 packages are known for Spark {spark} with Scala {scala}; known: {pairs}"
        )
    return offered(scala)


def catboost_spark(spark: str, scala: str) -> str:
    """The Maven coordinate of CatBoost's own package for a cluster with this Spark and Scala version.

    Its group is not in every mirror, and not every version of Spark has a build: it is never among `coordinates`.
    """
    return f"ai.catboost:catboost-spark_{'.'.join(spark.split('.')[:2])}_{scala}:{CATBOOST}"


def _spark_3_5(scala: str) -> tuple[str, ...]:
    # S3A of Hadoop 3.3 names classes that exist only inside the first SDK's bundle
    # (com.amazonaws.thirdparty…), so here the bundle stays: it comes as a dependency of hadoop-aws.
    return (f"io.delta:delta-spark_{scala}:3.3.3", "org.apache.hadoop:hadoop-aws:3.3.4")


def _spark_4_0(scala: str) -> tuple[str, ...]:
    # Hadoop 3.4.1 was built with 2.24.6, of which Maven has only some modules; 2.24.8 is the next complete one.
    return (f"io.delta:delta-spark_4.0_{scala}:4.3.1", "org.apache.hadoop:hadoop-aws:3.4.1", *_sdk_modules("2.24.8"))


def _spark_4_1(scala: str) -> tuple[str, ...]:
    # Delta 4.1.0 and 4.2.0 cannot read a table after its tenth commit on Spark 4.1.2 and later.
    return (f"io.delta:delta-spark_4.1_{scala}:4.3.1", "org.apache.hadoop:hadoop-aws:3.4.2", *_sdk_modules("2.29.52"))


def _sdk_modules(version: str) -> tuple[str, ...]:
    """The few modules of the AWS SDK that S3A calls. All in one version, near the one its Hadoop was built with."""
    modules = ("s3", "s3-transfer-manager", "sts", "kms", "apache-client")
    return tuple(f"software.amazon.awssdk:{module}:{version}" for module in modules)


_BY_SPARK_AND_SCALA: dict[tuple[str, str], Callable[[str], tuple[str, ...]]] = {
    ("3.5", "2.12"): _spark_3_5,
    ("3.5", "2.13"): _spark_3_5,
    ("4.0", "2.13"): _spark_4_0,
    ("4.1", "2.13"): _spark_4_1,
}
