"""The role of every column of a source: those that somebody declared, and of the rest by their types."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from pyspark.sql import types as T

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import GenerateDataConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.nearest_names import did_you_mean
from arrears.contracts.tables.outcome_rules import typed_rule
from spark_jobs.schemas import stored_name
from spark_jobs.transforms.borrowers.borrowers import MOMENT, NUMBER

_MOVABLE = ("numeric", "categorical", "text", "dates", "kept", "protected", "products")
_NEEDED = ("target", "id", "group", "event_time", "loss")


def undescribed(config: GenerateDataConfig) -> DatasetDescription:
    """What is known of a source without a description: target and id. Every other column is taken as it is.

    A target that is compared (``> 0``) is a severity such as Kaggle's ``loss``, and is kept beside the label.
    """
    target, id_column = stored_name(config.target or ""), stored_name(config.id_column or "")
    known = DatasetDescription(
        name=config.dataset,
        target=target,
        bad_when=typed_rule(config.bad_when, name="bad_when"),
        good_when=typed_rule(config.good_when, name="good_when") if config.good_when else None,
        unlabelled=config.unlabelled,
        id=id_column or None,
        rest="as_it_is",
    )
    return dataclasses.replace(known, kept=(target,)) if known.compares else known


def with_every_role(
    declared: DatasetDescription,
    schema: T.StructType,
    config: GenerateDataConfig,
    *,
    left_out: Sequence[str] = (),
    of_folders: Sequence[str] = (),
) -> DatasetDescription:
    """The description with a role for each column of the source: what was excluded by hand, and the rest.

    Args:
        left_out: columns that the source has and nobody can read.
        of_folders: columns that the names of its folders give. They tell of the delivery, not of the borrower: kept.

    Raises:
        BadConfiguration: what is excluded is no column, or one that is needed. Names all of them.
    """
    excluded = [stored_name(name) for name in config.exclude]
    described = _without(declared, excluded, {*schema.names, *left_out})
    rest = described.rest if config.rest == "as_described" else config.rest
    named = {*described.roles(), *described.excluded}
    folders = [name for name in of_folders if name not in named]
    fields = [field for field in schema if field.name not in named and field.name not in folders]
    # What has been matched with its columns says so: the version's manifest names each column's role.
    described = dataclasses.replace(
        described,
        rest="refuse",
        kept=(*described.kept, *folders),
        excluded=(*described.excluded, *(name for name in left_out if name not in named)),
    )
    if rest == "as_it_is":
        return _with_roles_by_type(described, fields)
    if rest == "leave_out":
        return dataclasses.replace(described, excluded=(*described.excluded, *(field.name for field in fields)))
    return described


def _without(described: DatasetDescription, excluded: Sequence[str], columns: Collection[str]) -> DatasetDescription:
    needed = {getattr(described, role): role for role in _NEEDED if getattr(described, role)}
    problems = [
        f"exclude: the source has no column {name}{did_you_mean(name, columns)}"
        for name in excluded
        if name not in columns and name not in described.excluded
    ]
    problems += [f"exclude: {name} is the {needed[name]}" for name in excluded if name in needed]
    if problems:
        raise BadConfiguration(*problems)
    if not excluded:
        return described
    roles: dict[str, Any] = {role: tuple(c for c in getattr(described, role) if c not in excluded) for role in _MOVABLE}
    return dataclasses.replace(
        described,
        **roles,
        known_after={name: days for name, days in described.known_after.items() if name not in excluded},
        catalogue=tuple(line for line in described.catalogue if line.name not in excluded),
        excluded=tuple(dict.fromkeys((*described.excluded, *excluded))),
    )


def _with_roles_by_type(described: DatasetDescription, fields: Iterable[T.StructField]) -> DatasetDescription:
    types = {field.name: field.dataType for field in fields}

    def of(*classes: type[T.DataType]) -> tuple[str, ...]:
        return tuple(name for name, kind in types.items() if isinstance(kind, classes))

    others = tuple(name for name, kind in types.items() if not isinstance(kind, (*NUMBER, *MOMENT, T.StringType)))
    return dataclasses.replace(
        described,
        numeric=(*described.numeric, *of(*NUMBER)),
        categorical=(*described.categorical, *of(T.StringType)),
        dates=(*described.dates, *of(*MOMENT)),
        excluded=(*described.excluded, *others),
    )
