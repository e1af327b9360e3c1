"""Columnar files as they are delivered: Parquet, whose files are compared before a row is read, and Delta."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.errors import BadConfiguration, BadInput
from spark_jobs.io.parquet_footers import NO_TYPE, ParquetFile, compared, union
from spark_jobs.io.session import hadoop_pattern, hadoop_uri
from spark_jobs.io.tables import rows_at
from spark_jobs.schemas import stored_name
from spark_jobs.transforms.parquet_types import VOID, StoredType, folder_type

_NANOS_AS_LONG = "spark.sql.legacy.parquet.nanosAsLong"
_NO_VALUE_FOLDER = "__HIVE_DEFAULT_PARTITION__"
# What pandas leaves of a frame's row numbers where nobody asked it to leave them out.
_ROW_NUMBERS = re.compile(r"__index_level_\d+__|Unnamed: 0")
_SIMPLE = (T.NumericType, T.BooleanType, T.StringType, T.DateType, T.TimestampType, T.TimestampNTZType)


@dataclass(frozen=True)
class Columnar:
    """Rows of columnar files.

    Attributes:
        notes: what a reader should know of columns that were converted, left out, or are empty.
        left_out: column → why it is not among the rows, as a sentence whose subject is the column.
        of_folders: columns that the names of folders give, such as ``month=2026-01``.
    """

    rows: DataFrame
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    of_folders: tuple[str, ...] = ()


def delta_rows(spark: SparkSession, uri: str, version: int, *, named: Collection[str] = ()) -> Columnar:
    """The rows of a Delta table at one version, under the columns' own names.

    Args:
        named: stored names of columns that somebody asks for. Row numbers of pandas are left out unless they are.

    Raises:
        BadConfiguration: the table uses a feature of Delta that this Spark does not know.
    """
    try:
        rows = rows_at(spark, uri, version)
        left_out = {
            f.name: _of_delta(f.dataType) for f in rows.schema if not isinstance(f.dataType, (*_SIMPLE, T.NullType))
        }
    except (PySparkException, Py4JJavaError) as error:
        if "DELTA_UNSUPPORTED_FEATURE" not in str(error) and "DELTA_INVALID_PROTOCOL" not in str(error):
            raise
        features = re.findall(r"unsupported by [^:]*: ([\w, ]+)", str(error))
        which = f" ({features[0].strip()})" if features else ""
        raise BadConfiguration(
            f"the Delta table {uri} uses a feature{which} that this version of Delta does not read: write it without,"
            " or deliver Parquet"
        ) from None
    void = [f.name for f in rows.schema if isinstance(f.dataType, T.NullType)]
    left_out |= _row_numbers(rows.columns, named)
    notes = [f"column {name} has no value in any row" for name in void]
    notes += [f"column {name} {reason}: it is left out" for name, reason in left_out.items()]
    kept = [_empty(name) if name in void else _column(name) for name in rows.columns if name not in left_out]
    return Columnar(rows.select(*kept), tuple(notes), left_out)


def parquet_columns(
    spark: SparkSession, source: str, files: Sequence[ParquetFile], *, named: Collection[str] = (), widen: bool = False
) -> Columnar:
    """The rows of Parquet files, under the columns' own names.

    Args:
        source: address of the file, or of the folder that holds them.
        files: as `parquet_footers` reads them.
        named: stored names of columns that somebody asks for. Row numbers of pandas are left out unless they are.
        widen: files may differ: a narrower type is read as the widest, a column that a file lacks is missing there.

    Raises:
        BadInput: the files differ in a column's type, or one has a column that another lacks. Names every column.
    """
    types, problems, notes = compared(files, widen=widen)
    if problems:
        advice = "deliver files that are alike, or allow it (schema_drift: widen)"
        raise BadInput(*problems, advice=advice)
    first = {name: next(f.columns[name] for f in files if f.columns.get(name, NO_TYPE).name != VOID) for name in types}
    left_out = {name: stored.note for name, stored in first.items() if stored.read_as is None}
    left_out |= _row_numbers(types, named)
    notes += [f"column {name} {stored.note}" for name, stored in first.items() if stored.note and name not in left_out]
    notes += [f"column {name} {reason}: it is left out" for name, reason in left_out.items()]
    empty = [name for name in union(files) if name not in left_out and all(f.is_empty(name) for f in files)]
    notes += [f"column {name} has no value in any row" for name in empty]
    folders = _folder_types(files)
    notes += [f"column {name} is read off the names of folders ({name}=…)" for name in folders]
    kept = {name: types.get(name, VOID) for name in union(files) if name not in left_out and name not in folders}
    spark.conf.set(_NANOS_AS_LONG, "true")
    alike: dict[tuple[tuple[str, StoredType], ...], list[ParquetFile]] = {}
    for file in files:
        alike.setdefault(tuple(sorted(file.columns.items(), key=lambda item: item[0])), []).append(file)
    parts = [_read(spark, source, group, kept, folders) for group in alike.values()]
    return Columnar(reduce(DataFrame.unionByName, parts), tuple(notes), left_out, tuple(folders))


def _read(
    spark: SparkSession,
    source: str,
    files: Sequence[ParquetFile],
    kept: Mapping[str, str],
    folders: Mapping[str, str],
) -> DataFrame:
    """Files of one schema, in the types that all files have together."""
    stored = files[0].columns
    read = [(name, stored[name].read_as) for name in kept if name in stored]
    schema = T.StructType([T.StructField(name, kind) for name, kind in read if kind is not None])
    # Of a folder's name Spark would guess the type by the files at hand: 01 would be 1 in one part and text in another.
    schema = T.StructType([*schema.fields, *(T.StructField(name, T.StringType()) for name in folders)])
    reader = spark.read.schema(schema)
    if folders:
        reader = reader.option("basePath", hadoop_uri(source))  # no pattern
    rows = reader.parquet(*(hadoop_pattern(file.uri) for file in files))
    columns = [_as_common(name, stored.get(name), kept[name]) for name in kept]
    return rows.select(*columns, *(_column(name).cast(kind).alias(name) for name, kind in folders.items()))


def _as_common(name: str, stored: StoredType | None, kind: str) -> Column:
    if stored is None or stored.read_as is None:
        return _empty(name) if kind == VOID else F.lit(None).cast(_castable(kind)).alias(name)
    quoted = f"`{name.replace('`', '``')}`"
    value = F.expr(stored.sql.format(c=quoted)) if stored.sql else _column(name)
    return value.alias(name) if stored.name == kind else value.cast(_castable(kind)).alias(name)


def _castable(kind: str) -> str:
    return {"duration": "bigint"}.get(kind, kind)


def _folder_types(files: Sequence[ParquetFile]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for file in files:
        for name, value in file.folders.items():
            values.setdefault(name, []).append(value)
    return {name: folder_type([v for v in found if v != _NO_VALUE_FOLDER]) for name, found in values.items()}


def _row_numbers(columns: Iterable[str], named: Collection[str]) -> dict[str, str]:
    reason = "is the row number that pandas wrote"
    return {name: reason for name in columns if _ROW_NUMBERS.fullmatch(name) and stored_name(name) not in named}


def _of_delta(kind: T.DataType) -> str:
    if isinstance(kind, T.BinaryType):
        return "holds bytes"
    nested = isinstance(kind, (T.ArrayType, T.MapType, T.StructType))
    return "is nested (a list, a map or a record)" if nested else f"is of the type {kind.simpleString()}"


def _column(name: str) -> Column:
    return F.col("`" + name.replace("`", "``") + "`")


def _empty(name: str) -> Column:
    return F.lit(None).cast("double").alias(name)
