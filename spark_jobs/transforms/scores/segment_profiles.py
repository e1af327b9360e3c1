"""Who is in each segment, as aggregates. Grain: stated at each function."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import LABEL
from arrears.scoring.columns import MISSING_LEVEL

SEGMENT = "_segment"


def to_number_profiles(segmented: DataFrame, numeric: Sequence[str]) -> DataFrame:
    """Size, default rate and means. Grain: one row per segment, and one with ``_segment`` null for all rows together.

    Columns: ``_segment``, ``rows``, ``default_rate``, ``means`` (a struct of the features).
    """
    # In a struct, so that a feature may be called as a column of ours.
    means = (
        F.avg(F.nanvl(F.col(f"`{name}`").cast("double"), F.lit(None).cast("double"))).alias(name) for name in numeric
    )
    return segmented.rollup(SEGMENT).agg(
        F.count(F.lit(1)).alias("rows"),
        F.avg(LABEL).alias("default_rate"),
        F.struct(F.lit(0).alias("_"), *means).alias("means"),
    )


def to_commonest_levels(segmented: DataFrame, categorical: Sequence[str]) -> DataFrame:
    """The commonest level of each category. Of two, the last by name. Grain: one row per segment and category.

    Columns: ``_segment``, ``feature``, ``level``, ``rows``.
    """
    cells = F.explode(
        F.array(
            *(
                F.struct(
                    F.lit(name).alias("feature"), F.coalesce(F.col(f"`{name}`"), F.lit(MISSING_LEVEL)).alias("level")
                )
                for name in categorical
            )
        )
    )
    counted = segmented.select(SEGMENT, cells.alias("cell")).groupBy(SEGMENT, "cell.feature", "cell.level").count()
    best = counted.groupBy(SEGMENT, "feature").agg(F.max(F.struct("count", "level")).alias("best"))
    return best.select(SEGMENT, "feature", F.col("best.level").alias("level"), F.col("best.count").alias("rows"))
