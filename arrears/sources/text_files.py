"""A delivered text file: how it is to be read, found from its first bytes, and its rows as texts."""

from __future__ import annotations

import codecs
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from arrears.contracts.errors import BadInput
from arrears.sources.compression import decompressed
from arrears.sources.encodings import encoding_of
from arrears.sources.records import RowReader, Tally
from arrears.sources.sniffing import Sniffed, sniff

HEAD = 64 * 1024


def probe(
    stream: IO[bytes], kind: str, *, expected: Collection[str] = (), declared: Mapping[str, Any] | None = None
) -> Sniffed:
    """The dialect of a text file, and the names in its header.

    Args:
        stream: the file from its beginning.
        kind: its compression (see `compression.kind_of`).
        expected: names that columns are known to have.
        declared: fields of the dialect that a person has given.

    Raises:
        BadInput: it is empty, or its characters or separator are none that are known.
    """
    head = decompressed(stream, kind).read(HEAD)
    whole = len(head) < HEAD
    encoding = (declared or {}).get("encoding") or encoding_of(head, whole=whole)
    if encoding is None:
        raise BadInput("its characters are neither UTF-8 nor of another encoding that is known: give encoding")
    text = codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
    if not whole:
        text = text[: text.rfind("\n") + 1] or text
    return sniff(text, encoding=encoding, expected=expected, declared=declared)


def texts(stream: IO[bytes], kind: str, sniffed: Sniffed, names: Sequence[str]) -> Iterator[pa.RecordBatch | Tally]:
    """The rows of a text file, trimmed, and last of all what its lines were."""
    text = io.TextIOWrapper(decompressed(stream, kind), encoding=sniffed.dialect.encoding, newline="")
    reader = RowReader(iter(text), sniffed.dialect, names)
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    for rows in reader.chunks():
        columns = [pc.utf8_trim_whitespace(pa.array(column, pa.string())) for column in zip(*rows, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
    yield reader.tally
