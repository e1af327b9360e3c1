"""CatBoost through Spark beside CatBoost alone: time, peak memory, time to a pool, and what two shards win."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from arrears.scoring.batch import number_matrix
from arrears.scoring.scorers import load_scorer
from bench.results import Measurement
from bench.spark import local_session
from local.settings import REPOSITORY
from spark_jobs.engines import catboost as engine
from spark_jobs.engines.contract import FileSlice, FittedModel, Snapshot, TrainingSpec
from spark_jobs.io.snapshots import read_slices

ROWS = int(os.environ.get("ARREARS_BENCH_ROWS", "1000000"))
FEATURES = int(os.environ.get("ARREARS_BENCH_FEATURES", "100"))
TREES = int(os.environ.get("ARREARS_BENCH_TREES", "300"))
FILES = 8
HELD_OUT = 50_000
CORES = 2
NAMES = tuple(f"f{number}" for number in range(FEATURES))


@dataclass(frozen=True)
class Trained:
    """One training: how long it took, of that until CatBoost had its pool, its peak memory and its AUC."""

    seconds: float
    read_seconds: float
    peak_mb: float
    auc: float


def train_exact() -> Measurement:
    """Seconds of the exact training through Spark over those of CatBoost alone, same Parquet, same threads."""
    ours, native, session_seconds = _side_by_side()
    detail = {
        **_size(),
        "through Spark": f"{ours.seconds:.1f} s",
        "alone": f"{native.seconds:.1f} s",
        "start of the session beside": f"{session_seconds:.1f} s",
        "AUC": f"{ours.auc:.4f} and {native.auc:.4f}",
    }
    return Measurement("train-exact", ours.seconds / native.seconds, 1.10, "lower", "x", detail)


def train_exact_memory() -> Measurement:
    """Peak memory of the process that trains, over that of CatBoost alone."""
    ours, native, _ = _side_by_side()
    detail = {**_size(), "the task": f"{ours.peak_mb:,.0f} MB", "alone": f"{native.peak_mb:,.0f} MB"}
    return Measurement("train-exact-memory", ours.peak_mb / native.peak_mb, 0.8, "lower", "x", detail)


def pool_load() -> Measurement:
    """Seconds until CatBoost can train, brought to a million rows of 100 features: read, sorted and quantised."""
    ours, native, _ = _side_by_side()
    share = 1_000_000 * 100 / (ROWS * FEATURES)
    detail = {**_size(), "measured": f"{ours.read_seconds:.2f} s", "pandas alone": f"{native.read_seconds:.2f} s"}
    return Measurement("pool-load", ours.read_seconds * share, 6.0, "lower", "s", detail)


def train_sharded() -> Measurement:
    """How much faster two shards in two tasks are than one in one, one core each; AUC beside."""
    with tempfile.TemporaryDirectory(prefix="arrears-sharded-") as folder:
        _write(Path(folder))
        with local_session("bench-sharded", folder) as spark:
            _warm(spark, tasks=CORES)
            one, two = (
                _trained(spark, Path(folder), shards=shards, threads=1, parent=os.getpid()) for shards in (1, 2)
            )
    detail = {
        **_size(),
        "one shard": f"{one.seconds:.1f} s, AUC {one.auc:.4f}",
        "two shards": f"{two.seconds:.1f} s, AUC {two.auc:.4f}",
        "AUC moved by": f"{abs(two.auc - one.auc):.4f} of 0.001 allowed",
    }
    return Measurement("train-sharded", one.seconds / two.seconds, 1.7, "higher", "x", detail)


@cache
def _side_by_side() -> tuple[Trained, Trained, float]:
    """Ours and CatBoost alone on the same files, and the seconds that the session took to start."""
    with tempfile.TemporaryDirectory(prefix="arrears-exact-") as name:
        folder = Path(name)
        _write(folder)
        native = _native(folder)
        began = time.monotonic()
        with local_session("bench-exact", name) as spark:
            _warm(spark, tasks=1)
            session_seconds = time.monotonic() - began
            ours = _trained(spark, folder, shards=1, threads=CORES, parent=os.getpid())
    return ours, native, session_seconds


def _trained(spark: SparkSession, folder: Path, *, shards: int, threads: int, parent: int) -> Trained:
    snapshot = _snapshot(folder, shards)
    spec = TrainingSpec(
        label="is_default",
        numeric=NAMES,
        categorical=(),
        iterations=TREES,
        depth=6,
        early_stopping_rounds=50,
        seed=42,
        threads=threads,
        shards=shards,
    )
    began = time.monotonic()
    fitted = engine.fit(spark, snapshot, spec, read_slices)
    seconds = time.monotonic() - began
    return Trained(seconds, float(fitted.facts["read_seconds"]), _worker_peak_mb(parent), _auc(fitted))


def _native(folder: Path) -> Trained:
    model = folder / "native.cbm"
    command = [sys.executable, "-m", "bench.native_catboost", str(folder), str(TREES), str(CORES), str(model)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY)
    told = json.loads(run.stdout.splitlines()[-1])
    return Trained(**told, auc=_auc(FittedModel(model.read_bytes(), "catboost alone", {})))


def _snapshot(folder: Path, shards: int) -> Snapshot:
    slices = []
    for number, path in enumerate(sorted(folder.glob("*.parquet"))):
        footer = pq.ParquetFile(path).metadata
        slices += [
            FileSlice(path.as_uri(), group, footer.row_group(group).num_rows, number % shards)
            for group in range(footer.num_row_groups)
        ]
    return Snapshot(tuple(slices), ROWS, "bench", "row_order")


def _write(folder: Path) -> None:
    """The training rows, in files like those that Spark writes."""
    for number, rows in enumerate(np.array_split(np.arange(ROWS), FILES)):
        columns = _loans(len(rows), seed=number)
        columns |= {"row_order": np.random.default_rng(1000 + number).integers(-(2**63), 2**63 - 1, len(rows))}
        pq.write_table(pa.table(columns), folder / f"{number}.parquet")


def _loans(rows: int, seed: int) -> dict[str, npt.NDArray[np.generic]]:
    """Numbers of which some are missing; a tenth of them tell of default, together and in pairs."""
    random = np.random.default_rng(seed)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    logit = np.full(rows, -2.5)
    for number, name in enumerate(NAMES):
        values = random.normal(size=rows)
        if number < max(2, FEATURES // 10):
            logit += 0.5 * values if number % 2 else 0.4 * np.abs(values)
        values[random.random(rows) < 0.05] = np.nan
        columns[name] = values
    columns["is_default"] = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int32)
    return columns


def _auc(fitted: FittedModel) -> float:
    from sklearn.metrics import roc_auc_score

    held_out = _loans(HELD_OUT, seed=10_000)
    inputs = number_matrix(pa.table({name: held_out[name] for name in NAMES}), NAMES)
    return float(roc_auc_score(held_out["is_default"], load_scorer("catboost", fitted.model).estimates(inputs)))


def _warm(spark: SparkSession, *, tasks: int) -> None:
    """Python workers are there, with what they import, before the clock starts: they are the session's start."""

    def imported(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import catboost  # noqa: F401

        yield from batches

    spark.range(0, tasks, 1, tasks).mapInArrow(imported, "id long").collect()


def _worker_peak_mb(parent: int) -> float:
    """The highest resident memory of any of Spark's Python workers, as Linux kept it."""
    peaks = [0.0]
    for process in psutil.Process(parent).children(recursive=True):
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            if "pyspark.daemon" in " ".join(process.cmdline()):
                line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                peaks.append(float(line.split()[1]) / 1024)
        except (psutil.Error, OSError, StopIteration):  # it has ended meanwhile
            continue
    return max(peaks)


def _size() -> dict[str, str]:
    return {"rows": f"{ROWS:,}", "features": str(FEATURES), "trees": str(TREES)}
