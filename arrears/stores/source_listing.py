"""What lies at the address of a source: which files, and of which kind by their first bytes, whatever their names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.data_jobs import SOURCES
from arrears.contracts.locations import HIDDEN
from arrears.sources.compression import COMPRESSIONS, TEXT, kind_of
from arrears.stores.objects import Objects, uri_of

_LOOKED_AT = 50  # files: those of text are all read before anything is used, and Spark reads the others' marks
_MARK = 512  # bytes that tell a file's kind

TEXT_ENDINGS = (".csv", ".csv.gz", ".csv.bz2", ".tsv", ".txt")  # where only Spark can look into a file
PARQUET = "parquet"
READ = (PARQUET, "orc")


@dataclass(frozen=True)
class DeliveredFile:
    """One file of a source.

    Attributes:
        folders: column → value of the folders ``column=value`` that it lies in.
    """

    uri: str
    folders: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Its name in messages."""
        return unquote(self.uri.rsplit("/", 1)[-1])


@dataclass(frozen=True)
class Delivery:
    """The files of a source, all of one kind: ``text``, ``parquet`` or ``orc``."""

    kind: str
    files: tuple[DeliveredFile, ...]


def no_such_source(source: str) -> BadConfiguration:
    """What to tell of a name or path under which nothing lies."""
    hint = "; * and ? are taken as they are: give the folder" if set("*?") & set(source) else ""
    return BadConfiguration(
        f"source {source} does not exist; sources are {', '.join(SOURCES)}, and paths to CSV, Parquet or Delta"
        f" (local or s3://){hint}"
    )


def delivery(source: str, objects: Objects) -> Delivery:
    """The files at a path or address.

    Raises:
        BadConfiguration: nothing lies there, or files of a kind that nobody reads.
        BadInput: there are files of several kinds, or only empty ones.
    """
    files = delivered_files(source, objects)
    kinds: dict[str, list[str]] = {}
    for file in files[:_LOOKED_AT]:
        kind = kind_of(objects.beginning(file.uri, _MARK))
        kinds.setdefault(TEXT if kind in COMPRESSIONS else kind, []).append(file.name)
    if problems := [
        f"{names[0]} is {kind}, which is not read" for kind, names in kinds.items() if kind not in (TEXT, *READ)
    ]:
        raise BadConfiguration(*problems, "deliver CSV, Parquet, Delta or ORC")
    if len(kinds) > 1:
        counts = ", ".join(f"{len(names):,} {kind} (such as {names[0]})" for kind, names in kinds.items())
        raise BadInput(f"{source} holds files of several kinds: {counts}")
    return Delivery(next(iter(kinds)), tuple(files))


def delivered_files(source: str, objects: Objects) -> list[DeliveredFile]:
    """The one file at an address, or all in the folder, by name: but those that a writer marks as no data.

    Raises:
        BadConfiguration: there are none.
    """
    uri = uri_of(source).rstrip("/")
    if objects.exists(uri):
        return [DeliveredFile(uri)]
    below = [item.uri for item in objects.list(uri) if item.size]
    files = [DeliveredFile(found, _folders(uri, found)) for found in below if not _is_marked(uri, found)]
    if not files:
        raise no_such_source(source)
    return files


def _is_marked(folder: str, uri: str) -> bool:
    """Whether a file or a folder above it has a name that Spark and Hive pass over."""
    parts = PurePosixPath(unquote(uri.removeprefix(folder).lstrip("/"))).parts
    return any(part.startswith(HIDDEN) and "=" not in part for part in parts)


def _folders(folder: str, uri: str) -> tuple[tuple[str, str], ...]:
    parts = PurePosixPath(unquote(uri.removeprefix(folder).lstrip("/"))).parts[:-1]
    pairs = [part.split("=", 1) for part in parts if "=" in part]
    return tuple((name, unquote(value)) for name, value in pairs)
