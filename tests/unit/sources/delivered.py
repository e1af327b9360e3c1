"""Reads the bytes of one delivered text file to its end, as a job does, without Spark."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from arrears.sources.conversions import converted
from arrears.sources.file_facts import FileFacts, column_names, facts_of
from arrears.sources.records import Tally
from arrears.sources.text_files import texts
from arrears.sources.value_types import ColumnType, Declared, column_types


@dataclass(frozen=True)
class Delivered:
    """What came of a file: its facts, the type of each column, and its rows. No rows where it has problems."""

    facts: FileFacts
    types: Mapping[str, ColumnType]
    rows: pa.Table

    @property
    def notes(self) -> list[str]:
        assert self.facts.sniffed is not None
        lines = [*self.facts.sniffed.dialect.notes(), *self.facts.tally.notes()]
        return lines + [note for each in self.types.values() for note in each.notes]

    def column(self, name: str) -> list[Any]:
        return list(self.rows.column(name).to_pylist())


def read(
    data: bytes | str,
    *,
    expected: Collection[str] = (),
    declared: Declared | None = None,
    dialect: Mapping[str, Any] | None = None,
) -> Delivered:
    """One file, by its bytes; text is UTF-8."""
    content = data.encode() if isinstance(data, str) else data
    facts = facts_of(partial(io.BytesIO, content), "loans.csv", expected=expected, declared=dialect)
    if facts.problems or facts.sniffed is None:
        return Delivered(facts, {}, pa.table({}))
    names = column_names(facts.sniffed)
    types = column_types(facts.profiles, declared or Declared())
    parts = [
        {name: converted(part.column(name), types[name].conversion) for name in names}
        for part in texts(io.BytesIO(content), facts.compression, facts.sniffed, names)
        if not isinstance(part, Tally)
    ]
    return Delivered(facts, types, pa.concat_tables([pa.table(part) for part in parts]) if parts else pa.table({}))


def problems_of(data: bytes | str, **given: Any) -> tuple[str, ...]:
    """What makes a file no table, or its values not what they are declared to be."""
    delivered = read(data, **given)
    return delivered.facts.problems or tuple(each for kind in delivered.types.values() for each in kind.problems)
