"""What a delivered file is by its first bytes, whatever its name ends in, and its content without compression."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from typing import IO, cast

import pyarrow as pa

from arrears.contracts.errors import BadInput

_MARKS = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PAR1", "parquet"),
    (b"ORC", "orc"),
    (b"Obj\x01", "avro"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"%PDF", "a PDF document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"RDX", "an R data file"),
    (b"$FL2", "an SPSS file"),
    (b"<stata_dta>", "a Stata file"),
)
_SAS = b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c"
TEXT = "text"
COMPRESSIONS = ("gzip", "zip", "zstd", "bzip2", "xz")


def kind_of(head: bytes) -> str:
    """What a file with these first bytes is: a compression, a format of tables, ``text``, or a format in words."""
    for mark, kind in _MARKS:
        if head.startswith(mark):
            return kind
    if head[12:28] == _SAS[:16]:
        return "a SAS data set"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:20].lower()
    return "a web page" if start.startswith((b"<!doctype html", b"<html")) else TEXT


def decompressed(stream: IO[bytes], kind: str) -> IO[bytes]:
    """The content of a compressed file, read as it is asked for.

    Raises:
        BadInput: a zip archive holds no file, or several, or is a workbook.
    """
    if kind == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
    if kind == "bzip2":
        return cast("IO[bytes]", bz2.BZ2File(stream))
    if kind == "xz":
        return cast("IO[bytes]", lzma.LZMAFile(stream))
    if kind == "zstd":
        return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd"))
    if kind == "zip":
        return _only_member(stream)
    return stream


def _only_member(stream: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(stream)
    if any(member.filename.startswith("xl/") for member in archive.infolist()):
        raise BadInput("it is an Excel workbook, which is not read: save the sheet as CSV (UTF-8)")
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        raise BadInput(f"the zip archive holds {len(members)} files; deliver one, or unpack it into a folder")
    if members[0].flag_bits & 1:
        raise BadInput("the zip archive is encrypted")
    return archive.open(members[0])
