"""Statistics of each feature over the training rows: means, quantiles and levels, for a preparation to be fitted.

No result depends on how rows lie in partitions. Missing is null or NaN. Infinite numbers are left out of means and
quantiles, for one of them would be all that a mean shows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arrears.contracts.tables.column_names import LABEL
from arrears.model.features.binning import Floats, Ints
from arrears.scoring.preparation import OutlierLimits
from spark_jobs.transforms.features.binned_counts import Batches
from spark_jobs.transforms.training.training_rows import ROW_ORDER

_PARTS = ("rows", "missing", "known", "means", "squares")
_VALUES_AT_ONCE = 2_000_000

SAMPLE_ROWS = 100_000
SAMPLE_CELLS = 5_000_000  # a thousand features are sampled by fewer rows: exact quantiles hold every value in memory
RAREST_SHARE = 0.005  # a level of fewer rows than this tells too little; so no category lists more than 200 levels


def is_missing_number(column: str) -> Column:
    """Null or NaN."""
    value = F.col(f"`{column}`").cast("double")
    return value.isNull() | F.isnan(value)


def to_number_statistics(rows: DataFrame, numeric: Sequence[str], categorical: Sequence[str] = ()) -> DataFrame:
    """Mean, standard deviation (n - 1) and number of missing values of each feature, in one pass.

    Grain: one row per feature. Spark plans its own aggregates one by one: minutes for thousands of features.

    Columns: ``feature``, ``row_count``, ``missing``, ``mean`` and ``deviation`` (null where no number is known, or one
    alone; of a category always).
    """
    names = [*numeric, *categorical]
    # Of a category it counts alone whether there is a value.
    present = [F.when(F.col(f"`{name}`").isNotNull(), F.lit(0.0)).alias(name) for name in categorical]

    is_category = np.arange(len(names)) >= len(numeric)

    def measure(batches: Batches) -> Iterator[pa.RecordBatch]:
        sums = _nothing(len(names))
        for batch in batches:
            step = max(1, _VALUES_AT_ONCE // max(1, len(names)))
            for first in range(0, batch.num_rows, step):
                sums = _merged(sums, _measured(batch.slice(first, step)))
        yield _as_batch(sums)

    def merge(batches: Batches) -> Iterator[pa.RecordBatch]:
        sums = _nothing(len(names))
        for batch in batches:
            parts = np.stack([batch.column(name).to_numpy() for name in _PARTS])
            sums = _with_parts(sums, batch.column("place").to_numpy(), parts)
        rows, missing, counts, means, squares = sums
        yield pa.RecordBatch.from_pydict(
            {
                "feature": names,
                "row_count": pa.array(rows.astype(np.int64)),
                "missing": pa.array(missing.astype(np.int64)),
                "mean": pa.array(means, mask=(counts == 0) | is_category),
                "deviation": pa.array(np.sqrt(squares / np.maximum(counts - 1, 1)), mask=(counts < 2) | is_category),
            }
        )

    numbers = [F.col(f"`{name}`").cast("double").alias(name) for name in numeric]
    partial_sums = rows.select(*numbers, *present).mapInArrow(
        measure, "place int, " + ", ".join(f"{name} double" for name in _PARTS)
    )
    schema = "feature string, row_count bigint, missing bigint, mean double, deviation double"
    return partial_sums.repartition(1).mapInArrow(merge, schema)


def _nothing(features: int) -> Floats:
    return np.zeros((len(_PARTS), features))


def _measured(batch: pa.RecordBatch) -> Floats:
    values = np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns]).astype(np.float64)
    is_known = np.isfinite(values)
    counts = is_known.sum(axis=1)
    means = np.where(is_known, values, 0.0).sum(axis=1) / np.maximum(counts, 1)
    squares = np.where(is_known, values - means[:, None], 0.0) ** 2
    return np.stack([np.full(len(values), batch.num_rows), np.isnan(values).sum(axis=1), counts, means, squares.sum(1)])


def _merged(some: Floats, others: Floats) -> Floats:
    """Counts, means and squared deviations of two sets of rows together (Chan, Golub and LeVeque 1979)."""
    counts = some[2] + others[2]
    share = others[2] / np.maximum(counts, 1)
    gap = others[3] - some[3]
    means = some[3] + gap * share
    squares = some[4] + others[4] + gap**2 * some[2] * share
    return np.stack([some[0] + others[0], some[1] + others[1], counts, means, squares])


def _as_batch(sums: Floats) -> pa.RecordBatch:
    parts = {name: pa.array(part) for name, part in zip(_PARTS, sums, strict=True)}
    return pa.RecordBatch.from_pydict({"place": pa.array(np.arange(sums.shape[1], dtype=np.int32)), **parts})


def _with_parts(sums: Floats, places: Ints, parts: Floats) -> Floats:
    """The sums so far and some more parts together. ``places`` names the feature of each part, in any order."""
    merged = sums.copy()
    # Cut where a place may come again: within a piece each is of another feature.
    cuts = [0, *(np.flatnonzero(np.diff(places) <= 0) + 1), len(places)]
    for first, end in itertools.pairwise(cuts):
        at = places[first:end]
        merged[:, at] = _merged(merged[:, at], parts[:, first:end])
    return merged


def without_outliers(rows: DataFrame, limits: Sequence[OutlierLimits]) -> DataFrame:
    """Drops rows with a number beyond its limits. A missing value is within. Grain: one row per row that stays."""
    is_within = F.lit(True)
    for step in limits:
        value = F.col(f"`{step.column}`").cast("double")
        is_within &= is_missing_number(step.column) | value.between(step.low, step.high)
    return rows.where(is_within)


def to_sample(rows: DataFrame, columns: Sequence[str], *, order: str = ROW_ORDER) -> DataFrame:
    """Those rows whose place in the training order is lowest, at most 100,000. Grain: one row per sampled row."""
    most = max(1, min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, len(columns))))
    return rows.orderBy(order).limit(most).select(*(F.col(f"`{name}`") for name in columns))


def to_quantiles(rows: DataFrame, shares: Mapping[str, Sequence[float]]) -> DataFrame:
    """Exact quantiles of each column, between two values where none lies there. Grain: one row.

    Args:
        shares: column → shares between 0 and 1.

    Columns: each column as an array of double. Null where it has no finite value.
    """
    return rows.agg(
        *(F.percentile(_finite(name), list(asked_shares)).alias(name) for name, asked_shares in shares.items())
    )


def to_levels(rows: DataFrame, categorical: Sequence[str], *, row_count: int, label: str = LABEL) -> DataFrame:
    """The levels of each category with their rows of each class. Grain: one row per category and listed level.

    Levels below ``RAREST_SHARE`` of the rows are added up in one row of kind ``other``, save the commonest level, which
    is always listed. Missing values are one row of kind ``missing``.

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
