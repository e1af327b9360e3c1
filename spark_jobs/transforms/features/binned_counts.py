"""Features reduced to counts: the limits of each one's bins, and how many rows lie in each bin.

Two passes over the rows, whatever the number of columns. The first looks at a bounded sample, the rows with the lowest
hashes, in one task. The second counts all features of a batch with numpy and sends one total a bin and task. Counts are
sums of whole numbers, so nothing depends on how rows are spread over partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arrears.model.features.binning import Bins, Ints, number_bins, quantile_edges
from spark_jobs.transforms.ids import hash_of

SAMPLED_ROWS = 100_000
SAMPLED_CELLS = 10_000_000  # the sample's one task holds 80 MB of numbers, however many columns there are
MOST_LEVELS = 50
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

Batches = Iterable[pa.RecordBatch]


def to_lowest_hashes(rows: DataFrame, *, key: str, seed: int, at_most: int) -> DataFrame:
    """A sample that no partitioning changes: the rows with the lowest hashes of their key. Grain: one row per row.

    Args:
        key: column that identifies a row.
    """
    return rows.orderBy(hash_of(seed, "sample", key), F.col(f"`{key}`")).limit(at_most)


def to_bins(
    rows: DataFrame, *, numeric: Sequence[str], categorical: Sequence[str], key: str, seed: int, bins: int
) -> DataFrame:
    """The bins of each feature, from a sample of at most 100,000 rows. Grain: one row per feature.

    Columns: ``name``; ``edges``, rising limits of a number, exact quantiles of the sample; ``levels``, the commonest
    50 of a category, commonest first (null for a number); ``quantiles`` of a number at `QUANTILES`; ``distinct_count``
    and ``row_count`` of the sample.
    """
    names = (*numeric, *categorical)
    at_most = max(1, min(SAMPLED_ROWS, SAMPLED_CELLS // max(len(names), 1)))
    slim = rows.select(F.col(f"`{key}`").alias("_key"), *values_of(numeric, categorical))
    sample = to_lowest_hashes(slim, key="_key", seed=seed, at_most=at_most).drop("_key").repartition(1)
    numbers = len(numeric)

    def part(batches: Batches) -> Iterator[pa.RecordBatch]:
        received = list(batches)
        table = pa.Table.from_batches(received) if received else pa.table({})
        for place in range(table.num_columns):
            column = table.column(place).combine_chunks()
            limits = _number_bins(column, bins) if place < numbers else _category_bins(column)
            yield pa.RecordBatch.from_pylist([{"name": names[place], "row_count": len(column), **limits}], _BINS)

    return sample.mapInArrow(
        part,
        "name string, edges array<double>, levels array<string>, quantiles array<double>, distinct_count bigint,"
        " row_count bigint",
    )


def to_bin_counts(rows: DataFrame, bins: Sequence[Bins], *, segment: Column, segments: int) -> DataFrame:
    """How many rows of each segment lie in each bin of each feature. Grain: one row per feature, bin and segment.

    Args:
        bins: a feature may be binned in several ways.
        segment: a whole number from 0 to ``segments`` - 1, such as the label. Rows without one are left out.

    Columns: ``feature`` (its place in ``bins``), ``bin``, ``segment``, ``row_count``. Empty bins are left out.
    """
    numeric = list(dict.fromkeys(b.name for b in bins if b.levels is None))
    categorical = list(dict.fromkeys(b.name for b in bins if b.levels is not None))
    place = {name: number for number, name in enumerate((*numeric, *categorical), 1)}
    slim = rows.select(segment.cast("int").alias("_segment"), *values_of(numeric, categorical)).where(
        "_segment IS NOT NULL"
    )
    coders = [(place[b.name], coder(b), b.size * segments) for b in bins]

    def count(batches: Batches) -> Iterator[pa.RecordBatch]:
        totals = [np.zeros(cells, np.int64) for _, _, cells in coders]
        for batch in batches:
            offset = batch.column(0).to_numpy()
            for total, (column, code, cells) in zip(totals, coders, strict=True):
                cell = code(batch.column(column)) * segments + offset
                np.add(total, np.bincount(cell, minlength=cells), out=total)
        yield _as_long_rows(totals, segments)

    counted = slim.mapInArrow(count, "feature int, bin int, segment int, row_count bigint")
    return counted.groupBy("feature", "bin", "segment").agg(F.sum("row_count").alias("row_count"))


def coder(bins: Bins) -> Callable[[pa.Array], Ints]:
    """A function from a column's values, doubles or texts, to the number of each value's bin."""
    if bins.levels is None:
        edges = bins.edges
        return lambda column: number_bins(column.to_numpy(zero_copy_only=False).astype(np.float64), edges)
    levels = pa.array(bins.levels, pa.string())
    other, missing = len(levels), len(levels) + 1

    def code(column: pa.Array) -> Ints:
        bin_numbers = pc.fill_null(pc.index_in(column, value_set=levels), other).to_numpy(zero_copy_only=False)
        return np.where(column.is_null().to_numpy(zero_copy_only=False), missing, bin_numbers).astype(np.int64)

    return code


def values_of(numeric: Sequence[str], categorical: Sequence[str]) -> list[Column]:
    """The features as doubles and texts, numbers first."""
    numbers = [F.col(f"`{name}`").cast("double").alias(name) for name in numeric]
    return numbers + [F.col(f"`{name}`").cast("string").alias(name) for name in categorical]


_BINS = pa.schema(
    [
        ("name", pa.string()),
        ("edges", pa.list_(pa.float64())),
        ("levels", pa.list_(pa.string())),
        ("quantiles", pa.list_(pa.float64())),
        ("distinct_count", pa.int64()),
        ("row_count", pa.int64()),
    ]
)


def _number_bins(column: pa.Array, bins: int) -> dict[str, object]:
    values = column.to_numpy(zero_copy_only=False).astype(np.float64)
    ordered = np.sort(values[~np.isnan(values)])
    ranks = [max(0, int(np.ceil(share * ordered.size)) - 1) for share in QUANTILES]
    return {
        "edges": list(quantile_edges(ordered, bins)),
        "levels": None,
        "quantiles": [float(ordered[rank]) for rank in ranks] if ordered.size else [],
        "distinct_count": int(np.unique(ordered).size),
    }


def _category_bins(column: pa.Array) -> dict[str, object]:
    counted = [(entry["counts"], entry["values"]) for entry in pc.value_counts(column.drop_null()).to_pylist()]
    commonest = sorted(counted, key=lambda entry: (-entry[0], entry[1]))[:MOST_LEVELS]
    levels = [level for _, level in commonest]
    return {"edges": [], "levels": levels, "quantiles": [], "distinct_count": len(counted)}


def _as_long_rows(totals: Sequence[Ints], segments: int) -> pa.RecordBatch:
    cells = [np.flatnonzero(total) for total in totals]
    feature = np.repeat(np.arange(len(totals)), [counts.size for counts in cells])
    cell = np.concatenate(cells) if cells else np.zeros(0, np.int64)
    row_count = np.concatenate([t[c] for t, c in zip(totals, cells, strict=True)]) if cells else cell
    columns = [feature.astype(np.int32), (cell // segments).astype(np.int32), (cell % segments).astype(np.int32)]
    return pa.RecordBatch.from_arrays(
        [*map(pa.array, columns), pa.array(row_count)], names=["feature", "bin", "segment", "row_count"]
    )
