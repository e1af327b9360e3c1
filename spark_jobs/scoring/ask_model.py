"""Asks a model of any objective about the rows of a table, in the tasks. The model is broadcast once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.scoring.answers import COLUMNS, answers
from arrears.scoring.document import ModelDocument
from spark_jobs.scoring.loaded_model import loaded, on_workers


def to_answers(rows: DataFrame, model: bytes, document: ModelDocument, *, carry: Mapping[str, str]) -> DataFrame:
    """What the model says of each row. Grain: one row per row.

    Args:
        rows: at least ``document.features`` and what is carried.
        carry: column → Spark type of what travels along.

    Returns:
        The carried columns and those of ``arrears.scoring.answers.COLUMNS``, lazily.
    """
    broadcast = on_workers(rows.sparkSession, model, document)
    names = list(carry)

    def ask(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            result = answers(table, *loaded(*broadcast.value))
            for name in reversed(names):
                result = result.add_column(0, name, table.column(name))
            yield from result.combine_chunks().to_batches()

    selected = rows.select(
        *(F.col(f"`{name}`") for name in document.features if name not in carry),
        *(F.col(f"`{name}`").cast(kind).alias(name) for name, kind in carry.items()),
    )
    columns = {**carry, **COLUMNS[document.task]}
    return selected.mapInArrow(ask, ", ".join(f"`{name}` {kind}" for name, kind in columns.items()))
