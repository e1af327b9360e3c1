"""The code that travels with a model, so that it answers tomorrow as it did today wherever MLflow loads it.

One zip, because MLflow's server takes and gives each file of a model in a request of its own.

See docs/adr/0038.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

ENTRY = "pyfunc_model.py"


def write_entry(folder: Path) -> Path:
    """Writes the module that MLflow runs to load the model."""
    entry = folder / ENTRY
    entry.write_bytes(files("arrears.scoring").joinpath(ENTRY).read_bytes())
    return entry


def write_package(folder: Path) -> Path:
    """Writes this package as a zip that Python can import from. On a cluster it may lie in a zip itself."""
    packed = folder / "arrears.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in _sources(files("arrears"), "arrears"):
            archive.writestr(name, body)
    return packed


def _sources(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    for item in sorted(folder.iterdir(), key=lambda each: each.name):
        if item.is_dir() and item.name != "__pycache__":
            yield from _sources(item, f"{name}/{item.name}")
        elif item.is_file() and not item.name.endswith(".pyc"):
            yield f"{name}/{item.name}", item.read_bytes()
