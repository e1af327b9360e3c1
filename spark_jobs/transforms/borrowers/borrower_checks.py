"""Whether a data set is what its description declares: every problem at once, by column names and counts, never values.

The target's levels are the one exception: their names are needed to mend the description.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.tables.column_names import ID, LABEL
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.nearest_names import did_you_mean
from arrears.contracts.tables.outcome_rules import LEAVE_OUT, spelling_of
from spark_jobs.transforms.borrowers.borrowers import MOMENT, NUMBER, UNKNOWN_LEVEL
from spark_jobs.transforms.borrowers.splits import held_out_count
from spark_jobs.transforms.ids import digest_of, digest_sums

_LISTED = 20  # columns without a role
MOST_LEVELS = 10  # a target with more is no class at all, and its values may be a borrower's own


@dataclass(frozen=True)
class Content:
    """What one pass over the borrowers counted."""

    rows: int
    missing_ids: int
    distinct_ids: int
    missing_labels: int
    unknown_labels: int
    defaults: int
    missing_values: int
    digest: str

    @classmethod
    def of(cls, counted: Row) -> Content:
        """Reads the one row of `to_content`."""
        numbers = {field.name: counted[field.name] or 0 for field in dataclasses.fields(cls) if field.name != "digest"}
        return cls(**numbers, digest=digest_of(counted, counted["rows"]))


def to_content(borrowers: DataFrame, description: DatasetDescription) -> DataFrame:
    """One row of counts, in a single pass over all borrowers."""
    columns = set(borrowers.columns)
    present = [column for column in description.features if column in columns]
    missing = F.array(F.lit(False), *(F.col(column).isNull() for column in present))
    return borrowers.agg(
        F.count("*").alias("rows"),
        F.count_if(F.col(ID).isNull()).alias("missing_ids"),
        F.count_distinct(ID).alias("distinct_ids"),
        F.count_if(F.col(LABEL).isNull()).alias("missing_labels"),
        F.count_if(F.col(LABEL) == UNKNOWN_LEVEL).alias("unknown_labels"),
        F.count_if(F.col(LABEL) == 1).alias("defaults"),
        F.sum(F.size(F.filter(missing, lambda is_missing: is_missing))).alias("missing_values"),
        *digest_sums(),
    )


def schema_problems(
    schema: T.StructType, description: DatasetDescription, misfits: Mapping[str, str] | None = None
) -> list[str]:
    """Columns that are missing, of a wrong type, or in no role.

    Args:
        misfits: column → why it is missing, or not of the declared type, where the source knows.
    """
    why = misfits or {}
    types = {field.name: field.dataType for field in schema}
    roles = _types_by_role(description)
    problems = [
        why.get(c) or f"column {c} ({role}) is missing{did_you_mean(c, types)}"
        for c, (role, _) in roles.items()
        if c not in types
    ]
    problems += [
        why.get(c) or f"column {c} is declared {role} but is {types[c].simpleString()}: it should be {_named(allowed)}"
        for c, (role, allowed) in roles.items()
        if c in types and not isinstance(types[c], allowed)
    ]
    unknown = [c for c in types if c not in roles and c not in description.excluded]
    problems += [f"column {c} has no role: declare it a feature, kept or excluded" for c in unknown[:_LISTED]]
    if len(unknown) > _LISTED:
        more = f"{len(unknown) - _LISTED:,} more columns have no role"
        problems.append(f"{more}: take them as they are (rest: as_it_is), or leave them out (rest: leave_out)")
    if not description.features:
        problems.append("there is no feature: declare numeric or categorical columns")
    return problems


def misfitting(schema: T.StructType, description: DatasetDescription) -> dict[str, tuple[str, str]]:
    """Columns that should be numbers or dates and are none: what is declared, and which of the two it should be."""
    roles = _types_by_role(description)
    kinds: dict[tuple[type[T.DataType], ...], str] = {NUMBER: "number", MOMENT: "date"}
    return {
        field.name: (f"declared {role} but is {field.dataType.simpleString()}", kinds[allowed])
        for field in schema
        for role, allowed in [roles.get(field.name, ("", ()))]
        if allowed in kinds and not isinstance(field.dataType, allowed)
    }


def completed_description(
    description: DatasetDescription, levels: Sequence[str]
) -> tuple[DatasetDescription, list[str]]:
    """Completes the description by which target value is good, and tells what is wrong with the target's values.

    Args:
        levels: the target's values, at most `MOST_LEVELS` + 1 of them. Empty for a target that is compared (``> 0``).
    """
    if description.compares or not levels:
        return description, []
    target, bad = description.target, description.bad.levels
    others = [level for level in levels if level not in bad]
    # 0/1 is the convention that needs no description; with other names, two levels leave one choice.
    only = "0" if bad == ("1",) else others[0] if len(others) == 1 else None
    good_when = description.good_when or (None if only is None else spelling_of(only))
    completed, named = dataclasses.replace(description, good_when=good_when), str(description.bad)
    good = completed.good.levels if completed.good else ()
    unexpected = [level for level in others if level not in good]
    if len(levels) > MOST_LEVELS and unexpected and not (leaves_out(description) and description.good_when):
        problem = f"target {target} has more than {MOST_LEVELS} values: state bad_when as a comparison"
        return completed, [f"{problem}, or name values in bad_when and good_when"]
    if not good and others:
        listed = ", ".join(levels)
        return completed, [
            f"target {target} holds {listed}: good_when must say which of them is the opposite of {named}; bad_when and"
            " good_when may name several, and unlabelled: leave_out leaves the rest out"
        ]
    if leaves_out(description):
        return completed, []
    if unexpected:
        also = ", ".join(unexpected)
        return completed, [f"target {target} must hold {named} (bad) or {completed.good} (good) but also holds {also}"]
    if len({level in bad for level in levels}) == 1:
        listed = ", ".join(levels)
        return completed, [f"target {target} has one class: every value is {listed}, and {named} means default"]
    return completed, []


def leaves_out(description: DatasetDescription) -> bool:
    """Whether rows without a label are left out instead of refused."""
    return description.unlabelled == LEAVE_OUT


def label_notes(content: Content, description: DatasetDescription, levels: Sequence[str]) -> list[str]:
    """What a reader should know of the rows that are left out, and of values that no row has.

    Args:
        levels: as for `completed_description`. Too many are not listed: they may be a borrower's own.
    """
    few = len(levels) <= MOST_LEVELS
    declared = {"bad_when": description.bad, **({"good_when": description.good} if description.good else {})}
    notes = [
        f"no row's {description.target} is {level}, which {key} names"
        for key, rule in declared.items()
        for level in rule.levels
        if levels and few and level not in levels and not (key == "good_when" and level == "0")
    ]
    if leaves_out(description):
        known = {level for rule in declared.values() for level in rule.levels}
        others = ", ".join(level for level in levels if level not in known) if few else ""
        notes.append(
            f"left out of train and test for want of a label: {content.unknown_labels:,} rows whose"
            f" {description.target} is neither bad nor good{f' ({others})' if others else ''}, and"
            f" {content.missing_labels:,} rows without any"
        )
    return notes


def content_problems(content: Content, description: DatasetDescription, *, test_share: float) -> list[str]:
    """What the counts tell is wrong with ids, labels and the number of rows."""
    if content.rows == 0:
        return ["the source holds no row"]
    problems = []
    id_name = description.id or ID
    if content.missing_ids:
        problems.append(f"id {id_name} is missing in {content.missing_ids:,} rows")
    doubled = content.rows - content.missing_ids - content.distinct_ids
    if doubled:
        problems.append(f"id {id_name} is not unique: {doubled:,} rows repeat the id of another")
    return problems + _label_problems(content, description) + _class_problems(content, description, test_share)


def _label_problems(content: Content, description: DatasetDescription) -> list[str]:
    """Rows without a label, of both kinds, and how they may be left out."""
    labelled = content.rows - content.missing_labels - content.unknown_labels
    if leaves_out(description):
        return [] if labelled else [f"target {description.target} gives none of {content.rows:,} rows a label"]
    # Where it is not settled yet what is good, everything else would count as neither.
    is_settled = labelled and (description.compares or description.good is not None)
    kinds = [
        *([f"is missing in {content.missing_labels:,} rows"] if content.missing_labels else []),
        *(
            [f"is neither bad nor good in {content.unknown_labels:,} rows"]
            if content.unknown_labels and is_settled
            else []
        ),
    ]
    how = "mend them, or leave them out with unlabelled: leave_out"
    return [f"target {description.target} {' and '.join(kinds)}: {how}"] if kinds else []


def _class_problems(content: Content, description: DatasetDescription, test_share: float) -> list[str]:
    labelled = content.rows - content.missing_labels - content.unknown_labels
    classes = {"defaults": content.defaults, "non-defaults": labelled - content.defaults}
    empty = [name for name, rows in classes.items() if rows == 0]
    if empty:
        # For a target with named levels `completed_description` has said so already.
        is_told = not labelled or not (description.compares or leaves_out(description))
        rule = description.bad if empty[0] == "defaults" or not description.good else description.good
        return [] if is_told else [f"target {description.target} has one class: no {empty[0]} by '{rule}'"]
    return [
        f"{rows} {name} are too few to hold out {test_share:g} of them: the training or the test set would have none"
        for name, rows in classes.items()
        if not 0 < held_out_count(rows, test_share) < rows
    ]


def _types_by_role(description: DatasetDescription) -> dict[str, tuple[str, tuple[type[T.DataType], ...]]]:
    simple: tuple[type[T.DataType], ...] = (*NUMBER, T.StringType)
    target = ("target", NUMBER if description.compares else simple)
    roles: dict[str, tuple[str, tuple[type[T.DataType], ...]]] = {
        **dict.fromkeys(description.numeric, ("numeric", NUMBER)),
        **dict.fromkeys(description.categorical, ("categorical", simple)),
        **dict.fromkeys(description.text, ("text", (T.StringType,))),
        **dict.fromkeys(description.dates, ("date", MOMENT)),
        **dict.fromkeys(description.kept, ("kept", (*simple, *MOMENT))),
        **dict.fromkeys(description.protected, ("protected", simple)),
        **dict.fromkeys(filter(None, [description.group]), ("group", simple)),
        **dict.fromkeys(description.products, ("product", NUMBER)),
        **dict.fromkeys(filter(None, [description.loss]), ("loss", NUMBER)),
        description.target: target,
    }
    if description.id:
        roles[description.id] = ("id", (T.IntegralType, T.DecimalType, T.StringType))
    return roles


def _named(allowed: tuple[type[T.DataType], ...]) -> str:
    names: dict[type[T.DataType], str] = {
        T.NumericType: "a number",
        T.IntegralType: "whole numbers",
        T.StringType: "text",
        T.DateType: "a date",
    }
    return " or ".join(names[kind] for kind in allowed if kind in names)
