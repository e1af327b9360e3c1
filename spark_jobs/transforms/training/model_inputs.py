"""Rows as a model reads them: an array of float32 numbers a row, made by the very code that scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.scoring.batch import prepared_input
from arrears.scoring.preparation import Preparation

INPUTS = "inputs"


def to_model_inputs(
    rows: DataFrame,
    preparation: Preparation,
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    carry: Mapping[str, str],
) -> DataFrame:
    """The prepared inputs of each row. Grain: one row per row, in order.

    Args:
        numeric, categorical: the raw features. The preparation leaves no category among them.
        carry: column → Spark type of what travels along.

    Returns:
        ``inputs`` (array of float, missing is NaN) and the carried columns.
    """
    names = list(carry)

    def prepare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            inputs = _lists(np.asarray(prepared_input(table, preparation, numeric, categorical)))
            carried = [table.column(name).combine_chunks() for name in names]
            yield pa.RecordBatch.from_arrays([inputs, *carried], names=[INPUTS, *names])

    columns = ", ".join([f"{INPUTS} array<float>", *(f"`{name}` {kind}" for name, kind in carry.items())])
    raw = rows.select(
        *(F.col(f"`{name}`") for name in (*numeric, *categorical)),
        *(F.col(f"`{name}`").cast(kind) for name, kind in carry.items()),
    )
    return raw.mapInArrow(prepare, columns)


def _lists(matrix: np.ndarray) -> pa.ListArray:
    rows, width = matrix.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(matrix).ravel()))
