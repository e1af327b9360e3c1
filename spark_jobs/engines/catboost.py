"""CatBoost's own library inside Spark tasks: one exact task, or N shards merged into one ordinary model.

With one shard, one task with all its cores trains the exact model. With N shards, N tasks train on disjoint rows with
the same feature borders and the same validation slice, and ``catboost.sum_models`` averages their logits.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.batch import prepared_input
from arrears.scoring.columns import level_column
from spark_jobs.engines.contract import (
    VALIDATION_SHARD,
    Engine,
    FileSlice,
    FittedModel,
    ReadSlices,
    Snapshot,
    TrainingSpec,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

ONE_HOT_LEVELS = 255  # CatBoost's limit; category statistics (CTR) of shards cannot be merged without moving scores
BORDER_ROWS = 200_000  # CatBoost itself looks at so many rows when it chooses borders
PROGRESS_TREES = 100


@dataclass(frozen=True)
class _Task:
    """One task's work, sent to an executor."""

    shard: int
    train: tuple[FileSlice, ...]
    validation: tuple[FileSlice, ...]
    sort_key: str
    spec: TrainingSpec
    read: ReadSlices
    borders: str


def fit(spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> FittedModel:
    """Trains the exact model in one task, or as many shards as the spec asks for, merged.

    Raises:
        BadConfiguration: a shard has no rows.
    """
    validation = snapshot.shard(VALIDATION_SHARD)
    empty = [shard for shard in range(spec.shards) if not snapshot.shard(shard)]
    if empty:
        raise BadConfiguration(f"{len(empty)} of {spec.shards} shards hold no row: ask for fewer --shards")
    borders = _shared_borders(snapshot, spec, read) if spec.shards > 1 else ""
    tasks = [
        _Task(shard, snapshot.shard(shard), validation, snapshot.sort_key, spec, read, borders)
        for shard in range(spec.shards)
    ]
    log.info("training %d shard(s) of %d rows with %d threads each", spec.shards, snapshot.rows, spec.threads)
    parts = _run(spark, tasks)
    return _merged(parts, spec)


def _run(spark: SparkSession, tasks: Sequence[_Task]) -> list[dict[str, Any]]:
    def train(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for shard in batch.column("id").to_pylist():
                yield pa.RecordBatch.from_pylist([_train(tasks[shard])], schema=_PART)

    rows = spark.range(0, len(tasks), 1, len(tasks)).mapInArrow(train, _PART_DDL).collect()
    return [row.asDict() for row in sorted(rows, key=lambda row: row["shard"])]


_PART = pa.schema(
    [
        ("shard", pa.int64()),
        ("model", pa.binary()),
        ("rows", pa.int64()),
        ("dropped_rows", pa.int64()),
        ("trees", pa.int64()),
        ("seconds", pa.float64()),
        ("read_seconds", pa.float64()),
        ("best_validation_logloss", pa.float64()),
        ("example_names", pa.list_(pa.string())),
        ("example_values", pa.list_(pa.string())),
    ]
)
_PART_DDL = (
    "shard long, model binary, rows long, dropped_rows long, trees long, seconds double, read_seconds double,"
    " best_validation_logloss double, example_names array<string>, example_values array<string>"
)


def _train(task: _Task) -> dict[str, Any]:
    from catboost import CatBoostClassifier

    started = time.monotonic()
    train, example, dropped = _training_pool(task)
    validation = _quantised(_read(task, task.validation), task) if task.validation else None
    read_seconds = time.monotonic() - started
    spec = task.spec
    model = CatBoostClassifier(
        iterations=spec.iterations,
        learning_rate=spec.learning_rate,
        depth=spec.depth,
        random_seed=spec.seed,
        thread_count=spec.threads,
        early_stopping_rounds=spec.early_stopping_rounds if validation is not None else None,
        allow_writing_files=False,
        one_hot_max_size=ONE_HOT_LEVELS if spec.shards > 1 else None,
        verbose=PROGRESS_TREES,
    )
    model.fit(train, eval_set=validation, use_best_model=validation is not None)
    best = model.get_best_score().get("validation", {}).get("Logloss", float("nan"))
    return {
        "shard": task.shard,
        "model": _to_bytes(model),
        "rows": train.num_row(),
        "dropped_rows": dropped,
        "trees": model.tree_count_,
        "seconds": time.monotonic() - started - read_seconds,
        "read_seconds": read_seconds,
        "best_validation_logloss": best,
        "example_names": list(example),
        "example_values": [None if value is None else str(value) for value in example.values()],
    }


def _training_pool(task: _Task) -> tuple[Any, dict[str, float | str | None], int]:
    """The shard's rows as a pool, a made-up borrower like them, and how many outliers were left out."""
    rows = _read(task, task.train)
    kept = task.spec.preparation.kept(rows)
    return _quantised(kept, task), _made_up_borrower(kept, task.spec), rows.num_rows - kept.num_rows


def _read(task: _Task, slices: Sequence[FileSlice]) -> pa.Table:
    """The slices' rows as they came, in the order of the sort key."""
    rows = task.read(slices, _columns(task.spec, task.sort_key))
    return rows.take(pc.sort_indices(rows, sort_keys=[(task.sort_key, "ascending")]))


def _quantised(rows: pa.Table, task: _Task) -> Any:
    pool = _catboost_pool(rows, task.spec)
    if task.borders:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "borders.tsv")
            path.write_text(task.borders)
            pool.quantize(input_borders=str(path))
    return pool


def _catboost_pool(rows: pa.Table, spec: TrainingSpec) -> Any:
    from catboost import Pool

    label = rows.column(spec.label).to_numpy()
    data = prepared_input(rows, spec.preparation, spec.numeric, spec.categorical, spec.encoded)
    # FeaturesData brings its own names.
    names = {"feature_names": _number_names(spec)} if isinstance(data, np.ndarray) else {}
    return Pool(data, label=label, **names)


def _shared_borders(snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> str:
    """Feature borders from one sample, so that every shard cuts its features at the same values."""
    slices, rows = [], 0
    for piece in snapshot.slices:
        if piece.shard != VALIDATION_SHARD and rows < BORDER_ROWS:
            slices.append(piece)
            rows += piece.rows
    if not _number_names(spec):
        return ""
    pool = _catboost_pool(spec.preparation.kept(read(slices, _columns(spec, snapshot.sort_key))), spec)
    pool.quantize()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "borders.tsv")
        pool.save_quantization_borders(str(path))
        return path.read_text()


def _merged(parts: Sequence[dict[str, Any]], spec: TrainingSpec) -> FittedModel:
    from catboost import CatBoostClassifier, __version__, sum_models

    models = [_from_bytes(CatBoostClassifier(), part["model"]) for part in parts]
    merged = models[0] if len(models) == 1 else sum_models(models, weights=[1.0 / len(models)] * len(models))
    model = parts[0]["model"] if len(models) == 1 else _to_bytes(merged)
    facts: dict[str, float | int | str] = {
        "trees": sum(part["trees"] for part in parts),
        "shards": len(parts),
        "train_rows": sum(part["rows"] for part in parts),
        "train_seconds": max(part["seconds"] for part in parts),
        "read_seconds": max(part["read_seconds"] for part in parts),
        "best_validation_logloss": float(np.mean([part["best_validation_logloss"] for part in parts])),
    }
    if any(step.treatment == "drop" for step in spec.preparation.outliers):
        facts["dropped_outlier_rows"] = sum(part["dropped_rows"] for part in parts)
    texts = dict(zip(parts[0]["example_names"], parts[0]["example_values"], strict=True))
    words = {*spec.categorical, *(rates.column for rates in spec.encoded)}
    example = {name: value if name in words or value is None else float(value) for name, value in texts.items()}
    return FittedModel(model, f"catboost {__version__}", facts, example)


def _made_up_borrower(rows: pa.Table, spec: TrainingSpec) -> dict[str, float | str | None]:
    medians = {name: _median(rows.column(name)) for name in spec.numeric}
    words = [*(rates.column for rates in spec.encoded), *spec.categorical]
    return {**medians, **{name: _commonest(rows.column(name)) for name in words}}


def _median(column: pa.ChunkedArray) -> float | None:
    value = pc.approximate_median(column.cast(pa.float64(), safe=False)).as_py()
    return None if value is None or value != value else float(value)


def _commonest(column: pa.ChunkedArray) -> str:
    counts = level_column(column).value_counts()
    return str(max(counts.to_pylist(), key=lambda level: (level["counts"], level["values"]))["values"])


def _number_names(spec: TrainingSpec) -> list[str]:
    """The model's numeric inputs, after preparation."""
    numeric, _ = spec.preparation.outputs(spec.numeric, spec.categorical)
    return [*numeric, *(rates.column for rates in spec.encoded)]


def _columns(spec: TrainingSpec, sort_key: str) -> list[str]:
    return [*spec.numeric, *(rates.column for rates in spec.encoded), *spec.categorical, spec.label, sort_key]


def _to_bytes(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        model.save_model(str(path), format="cbm")
        return path.read_bytes()


def _from_bytes(model: Any, content: bytes) -> Any:
    return model.load_model(blob=content)


ENGINE = Engine("catboost", fit, takes_categories=True, takes_missing=True, merges_shards=True)
