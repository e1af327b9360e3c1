"""Delivered text files as typed rows: each file read by its own dialect, each column by the type its values have.

The files are read twice by Python tasks, one a file: once to its end for what its lines and values are, and then for
the rows. Nothing is decided from a sample but how the lines are written.

See docs/adr/0062.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, Any

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadInput
from arrears.sources.column_profiles import total
from arrears.sources.conversions import Conversion, converted
from arrears.sources.file_facts import FileFacts, column_names, facts_of
from arrears.sources.records import Tally
from arrears.sources.suspicions import suspicions
from arrears.sources.text_files import texts
from arrears.sources.value_types import ColumnType, Declared, column_types
from arrears.stores.objects import Objects, is_reachable
from arrears.stores.source_listing import DeliveredFile
from spark_jobs.io.session import hadoop_pattern
from spark_jobs.io.source_files import unreadable
from spark_jobs.schemas import stored_name

_FILES_DDL = "place int, uri string, content binary"
_MOST_NAMED = 5  # files that a message names


@dataclass(frozen=True)
class TextTable:
    """Typed rows of text files, under the names that their header gives.

    Attributes:
        problems: lines that are no rows, of every file. The rows lack them: whoever goes on must refuse first.
        misfits: column → why it is not of the type that it is declared to be. It is text then.
        nameless: columns whose name stands in no header; they are named by their place.
        folders: columns that come from folders ``column=value``.
    """

    rows: DataFrame
    names: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...] = ()
    misfits: Mapping[str, str] = field(default_factory=dict)
    nameless: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


def read_text(
    spark: SparkSession,
    files: Sequence[DeliveredFile],
    *,
    expected: Collection[str] = (),
    declared: Declared | None = None,
    dialect: Mapping[str, Any] | None = None,
    as_text: bool = False,
) -> TextTable:
    """Reads text files as one table.

    Args:
        expected: names that columns are known to have: a line that holds one is the header.
        declared: what a person has said about the values, by the names that columns have in the tables.
        dialect: what a person has said about how the lines are written, by the fields of `Dialect`.
        as_text: whether every column stays the text that it is.

    Raises:
        BadInput: a file is no text table, or has other columns than the first. Names every such file, and no value.
    """
    try:
        found = _files(spark, files)
        facts = _facts(found, expected, dialect or {})
    except (PySparkException, Py4JJavaError) as error:
        raise unreadable(files[0].uri, error) from None
    no_tables = [problem for each in facts if each.sniffed is None for problem in each.problems]
    if problems := no_tables or _header_problems(facts):
        raise BadInput(*problems)
    names = column_names(_sniffed(facts[0]))
    profiles = {name: total(each.profiles[name] for each in facts) for name in names}
    given = declared or Declared()
    kinds = {name: given.types[stored] for name in names if (stored := stored_name(name)) in given.types}
    plain = {name: ColumnType(Conversion()) for name in names}
    types = plain if as_text else column_types(profiles, replace(given, types=kinds))
    empty = [name for name in _nameless(facts[0]) if not profiles[name].present]
    kept = [name for name in names if name not in empty]
    folders = tuple(dict.fromkeys(column for file in files for column, _ in file.folders))
    return TextTable(
        rows=_rows(found, files, facts, {name: types[name].conversion for name in kept}, folders),
        names=(*kept, *folders),
        notes=(*_notes(facts, types, empty, folders), *(() if as_text else suspicions(profiles, types))),
        problems=tuple(problem for each in facts for problem in each.problems),
        misfits={name: "; ".join(types[name].problems) for name in kept if types[name].problems},
        nameless=tuple(name for name in _nameless(facts[0]) if name in kept),
        folders=folders,
    )


def _files(spark: SparkSession, files: Sequence[DeliveredFile]) -> DataFrame:
    """One row a file, each in a partition of its own. Content where only Spark can open the file."""
    if not is_reachable(files[0].uri):
        content = spark.read.format("binaryFile").load(hadoop_pattern(files[0].uri))
        return content.select(F.lit(0).alias("place"), F.lit(files[0].uri).alias("uri"), "content")
    rows = [(place, file.uri, None) for place, file in enumerate(files)]
    return spark.createDataFrame(spark.sparkContext.parallelize(rows, len(rows)), _FILES_DDL)


def _facts(found: DataFrame, expected: Collection[str], dialect: Mapping[str, Any]) -> list[FileFacts]:
    names, given = tuple(expected), dict(dialect)

    def look(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for row in (row for batch in batches for row in batch.to_pylist()):
            file = DeliveredFile(row["uri"])
            facts = facts_of(_opener(row), file.name, place=row["place"], expected=names, declared=given)
            content = json.dumps(facts.to_dict())
            yield pa.RecordBatch.from_pydict({"place": pa.array([row["place"]], pa.int32()), "facts": [content]})

    collected = found.mapInArrow(look, "place int, facts string").collect()
    return [FileFacts.from_dict(json.loads(row["facts"])) for row in sorted(collected, key=lambda row: row["place"])]


def _rows(
    found: DataFrame,
    files: Sequence[DeliveredFile],
    facts: Sequence[FileFacts],
    conversions: Mapping[str, Conversion],
    folders: Sequence[str],
) -> DataFrame:
    of_file = [(each.compression, _sniffed(each), dict(file.folders)) for each, file in zip(facts, files, strict=True)]

    def read(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for row in (row for batch in batches for row in batch.to_pylist()):
            compression, sniffed, values = of_file[row["place"]]
            with _opener(row)() as stream:
                for part in texts(stream, compression, sniffed, column_names(sniffed)):
                    if not isinstance(part, Tally):
                        yield _typed(part, conversions, {name: values.get(name) for name in folders})

    columns = [f"`{name.replace('`', '``')}` {each.type}" for name, each in conversions.items()]
    columns += [f"`{name.replace('`', '``')}` string" for name in folders]
    return found.mapInArrow(read, ", ".join(columns))


def _typed(
    part: pa.RecordBatch, conversions: Mapping[str, Conversion], folders: Mapping[str, str | None]
) -> pa.RecordBatch:
    arrays = {name: converted(part.column(name), conversion) for name, conversion in conversions.items()}
    constants = {name: pa.array([value] * part.num_rows, pa.string()) for name, value in folders.items()}
    return pa.RecordBatch.from_pydict({**arrays, **constants})


def _opener(row: Mapping[str, Any]) -> Callable[[], IO[bytes]]:
    if row["content"] is not None:
        return partial(io.BytesIO, row["content"])
    return partial(Objects().open, row["uri"])


def _sniffed(facts: FileFacts) -> Any:
    if facts.sniffed is None:
        raise RuntimeError(f"{facts.file} has no problem and no dialect")
    return facts.sniffed


def _nameless(facts: FileFacts) -> list[str]:
    sniffed = _sniffed(facts)
    return [
        name
        for name, told in zip(column_names(sniffed), sniffed.names or [""] * sniffed.width, strict=True)
        if not told
    ]


def _header_problems(facts: Sequence[FileFacts]) -> list[str]:
    """Files whose columns are others than those of the first. Their order does not matter."""
    first = set(column_names(_sniffed(facts[0])))
    problems = []
    for each in facts[1:]:
        names = set(column_names(_sniffed(each)))
        lacks, has = sorted(first - names), sorted(names - first)
        if lacks or has:
            parts = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"has {', '.join(has)} more"] * bool(has)
            problems.append(
                f"the files do not all have the same header: beside {facts[0].file}, {each.file} {' and '.join(parts)}"
            )
    return problems


def _notes(
    facts: Sequence[FileFacts], types: Mapping[str, ColumnType], empty: Sequence[str], folders: Sequence[str]
) -> list[str]:
    """Everything that was recognised, converted or left out, each once."""
    of_files: dict[str, list[str]] = {}
    for each in facts:
        packed = [f"its content is unpacked from {each.compression}"] if each.compression != "text" else []
        for note in (*packed, *_sniffed(each).dialect.notes(), *each.tally.notes()):
            of_files.setdefault(note, []).append(each.file)
    notes = [f"{_in_words(names, len(facts))}: {note}" for note, names in of_files.items()]
    notes += [f"{name} has neither name nor value: left out" for name in empty]
    notes += [f"column {name} comes from the folders' names" for name in folders]
    return notes + [note for name, each in types.items() if name not in empty for note in each.notes]


def _in_words(names: Sequence[str], files: int) -> str:
    if len(names) == files > 1:
        return f"all {files} files"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
