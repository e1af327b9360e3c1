"""Scores a snapshot in the tasks: each reads its own row groups by pyarrow; the model is broadcast once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from arrears.scoring.batch import default_probabilities
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import Scorer, load_scorer
from spark_jobs.engines.contract import FileSlice, ReadSlices, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCORE = "default_probability"


def score_snapshot(
    spark: SparkSession,
    snapshot: Snapshot,
    model: bytes,
    document: ModelDocument,
    read: ReadSlices,
    *,
    carry: Mapping[str, str],
) -> DataFrame:
    """Estimates the default probability of every row of a snapshot. Grain: one row per row of the snapshot.

    Args:
        carry: column → Spark type (``string``, ``int``, ``bigint``) of what travels along: the ids, the label; it may
            be a feature.

    Returns:
        The carried columns and ``default_probability`` (float64), lazily.
    """
    pieces, names = snapshot.slices, list(carry)
    on_workers = spark.sparkContext.broadcast((model, document.to_json()))

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column("id").to_pylist():
                yield from _score(pieces[number], *_loaded(*on_workers.value), read, names)

    tasks = max(1, min(len(pieces), spark.sparkContext.defaultParallelism))
    columns = ", ".join(f"`{name}` {kind}" for name, kind in carry.items())
    return spark.range(0, len(pieces), 1, tasks).mapInArrow(score, f"{columns}, {SCORE} double")


def _score(
    piece: FileSlice, scorer: Scorer, document: ModelDocument, read: ReadSlices, carry: list[str]
) -> Iterator[pa.RecordBatch]:
    rows = read([piece], list(dict.fromkeys((*carry, *document.features))))
    scores = pa.array(default_probabilities(rows, scorer, document))
    yield from rows.select(carry).append_column(SCORE, scores).to_batches()


@lru_cache(maxsize=2)  # the candidate and the champion
def _loaded(content: bytes, document: str) -> tuple[Scorer, ModelDocument]:
    """The model and its document, loaded once per Python worker."""
    read = ModelDocument.from_json(document)
    return load_scorer(read.model_format, content), read
