"""What training rows tell of each feature: means, quantiles and levels, for a preparation to be fitted.

No result depends on how rows lie in partitions. Missing is null or NaN; infinite numbers are left out of means and
quantiles, for one of them would be all that a mean shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arrears.contracts.descriptions import LABEL
from arrears.scoring.preparation import OutlierLimits
from spark_jobs.transforms.training_rows import ROW_ORDER

SAMPLE_ROWS = 100_000
SAMPLE_CELLS = 5_000_000  # a thousand features are sampled by fewer rows: exact quantiles hold every value in memory
RAREST_SHARE = 0.005  # a level of fewer rows than this tells too little; so no category lists more than 200 levels


def is_missing_number(column: str) -> Column:
    """Null or NaN."""
    value = F.col(f"`{column}`").cast("double")
    return value.isNull() | F.isnan(value)


def to_number_statistics(rows: DataFrame, numeric: Sequence[str], categorical: Sequence[str] = ()) -> DataFrame:
    """Mean, standard deviation (n - 1) and number of missing values of each feature, in one pass. Grain: one row.

    Columns: ``rows``; for each feature a struct of its name, of a category with ``missing`` alone.
    """
    return rows.agg(
        F.count(F.lit(1)).alias("row_count"),
        F.struct(
            *(
                F.struct(
                    F.avg(_finite(name)).alias("mean"),
                    F.stddev_samp(_finite(name)).alias("deviation"),
                    F.count_if(is_missing_number(name)).alias("missing"),
                ).alias(name)
                for name in numeric
            ),
            *(F.struct(F.count_if(F.col(f"`{name}`").isNull()).alias("missing")).alias(name) for name in categorical),
        ).alias("features"),
    )


def without_outliers(rows: DataFrame, limits: Sequence[OutlierLimits]) -> DataFrame:
    """Drops rows with a number beyond its limits; a missing value is within. Grain: one row per row that stays."""
    kept = F.lit(True)
    for step in limits:
        value = F.col(f"`{step.column}`").cast("double")
        kept &= is_missing_number(step.column) | value.between(step.low, step.high)
    return rows.where(kept)


def to_sample(rows: DataFrame, columns: Sequence[str], *, order: str = ROW_ORDER) -> DataFrame:
    """Those rows whose place in the training order is lowest, at most 100,000. Grain: one row per sampled row."""
    most = max(1, min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, len(columns))))
    return rows.orderBy(order).limit(most).select(*(F.col(f"`{name}`") for name in columns))


def to_quantiles(rows: DataFrame, shares: Mapping[str, Sequence[float]]) -> DataFrame:
    """Exact quantiles of each column, between two values where none lies there. Grain: one row.

    Args:
        shares: column → shares between 0 and 1.

    Columns: each column as an array of double; null where it has no finite value.
    """
    return rows.agg(*(F.percentile(_finite(name), list(wanted)).alias(name) for name, wanted in shares.items()))


def to_levels(rows: DataFrame, categorical: Sequence[str], *, row_count: int, label: str = LABEL) -> DataFrame:
    """The levels of each category with their rows of each class. Grain: one row per category and listed level.

    Levels below ``RAREST_SHARE`` of the rows are added up in one row of kind ``other``, save the commonest level, which
    is always listed; missing values are one row of kind ``missing``.

    Columns: ``feature``, ``kind``, ``level`` (null unless the kind is ``level``), ``non_defaults``, ``defaults``.
    """
    cells = F.explode(
        F.array(*(F.struct(F.lit(name).alias("feature"), F.col(f"`{name}`").alias("level")) for name in categorical))
    )
    counted = (
        rows.select(cells.alias("cell"), F.col(label).alias("label"))
        .groupBy("cell.feature", "cell.level")
        .agg(F.count_if(F.col("label") == 0).alias("non_defaults"), F.count_if(F.col("label") == 1).alias("defaults"))
    )
    row_total = F.col("non_defaults") + F.col("defaults")
    is_known = F.col("level").isNotNull()
    commonest_first = Window.partitionBy("feature", is_known).orderBy(row_total.desc(), "level")
    is_listed = (row_total >= F.lit(RAREST_SHARE * row_count)) | (F.row_number().over(commonest_first) == 1)
    kind = F.when(~is_known, "missing").when(is_listed, "level").otherwise("other")
    return (
        counted.select("feature", "level", "non_defaults", "defaults", kind.alias("kind"))
        .groupBy("feature", "kind", F.when(F.col("kind") == "level", F.col("level")).alias("level"))
        .agg(F.sum("non_defaults").alias("non_defaults"), F.sum("defaults").alias("defaults"))
    )


def _finite(column: str) -> Column:
    value = F.col(f"`{column}`").cast("double")
    return F.when(~F.isnan(value) & (F.abs(value) != F.lit(float("inf"))), value)
