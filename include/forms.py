"""Airflow's trigger form, built from the jobs' own configurations: limits and defaults stand there alone."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal, Union

from airflow.sdk import Param

from arrears.contracts.jobs import JobConfig

_JSON_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}


def business_date() -> Param:
    """The form's entry for the business date of a run; it may be left empty."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="Business date (as_of)",
        description="Empty: the run's partition key, else the day of its logical date.",
    )


def param(config_type: type[JobConfig], name: str, *, default: Any = dataclasses.MISSING) -> Param:
    """One entry of the form: title, help, type, limits and default of the job's field.

    `default` replaces the field's own, for what operations set. A field that has no default must be filled in.
    """
    field = {f.name: f for f in dataclasses.fields(config_type)}[name]
    kind, nullable = _without_none(typing.get_type_hints(config_type)[name])
    given = field.default if default is dataclasses.MISSING else default
    schema: dict[str, Any] = {"title": name.replace("_", " ").capitalize()}
    if typing.get_origin(kind) is Literal:
        schema |= {"type": "string", "enum": list(typing.get_args(kind))}
    elif typing.get_origin(kind) is tuple:
        schema["type"] = "string"
    else:
        schema["type"] = ["null", _JSON_TYPES[kind]] if nullable else _JSON_TYPES[kind]
    schema |= {
        limit: field.metadata[limit] for limit in ("minimum", "maximum") if field.metadata.get(limit) is not None
    }
    if isinstance(given, tuple):
        given = ",".join(map(str, given))  # as on the command line
    if given is not dataclasses.MISSING:
        schema["default"] = given
    return Param(description=_sentence(field.metadata["help"]), **schema)


def form(config_type: type[JobConfig], *names: str, **defaults: Any) -> dict[str, Param]:
    """Several entries of one job, by field name; keyword arguments replace a field's default."""
    return {name: param(config_type, name, default=defaults.get(name, dataclasses.MISSING)) for name in names}


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        (kind,) = [part for part in typing.get_args(hint) if part is not type(None)]
        return kind, True
    return hint, False
