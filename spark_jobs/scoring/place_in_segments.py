"""Puts the customers of a table into segments, in the tasks, and tells where each lies among all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.scoring.batch import model_input
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers.clusters import Clusters
from spark_jobs.scoring.loaded_model import loaded, on_workers
from spark_jobs.transforms.scores.segment_profiles import SEGMENT

POSITION = "_position"


def to_segmented(rows: DataFrame, model: bytes, document: ModelDocument, *, carry: Sequence[str]) -> DataFrame:
    """Adds each customer's segment and standardised inputs. Grain: one row per row.

    Args:
        carry: columns that travel along.

    Returns:
        The carried columns, ``_segment`` (int, from 1) and ``_position`` (array of double), lazily.
    """
    broadcast = on_workers(rows.sparkSession, model, document)
    needed = list(dict.fromkeys([*carry, *document.features]))

    def place(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            scorer, read = loaded(*broadcast.value)
            clusters, inputs = cast(Clusters, scorer), model_input(table, read)
            positions = pa.array(list(clusters.standardised(inputs)), pa.list_(pa.float64()))
            placed = table.select(list(carry)).append_column(SEGMENT, pa.array(clusters.segments(inputs), pa.int32()))
            yield from placed.append_column(POSITION, positions).combine_chunks().to_batches()

    kinds = dict(rows.dtypes)
    columns = {**{name: kinds[name] for name in carry}, SEGMENT: "int", POSITION: "array<double>"}
    selected = rows.select(*(F.col(f"`{name}`") for name in needed))
    return selected.mapInArrow(place, ", ".join(f"`{name}` {kind}" for name, kind in columns.items()))
