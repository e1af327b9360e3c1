"""Tables joined many-to-one to the decisions, such as customers to loans. Grain: one row per decision, as before."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.tables.banks import Join


def with_joined(decisions: DataFrame, join: Join, joined: DataFrame) -> DataFrame:
    """Adds the columns of the row that each decision points to. Missing where it points to none.

    Args:
        joined: at most one row per value of the join's column. `to_repeated_join_keys` tells where there are more.

    Raises:
        BadConfiguration: both sides have a column of the same name besides the join's.
    """
    rows = _selected(joined, join.where).withColumnRenamed(join.on_theirs or join.on, join.on)
    doubled = sorted((set(rows.columns) & set(decisions.columns)) - {join.on})
    if doubled:
        raise BadConfiguration(*(f"column {name} stands in {join.table} and in the decisions" for name in doubled))
    return decisions.join(rows, on=join.on, how="left")


def to_repeated_join_keys(joined: DataFrame, join: Join) -> DataFrame:
    """One row with ``key_count``: values of the join's column that several rows have, which would double decisions."""
    key = join.on_theirs or join.on
    repeated = _selected(joined, join.where).where(F.col(key).isNotNull()).groupBy(key).count().where("count > 1")
    return repeated.agg(F.count(F.lit(1)).alias("key_count"))


def _selected(rows: DataFrame, where: Mapping[str, str]) -> DataFrame:
    if not where:
        return rows
    return rows.where(reduce(Column.__and__, (F.col(name) == F.lit(value) for name, value in where.items())))
