"""A made-up borrower to show a model's input by: medians and commonest levels of training rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from arrears.scoring.columns import level_column
from spark_jobs.engines.interface import VALIDATION_SHARD, TrainingSpec
from spark_jobs.engines.row_groups import ReadSlices, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXAMPLE_ROWS = 50_000
_EXAMPLE = pa.schema([("name", pa.string()), ("number", pa.float64()), ("level", pa.string())])

Borrower = dict[str, float | str | None]


def example_borrower(spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> Borrower:
    """The made-up borrower of the first training rows, found in one task."""
    pieces, rows = [], 0
    for piece in snapshot.slices:
        if piece.shard > VALIDATION_SHARD and rows < EXAMPLE_ROWS:
            pieces.append(piece)
            rows += piece.rows
    words = [*(rates.column for rates in spec.encoded), *spec.categorical]

    def find(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            example = made_up_borrower(read(pieces, [*spec.numeric, *words]), spec)
            example_rows = [
                {"name": name, "number": None, "level": value}
                if name in words
                else {"name": name, "number": value, "level": None}
                for name, value in example.items()
            ]
            yield pa.RecordBatch.from_pylist(example_rows, schema=_EXAMPLE)

    rows_found = spark.range(0, 1, 1, 1).mapInArrow(find, "name string, number double, level string").collect()
    return {row["name"]: row["level"] if row["name"] in words else row["number"] for row in rows_found}


def made_up_borrower(rows: pa.Table, spec: TrainingSpec) -> Borrower:
    """Medians of the numbers and commonest levels of the categories. None where there is no value at all."""
    medians = {name: _median(rows.column(name)) for name in spec.numeric}
    words = [*(rates.column for rates in spec.encoded), *spec.categorical]
    return {**medians, **{name: _commonest(rows.column(name)) for name in words}}


def _median(column: pa.ChunkedArray) -> float | None:
    value = pc.approximate_median(column.cast(pa.float64(), safe=False)).as_py()
    return None if value is None or value != value else float(value)


def _commonest(column: pa.ChunkedArray) -> str:
    counts = level_column(column).value_counts()
    return str(max(counts.to_pylist(), key=lambda level: (level["counts"], level["values"]))["values"])
