"""Opens delivered files: Parquet as it is, CSV with its header's names, its separator, and every line as text.

Broken lines are marked and not shown.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import types as T

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.data_jobs import SOURCES
from arrears.contracts.locations import Location
from arrears.stores.foreign_errors import cause_of
from arrears.stores.objects import Objects, is_reachable
from spark_jobs.io.session import hadoop_pattern
from spark_jobs.schemas import stored_name

CSV_ENDINGS = (".csv", ".csv.gz", ".csv.bz2", ".tsv", ".txt")
BROKEN_LINE = " broken line"  # no header has such a name: they are stripped


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
        raise _unreadable(source, error) from None


def csv_lines(spark: SparkSession, source: str) -> tuple[DataFrame, list[str], str]:
    """Every line of a CSV file as text columns and `BROKEN_LINE`, the header's names, and the separator.

    Raises:
        BadConfiguration: there is no such file.
        BadInput: it is empty, or its header names no table.
    """
    refuse_hidden(source)
    try:
        first = spark.read.text(hadoop_pattern(source)).head()
    except (PySparkException, Py4JJavaError) as error:
        raise _unreadable(source, error) from None
    if first is None:
        raise BadInput(f"{source} is empty: it has not even a header")
    separator = max(",;\t|", key=first["value"].count)
    names = [name.strip() for name in next(csv.reader([first["value"]], delimiter=separator))]
    stored_names(names)
    schema = T.StructType([T.StructField(name, T.StringType()) for name in (*names, BROKEN_LINE)])
    lines = spark.read.csv(
        hadoop_pattern(source),
        schema=schema,
        sep=separator,
        header=True,
        enforceSchema=False,  # several files: each header is compared with the first
        quote='"',
        escape='"',
        ignoreLeadingWhiteSpace=True,
        ignoreTrailingWhiteSpace=True,
        mode="PERMISSIVE",  # FAILFAST would put the broken line, a borrower's row, into the log
        columnNameOfCorruptRecord=BROKEN_LINE,
    )
    return lines, names, separator


def counted(lines: DataFrame, aggregates: Sequence[Column], source: str) -> Row:
    """The aggregates of all lines, in one action.

    Raises:
        BadInput: the files of the source have different headers.
    """
    try:
        return lines.agg(*aggregates).collect()[0]
    except (PySparkException, Py4JJavaError) as error:
        if "CSV header does not conform" not in str(error):
            raise
        raise BadInput(f"the files below {source} do not all have the same header") from None


def broken_lines(count: int, names: Sequence[str], separator: str, source: str) -> list[str]:
    """The problem of lines that have other fields than the header. None when there are none."""
    problem = (
        f"{count:,} lines of {source} do not have the header's {len(names)} fields, separated"
        f" by {separator!r}; a line break within a field is not supported"
    )
    return [problem] if count else []


def no_such_source(source: str) -> BadConfiguration:
    """What to tell of a name or path under which nothing lies."""
    hint = "; * and ? are taken as they are: give the folder" if set("*?") & set(source) else ""
    return BadConfiguration(
        f"source {source} does not exist; sources are {', '.join(SOURCES)}, and paths to CSV, Parquet or Delta"
        f" (local or s3://){hint}"
    )


def stored_names(names: Sequence[str]) -> list[str]:
    """The names that a source's columns have in the tables. BadInput lists those that would be the same."""
    stored = [stored_name(name) for name in names]
    # Spark does not tell Age from age.
    times = Counter(map(str.lower, stored))
    problems = [f"field {place} has no name" for place, name in enumerate(stored, 1) if not name]
    problems += [f"column {name} stands in the source {n} times" for name, n in times.items() if n > 1 and name]
    if problems:
        raise BadInput(*problems)
    return stored


def _unreadable(source: str, error: Exception) -> Exception:
    """What to tell of a file that Spark cannot open: a sentence for the causes we know, else Spark's own error."""
    condition = (error.getCondition() or "") if isinstance(error, AnalysisException) else ""
    if condition == "COLUMN_ALREADY_EXISTS":
        return BadInput(f"{source} has columns whose names differ in upper and lower case alone")
    if condition == "PATH_NOT_FOUND":
        return no_such_source(source)
    if condition == "UNABLE_TO_INFER_SCHEMA" or "is not a Parquet file" in str(error):
        return BadConfiguration(
            f"source {source} is not Parquet; a CSV file's name must end in {', '.join(CSV_ENDINGS)}"
        )
    cause = cause_of(error)
    return error if cause is None else type(cause)(*(f"source {source}: {problem}" for problem in cause.problems))


def refuse_hidden(source: str) -> None:
    """A file whose name Spark passes over would be an empty table. Folders of such a name are read."""
    place = Location.of(source)
    if place.is_hidden and is_reachable(place.uri) and Objects().exists(place.uri):
        raise BadConfiguration(f"{source}: Spark passes over files whose name begins with _ or a dot: rename it")
