"""Airflow's trigger form, built from the jobs' own configurations, which hold labels, sections, limits and defaults."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union

from airflow.sdk import Param

from arrears.contracts.job_configs.arguments import Choices, names_of
from arrears.contracts.job_configs.jobs import JobConfig
from include.settings import Settings

_NOT_BLANK = r"\S"
_JSON_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}


def business_date(settings: Settings) -> Param:
    """The form's entry for the business date of a run. It may be left empty."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="Business date (as_of)",
        description="The day that the run is about. Empty: its partition key, else the day of its logical date, else"
        f" the day on which it is started (time zone {settings.timezone}). From this form with nothing changed: today.",
    )


def param(config_type: type[JobConfig], name: str, *, default: Any = dataclasses.MISSING) -> Param:
    """One entry of the form: title, help, section, type, limits and default of the job's field.

    `default` replaces the field's own, for what operations set. A field that has no default must be filled in. A text
    whose default is empty may be left empty: Airflow's form asks for every text that may not be null.
    """
    field = {f.name: f for f in dataclasses.fields(config_type)}[name]
    kind, nullable = _without_none(typing.get_type_hints(config_type)[name])
    given = field.default if default is dataclasses.MISSING else default
    if isinstance(given, tuple):
        given = ",".join(map(str, given))  # as on the command line
    if given == "":
        given, nullable = None, True
    schema = _type(kind, nullable) | _looks(field.metadata)
    if given is not dataclasses.MISSING:
        schema["default"] = given
    several = " Several: with commas between them." if typing.get_origin(kind) is tuple else ""
    return Param(description=_sentence(field.metadata["help"]) + several, **schema)


def form(config_type: type[JobConfig], *fields: str | type[Choices], **defaults: Any) -> dict[str, Param]:
    """Several entries of one job, by field name or a group at a time. Keyword arguments replace a field's default."""
    return {
        name: param(config_type, name, default=defaults.get(name, dataclasses.MISSING)) for name in names_of(*fields)
    }


def _type(kind: Any, nullable: bool) -> dict[str, Any]:
    if typing.get_origin(kind) is Literal:
        return {"type": "string", "enum": list(typing.get_args(kind))}
    name = "string" if typing.get_origin(kind) is tuple else _JSON_TYPES[kind]
    # A switch always has a value: without null Airflow would mark it with the star of what must be filled in.
    if nullable or kind is bool:
        return {"type": ["null", name]}
    return {"type": name, "pattern": _NOT_BLANK} if name == "string" else {"type": name}


def _looks(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of a field, and what it accepts. What a field does not say is left out."""
    unit, pattern = metadata["unit"], metadata["pattern"]
    shown = {
        "title": f"{metadata['title']} ({unit})" if unit else metadata["title"],
        "section": metadata["section"] or None,
        "minimum": metadata["minimum"],
        "maximum": metadata["maximum"],
        "pattern": f"^{pattern}$" if pattern else None,
        "examples": list(metadata["examples"]) or None,
        "format": "date" if metadata["is_date"] else "multiline" if metadata["is_long"] else None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _sentence(text: str) -> str:
    first = text.split(maxsplit=1)[0]
    # A value that the field takes is written as it is typed: `lending_club, synthetic, …`, `random: by borrower`.
    begins_with_a_value = "_" in first or first.endswith(":")
    return (text if begins_with_a_value else text[0].upper() + text[1:]) + "."


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        (kind,) = [part for part in typing.get_args(hint) if part is not type(None)]
        return kind, True
    return hint, False
