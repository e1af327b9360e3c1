"""Where the YAML files lie that ship beside the package: descriptions of data sets and banks, and experiments."""

from __future__ import annotations

from importlib import resources
from typing import Any


def shipped_folder(*parts: str) -> Any:
    """A folder beside the package, as `importlib.resources` gives folders.

    Asked of the package, not of the file system: in a working copy and in the image it is a folder, on a cluster it
    lies inside the zip of ``--py-files``.
    """
    package: Any = resources.files("arrears")
    return package.parent.joinpath(*parts)


def shipped_stems(*parts: str) -> tuple[str, ...]:
    """The names of the YAML files in such a folder, without their ending."""
    names = (file.name for file in shipped_folder(*parts).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))
