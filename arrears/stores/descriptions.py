"""Reads what a data set's columns mean: from the descriptions that ship with Arrears, or from a bank's own YAML."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import yaml

from arrears.contracts.descriptions import DatasetDescription
from arrears.contracts.errors import BadConfiguration
from arrears.stores.objects import Objects

_SHIPPED = "descriptions"


def shipped_descriptions() -> tuple[str, ...]:
    """The data sets whose description ships with Arrears, by name."""
    # Asked of the package, not of the file system: on a cluster Arrears is a zip.
    folder = resources.files("arrears.stores").joinpath(_SHIPPED)
    return tuple(sorted(Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".yaml")))


def shipped_description(name: str) -> DatasetDescription:
    """The description of one data set that ships with Arrears.

    Raises:
        BadConfiguration: there is none of this name.
    """
    if name not in shipped_descriptions():
        raise BadConfiguration(
            f"no description of {name!r} ships with Arrears, only of {', '.join(shipped_descriptions())}"
        )
    text = resources.files("arrears.stores").joinpath(_SHIPPED, f"{name}.yaml").read_text(encoding="utf-8")
    return parse_description(text, where=f"the shipped description {name}")


def read_description(address: str, objects: Objects) -> DatasetDescription:
    """A bank's own description.

    Args:
        address: a local path, or an ``s3://`` or ``file://`` address, of a YAML file.

    Raises:
        UpstreamNotReady: there is no such file.
        BadConfiguration: it is not a description; names every wrong key.
    """
    uri = address if "://" in address else Path(address).expanduser().resolve().as_uri()
    return parse_description(objects.get(uri).decode("utf-8-sig"), where=address)


def parse_description(text: str, *, where: str) -> DatasetDescription:
    """Reads one YAML text; ``where`` names it in errors."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadConfiguration(f"{where} is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(given, dict):
        raise BadConfiguration(f"{where} must be YAML keys and values such as 'target: Class'")
    try:
        return DatasetDescription.from_dict({str(key): _plain(str(key), value) for key, value in given.items()})
    except BadConfiguration as error:
        raise BadConfiguration(*(f"{where}: {problem}" for problem in error.problems)) from None


def _plain(key: str, value: object) -> object:
    """YAML reads ``good_when: 0`` as a number and ``no`` as false; a description holds texts."""
    if isinstance(value, bool):
        raise BadConfiguration(f"{key} must be in quotes: YAML reads yes, no, true and false as something else")
    return str(value) if isinstance(value, (int, float)) else value
