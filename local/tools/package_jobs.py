"""Pack the code that Spark jobs need into one zip; the same sources give the same bytes.

`python -m local.tools.package_jobs` writes dist/arrears.zip and prints its source digest.
"""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
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
    if _recorded_digest(package.path) != package.digest:
        _write(package, sources)
    return package


def _sources(repository: Path) -> dict[str, bytes]:
    files = [file for folder in FOLDERS for file in (repository / folder).rglob("*") if file.is_file()]
    kept = [file for file in files if "__pycache__" not in file.parts and file.suffix != ".pyc"]
    return {file.relative_to(repository).as_posix(): file.read_bytes() for file in sorted(kept)}


def _recorded_digest(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment.decode(errors="replace")
    except (OSError, zipfile.BadZipFile):
        return None


def _write(package: Package, sources: dict[str, bytes]) -> None:
    package.path.parent.mkdir(parents=True, exist_ok=True)
    draft = package.path.with_name(f"{package.path.name}.{os.getpid()}.tmp")
    with zipfile.ZipFile(draft, "w") as archive:
        for name, content in sources.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
        archive.comment = package.digest.encode()
    draft.replace(package.path)


if __name__ == "__main__":
    built = build_package()
    sys.stdout.write(f"{built.path} {built.digest}\n")
