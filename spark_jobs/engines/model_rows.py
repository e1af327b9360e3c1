"""A snapshot's rows as Spark's learners read them: an array of prepared numbers a row, made by the code that scores.

Tasks read the row groups themselves. Order and parts of the rows come from their hashes and their count alone, so
neither files nor the size of the cluster change a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.batch import prepared_input
from spark_jobs.engines.interface import VALIDATION_SHARD, TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, ReadSlices, Snapshot, task_count

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

INPUTS, LABEL, WEIGHT, IS_VALIDATION, ORDER = "inputs", "label", "weight", "is_validation", "row_order"
ROWS_A_PART, MOST_PARTS = 100_000, 256
_GREATEST = np.finfo(np.float32).max
_VALUES_A_BATCH = 2_000_000  # 8 MB: what a task hands to the JVM at a time
_PARTIAL = "part int, row_count long, defaults long, counts array<long>, means array<double>, squares array<double>"

Numbers = npt.NDArray[np.float64]
Facts = dict[str, float | int | str]


@dataclass(frozen=True)
class Moments:
    """Of each input its mean and deviation over the training rows where it has a finite value."""

    rows: int
    defaults: int
    counts: tuple[int, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]


def input_names(spec: TrainingSpec) -> tuple[str, ...]:
    """The model's inputs, after preparation.

    Raises:
        BadConfiguration: a category is left among them. Names all.
    """
    numbers, levels = spec.preparation.outputs(spec.numeric, spec.categorical)
    if levels:
        named = ", ".join(levels)
        raise BadConfiguration(f"this engine takes no category as it is: choose --encoding one_hot or woe for {named}")
    return (*numbers, *(rates.column for rates in spec.encoded))


def directions(spec: TrainingSpec) -> tuple[int, ...]:
    """Which way each input may move the default probability: 1, -1, or 0 for both."""
    return tuple(map(spec.direction, input_names(spec)))


def parts_of(rows: int) -> int:
    """How many parts so many rows are split into."""
    return min(MOST_PARTS, max(1, -(-rows // ROWS_A_PART)))


def row_facts(snapshot: Snapshot, spec: TrainingSpec, train_rows: int) -> Facts:
    """How many rows were learnt from, and how many were dropped as outliers where any may be."""
    facts: Facts = {"train_rows": train_rows}
    if any(step.treatment == "drop" for step in spec.preparation.outliers):
        all_rows = sum(piece.rows for piece in snapshot.slices if piece.shard > VALIDATION_SHARD)
        facts["dropped_outlier_rows"] = all_rows - train_rows
    return facts


def to_model_rows(
    spark: SparkSession,
    snapshot: Snapshot,
    spec: TrainingSpec,
    read: ReadSlices,
    *,
    parts: int,
    finite: bool = False,
) -> DataFrame:
    """The rows that an engine may see. Grain: one row per training or validation borrower, outliers dropped.

    Args:
        parts: into how many partitions the rows are split, by their hash. Each is sorted.
        finite: an infinite input becomes the greatest number there is: to a tree they are the same.

    Columns: ``inputs`` (array of float, missing is NaN), ``label``, ``weight``, ``is_validation``, ``row_order``.
    """
    width = len(input_names(spec))
    pieces = [piece for piece in snapshot.slices if piece.shard >= VALIDATION_SHARD]
    key = snapshot.sort_key
    columns = [*spec.numeric, *(rates.column for rates in spec.encoded), *spec.categorical, spec.label, key]
    columns += [spec.weight] if spec.weight else []

    def prepared(piece: FileSlice) -> Iterator[pa.RecordBatch]:
        is_validation = piece.shard == VALIDATION_SHARD
        rows = read([piece], columns)
        rows = rows if is_validation else spec.preparation.drop_outliers(rows)
        step = max(1, _VALUES_A_BATCH // max(1, width))
        for first in range(0, rows.num_rows, step):
            yield _batch(rows.slice(first, step), spec, key, is_validation=is_validation, finite=finite)

    def of_pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column("id").to_pylist():
                yield from prepared(pieces[number])

    kinds = f"{INPUTS} array<float>, {LABEL} double, {WEIGHT} double, {IS_VALIDATION} boolean, {ORDER} bigint"
    tasks = task_count(pieces, len(columns))
    rows = spark.range(0, len(pieces), 1, tasks).mapInArrow(of_pieces, kinds)
    return rows.repartition(parts, ORDER).sortWithinPartitions(ORDER)


def input_moments(rows: DataFrame) -> Moments:
    """Means and deviations of the inputs, in one pass. Merged part by part, so the same to the bit every time.

    Args:
        rows: of ``to_model_rows``.

    Raises:
        BadConfiguration: there is no training row, or none of one class.
    """
    from pyspark.sql import functions as F

    numbered = rows.where(~F.col(IS_VALIDATION)).select(F.spark_partition_id().alias("part"), INPUTS, LABEL)
    parts = sorted(numbered.mapInArrow(_measured, _PARTIAL).collect(), key=lambda part: part["part"])
    row_count, defaults = (sum(part[name] for part in parts) for name in ("row_count", "defaults"))
    if not 0 < defaults < row_count:
        counted = f"{row_count} training rows with {defaults} defaults are left"
        raise BadConfiguration(f"{counted}: a model needs both classes; drop fewer outliers, or keep back fewer rows")
    merged = np.zeros((3, len(parts[0]["counts"])))
    for part in parts:
        merged = _merged(merged, np.array([part["counts"], part["means"], part["squares"]], dtype=np.float64))
    counts, means, squares = merged
    spread = tuple(np.sqrt(squares / np.maximum(counts - 1, 1)).tolist())
    return Moments(row_count, defaults, tuple(map(int, counts)), tuple(means.tolist()), spread)


def with_fills(rows: DataFrame, fills: Sequence[float]) -> DataFrame:
    """The same rows with every missing or infinite input replaced by its fill, as the scorers do it."""
    from pyspark.sql import functions as F

    fill_values = F.array(*(F.lit(fill) for fill in fills))
    # An infinite number less itself is no number.
    values = F.col(INPUTS).cast("array<double>")
    filled = F.zip_with(values, fill_values, lambda value, fill: F.when(F.isnan(value - value), fill).otherwise(value))
    return rows.withColumn(INPUTS, filled)


def _batch(rows: pa.Table, spec: TrainingSpec, key: str, *, is_validation: bool, finite: bool) -> pa.RecordBatch:
    matrix = np.asarray(prepared_input(rows, spec.preparation, spec.numeric, spec.categorical, spec.encoded))
    if finite:
        matrix = np.clip(matrix, -_GREATEST, _GREATEST)
    offsets = np.arange(rows.num_rows + 1, dtype=np.int32) * matrix.shape[1]
    label = rows.column(spec.label).to_numpy().astype(np.float64)
    weights = np.where(label == 1, spec.class_weights[1], spec.class_weights[0])
    if is_validation:
        weights = weights * np.where(label == 1, spec.stopping_weights[1], spec.stopping_weights[0])
    if spec.weight:
        weights = weights * rows.column(spec.weight).to_numpy()
    columns = {
        INPUTS: pa.ListArray.from_arrays(offsets, np.ascontiguousarray(matrix).ravel()),
        LABEL: pa.array(label),
        WEIGHT: pa.array(weights),
        IS_VALIDATION: pa.array(np.full(rows.num_rows, is_validation)),
        ORDER: rows.column(key).combine_chunks().cast(pa.int64()),
    }
    return pa.RecordBatch.from_pydict(columns)


def _measured(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """One row a part: how many finite values each input has, their mean, and squares of distances from it."""
    part, row_count, defaults, merged = -1, 0, 0, np.zeros((3, 0))
    for batch in batches:
        if not batch.num_rows:
            continue
        matrix = batch.column(1).flatten().to_numpy(zero_copy_only=False).reshape(batch.num_rows, -1)
        present = _of_matrix(matrix.astype(np.float64))
        merged = _merged(merged, present) if row_count else present
        part, row_count = batch.column(0)[0].as_py(), row_count + batch.num_rows
        defaults += int(batch.column(2).to_numpy().sum())
    if row_count:
        counts, means, squares = merged
        columns = [pa.array([part], pa.int32()), *(pa.array([count], pa.int64()) for count in (row_count, defaults))]
        columns += [pa.array([counts.astype(np.int64)], pa.list_(pa.int64()))]
        columns += [pa.array([values], pa.list_(pa.float64())) for values in (means, squares)]
        yield pa.RecordBatch.from_arrays(columns, names=["part", "row_count", "defaults", "counts", "means", "squares"])


def _of_matrix(matrix: Numbers) -> Numbers:
    finite = np.isfinite(matrix)
    counts = finite.sum(axis=0)
    values = np.where(finite, matrix, 0.0)
    means = values.sum(axis=0) / np.maximum(counts, 1)
    squares = np.where(finite, (values - means) ** 2, 0.0).sum(axis=0)
    return np.stack([counts.astype(np.float64), means, squares])


def _merged(some: Numbers, others: Numbers) -> Numbers:
    """Counts, means and squares of two sets of rows together (Chan, Golub and LeVeque 1979)."""
    counts = some[0] + others[0]
    gaps = others[1] - some[1]
    share = others[0] / np.maximum(counts, 1.0)
    means = some[1] + gaps * share
    return np.stack([counts, means, some[2] + others[2] + gaps**2 * some[0] * share])
