"""Reads YAML into the dataclasses that declare it, and lists everything wrong with its place in the file."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Hashable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

import yaml

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.feature_catalogue import FeatureLine, expanded

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")

_IMPLIED = ("name", "prefix")  # they follow from where a record stands, and are no keys of it
_CALLED = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


class _Loader(yaml.SafeLoader):
    """YAML whose only truths are true and false, and in which a key stands once.

    YAML 1.1 reads ``on``, ``yes`` and ``no`` as truths, and silently keeps the last of two equal keys.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own way
        letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            line = node.start_mark.line + 1
            raise BadConfiguration(*(f"key {key} stands twice in the mapping of line {line}" for key in twice))
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), ["t", "f"])


def parsed(text: str, *, where: str, such_as: str) -> dict[str, Any]:
    """The keys and values of one YAML text. ``where`` names it in errors."""
    try:
        content = yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        raise BadConfiguration(f"{where} is not YAML{_place_of(error)}") from None
    except BadConfiguration as error:
        raise prefixed(error, where) from None
    if not isinstance(content, dict):
        raise BadConfiguration(f"{where} must be YAML keys and values such as '{such_as}'")
    return {str(key): value for key, value in content.items()}


def prefixed(error: BadConfiguration, where: str) -> BadConfiguration:
    """The error with the name of its file before every problem."""
    return BadConfiguration(*(f"{where}: {problem}" for problem in error.problems))


class Reading:
    """One reading of a file: collects problems until there is nothing more to find."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def record(self, kind: type[Record], content: object, place: str, **made: Any) -> Record | None:
        """One dataclass of one mapping. None after a problem.

        Args:
            place: where the mapping stands in the file, such as ``tables.loans``.
            made: fields that are not read from the mapping but given here. None where they have a problem already.
        """
        if not isinstance(content, Mapping):
            self.problems.append(f"{place or 'the file'} must hold keys and values")
            return None
        before = len(self.problems)
        at = f"{place}." if place else ""
        fields = {field.name: field for field in dataclasses.fields(kind)}
        open_fields = [name for name in fields if name not in made]
        about = place or "the description"
        keys = ", ".join(name for name in fields if name in open_fields or name not in _IMPLIED)
        self.problems += [f"{about} has no key {key}; keys are {keys}" for key in content if key not in open_fields]
        self.problems += [
            f"{about} needs {name}" for name in open_fields if _is_required(fields[name]) and content.get(name) is None
        ]
        hints = typing.get_type_hints(kind)
        known = {key: value for key, value in content.items() if key in open_fields and value is not None}
        values = {key: self._value(hints[key], value, at + key) for key, value in known.items()}
        if len(self.problems) > before or any(value is None for value in made.values()):
            return None
        try:
            return kind(**values, **made)
        except BadConfiguration as error:
            self.problems += [f"{place}: {problem}" if place else problem for problem in error.problems]
            return None

    def named(self, kind: type[Record], content: object, place: str) -> list[Record | None]:
        """A record of each ``name: {…}``, in the order of the file."""
        return [self.record(kind, value, f"{place}.{name}", name=name) for name, value in self.pairs(content, place)]

    def pairs(self, content: object, place: str) -> list[tuple[str, Any]]:
        """Names and what stands under them. Anything but a mapping is a problem."""
        if content is None:
            return []
        if not isinstance(content, Mapping):
            self.problems.append(f"{place} must hold names and what they stand for")
            return []
        return [(str(name), value) for name, value in content.items()]

    def catalogue(self, content: object) -> tuple[FeatureLine, ...]:
        """The lines of a feature catalogue. A name with braces stands for several (see `expanded`)."""
        lines = []
        for name, value in self.pairs(content, "catalogue"):
            for one, part in expanded(name):
                lines.append(self.record(FeatureLine, _filled(value, part), f"catalogue.{one}", name=one))
        return tuple(line for line in lines if line is not None)

    def _value(self, hint: Any, content: Any, place: str) -> Any:
        kind = _without_none(hint)
        origin = typing.get_origin(kind)
        if origin is tuple:
            inner = typing.get_args(kind)[0]
            if isinstance(content, list):
                return tuple(self._value(inner, item, f"{place}[{n}]") for n, item in enumerate(content, 1))
            self.problems.append(f"{place} must be a list such as [a, b]")
            return ()
        if origin is dict:
            inner = typing.get_args(kind)[1]
            return {name: self._value(inner, item, f"{place}.{name}") for name, item in self.pairs(content, place)}
        return self._scalar(kind, content, place)

    def _scalar(self, kind: Any, content: Any, place: str) -> Any:
        if isinstance(content, date):
            content = content.isoformat()
        if typing.get_origin(kind) is Literal:
            if content not in typing.get_args(kind):
                self.problems.append(f"{place}: {content!r} is none of {', '.join(typing.get_args(kind))}")
            return content
        kinds = typing.get_args(kind) if _is_union(kind) else (kind,)
        if isinstance(content, int) and not isinstance(content, bool) and float in kinds:
            return float(content)
        if type(content) not in kinds:
            expected = " or ".join(_CALLED[k] for k in kinds)
            self.problems.append(f"{place} must be {expected}, not {type(content).__name__} {content!r}")
        return content


def _place_of(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return (f", line {mark.line + 1}" if mark else "") + (f": {problem}" if problem else "")


def _filled(content: object, part: str) -> object:
    if not isinstance(content, Mapping):
        return content
    return {"window": ""} | {k: v.replace("{}", part) if isinstance(v, str) else v for k, v in content.items()}


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (Union, types.UnionType)


def _without_none(hint: Any) -> Any:
    if not _is_union(hint):
        return hint
    return Union[tuple(part for part in typing.get_args(hint) if part is not type(None))]  # noqa: UP007
