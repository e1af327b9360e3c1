"""Scores a snapshot in the tasks: each reads its own row groups by pyarrow, a bounded number of rows at a time.

The model is broadcast once. What a task holds does not grow with the row groups, and how many tasks there are follows
from the rows: the executors that have registered when a plan is made may be few.

See docs/adr/0050.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from arrears.contracts.tables.column_names import SCORE
from arrears.scoring.batch import default_probabilities
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import Scorer
from spark_jobs.engines.row_groups import FileSlice, ReadBatches, Snapshot, task_count
from spark_jobs.scoring.loaded_model import loaded, on_workers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

CELLS_A_BATCH = 2_000_000  # rows by columns that are scored at once: some tens of MB
MOST_ROWS_A_BATCH = 50_000


def score_snapshot(
    spark: SparkSession,
    snapshot: Snapshot,
    model: bytes,
    document: ModelDocument,
    read: ReadBatches,
    *,
    carry: Mapping[str, str],
) -> DataFrame:
    """Estimates the default probability of every row of a snapshot. Grain: one row per row of the snapshot.

    Args:
        carry: column → Spark type (``string``, ``int``, ``bigint``) of what travels along: the ids, the label. It may
            be a feature.

    Returns:
        The carried columns and ``default_probability`` (float64), lazily.
    """
    pieces, names = snapshot.slices, list(carry)
    broadcast = on_workers(spark, model, document)

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column("id").to_pylist():
                yield from _score(pieces[number], *loaded(*broadcast.value), read, names)

    tasks = task_count(pieces, len({*names, *document.features}))
    columns = ", ".join(f"`{name}` {kind}" for name, kind in carry.items())
    return spark.range(0, len(pieces), 1, tasks).mapInArrow(score, f"{columns}, {SCORE} double")


def rows_at_once(columns: int) -> int:
    """How many rows of so many columns are read and scored at once."""
    return max(1, min(MOST_ROWS_A_BATCH, CELLS_A_BATCH // max(1, columns)))


def _score(
    piece: FileSlice, scorer: Scorer, document: ModelDocument, read: ReadBatches, carry: list[str]
) -> Iterator[pa.RecordBatch]:
    columns = list(dict.fromkeys((*carry, *document.features)))
    for rows in read(piece, columns, rows_at_once(len(columns))):
        scores = pa.array(default_probabilities(rows, scorer, document))
        yield from rows.select(carry).append_column(SCORE, scores).combine_chunks().to_batches()
