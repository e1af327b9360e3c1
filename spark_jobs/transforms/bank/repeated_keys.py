"""Whether two rows have one key, at the price of a hash a row. Grain: one row per repeated hash, then per repeated key.

Only the 64 bits of a key's hash are compared for all rows. Keys themselves are, for the few rows whose hash repeats.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_BUCKETS = 64
_ROWS_A_TASK = 16_000_000  # 128 MB of hashes, and as much again while they are sorted
_FEWEST_TASKS = 4
_ROWS_A_DEAL = 500_000  # Spark's batches of 10,000 rows would make parcels of a kilobyte

Batches = Iterable[pa.RecordBatch]


def to_repeated_hashes(rows: DataFrame, key: Sequence[str], *, row_count: int) -> DataFrame:
    """Hashes that the keys of more than one row have: none means that no key repeats. Grain: one row per hash.

    Hashes travel in parcels, thousands to a row of the shuffle, and are sorted by numpy: grouped by Spark, each would
    be a row of its own. A key of which a part is missing is none.

    Args:
        row_count: about how many rows there are. It bounds what one task holds.
    """
    hashes = _with_key(rows, key).select(_key_hash(key).alias("_hash"))
    parcels = hashes.mapInArrow(_parcels, "_bucket int, _parcel binary")
    tasks = max(_FEWEST_TASKS, -(-row_count // _ROWS_A_TASK))
    return parcels.repartition(tasks, "_bucket").mapInArrow(_repeated, "_hash bigint")


def to_repeated_keys(rows: DataFrame, key: Sequence[str], hashes: DataFrame) -> DataFrame:
    """Keys that more than one row has, with ``row_count``: two different keys may share a hash by chance."""
    suspects = _with_key(rows, key).withColumn("_hash", _key_hash(key)).join(hashes, "_hash", "left_semi")
    return suspects.groupBy(*_columns(key)).agg(F.count(F.lit(1)).alias("row_count")).where("row_count > 1")


def _parcels(batches: Batches) -> Iterator[pa.RecordBatch]:
    hashes, count = [], 0
    for batch in batches:
        hashes.append(batch.column(0).to_numpy())
        count += batch.num_rows
        if count >= _ROWS_A_DEAL:
            yield _by_bucket(np.concatenate(hashes))
            hashes, count = [], 0
    if hashes:
        yield _by_bucket(np.concatenate(hashes))


def _by_bucket(hashes: NDArray[np.int64]) -> pa.RecordBatch:
    bucket = (hashes & (_BUCKETS - 1)).astype(np.uint8)
    in_order = hashes[np.argsort(bucket, kind="stable")]
    ends = np.cumsum(np.bincount(bucket, minlength=_BUCKETS))
    parcels = [parcel.tobytes() for parcel in np.split(in_order, ends[:-1])]
    columns = [pa.array(range(_BUCKETS), pa.int32()), pa.array(parcels, pa.binary())]
    return pa.RecordBatch.from_arrays(columns, names=["_bucket", "_parcel"])


def _repeated(batches: Batches) -> Iterator[pa.RecordBatch]:
    parcels = [np.frombuffer(parcel.as_buffer(), np.int64) for batch in batches for parcel in batch.column(1)]
    if parcels:
        hashes = np.concatenate(parcels)
        hashes.sort()
        repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        yield pa.RecordBatch.from_arrays([pa.array(repeated)], names=["_hash"])


def _with_key(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    return rows.where(reduce(operator.and_, (column.isNotNull() for column in _columns(key))))


def _key_hash(key: Sequence[str]) -> Column:
    return F.xxhash64(*_columns(key))


def _columns(key: Sequence[str]) -> list[Column]:
    return [F.col(f"`{name}`") for name in key]
