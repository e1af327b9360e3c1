"""Made-up loans for the benchmarks of training: written as Spark writes them, and held out to measure a model by."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from arrears.contracts.tables.column_names import LABEL
from arrears.scoring.batch import number_matrix
from arrears.scoring.scorers import load_scorer
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.row_groups import FileSlice, Snapshot

ROWS = int(os.environ.get("ARREARS_BENCH_LOANS", "1000000"))
FEATURES = int(os.environ.get("ARREARS_BENCH_FEATURES", "100"))
TREES = int(os.environ.get("ARREARS_BENCH_TREES", "300"))
FILES = 8
HELD_OUT = 50_000
CORES = 2
NAMES = tuple(f"f{number}" for number in range(FEATURES))


def write_loans(folder: Path) -> None:
    """The training rows, in files like those that Spark writes."""
    for number, rows in enumerate(np.array_split(np.arange(ROWS), FILES)):
        columns = _loans(len(rows), seed=number)
        columns |= {"row_order": np.random.default_rng(1000 + number).integers(-(2**63), 2**63 - 1, len(rows))}
        pq.write_table(pa.table(columns), folder / f"{number}.parquet")


def snapshot_of(folder: Path, shards: int) -> Snapshot:
    slices = []
    for number, path in enumerate(sorted(folder.glob("*.parquet"))):
        footer = pq.ParquetFile(path).metadata
        slices += [
            FileSlice(path.as_uri(), group, footer.row_group(group).num_rows, number % shards)
            for group in range(footer.num_row_groups)
        ]
    return Snapshot(tuple(slices), ROWS, "bench", "row_order")


def held_out_auc(fitted: FittedModel) -> float:
    from sklearn.metrics import roc_auc_score

    held_out = _loans(HELD_OUT, seed=10_000)
    inputs = number_matrix(pa.table({name: held_out[name] for name in NAMES}), NAMES)
    estimates = load_scorer(fitted.model_format, fitted.model).estimates(inputs)
    return float(roc_auc_score(held_out[LABEL], estimates))


def warm(spark: SparkSession, *, tasks: int) -> None:
    """Python workers are there, with what they import, before the clock starts: they are the session's start."""

    def imported(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import catboost  # noqa: F401

        yield from batches

    spark.range(0, tasks, 1, tasks).mapInArrow(imported, "id long").collect()


def _loans(rows: int, seed: int) -> dict[str, npt.NDArray[np.generic]]:
    """Numbers of which some are missing. A tenth of them tell of default, together and in pairs."""
    random = np.random.default_rng(seed)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    logit = np.full(rows, -2.5)
    for number, name in enumerate(NAMES):
        values = random.normal(size=rows)
        if number < max(2, FEATURES // 10):
            logit += 0.5 * values if number % 2 else 0.4 * np.abs(values)
        values[random.random(rows) < 0.05] = np.nan
        columns[name] = values
    columns[LABEL] = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int32)
    return columns
