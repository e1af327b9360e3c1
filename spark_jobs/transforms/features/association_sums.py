"""Sums behind summaries and associations of features, each in one pass over the rows.

The sums are float64: another partitioning adds them in another order, which moves their last digits (below 1e-12 of the
spread, because values are taken less a centre).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.model.features.association import design_matrix, design_width
from arrears.model.features.binning import Bins
from spark_jobs.transforms.features.binned_counts import Batches, coder, values_of


def to_moments(rows: DataFrame, numeric: Sequence[str], centres: Sequence[float]) -> DataFrame:
    """How many finite values each number has, and their sums, squares and limits. Grain: one row per number.

    Args:
        centres: of each number: something near its middle, subtracted before summing.

    Columns: ``feature`` (its place in ``numeric``), ``row_count``, ``total`` and ``squares`` of value less centre,
    ``minimum``, ``maximum`` (null without any value).
    """
    middle = np.asarray(centres, np.float64)

    def sum_up(batches: Batches) -> Iterator[pa.RecordBatch]:
        sums = np.zeros((3, len(middle)))
        lowest, highest = np.full(len(middle), np.inf), np.full(len(middle), -np.inf)
        for batch in batches:
            values = _matrix(batch, len(middle))
            is_finite = np.isfinite(values)
            with np.errstate(over="ignore", invalid="ignore"):  # a sum beyond the largest double is infinite, and told
                centred = np.where(is_finite, values - middle, 0.0)
                sums += np.stack((is_finite.sum(axis=0), centred.sum(axis=0), (centred * centred).sum(axis=0)))
            lowest = np.minimum(lowest, np.where(is_finite, values, np.inf).min(axis=0, initial=np.inf))
            highest = np.maximum(highest, np.where(is_finite, values, -np.inf).max(axis=0, initial=-np.inf))
        none = sums[0] == 0
        yield pa.RecordBatch.from_pydict(
            {
                "feature": pa.array(np.arange(len(middle), dtype=np.int32)),
                "row_count": pa.array(sums[0].astype(np.int64)),
                "total": pa.array(sums[1]),
                "squares": pa.array(sums[2]),
                "minimum": pa.array(lowest, mask=none),
                "maximum": pa.array(highest, mask=none),
            }
        )

    schema = "feature int, row_count bigint, total double, squares double, minimum double, maximum double"
    summed = rows.select(*values_of(numeric, ())).mapInArrow(sum_up, schema)
    return summed.groupBy("feature").agg(
        *(F.sum(name).alias(name) for name in ("row_count", "total", "squares")),
        F.min("minimum").alias("minimum"),
        F.max("maximum").alias("maximum"),
    )


def to_products(
    rows: DataFrame, numeric: Sequence[str], centres: Sequence[float], categorical: Sequence[Bins]
) -> DataFrame:
    """Products of the columns of `arrears.model.features.association.design_matrix`, summed over all rows.

    Grain: one row per column of that matrix. ``place`` is its number, ``products`` its row of the summed products.
    Memory of a task grows with the square of the number of features, not with the rows.
    """
    middle = np.asarray(centres, np.float64)
    coders = [coder(bins) for bins in categorical]
    sizes = [bins.size for bins in categorical]
    width = design_width(len(numeric), sizes)

    def multiply(batches: Batches) -> Iterator[pa.RecordBatch]:
        products = np.zeros((width, width))
        for batch in batches:
            codes = [code(batch.column(len(middle) + place)) for place, code in enumerate(coders)]
            design = design_matrix(_matrix(batch, len(middle)) - middle, codes, sizes)
            with np.errstate(over="ignore", invalid="ignore"):  # as above: undefined where sums are infinite
                products += design.T @ design
        yield _as_rows(products)

    def add(batches: Batches) -> Iterator[pa.RecordBatch]:
        products = np.zeros((width, width))
        for batch in batches:
            parts = batch.column("products").flatten().to_numpy().reshape(-1, width)
            np.add.at(products, batch.column("place").to_numpy(), parts)
        yield _as_rows(products)

    schema = "place int, products array<double>"
    features = rows.select(*values_of(numeric, [bins.name for bins in categorical]))
    # One task adds what all tasks found: a matrix a task, one after the other.
    return features.mapInArrow(multiply, schema).repartition(1).mapInArrow(add, schema)


def _matrix(batch: pa.RecordBatch, numbers: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    columns = [batch.column(place).to_numpy(zero_copy_only=False) for place in range(numbers)]
    return np.stack(columns, axis=1).astype(np.float64) if columns else np.zeros((batch.num_rows, 0))


def _as_rows(products: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> pa.RecordBatch:
    places = pa.array(np.arange(len(products), dtype=np.int32))
    return pa.RecordBatch.from_arrays(
        [places, pa.array(list(products), pa.list_(pa.float64()))], names=["place", "products"]
    )
