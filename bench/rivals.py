"""CatBoost through Spark beside its rivals on the same rows and cores: seconds and AUC in one table."""

from __future__ import annotations

import os
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from pyspark.sql import SparkSession
from sklearn.metrics import roc_auc_score

from arrears.scoring.batch import number_matrix
from arrears.scoring.scorers import load_scorer
from bench.results import Measurement
from bench.spark import local_session
from bench.training import CORES, HELD_OUT, NAMES, ROWS, TREES, _loans, _snapshot, _warm, _write
from spark_jobs.engines.contract import TrainingSpec
from spark_jobs.engines.registry import engine_named
from spark_jobs.io.snapshots import read_slices

GBT_TREES = int(os.environ.get("ARREARS_BENCH_GBT_TREES", "20"))  # MLlib's default: it grows trees far more slowly
SYNAPSE = "https://repo1.maven.org/maven2/com/microsoft/azure/synapseml_2.13/maven-metadata.xml"
GOAL = -0.005


def rivals() -> Measurement:
    """CatBoost's AUC less that of the best rival, each library with its own defaults; seconds beside."""
    exact = TrainingSpec("is_default", NAMES, (), TREES, 6, 50, seed=42, threads=1)
    plans = {
        "catboost": replace(exact, threads=CORES),
        "xgboost": replace(exact, shards=CORES),
        "gbt": replace(exact, iterations=GBT_TREES),
    }
    with tempfile.TemporaryDirectory(prefix="arrears-rivals-") as folder:
        _write(Path(folder))
        with local_session("bench-rivals", folder, memory="4g") as spark:
            _warm(spark, tasks=CORES)
            found = {name: _trained(spark, Path(folder), name, spec) for name, spec in plans.items()}
    detail = {"rows": f"{ROWS:,}", "features": str(len(NAMES)), "cores": str(CORES)}
    for name, (seconds, auc) in found.items():
        detail[f"{name}, {plans[name].iterations} trees"] = f"{seconds:.1f} s, AUC {auc:.4f}"
    detail["SynapseML LightGBM"] = _synapse()
    lead = found["catboost"][1] - max(auc for name, (_, auc) in found.items() if name != "catboost")
    return Measurement("rivals", lead, GOAL, "higher", "AUC", detail)


def _trained(spark: SparkSession, folder: Path, name: str, spec: TrainingSpec) -> tuple[float, float]:
    snapshot = _snapshot(folder, spec.shards)
    began = time.monotonic()
    fitted = engine_named(name).fit(spark, snapshot, spec, read_slices)
    seconds = time.monotonic() - began
    held_out = _loans(HELD_OUT, seed=10_000)
    inputs = number_matrix(pa.table({feature: held_out[feature] for feature in NAMES}), NAMES)
    estimates = load_scorer(fitted.model_format, fitted.model).estimates(inputs)
    return seconds, float(roc_auc_score(held_out["is_default"], estimates))


def _synapse() -> str:
    """Whether there is a package for Spark 4, which is built with Scala 2.13 alone."""
    try:
        with urllib.request.urlopen(SYNAPSE, timeout=20):
            return "has a package for Scala 2.13 now, which this table does not run yet"
    except urllib.error.HTTPError as error:
        return f"not run: Maven Central has no synapseml_2.13 (HTTP {error.code}), and Spark 4 has no Scala 2.12"
    except OSError as error:
        return f"not run: Maven Central was not reached ({type(error).__name__})"
