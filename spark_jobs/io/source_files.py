"""Opens delivered Parquet files, and gives columns the names that they have in the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.locations import Location
from arrears.stores.foreign_errors import cause_of
from arrears.stores.objects import Objects, is_reachable
from arrears.stores.source_listing import no_such_source
from spark_jobs.io.session import hadoop_pattern
from spark_jobs.schemas import stored_name

MOST_COLUMNS = 20_480  # a plan of more takes any driver's memory


def parquet_rows(spark: SparkSession, source: str) -> DataFrame:
    """The rows of Parquet files, under the columns' own names.

    Raises:
        BadConfiguration: there are no such files, or they are no Parquet.
        BadInput: names of columns differ in upper and lower case alone.
    """
    refuse_hidden(source)
    try:
        return spark.read.parquet(hadoop_pattern(source))
    except (PySparkException, Py4JJavaError) as error:
        raise unreadable(source, error) from None


def stored_names(names: Sequence[str]) -> list[str]:
    """The names that a source's columns have in the tables. BadInput lists those that would be the same."""
    stored = [stored_name(name) for name in names]
    # Spark does not tell Age from age.
    times = Counter(map(str.lower, stored))
    problems = [f"field {place} has no name" for place, name in enumerate(stored, 1) if not name]
    problems += [f"column {name} stands in the source {n} times" for name, n in times.items() if n > 1 and name]
    if len(names) > MOST_COLUMNS:
        problems.append(f"the source has {len(names):,} columns, and at most {MOST_COLUMNS:,} are read: leave some out")
    if problems:
        raise BadInput(*problems)
    return stored


def unreadable(source: str, error: Exception) -> Exception:
    """What to tell of a file that Spark cannot open: a sentence for the causes we know, else Spark's own error."""
    condition = (error.getCondition() or "") if isinstance(error, AnalysisException) else ""
    if condition == "COLUMN_ALREADY_EXISTS":
        return BadInput(f"{source} has columns whose names differ in upper and lower case alone")
    if condition == "PATH_NOT_FOUND":
        return no_such_source(source)
    if condition == "UNABLE_TO_INFER_SCHEMA" or "is not a Parquet file" in str(error):
        return BadConfiguration(f"source {source} is not Parquet")
    cause = cause_of(error)
    return error if cause is None else type(cause)(*(f"source {source}: {problem}" for problem in cause.problems))


def refuse_hidden(source: str) -> None:
    """A file whose name Spark passes over would be an empty table. Folders of such a name are read."""
    place = Location.of(source)
    if place.is_hidden and is_reachable(place.uri) and Objects().exists(place.uri):
        raise BadConfiguration(f"{source}: Spark passes over files whose name begins with _ or a dot: rename it")
