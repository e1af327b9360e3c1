"""Pack the code that Spark jobs need into one zip. The same sources give the same bytes under one release of Python.

Each module lies in it compiled too: a process that imports from a zip would compile them all each time it starts, in
the driver and in every worker. Python ignores what another release has compiled.

`python -m local.tools.package_jobs` writes dist/arrears.zip and prints its source digest.
"""

from __future__ import annotations

import hashlib
import os
import py_compile
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from arrears.contracts.errors import BadConfiguration
from local.stack_settings import REPOSITORY

FOLDERS = ("arrears", "spark_jobs", "descriptions", "experiments")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold: file times must not change the bytes


@dataclass(frozen=True)
class Package:
    """The zip that goes to Spark with every job, and the digest (sha256, hex) of the sources in it."""

    path: Path
    digest: str


def build_package(repository: Path = REPOSITORY) -> Package:
    """Write dist/arrears.zip unless it already holds exactly these sources.

    Raises BadConfiguration where there are no sources. A reader never sees half a zip.
    """
    sources = _sources(repository)
    if not sources:
        raise BadConfiguration(f"no sources to pack under {repository}: expected the folders {', '.join(FOLDERS)}")
    digest = hashlib.sha256()
    for name, content in sources.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    package = Package(repository / "dist" / "arrears.zip", digest.hexdigest())
    if _recorded(package.path) != _record(package):
        _write(package, sources)
    return package


def _sources(repository: Path) -> dict[str, bytes]:
    files = [file for folder in FOLDERS for file in (repository / folder).rglob("*") if file.is_file()]
    source_files = [file for file in files if "__pycache__" not in file.parts and file.suffix != ".pyc"]
    return {file.relative_to(repository).as_posix(): file.read_bytes() for file in sorted(source_files)}


def _record(package: Package) -> bytes:
    """What the zip's comment says of its content."""
    return f"{package.digest} {sys.implementation.cache_tag}".encode()


def _recorded(path: Path) -> bytes | None:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment
    except (OSError, zipfile.BadZipFile):
        return None


def _write(package: Package, sources: dict[str, bytes]) -> None:
    package.path.parent.mkdir(parents=True, exist_ok=True)
    draft = package.path.with_name(f"{package.path.name}.{os.getpid()}.tmp")
    with zipfile.ZipFile(draft, "w") as archive:
        for name, content in (*sources.items(), *_compiled(sources)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
        archive.comment = _record(package)
    draft.replace(package.path)


def _compiled(sources: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        source, compiled = Path(folder, "module.py"), Path(folder, "module.pyc")
        for name, content in sources.items():
            if name.endswith(".py"):
                source.write_bytes(content)
                # By hash, because all times in the zip are the same. Unchecked: the zip is always written whole.
                mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
                py_compile.compile(str(source), str(compiled), name, doraise=True, invalidation_mode=mode)
                yield f"{name}c", compiled.read_bytes()


if __name__ == "__main__":
    built = build_package()
    sys.stdout.write(f"{built.path} {built.digest}\n")
