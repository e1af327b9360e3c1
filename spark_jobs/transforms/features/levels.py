"""Borrowers by the level of a column, or by the quartile of a number: once for each of several columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.model.features.binning import MISSING, OTHER_LEVELS, Bins


def level_of(bins: Bins) -> Column:
    """The label of the bin in which a row's value lies. A null or NaN is missing."""
    if bins.levels is not None:
        value = F.col(f"`{bins.name}`").cast("string")
        listed = F.when(value.isin(*bins.levels), value) if bins.levels else F.lit(None)
        return F.when(value.isNull(), F.lit(MISSING)).otherwise(F.coalesce(listed, F.lit(OTHER_LEVELS)))
    number = F.col(f"`{bins.name}`").cast("double")
    label = F.lit(bins.labels[0])
    for edge, above in zip(bins.edges, bins.labels[1:], strict=False):
        label = F.when(number > F.lit(edge), F.lit(above)).otherwise(label)
    return F.when(number.isNull() | F.isnan(number), F.lit(MISSING)).otherwise(label)


def to_level_rows(
    rows: DataFrame,
    bins: Sequence[Bins],
    *,
    carry: Sequence[str],
    pooled: Mapping[str, Collection[str]] | None = None,
) -> DataFrame:
    """Every row once for each column. Grain: one row a row and column.

    Args:
        carry: columns that travel along.
        pooled: column → levels that are put together under ``other levels``.

    Columns: ``column``, ``level``, then those carried.
    """
    levels = {column_bins.name: level_of(column_bins) for column_bins in bins}
    for name, small in (pooled or {}).items():
        levels[name] = F.when(levels[name].isin(*small), F.lit(OTHER_LEVELS)).otherwise(levels[name])
    cells = F.array(*(F.struct(F.lit(name).alias("column"), level.alias("level")) for name, level in levels.items()))
    return rows.select(F.explode(cells).alias("_cell"), *carry).select("_cell.column", "_cell.level", *carry)


def to_level_counts(level_rows: DataFrame, *, score: str, label: str, threshold: float) -> DataFrame:
    """What a cut-off does to the borrowers of each level. Grain: one row a column and level.

    Args:
        threshold: a score at or above it is declined.

    Columns: the fields of ``arrears.model.metrics.fairness.LevelCounts``.
    """
    defaulted, approved = F.col(label) == 1, F.col(score) < F.lit(threshold)
    return level_rows.groupBy("column", "level").agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_if(defaulted).alias("defaults"),
        F.count_if(approved).alias("approved"),
        F.count_if(approved & defaulted).alias("approved_bad"),
    )
