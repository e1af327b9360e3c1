"""The YAML texts behind descriptions: those that ship with Arrears, by name, and a bank's own, by address."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from arrears.contracts.errors import BadConfiguration
from arrears.stores.objects import Objects, uri_of


def shipped_names(folder: str) -> tuple[str, ...]:
    """The descriptions that ship in a folder of this package, by name."""
    # Asked of the package, not of the file system: on a cluster Arrears is a zip.
    files = resources.files("arrears.stores").joinpath(folder).iterdir()
    return tuple(sorted(Path(file.name).stem for file in files if file.name.endswith(".yaml")))


def shipped_text(folder: str, name: str, *, what: str) -> str:
    """One of them as YAML; ``what`` says in the error what it describes.

    Raises:
        BadConfiguration: there is none of this name.
    """
    if name not in shipped_names(folder):
        raise BadConfiguration(
            f"no description of {what}{name!r} ships with Arrears, only of {', '.join(shipped_names(folder))}"
        )
    return resources.files("arrears.stores").joinpath(folder, f"{name}.yaml").read_text(encoding="utf-8")


def text_at(address: str, objects: Objects) -> str:
    """A bank's own file.

    Args:
        address: a local path, or an ``s3://`` or ``file://`` address.

    Raises:
        UpstreamNotReady: there is no such file.
    """
    return objects.get(uri_of(address)).decode("utf-8-sig")
