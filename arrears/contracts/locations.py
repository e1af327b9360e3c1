"""Where data lie: a path or an address, checked once, and spelt as each library needs it.

Python's own functions and boto3 take an address. Spark takes a path without any escapes of an address, and for files a
pattern, in which a bracket is not the bracket of a name.

See docs/adr/0058.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from arrears.contracts.errors import BadConfiguration

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/{0,3})")  # of two letters or more: C: is a drive of Windows
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_S3 = ("s3", "s3a", "s3n")
_BUCKETS = (*_S3, "gs", "abfs", "abfss", "wasb", "wasbs")  # those whose addresses have two slashes, always
_WEB = ("http", "https", "ftp", "ftps", "sftp")
# Bytes of a name that Python could not read, and what Java makes of them.
_LOST = re.compile("[\udc80-\udcff\ufffd]")
HIDDEN = ("_", ".")  # what begins so, Spark and Hive pass over
_PATTERN = re.compile(r"[\[\]{}*?\\]")
# What Java takes for the name of a host: S3A can address no other bucket, though a server may hold one.
_BUCKET = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*(?<![-.])")


@dataclass(frozen=True)
class Location:
    """A place of files or of a table.

    Attributes:
        uri: ``s3://bucket/key`` as it is, ``file:///path`` with escapes, or an address that only Spark can open.
    """

    uri: str

    @classmethod
    def of(cls, place: str) -> Location:
        """Reads what a person wrote: a path of this machine, or an address in upper or lower case.

        Raises:
            BadConfiguration: it is no path or address that can be read, and why.
        """
        if _LOST.search(place):
            shown = place.encode(errors="replace").decode()
            raise BadConfiguration(f"{shown} has letters that are no UTF-8: rename it so, and run under LC_ALL=C.UTF-8")
        if _WINDOWS.match(place):
            raise BadConfiguration(f"{place} is a path of Windows: jobs run on Linux, so give a path there, or s3://")
        match = _SCHEME.match(place)
        if match is None or not (match[2] or match[1].lower() in (*_BUCKETS, "file")):
            return cls(Path(place).expanduser().resolve().as_uri())
        scheme, rest = match[1].lower(), place[match.end(1) + 1 :]
        if scheme in _WEB:
            raise BadConfiguration(f"{place} is a web address: download it, then give the file's path or s3:// address")
        if scheme == "file":
            return cls(_of_file(place, rest))
        if scheme in _BUCKETS and not rest.startswith("//"):
            raise BadConfiguration(f"{place} has not two slashes: an address looks like {scheme}://bucket/folder/file")
        if scheme in _S3:
            checked_bucket(rest[2:].partition("/")[0], place)
            return cls(f"s3:{rest}")
        return cls(f"{scheme}:{rest}")

    @property
    def in_spark(self) -> str:
        """The place for Spark's writers and for Delta, which take it as it is."""
        if self.uri.startswith("file:"):
            return "file://" + unquote(self.uri.removeprefix("file://"))
        return "s3a" + self.uri.removeprefix("s3") if self.uri.startswith("s3://") else self.uri

    @property
    def as_pattern(self) -> str:
        """The place for Spark's readers of files, which would take ``[ ] { } * ?`` of a name for a pattern.

        Raises:
            BadConfiguration: there is a colon beside such a sign, or in a local file's name: Hadoop loses its way.
        """
        if self.uri.startswith("file:") and ":" in self.name:
            raise BadConfiguration(
                f"{unquote(self.uri)}: Spark reads no local file whose name holds a colon: rename it"
            )
        if _PATTERN.search(self.in_spark) and ":" in self.in_spark.partition("://")[2].partition("/")[2]:
            raise BadConfiguration(
                f"{unquote(self.uri)}: Spark reads no name with both a colon and one of [ ] {{ }} * ?"
            )
        return _PATTERN.sub(r"\\\g<0>", self.in_spark)

    @property
    def name(self) -> str:
        """The last part: the file's or folder's own name, without escapes."""
        last = self.uri.rstrip("/").rsplit("/", 1)[-1]
        return unquote(last) if self.uri.startswith("file:") else last

    @property
    def is_hidden(self) -> bool:
        """Whether Spark passes over a file of this name without a word."""
        return self.name.startswith(HIDDEN)


def checked_bucket(bucket: str, place: str) -> str:
    """The name of a bucket, refused where there is none or Spark could not address it.

    Args:
        place: the whole address, for the message.
    """
    if not bucket:
        raise BadConfiguration(f"{place} names no bucket: an address looks like s3://bucket/folder/file")
    last = bucket.rpartition(".")
    if not _BUCKET.fullmatch(bucket) or (last[1] and last[2][0].isdigit()):
        raise BadConfiguration(
            f"bucket {bucket}: Spark (Hadoop's S3A) can address only names of letters, digits, - and . whose part after"
            " the last . begins with a letter: copy the data to another bucket"
        )
    return bucket


def _of_file(place: str, rest: str) -> str:
    host, path = "", rest
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        path = slash + path
    if host not in ("", "localhost") or not path.startswith("/"):
        raise BadConfiguration(f"{place} is no path of this machine: it looks like file:///folder/file")
    return Path(unquote(path)).as_uri()
