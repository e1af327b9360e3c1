"""The YAML texts behind descriptions: those that ship with Arrears, by name, and a bank's own, by address."""

from __future__ import annotations

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.shipped_folders import shipped_folder, shipped_stems
from arrears.stores.objects import Objects, uri_of


def shipped_names(folder: str) -> tuple[str, ...]:
    """The descriptions that ship in a folder such as ``descriptions/banks``, by name."""
    return shipped_stems(*folder.split("/"))


def shipped_text(folder: str, name: str, *, what: str) -> str:
    """One of these descriptions as YAML. ``what`` says in the error what it describes.

    Raises:
        BadConfiguration: there is none of this name.
    """
    names = shipped_names(folder)
    if name not in names:
        raise BadConfiguration(f"no description of {what}{name!r} ships with Arrears, only of {', '.join(names)}")
    return str(shipped_folder(*folder.split("/"), f"{name}.yaml").read_text(encoding="utf-8"))


def text_at(address: str, objects: Objects) -> str:
    """A bank's own file.

    Args:
        address: a local path, or an ``s3://`` or ``file://`` address.

    Raises:
        UpstreamNotReady: there is no such file.
        BadConfiguration: the address is none, or the file is not text in UTF-8.
    """
    try:
        return objects.get(uri_of(address)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadConfiguration(f"{address} is not text in UTF-8: save it in this encoding") from None
