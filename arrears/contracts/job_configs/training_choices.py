"""Which choices of the training job an experiment may fix or try, and what they become in its configuration."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Union

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.arguments import names_of
from arrears.contracts.job_configs.leak_override import LeakOverride
from arrears.contracts.job_configs.model_choices import CalibrationChoices, CutoffChoices
from arrears.contracts.job_configs.preparation_choices import RejectChoices
from arrears.contracts.job_configs.training_job import MeasurementChoices, TrainingRun, TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.nearest_names import did_you_mean

OPTION_PREFIX = "engine_options."

# Where and on what a run trains is the run's business, and every trial is the exact model of one task.
_OF_THE_RUN = names_of(TrainingRun, LeakOverride, MeasurementChoices, RejectChoices, "seed", "shards")
# The rows are split once for all trials. What is fitted after a model changes no ranking: it is handed on as it is.
_NEVER_TRIED = names_of("validation_share", "refit", CalibrationChoices, CutoffChoices)
_CALLED: dict[Any, str] = {str: "a text", int: "a whole number", float: "a finite number", bool: "true or false"}
_FIELDS = {f.name: f for f in dataclasses.fields(TrainModelConfig)}


def choice_problems(name: str, value: object, place: str, *, tried: bool = False) -> list[str]:
    """What is wrong with one choice: its name, its type, or its limits. Empty: nothing.

    Args:
        name: a field of the training job, or ``engine_options.<name>``.
        place: where it stands, for the message.
        tried: it differs from trial to trial.
    """
    if name.startswith(OPTION_PREFIX):
        plain = isinstance(value, (str, int, float, bool))
        return [] if plain else [f"{place} must be a text, a number, true or false, not {value!r}"]
    if name in _OF_THE_RUN or (tried and name in _NEVER_TRIED):
        return [f"{place}: {name} is no choice of an experiment"]
    if name not in _FIELDS:
        return [f"{place}: the training job has no field {name}"]
    kind, nullable = _without_none(typing.get_type_hints(TrainModelConfig)[name])
    if value is None:
        return [] if nullable else [f"{place} must have a value"]
    return (
        _type_problems(kind, value, place) or _limit_problems(name, value, place) or _pair_problems(name, value, place)
    )


def is_whole(name: str) -> bool:
    """Whether a field of the training job is a whole number."""
    return name in _FIELDS and _without_none(typing.get_type_hints(TrainModelConfig)[name])[0] is int


def numbers_of(values: Iterable[Any]) -> tuple[Any, ...]:
    """The values of a list in YAML, where a list inside stands for a comma separated field."""
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


def training_values(*choices: Mapping[str, Any]) -> dict[str, Any]:
    """Choices, the later ones first in rank, as fields of the training job. Engine options are joined."""
    fields: dict[str, Any] = {}
    options: dict[str, str] = {}
    for name, value in ((name, value) for group in choices for name, value in group.items()):
        if name.startswith(OPTION_PREFIX):
            options[name.removeprefix(OPTION_PREFIX)] = value if isinstance(value, str) else json.dumps(value)
        elif name == "engine_options":
            options |= dict(option.split("=", 1) for option in value)
        else:
            fields[name] = _as_field(name, value)
    if options:
        fields["engine_options"] = tuple(f"{name}={value}" for name, value in options.items())
    return fields


def training_conf(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the training job as the training DAG's form takes them: lists as comma separated text."""
    return {name: ",".join(map(str, v)) if isinstance(v, tuple) else v for name, v in values.items()}


def with_features(description: DatasetDescription, names: Sequence[str]) -> DatasetDescription:
    """The description of the same data with these features alone. No names: as it is.

    Raises:
        BadConfiguration: names every one that is no feature of the data set, and every one given twice.
    """
    if not names:
        return description
    problems = [_no_feature(description, name) for name in names if name not in description.features]
    problems += [f"features: {name} is given twice" for name in sorted({n for n in names if list(names).count(n) > 1})]
    if problems:
        raise BadConfiguration(*problems)
    roles = {role: getattr(description, role) for role in ("numeric", "categorical", "text")}
    selected: dict[str, Any] = {role: tuple(c for c in columns if c in names) for role, columns in roles.items()}
    products = tuple(n for n in description.products if n in description.kept or n in names)
    return dataclasses.replace(description, **selected, products=products)


def _no_feature(description: DatasetDescription, name: str) -> str:
    roles = description.roles().get(name, [])
    if name in description.protected:
        return f"features: {name} is protected: it serves fairness reports alone, and no model may see it"
    if roles:
        return f"features: {description.name} declares {name} as {', '.join(roles)}, not as a feature"
    return f"features: {description.name} declares no feature {name}{did_you_mean(name, description.features)}"


def _as_field(name: str, value: Any) -> Any:
    kind, _ = _without_none(typing.get_type_hints(TrainModelConfig)[name])
    if typing.get_origin(kind) is tuple:
        return tuple(value)
    if kind is int and isinstance(value, float):
        return int(value)
    return float(value) if kind is float and value is not None else value


def _type_problems(kind: Any, value: object, place: str) -> list[str]:
    origin = typing.get_origin(kind)
    if origin is Literal:
        allowed = typing.get_args(kind)
        return [] if value in allowed else [f"{place}: {value!r} is none of {', '.join(map(str, allowed))}"]
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            return [f"{place} must be a list such as [a, b]"]
        return [
            p
            for n, item in enumerate(value, 1)
            for p in _type_problems(typing.get_args(kind)[0], item, f"{place}[{n}]")
        ]
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
    fits = {
        bool: isinstance(value, bool),
        int: whole,
        float: isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value),
        str: isinstance(value, str),
    }
    return [] if fits[kind] else [f"{place} must be {_CALLED[kind]}, not {value!r}"]


def _limit_problems(name: str, value: Any, place: str) -> list[str]:
    low, high = (_FIELDS[name].metadata.get(limit) for limit in ("minimum", "maximum"))
    if low is not None and not value >= low:
        return [f"{place}: {value} is below {low}"]
    return [f"{place}: {value} is above {high}"] if high is not None and not value <= high else []


def _pair_problems(name: str, value: Any, place: str) -> list[str]:
    if name != "engine_options":
        return []
    return [f"{place}: {option!r} is not name=value" for option in value if "=" not in option[1:]]


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        (kind,) = [part for part in typing.get_args(hint) if part is not type(None)]
        return kind, True
    return hint, False
