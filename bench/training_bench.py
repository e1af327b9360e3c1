"""CatBoost through Spark beside CatBoost alone: time, peak memory, time to a pool, and what two shards win."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
from pyspark.sql import SparkSession

from arrears.contracts.tables.column_names import LABEL
from bench.bench_loans import CORES, FEATURES, NAMES, ROWS, TREES, held_out_auc, snapshot_of, warm, write_loans
from bench.bench_session import local_session
from bench.results import Measurement
from local.stack_settings import REPOSITORY
from spark_jobs.engines.catboost import engine as engine
from spark_jobs.engines.interface import FittedModel, TrainingSpec
from spark_jobs.io.snapshots import read_slices


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
    """How much faster two shards in two tasks are than one in one, one core each."""
    one, two = _one_and_two_shards()
    detail = {**_size(), "one shard": f"{one.seconds:.1f} s", "two shards": f"{two.seconds:.1f} s"}
    return Measurement("train-sharded", one.seconds / two.seconds, 1.7, "higher", "x", detail)


def train_sharded_auc() -> Measurement:
    """AUC of two shards less that of one: what the merging of models costs."""
    one, two = _one_and_two_shards()
    detail = {**_size(), "one shard": f"{one.auc:.4f}", "two shards": f"{two.auc:.4f}"}
    return Measurement("train-sharded-auc", two.auc - one.auc, -0.001, "higher", "AUC", detail)


@cache
def _one_and_two_shards() -> tuple[Trained, Trained]:
    with tempfile.TemporaryDirectory(prefix="arrears-sharded-") as folder:
        write_loans(Path(folder))
        with local_session("bench-sharded", folder) as spark:
            warm(spark, tasks=CORES)
            one, two = (
                _trained(spark, Path(folder), shards=shards, threads=1, parent=os.getpid()) for shards in (1, 2)
            )
    return one, two


@cache
def _side_by_side() -> tuple[Trained, Trained, float]:
    """Ours and CatBoost alone on the same files, and the seconds that the session took to start."""
    with tempfile.TemporaryDirectory(prefix="arrears-exact-") as name:
        folder = Path(name)
        write_loans(folder)
        native = _native(folder)
        began = time.monotonic()
        with local_session("bench-exact", name) as spark:
            warm(spark, tasks=1)
            session_seconds = time.monotonic() - began
            ours = _trained(spark, folder, shards=1, threads=CORES, parent=os.getpid())
    return ours, native, session_seconds


def _trained(spark: SparkSession, folder: Path, *, shards: int, threads: int, parent: int) -> Trained:
    snapshot = snapshot_of(folder, shards)
    spec = TrainingSpec(
        label=LABEL,
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
    return Trained(seconds, float(fitted.facts["read_seconds"]), _worker_peak_mb(parent), held_out_auc(fitted))


def _native(folder: Path) -> Trained:
    model = folder / "native.cbm"
    command = [sys.executable, "-m", "bench.native_catboost", str(folder), str(TREES), str(CORES), str(model)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY)
    measured = json.loads(run.stdout.splitlines()[-1])
    return Trained(**measured, auc=held_out_auc(FittedModel(model.read_bytes(), "catboost alone", {})))


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
