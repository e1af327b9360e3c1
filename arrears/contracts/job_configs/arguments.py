"""Job configuration ⇄ command line: one frozen dataclass a job, `--kebab-case` flags, nothing unknown accepted.

A field's type decides how its text is read: ``str``, ``int``, ``float``, ``bool`` (``true``/``false``), ``Literal``,
any of these ``| None``, and ``tuple[…, ...]`` (comma separated). An empty text means not given, and for ``| None`` the
text ``None`` does too.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Union

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.refused_flags import FlagParser, Unreadable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")


def option(
    default: Any = MISSING,
    *,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    title: str = "",
    unit: str = "",
    section: str = "",
    pattern: str = "",
    examples: Sequence[str] = (),
    is_date: bool = False,
    is_long: bool = False,
) -> Any:
    """Declares one field of a job configuration: what ``--help`` and the form of Airflow say of it.

    Args:
        help: what it is, without capital and full stop. It says what an empty field means.
        minimum, maximum: inclusive limits of a number, or of each number of a list.
        title, unit: the form's label.
        section: the folded part of the form, and the group of ``--help``, where it stands. Empty: among the first.
        pattern: regular expression that the whole text matches.
        examples: texts that the form suggests.
        is_date, is_long: the form asks with a calendar, or on several lines.
    """
    metadata = {
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "title": title,
        "unit": unit,
        "section": section,
        "pattern": pattern,
        "examples": tuple(examples),
        "is_date": is_date,
        "is_long": is_long,
    }
    if default is MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """A group of fields that belong together. A job's configuration takes over the fields of its groups."""

    @classmethod
    def of(cls, config: Self) -> Self:
        """This group alone, out of a configuration that has it."""
        return cls(**{name: getattr(config, name) for name in names_of(cls)})


def names_of(*fields: str | type[DataclassInstance]) -> tuple[str, ...]:
    """The names of fields, in order: of those that are named, and of all in a group."""
    return tuple(
        name
        for each in fields
        for name in ((each,) if isinstance(each, str) else (field.name for field in dataclasses.fields(each)))
    )


def flag(name: str) -> str:
    """The command-line spelling of a field: ``test_share`` → ``--test-share``."""
    return "--" + name.replace("_", "-")


def to_argv(config_type: type[Any], values: Mapping[str, object]) -> list[str]:
    """Turns named values into flags of a job, in the order the job declares its fields.

    Raises:
        BadConfiguration: names every value that is no field, and every required field without a value.
    """
    fields = {field.name: field for field in dataclasses.fields(config_type)}
    unknown = sorted(set(values) - set(fields))
    missing = sorted(name for name, field in fields.items() if _required(field) and name not in values)
    if unknown or missing:
        raise BadConfiguration(
            *(f"{config_type.__name__} has no field {name}" for name in unknown),
            *(f"{config_type.__name__} needs {name}" for name in missing),
        )
    return [part for name in fields if name in values for part in (flag(name), _text(values[name]))]


def parse(
    config_type: type[Config], argv: Sequence[str], *, prog: str | None = None, about: str | None = None
) -> Config:
    """Reads a job's flags into its configuration.

    Raises:
        RefusedArguments: a misspelt flag or a value out of range. Uncaught, it ends the process with exit code 2.
    """
    parser = FlagParser(
        prog=prog,
        description=about or config_type.__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    hints = typing.get_type_hints(config_type)
    groups: dict[str, argparse._ActionsContainer] = {"": parser}
    for field in dataclasses.fields(config_type):
        section = field.metadata.get("section", "")
        if section not in groups:
            groups[section] = parser.add_argument_group(section)
        _add(groups[section], field, hints[field.name])
    values = vars(parser.parse_args(list(argv)))
    for field in dataclasses.fields(config_type):
        if values[field.name] == []:  # argparse before Python 3.13 drops the text -- even where it is a flag's value
            values[field.name] = _reader(*_without_none(hints[field.name]), field.default)("--")
    problems = [p for field in dataclasses.fields(config_type) for p in _wrong(field, values[field.name])]
    if problems:
        parser.refuse(problems)
    try:
        return config_type(**values)
    except BadConfiguration as error:
        parser.refuse(error.problems)


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return ",".join(_text(item) for item in value)
    return str(value)


def _add(parser: argparse._ActionsContainer, field: Field[Any], hint: Any) -> None:
    kind, nullable = _without_none(hint)
    described = field.metadata.get("help", "")
    if not _required(field):
        described += f" (default: {_text(field.default) or 'empty'})"
    parser.add_argument(
        flag(field.name),
        dest=field.name,
        required=_required(field),
        default=None if _required(field) else field.default,
        type=_reader(kind, nullable, field.default),
        metavar=_metavar(kind),
        help=described.replace("%", "%%"),
    )


def _metavar(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return "{" + ",".join(map(str, typing.get_args(kind))) + "}"
    if typing.get_origin(kind) is tuple:
        return f"{_metavar(typing.get_args(kind)[0])},…"
    return {str: "TEXT", int: "N", float: "X", bool: "{true,false}"}[kind]


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        (kind,) = [part for part in typing.get_args(hint) if part is not type(None)]
        return kind, True
    return hint, False


def _reader(kind: Any, nullable: bool, default: Any) -> Any:
    def read(text: str) -> Any:
        if nullable and text in ("", "None"):
            return None
        if kind is bool and not text and default is not MISSING:
            return default
        try:
            return _read(kind, text)
        except argparse.ArgumentTypeError as error:
            return Unreadable(str(error))

    return read


def _read(kind: Any, text: str) -> Any:
    origin = typing.get_origin(kind)
    if origin is tuple:
        inner = typing.get_args(kind)[0]
        return tuple(_read(inner, part.strip()) for part in text.split(",") if part.strip())
    if origin is Literal:
        return _choice(typing.get_args(kind), text)
    if kind is bool:
        return {"true": True, "false": False}[_choice(("true", "false"), text.lower())]
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not {'a number' if kind is float else 'a whole number'}"
        ) from None


def _choice(allowed: Sequence[Any], text: str) -> str:
    if text not in allowed:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(map(str, allowed))}")
    return text


def _wrong(field: Field[Any], value: Any) -> list[str]:
    if isinstance(value, Unreadable):
        return [f"argument {flag(field.name)}: {value.problem}"]
    low, high = field.metadata.get("minimum"), field.metadata.get("maximum")
    problems = []
    for item in value if isinstance(value, tuple) else (value,):
        if item is None:
            continue
        if low is not None and not item >= low:  # `not >=` refuses NaN too
            problems.append(f"argument {flag(field.name)}: {item} is below {low}")
        elif high is not None and not item <= high:
            problems.append(f"argument {flag(field.name)}: {item} is above {high}")
        elif isinstance(item, float) and not math.isfinite(item):
            problems.append(f"argument {flag(field.name)}: {item} is not a finite number")
    return problems
