"""What each task hands back, and how the parts become one ordinary CatBoost model."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from spark_jobs.engines.interface import FittedModel, TrainingSpec

PART = pa.schema(
    [
        ("shard", pa.int64()),
        ("model", pa.binary()),
        ("rows", pa.int64()),
        ("dropped_rows", pa.int64()),
        ("trees", pa.int64()),
        ("learning_rate", pa.float64()),
        ("seconds", pa.float64()),
        ("read_seconds", pa.float64()),
        ("best", pa.string()),
        ("example", pa.string()),
    ]
)
PART_DDL = (
    "shard long, model binary, rows long, dropped_rows long, trees long, learning_rate double, seconds double,"
    " read_seconds double, best string, example string"
)


def merged(parts: Sequence[dict[str, Any]], spec: TrainingSpec) -> FittedModel:
    """One model of all parts: the only one as it is, or a classifier with the mean of their log-odds."""
    from catboost import CatBoostClassifier, __version__, sum_models

    models = [_from_bytes(CatBoostClassifier(), part["model"]) for part in parts]
    whole = models[0] if len(models) == 1 else sum_models(models, weights=[1.0 / len(models)] * len(models))
    model = bytes(parts[0]["model"]) if len(models) == 1 else model_file(whole)
    facts: dict[str, float | int | str] = {
        "trees": sum(part["trees"] for part in parts),
        "learning_rate": float(np.mean([part["learning_rate"] for part in parts])),
        "shards": len(parts),
        "train_rows": sum(part["rows"] for part in parts),
        "train_seconds": max(part["seconds"] for part in parts),
        "read_seconds": max(part["read_seconds"] for part in parts),
        **_best_scores([json.loads(part["best"]) for part in parts]),
    }
    if any(step.treatment == "drop" for step in spec.preparation.outliers):
        facts["dropped_outlier_rows"] = sum(part["dropped_rows"] for part in parts)
    return FittedModel(model, f"catboost {__version__}", facts, json.loads(parts[0]["example"]))


def _best_scores(of_parts: Sequence[dict[str, float]]) -> dict[str, float]:
    """The best value of each metric on the validation slice, the mean of the shards."""
    names = of_parts[0]
    return {
        f"best_validation_{name.split(':')[0].lower()}": float(
            np.mean([best.get(name, float("nan")) for best in of_parts])
        )
        for name in names
    }


def model_file(model: Any) -> bytes:
    """The model as CatBoost's own file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        model.save_model(str(path), format="cbm")
        return path.read_bytes()


def _from_bytes(model: Any, content: bytes) -> Any:
    return model.load_model(blob=bytes(content))
