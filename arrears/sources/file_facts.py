"""What one delivered text file is: found by reading all of it once, before any of its rows are used."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from arrears.contracts.errors import BadInput
from arrears.sources.column_profiles import ColumnProfile
from arrears.sources.compression import COMPRESSIONS, TEXT, kind_of
from arrears.sources.dialect import Dialect
from arrears.sources.encodings import encoding_of
from arrears.sources.records import Tally
from arrears.sources.sniffing import Sniffed
from arrears.sources.text_files import HEAD, probe, texts

_PLACES = 1 << 40  # rows of a file at most: two files never share the place of a row


@dataclass(frozen=True)
class FileFacts:
    """How a file is read, what its lines are, and what its columns hold.

    Attributes:
        file: the file's name, for messages.
        compression: how its bytes are packed; ``text`` for not at all.
        problems: what makes it no table. Then there are no profiles.
        profiles: column → its values, counted.
    """

    file: str
    compression: str = TEXT
    sniffed: Sniffed | None = None
    tally: Tally = field(default_factory=Tally)
    profiles: Mapping[str, ColumnProfile] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain content for JSON."""
        return {
            "file": self.file,
            "compression": self.compression,
            "sniffed": None if self.sniffed is None else asdict(self.sniffed),
            "tally": {**vars(self.tally), "broken": list(self.tally.broken.items())},
            "profiles": {name: profile.to_dict() for name, profile in self.profiles.items()},
            "problems": list(self.problems),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> FileFacts:
        """Reads what `to_dict` wrote."""
        sniffed = content["sniffed"]
        if sniffed is not None:
            sniffed = Sniffed(Dialect(**sniffed["dialect"]), tuple(sniffed["names"]), sniffed["width"])
        return cls(
            file=content["file"],
            compression=content["compression"],
            sniffed=sniffed,
            tally=Tally(**{**content["tally"], "broken": Counter(dict(map(tuple, content["tally"]["broken"])))}),
            profiles={name: ColumnProfile.from_dict(each) for name, each in content["profiles"].items()},
            problems=tuple(content["problems"]),
        )


def facts_of(
    open_file: Callable[[], IO[bytes]],
    file: str,
    *,
    place: int = 0,
    expected: Collection[str] = (),
    declared: Mapping[str, Any] | None = None,
) -> FileFacts:
    """Reads a file to its end and says how it is to be read. What is wrong with it is in the facts' problems.

    Args:
        open_file: opens the file at its beginning.
        place: of the file among those of its source.
        expected: names that columns are known to have.
        declared: fields of the dialect that a person has given.
    """
    try:
        with open_file() as stream:
            kind = kind_of(stream.read(HEAD))
        if kind not in (TEXT, *COMPRESSIONS):
            return FileFacts(file, kind, problems=(f"{file} is {kind}, no text file",))
        try:
            return _read_through(open_file, file, kind, place, expected, declared or {})
        except UnicodeDecodeError as error:
            # The first bytes were plain; those that are not tell the encoding.
            encoding = encoding_of(error.object, whole=False)
            if encoding in (None, error.encoding) or "encoding" in (declared or {}):
                return FileFacts(file, kind, problems=(_undecodable(file, error),))
            return _read_through(open_file, file, kind, place, expected, {**(declared or {}), "encoding": encoding})
    except BadInput as error:
        return FileFacts(file, problems=tuple(f"{file}: {problem}" for problem in error.problems))
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's or the network's fault, not the file's
        return FileFacts(file, problems=(f"{file}: its compressed content is cut short or damaged: deliver it again",))
    except UnicodeDecodeError as error:
        return FileFacts(file, problems=(_undecodable(file, error),))


def column_names(sniffed: Sniffed) -> list[str]:
    """The names of a file's columns: those of its header, and ``column_N`` for each that has none."""
    names = sniffed.names or ("",) * sniffed.width
    return [name or f"column_{number}" for number, name in enumerate(names, 1)]


def _read_through(
    open_file: Callable[[], IO[bytes]],
    file: str,
    kind: str,
    place: int,
    expected: Collection[str],
    declared: Mapping[str, Any],
) -> FileFacts:
    with open_file() as stream:
        sniffed = probe(stream, kind, expected=expected, declared=declared)
    names = column_names(sniffed)
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise BadInput(*(f"column {name} stands in the header {names.count(name)} times" for name in repeated))
    profiles, tally, row = {name: ColumnProfile() for name in names}, Tally(), place * _PLACES
    with open_file() as stream:
        for part in texts(stream, kind, sniffed, names):
            if isinstance(part, Tally):
                tally = part
                break
            for number, name in enumerate(names):
                profiles[name] = profiles[name].plus(ColumnProfile.of(part.column(number), place=row))
            row += part.num_rows
    problems = tally.problems(file, sniffed.width, sniffed.dialect.separator)
    return FileFacts(file, kind, sniffed, tally, profiles, tuple(problems))


def _undecodable(file: str, error: UnicodeDecodeError) -> str:
    return f"{file}: it holds bytes that are no {error.encoding}: give its encoding"
