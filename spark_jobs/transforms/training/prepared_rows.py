"""Training rows as a model will see them, and quantile sketches of them. Grain: stated at each function.

The preparation itself is applied, in Python tasks: what is learnt later is learnt on the very numbers that the model
sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.model.features.monotone_bins import new_sketch, sketch_parts
from arrears.scoring.columns import number_column
from arrears.scoring.preparation import Preparation

SKETCH_BUCKETS = 16

_SKETCH_DDL = (
    "feature string, bucket int, row_count long, minimum double, maximum double,"
    " value array<double>, g array<double>, delta array<double>"
)


def to_prepared_numbers(
    rows: DataFrame,
    preparation: Preparation,
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    features: Sequence[str],
    carry: Sequence[str] = (),
) -> DataFrame:
    """Numbers after preparation, as double, in order. Grain: one row per row.

    Args:
        numeric, categorical: the raw features that the preparation reads.
        features: numbers that it leaves.
        carry: whole-number columns that travel along: label and order.
    """

    def prepare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            ready = preparation.apply(table, numeric, categorical)
            numbers = [pa.array(number_column(ready.column(name)), pa.float64()) for name in features]
            carried = [table.column(name).combine_chunks().cast(pa.int64()) for name in carry]
            yield pa.RecordBatch.from_arrays([*numbers, *carried], names=[*features, *carry])

    columns = [*(f"`{name}` double" for name in features), *(f"`{name}` bigint" for name in carry)]
    raw = rows.select(*(F.col(f"`{name}`") for name in (*numeric, *categorical, *carry)))
    return raw.mapInArrow(prepare, ", ".join(columns))


def to_sketches(numbers: DataFrame, features: Sequence[str], *, order: str) -> DataFrame:
    """Mergeable quantile sketches. Grain: one row per feature and bucket in which it has a finite value.

    What a sketch holds depends on the order in which values come. So rows are spread by hash over a fixed number of
    buckets and sketched bucket by bucket in a fixed order, however many partitions there are.

    Args:
        numbers: the features as double, and ``order``.
        order: a column of hashes.

    Columns: ``feature``, ``bucket``, and what ``monotone_bins.sketch_parts`` gives.
    """
    bucketed = numbers.withColumn("_bucket", F.pmod(order, F.lit(SKETCH_BUCKETS)).cast("int"))
    ordered = bucketed.repartition("_bucket").sortWithinPartitions("_bucket", order)
    columns = [F.col(f"`{name}`") for name in features]

    def sketch(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        present: int | None = None
        sketches: dict[str, Any] = {}
        for batch in batches:
            buckets = batch.column(0).to_numpy()
            for bucket in np.unique(buckets).tolist():
                if bucket != present:
                    yield from _finished(present, sketches)
                    present, sketches = bucket, {name: new_sketch() for name in features}
                for place, name in enumerate(features, 1):
                    values = batch.column(place).to_numpy(zero_copy_only=False)[buckets == bucket]
                    for value in values[np.isfinite(values)].tolist():
                        sketches[name].add(value)
        yield from _finished(present, sketches)

    return ordered.select("_bucket", *columns).mapInArrow(sketch, _SKETCH_DDL)


def _finished(bucket: int | None, sketches: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    for name, sketch in sketches.items():
        if sketch.n:
            sketch_row = {"feature": name, "bucket": bucket, **sketch_parts(sketch)}
            yield pa.RecordBatch.from_pylist([sketch_row], schema=_SKETCH)


_NUMBERS = pa.list_(pa.float64())
_SKETCH = pa.schema(
    [
        ("feature", pa.string()),
        ("bucket", pa.int32()),
        ("row_count", pa.int64()),
        ("minimum", pa.float64()),
        ("maximum", pa.float64()),
        ("value", _NUMBERS),
        ("g", _NUMBERS),
        ("delta", _NUMBERS),
    ]
)
