"""CatBoost through Spark beside its rivals on the same rows and cores: seconds and AUC in one table."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession

from arrears.contracts.tables.column_names import LABEL
from bench.bench_loans import CORES, NAMES, ROWS, TREES, held_out_auc, snapshot_of, warm, write_loans
from bench.bench_session import local_session
from bench.results import Measurement
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.io.snapshots import read_slices

GBT_TREES = int(os.environ.get("ARREARS_BENCH_GBT_TREES", "20"))  # MLlib's default: it grows trees far more slowly
GOAL = -0.005


def rivals() -> Measurement:
    """CatBoost's AUC less that of the best rival, each library with its own defaults. Seconds are shown too."""
    exact = TrainingSpec(LABEL, NAMES, (), TREES, 6, 50, seed=42, threads=1)
    plans = {
        "catboost": replace(exact, threads=CORES),
        "xgboost": replace(exact, shards=CORES),
        "gbt": replace(exact, iterations=GBT_TREES),
    }
    with tempfile.TemporaryDirectory(prefix="arrears-rivals-") as folder:
        write_loans(Path(folder))
        with local_session("bench-rivals", folder, memory="4g") as spark:
            warm(spark, tasks=CORES)
            results = {name: _trained(spark, Path(folder), name, spec) for name, spec in plans.items()}
    detail = {"rows": f"{ROWS:,}", "features": str(len(NAMES)), "cores": str(CORES)}
    for name, (seconds, auc) in results.items():
        detail[f"{name}, {plans[name].iterations} trees"] = f"{seconds:.1f} s, AUC {auc:.4f}"
    detail["SynapseML LightGBM"] = "not run: it has no package for Scala 2.13, and Spark 4 no Scala 2.12"
    lead = results["catboost"][1] - max(auc for name, (_, auc) in results.items() if name != "catboost")
    return Measurement("rivals", lead, GOAL, "higher", "AUC", detail)


def _trained(spark: SparkSession, folder: Path, name: str, spec: TrainingSpec) -> tuple[float, float]:
    snapshot = snapshot_of(folder, spec.shards)
    began = time.monotonic()
    fitted = engine_named(name).fit(spark, snapshot, spec, read_slices)
    seconds = time.monotonic() - began
    return seconds, held_out_auc(fitted)
