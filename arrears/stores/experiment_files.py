"""Reads experiments from YAML: those that come with Arrears, by name, and an analyst's own, by address."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.experiments import Experiment, Folds, Range, shipped_experiment_text
from arrears.contracts.job_configs.training_choices import numbers_of
from arrears.contracts.job_configs.training_job import TrainModelConfig
from arrears.stores.objects import Objects
from arrears.stores.shipped import text_at
from arrears.stores.yaml_records import Reading, parsed, prefixed

_RANGE_KEYS = ("low", "high", "step", "log")


def read_experiment(name_or_address: str, objects: Objects) -> Experiment:
    """Reads one experiment, by its name or from a file.

    Args:
        name_or_address: a name such as ``sampling_study``, or where a YAML file is: a local path, or an ``s3://`` or
            ``file://`` address. Such a place has a slash or ends in ``.yaml``.

    Raises:
        UpstreamNotReady: there is no such file.
        BadConfiguration: there is no experiment of this name, or it is wrong: lists everything wrong in it.
    """
    if "/" not in name_or_address and not name_or_address.endswith((".yaml", ".yml")):
        text, where = shipped_experiment_text(name_or_address), f"the experiment {name_or_address}"
        return parse_experiment(text, name=name_or_address, where=where)
    name = PurePosixPath(name_or_address).stem
    return parse_experiment(text_at(name_or_address, objects), name=name, where=name_or_address)


def parse_experiment(text: str, *, name: str, where: str) -> Experiment:
    """Reads one YAML text. ``where`` names it in errors."""
    content = parsed(text, where=where, such_as="search: grid")
    reading = Reading()
    parts = {
        "fixed": dict(reading.pairs(content.pop("fixed", None), "fixed")),
        "space": _space(reading, content.pop("space", None)),
        "candidates": _candidates(reading, content.pop("candidates", None)),
        "folds": reading.record(Folds, content.pop("folds", None) or {}, "folds"),
    }
    read = reading.record(Experiment, content, "", name=name, **parts)
    if read is not None and not reading.problems:
        return read
    problems = [problem.replace("the description", "the experiment") for problem in reading.problems]
    problems += _problems_of_the_rest(content, parts, problems)
    raise prefixed(BadConfiguration(*dict.fromkeys(problems)), where)


def _problems_of_the_rest(content: Mapping[str, Any], parts: Mapping[str, Any], problems: Sequence[str]) -> list[str]:
    """What is wrong beside keys and types: listed too, although no experiment can be made of the file."""
    known = {field.name for field in dataclasses.fields(Experiment)}
    right = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in content.items()
        if key in known and not any(problem.startswith((f"{key}:", f"{key} must", f"{key}[")) for problem in problems)
    }
    likely = "random" if parts["space"] else "list" if parts["candidates"] else "importance"
    try:
        Experiment(**{"search": likely, **right, "name": "", **parts, "folds": parts["folds"] or Folds()})
    except BadConfiguration as error:
        return list(error.problems)
    return []


def training_yaml(values: Mapping[str, Any]) -> str:
    """Fields of the training job as YAML, as an experiment's ``fixed`` takes them."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return str(yaml.safe_dump(plain, sort_keys=True, default_flow_style=False, allow_unicode=True))


def _space(reading: Reading, content: object) -> dict[str, tuple[Any, ...] | Range]:
    space: dict[str, tuple[Any, ...] | Range] = {}
    before = len(reading.problems)
    for name, values in reading.pairs(content, "space"):
        if isinstance(values, Mapping):
            # What is wrong is listed already: something right in its place lets the rest be judged.
            space[name] = reading.record(Range, values, f"space.{name}") or _something_right(name)
        elif isinstance(values, list):
            space[name] = numbers_of(values)
        else:
            reading.problems.append(f"space.{name} must be a list of values, or a range of {', '.join(_RANGE_KEYS)}")
            space[name] = _something_right(name)
    return space or ({"depth": _something_right("depth")} if len(reading.problems) > before else {})


def _something_right(name: str) -> tuple[Any, ...]:
    field = TrainModelConfig.__dataclass_fields__.get(name)
    return (0 if field is None else field.default,)


def _candidates(reading: Reading, content: object) -> tuple[dict[str, Any], ...]:
    if content is None:
        return ()
    if not isinstance(content, list):
        reading.problems.append("candidates must be a list of choices such as - {sampling: over, sampling_factor: 2}")
        return ()
    return tuple(dict(reading.pairs(choices, f"candidates[{number}]")) for number, choices in enumerate(content, 1))
