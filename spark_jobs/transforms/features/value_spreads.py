"""What a feature must have to be learnt from: more than one value, numbers that engines compute with, repeated words.

One pass over the rows, whatever the number of columns, and one more for texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.transforms.features.binned_counts import Batches, values_of

# CatBoost, XGBoost and the scorers keep numbers in 32 bits: a larger one is infinite there.
LARGEST = float(np.finfo(np.float32).max)

_SPREADS = pa.schema(
    [
        ("place", pa.int32()),
        ("row_count", pa.int64()),
        ("present", pa.int64()),
        ("too_large", pa.int64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("first", pa.string()),
        ("last", pa.string()),
    ]
)


def to_value_spreads(rows: DataFrame, *, numeric: Sequence[str], categorical: Sequence[str]) -> DataFrame:
    """Whether each feature has more than one value. Grain: one row per feature.

    Columns: ``place`` (numbers first), ``present`` (rows with a value), ``too_large`` (rows with a finite number that
    32 bits cannot hold), ``is_single`` (every row has the same value, or none has any).
    """
    numbers = len(numeric)

    def spread(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                found = [
                    _of_number(column) if place < numbers else _of_category(column)
                    for place, column in enumerate(batch.columns)
                ]
                records = [{"place": n, "row_count": batch.num_rows, **one} for n, one in enumerate(found)]
                yield pa.RecordBatch.from_pylist(records, _SPREADS)

    schema = "place int, row_count bigint, present bigint, too_large bigint, low double, high double, first string,"
    parts = rows.select(*values_of(numeric, categorical)).mapInArrow(spread, f"{schema} last string")
    totals = parts.groupBy("place").agg(
        *(F.sum(name).alias(name) for name in ("row_count", "present", "too_large")),
        *(F.min(name).alias(name) for name in ("low", "first")),
        *(F.max(name).alias(name) for name in ("high", "last")),
    )
    is_one = F.coalesce(F.col("low") == F.col("high"), F.col("first") == F.col("last"), F.lit(True))
    # Whether there is a value may tell something too.
    is_single = (F.col("present") == 0) | ((F.col("present") == F.col("row_count")) & is_one)
    return totals.select("place", "present", "too_large", is_single.alias("is_single"))


def to_commonest_word_pairs(rows: DataFrame, texts: Sequence[str]) -> DataFrame:
    """How often the commonest pair of neighbouring words stands in each text. Grain: one row per text with any pair.

    Columns: ``feature``, ``times``.
    """
    texts_with_pairs = F.array(
        *(F.struct(F.lit(name).alias("feature"), F.expr(_pairs_of(name)).alias("pairs")) for name in texts)
    )
    pairs = rows.select(F.explode(texts_with_pairs).alias("text")).select(
        "text.feature", F.explode("text.pairs").alias("pair")
    )
    return pairs.groupBy("feature", "pair").count().groupBy("feature").agg(F.max("count").alias("times"))


def _pairs_of(text: str) -> str:
    words = f"filter(split(coalesce(`{text}`, ''), ' '), word -> word != '')"
    starts = f"if(size({words}) < 2, array(), sequence(1, size({words}) - 1))"
    return f"transform({starts}, place -> concat(element_at({words}, place), ' ', element_at({words}, place + 1)))"


def _of_number(column: pa.Array) -> dict[str, object]:
    values = column.to_numpy(zero_copy_only=False).astype(np.float64)
    known = values[~np.isnan(values)]
    too_large = np.isfinite(known) & (np.abs(known) > LARGEST)
    limits = {"low": float(known.min()), "high": float(known.max())} if known.size else {}
    return {"present": int(known.size), "too_large": int(too_large.sum()), **limits}


def _of_category(column: pa.Array) -> dict[str, object]:
    limits = pc.min_max(column).as_py()
    return {"present": len(column) - column.null_count, "too_large": 0, "first": limits["min"], "last": limits["max"]}
