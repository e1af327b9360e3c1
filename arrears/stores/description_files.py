"""Reads what a data set's columns mean: from the descriptions that ship with Arrears, or from a bank's own YAML."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.operation import Deliveries, Operation
from arrears.stores.objects import Objects
from arrears.stores.shipped import shipped_names, shipped_text, text_at
from arrears.stores.yaml_records import Reading, parsed, prefixed

_SHIPPED = "descriptions"


def shipped_descriptions() -> tuple[str, ...]:
    """The data sets whose description ships with Arrears, by name."""
    return shipped_names(_SHIPPED)


def shipped_description(name: str) -> DatasetDescription:
    """The description of one data set that ships with Arrears.

    Raises:
        BadConfiguration: there is none of this name.
    """
    return parse_description(shipped_text(_SHIPPED, name, what=""), where=f"the shipped description {name}")


def read_description(address: str, objects: Objects) -> DatasetDescription:
    """A bank's own description.

    Args:
        address: a local path, or an ``s3://`` or ``file://`` address, of a YAML file.

    Raises:
        UpstreamNotReady: there is no such file.
        BadConfiguration: it is not a description. Names every wrong key.
    """
    return parse_description(text_at(address, objects), where=address)


def parse_description(text: str, *, where: str) -> DatasetDescription:
    """Reads one YAML text. ``where`` names it in errors."""
    content = parsed(text, where=where, such_as="target: Class")
    reading = Reading()
    taken_operation(content, reading)
    lines = reading.catalogue(content.pop("catalogue", None))
    # After a problem in a line its feature would seem to have none: the rest is judged without the catalogue.
    catalogue = [] if reading.problems else [dataclasses.asdict(line) for line in lines]
    try:
        described = DatasetDescription.from_dict(_plain(content) | {"catalogue": catalogue})
    except BadConfiguration as error:
        reading.problems += error.problems
    if reading.problems:
        raise prefixed(BadConfiguration(*reading.problems), where)
    return described


def operation_of(place: str) -> tuple[str, Operation]:
    """The name of a data set and how it is run day by day, of a description on this machine or one that ships.

    Of a bank's description too: what the columns mean is not looked at.
    """
    text = shipped_text(_SHIPPED, place, what="") if place in shipped_descriptions() else Path(place).read_text("utf-8")
    content = parsed(text, where=place, such_as="target: Class")
    reading = Reading()
    operation = taken_operation(content, reading)
    if not content.get("name"):
        reading.problems.append("the description needs name")
    if reading.problems:
        raise BadConfiguration(*reading.problems)
    return str(content["name"]), operation


def taken_operation(content: dict[str, Any], reading: Reading) -> Operation:
    """Takes the key ``operation`` out of a description: it says nothing of what the columns mean."""
    given = content.pop("operation", None)
    if given is None:
        return Operation()
    deliveries: dict[str, Deliveries | None] = {}
    for name in ("applicants", "outcomes"):
        told = given.pop(name, None) if isinstance(given, dict) else None
        deliveries[name] = reading.record(Deliveries, told, f"operation.{name}") if told else Deliveries()
    return reading.record(Operation, given, "operation", **deliveries) or Operation()


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """YAML reads ``good_when: 0`` as a number and ``true`` as a truth, but a description holds texts."""
    truths = [
        key
        for key, value in content.items()
        if isinstance(value, bool) or (isinstance(value, list) and any(isinstance(item, bool) for item in value))
    ]
    if truths:
        raise BadConfiguration(*(f"{key} must be in quotes: YAML reads true and false as truths" for key in truths))
    return {key: str(value) if isinstance(value, (int, float)) else value for key, value in content.items()}
