"""What the files of a Parquet source hold, read off their footers before a row is read, and where they differ.

Spark takes the columns of a folder from one file: a column that another file lacks would be empty there without a word,
and one of another type would end the job in the middle.

See docs/adr/0061.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.stores.objects import Objects
from arrears.stores.source_listing import delivered_files
from spark_jobs.io.snapshots import opened_parquet
from spark_jobs.io.source_files import refuse_hidden
from spark_jobs.transforms.parquet_types import VOID, StoredType, common_type, stored_type

NO_TYPE = StoredType(VOID, None)


@dataclass(frozen=True)
class ParquetFile:
    """One file: its columns, those without any value, and the folders ``column=value`` that it lies in."""

    uri: str
    columns: Mapping[str, StoredType]
    empty: frozenset[str]
    folders: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name in messages."""
        return _name(self.uri)

    def is_empty(self, column: str) -> bool:
        """Whether no row of the file has a value of the column."""
        return column in self.empty or self.columns.get(column, NO_TYPE).name == VOID


def parquet_footers(source: str, objects: Objects) -> list[ParquetFile]:
    """Reads the schema and the statistics of each file of a source, and no row.

    Args:
        source: a file, or a folder of files.

    Raises:
        BadConfiguration: there are none, or none of them is Parquet.
        BadInput: some are not, or end in the middle.
    """
    files = [(file.uri, dict(file.folders)) for file in delivered_files(source, objects)]
    if len(files) == 1:
        refuse_hidden(source)
    with ThreadPoolExecutor(max_workers=16) as pool:
        read = list(pool.map(lambda file: _footer(*file), files))
    broken = [_name(uri) for (uri, _), footer in zip(files, read, strict=True) if footer is None]
    if len(broken) == len(files):
        raise BadConfiguration(f"source {source} is not Parquet")
    if broken:
        raise BadInput(
            f"{len(broken):,} of {len(files):,} files of {source} are no Parquet or end in the middle, such as"
            f" {broken[0]}"
        )
    return [footer for footer in read if footer is not None]


def compared(files: Sequence[ParquetFile], *, widen: bool) -> tuple[dict[str, str], list[str], list[str]]:
    """The type of each column over all files, and where they differ: problems, or notes where that is allowed.

    A file in which a column holds nothing at all differs from none.
    """
    types: dict[str, str] = {}
    problems: list[str] = []
    notes: list[str] = []
    if len({tuple(sorted(file.folders)) for file in files}) > 1:
        problems.append("the files do not all lie in folders of the same columns")
    for name in union(files):
        having = [file for file in files if name in file.columns]
        found = Counter(file.columns[name].name for file in having)
        known = [kind for kind in found if kind != VOID]
        wide = common_type(known) if known else VOID
        lacking = [file.name for file in files if name not in file.columns]
        told = notes if widen else problems
        if lacking:
            told.append(f"column {name} is in {len(having):,} of {len(files):,} files: {lacking[0]} has none")
        if len(known) > 1:
            by_type = " and ".join(f"{kind} in {found[kind]:,} ({_first(having, name, kind)})" for kind in known)
            differs = f"column {name} is {by_type}"
            if widen and wide is not None:
                notes.append(f"{differs}: it is read as {wide}")
            else:
                problems.append(differs if wide or not widen else f"{differs}: no type holds both")
        if wide not in (None, VOID):
            types[name] = wide
    return types, problems, notes


def union(files: Sequence[ParquetFile]) -> list[str]:
    """Every column that any of the files has, in their order."""
    return list(dict.fromkeys(name for file in files for name in file.columns))


def _name(uri: str) -> str:
    return unquote(uri.rsplit("/", 1)[-1])


def _footer(uri: str, folders: Mapping[str, str]) -> ParquetFile | None:
    try:
        # It takes an address as Delta's log has it, with escapes; a delivered object's name has none.
        opened = opened_parquet(uri.replace("%", "%25") if uri.startswith("s3") else uri)
    except pa.ArrowInvalid:
        return None
    physical = {opened.schema.column(n).path: opened.schema.column(n).physical_type for n in range(len(opened.schema))}
    names = Counter(opened.schema_arrow.names)
    if twice := [name for name, times in names.items() if times > 1]:
        raise BadInput(*(f"column {name} stands in the source {names[name]} times" for name in twice))
    columns = {f.name: stored_type(f.type, is_int96=physical.get(f.name) == "INT96") for f in opened.schema_arrow}
    return ParquetFile(uri, columns, _without_values(opened), folders)


def _without_values(opened: pq.ParquetFile) -> frozenset[str]:
    """Columns of which the statistics say that every value is missing."""
    metadata = opened.metadata
    empty: frozenset[str] | None = None
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = (group.column(place) for place in range(group.num_columns))
        here = frozenset(
            c.path_in_schema
            for c in columns
            if c.statistics is not None and c.statistics.has_null_count and c.statistics.null_count == group.num_rows
        )
        empty = here if empty is None else empty & here
        if not empty:
            break
    return empty or frozenset()


def _first(files: Sequence[ParquetFile], name: str, kind: str) -> str:
    return next(file.name for file in files if file.columns[name].name == kind)
