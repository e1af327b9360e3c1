"""Borrowers in the pipeline's own columns: id, label, features, dates, kept. Grain: one row per row of the source.

Columns that the source lacks are left out, so that one pass over the rest can still find everything that is wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from arrears.contracts.tables.column_names import ID, LABEL, TARGET_VALUE
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.outcome_rules import LEAVE_OUT, OutcomeRule
from spark_jobs.schemas import stored_name
from spark_jobs.transforms.bank.widening import EXACT_DIGITS
from spark_jobs.transforms.ids import with_borrower_id, with_row_digest

UNKNOWN_LEVEL = -1  # a target that is neither good nor bad
NUMBER = (T.NumericType, T.BooleanType)
_FLOATS = (T.DoubleType, T.FloatType)
MOMENT = (T.DateType, T.TimestampType, T.TimestampNTZType)


def in_stored_names(description: DatasetDescription) -> DatasetDescription:
    """The description with every column under the name it has in the tables."""

    def stored(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(stored_name, columns))

    return dataclasses.replace(
        description,
        target=stored_name(description.target),
        id=stored_name(description.id) if description.id else None,
        numeric=stored(description.numeric),
        categorical=stored(description.categorical),
        text=stored(description.text),
        dates=stored(description.dates),
        known_after={stored_name(name): days for name, days in description.known_after.items()},
        kept=stored(description.kept),
        excluded=stored(description.excluded),
        protected=stored(description.protected),
        group=stored_name(description.group) if description.group else None,
        event_time=stored_name(description.event_time) if description.event_time else None,
        loss=stored_name(description.loss) if description.loss else None,
        products=stored(description.products),
        catalogue=tuple(dataclasses.replace(line, name=stored_name(line.name)) for line in description.catalogue),
    )


def with_nan_as_null(loans: DataFrame) -> DataFrame:
    """Makes "not a number" a missing value like any other: Spark takes NaN for larger than every number."""
    # One projection: Spark's own way to replace columns compares each with each, which takes long for thousands.
    columns = {field.name: F.col(f"`{field.name}`") for field in loans.schema}
    floats = [field.name for field in loans.schema if isinstance(field.dataType, _FLOATS)]
    return loans.select(
        *(columns | {name: F.when(~F.isnan(name), columns[name]).alias(name) for name in floats}).values()
    )


def to_borrowers(loans: DataFrame, description: DatasetDescription) -> DataFrame:
    """``borrower_id``, ``is_default`` (1, 0, null where the target is missing, -1 where it is unknown) and the rest.

    Where rows without a label are left out, these carry the value of their target.
    """
    types = {f.name: f.dataType for f in loans.schema if isinstance(f.dataType, (*NUMBER, *MOMENT, T.StringType))}
    excluded = set(description.excluded)
    present = {column: None for column in types if column not in excluded}
    id_column = description.id if description.id in present else None
    columns = [c for c in description.carried if c in present]
    words = {*description.categorical, *description.text, *_long_customer_numbers(description, types)}
    stored = {c: stored_value(c, types[c], is_category=c in words) for c in columns}
    label = is_default(description, types) if description.target in present else F.lit(None).cast("int")
    named = with_borrower_id(loans, id_column, tuple(present))
    borrowers = named.select(
        ID, label.alias(LABEL), *(stored[c].alias(c) for c in columns), *_left_out(description, types)
    )
    return with_row_digest(borrowers)


def _long_customer_numbers(description: DatasetDescription, types: Mapping[str, T.DataType]) -> list[str]:
    """The group, where it is a decimal with more digits than a double has: two customers would become one."""
    kind = types.get(description.group or "")
    is_long = isinstance(kind, T.DecimalType) and kind.precision > EXACT_DIGITS
    return [description.group] if description.group and is_long and description.group not in description.numeric else []


def is_default(description: DatasetDescription, types: Mapping[str, T.DataType]) -> Column:
    """The label: 1 where the target says default, 0 where it says the opposite, -1 where it says neither."""
    target, kind = description.target, types[description.target]
    if description.compares and not isinstance(kind, NUMBER):
        return F.lit(UNKNOWN_LEVEL)
    is_bad = _says(target, kind, description.bad)
    outcome = F.when(is_bad, 1)
    if description.good is not None:
        outcome = outcome.when(_says(target, kind, description.good), 0)
    elif description.bad.compares:
        outcome = outcome.when(~is_bad, 0)
    return outcome.when(F.col(target).isNotNull(), UNKNOWN_LEVEL).cast("int")


def has_label() -> Column:
    """Whether a borrower's outcome is known: default or not."""
    return F.col(LABEL).isNotNull() & (F.col(LABEL) != UNKNOWN_LEVEL)


def _says(target: str, kind: T.DataType, rule: OutcomeRule) -> Column:
    if rule.compares:
        return F.expr(f"CAST(`{target}` AS DOUBLE) {rule.sign} {rule.limit!r}D")
    return level_of(target, kind).isin(list(rule.levels))


def _left_out(description: DatasetDescription, types: Mapping[str, T.DataType]) -> list[Column]:
    if description.unlabelled != LEAVE_OUT:
        return []
    if description.target not in types:
        return [F.lit(None).cast("string").alias(TARGET_VALUE)]
    value = level_of(description.target, types[description.target])
    is_labelled = is_default(description, types).isin(0, 1)
    return [F.when(F.coalesce(is_labelled, F.lit(False)), None).otherwise(value).alias(TARGET_VALUE)]


def level_of(column: str, kind: T.DataType) -> Column:
    """A target's value as the text that a description names it by: ``1`` for 1, 1.0 and true."""
    value = F.col(column)
    if isinstance(kind, T.BooleanType):
        return value.cast("int").cast("string")
    if isinstance(kind, T.FractionalType):
        return F.when(value == F.floor(value), value.cast("decimal(38,0)").cast("string")).otherwise(
            value.cast("string")
        )
    return value.cast("string")


def to_target_levels(loans: DataFrame, description: DatasetDescription, *, at_most: int) -> DataFrame:
    """The commonest values of the target as text, one a row."""
    level = level_of(description.target, loans.schema[description.target].dataType)
    counted = loans.select(level.alias("level")).where("level IS NOT NULL").groupBy("level").count()
    return counted.orderBy(F.desc("count"), "level").limit(at_most).select("level")


def stored_value(column: str, kind: T.DataType, *, is_category: bool) -> Column:
    """A column as the tables hold it: text for categories, and int, bigint or double for numbers."""
    value = F.col(column)
    if is_category:
        return level_of(column, kind) if isinstance(kind, NUMBER) else value.cast("string")
    if isinstance(kind, (T.ByteType, T.ShortType, T.BooleanType)):
        return value.cast("int")
    if isinstance(kind, T.FractionalType):
        return value.cast("double")
    # A time without a zone is a wall clock's; sessions run in UTC, so it keeps its reading.
    return value.cast("timestamp") if isinstance(kind, T.TimestampNTZType) else value
