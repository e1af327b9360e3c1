"""CatBoost's own library inside Spark tasks: one exact task, or N shards merged into one ordinary model.

With one shard, one task with all its cores trains the exact model. With N shards, N tasks train on disjoint rows with
the same feature borders and the same validation slice, and ``catboost.sum_models`` averages their logits.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from arrears.contracts.errors import BadConfiguration
from spark_jobs.engines.catboost.catboost_options import BORDER_ROWS, classifier_settings, option_problems, unmergeable
from spark_jobs.engines.catboost.memory import TaskSize
from spark_jobs.engines.catboost.parts import PART, PART_DDL, merged, model_file
from spark_jobs.engines.catboost.pools import (
    TrainingColumns,
    borders_of,
    example_of,
    level_names,
    number_names,
    quantised,
    shared_borders,
    weigh_for_stopping,
)
from spark_jobs.engines.catboost.resumption import fitted
from spark_jobs.engines.interface import VALIDATION_SHARD, Engine, FittedModel, TrainingSpec
from spark_jobs.engines.row_groups import FileSlice, ReadSlices, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Task:
    """One task's work, sent to an executor."""

    shard: int
    train: tuple[FileSlice, ...]
    validation: tuple[FileSlice, ...]
    sort_key: str
    digest: str
    spec: TrainingSpec
    read: ReadSlices
    borders: str | None


def fit(spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> FittedModel:
    """Trains the exact model in one task, or as many shards as the spec asks for, merged.

    Raises:
        BadConfiguration: a setting that CatBoost does not have or that shards cannot share, a shard without rows.
    """
    _check(snapshot, spec)
    borders = _shared_borders(spark, snapshot, spec, read) if spec.shards > 1 else None
    validation = snapshot.shard(VALIDATION_SHARD)
    tasks = [
        _Task(shard, snapshot.shard(shard), validation, snapshot.sort_key, snapshot.digest, spec, read, borders)
        for shard in range(spec.shards)
    ]
    log.info(
        "training %d shard(s) with %d threads each: counted %d rows (in the largest), %d for validation, %d inputs,"
        " about %d MB",
        *(spec.shards, spec.threads, (size := _size(tasks, spec)).rows, size.validation_rows),
        *(len(_input_names(spec)), size.needed_mb()),
    )
    _tell_what_resumes(tasks)
    parts = _in_tasks(spark, [partial(_train, task) for task in tasks], PART, PART_DDL)
    return merged(parts, spec)


def _tell_what_resumes(tasks: Sequence[_Task]) -> None:
    """Says it in the job's own log: what the tasks say stands in the executors'."""
    for task in tasks:
        if task.spec.progress is not None and task.spec.progress.load(_key(task)) is not None:
            log.info("shard %d: resuming from the progress of an earlier attempt", task.shard)


def _input_names(spec: TrainingSpec) -> tuple[str, ...]:
    return (*number_names(spec), *level_names(spec), *spec.text)


def _size(tasks: Sequence[_Task], spec: TrainingSpec) -> TaskSize:
    """The size of the largest task."""
    return TaskSize(
        rows=max(sum(piece.rows for piece in task.train) for task in tasks),
        validation_rows=sum(piece.rows for piece in tasks[0].validation),
        numeric=len(number_names(spec)),
        categorical=len(level_names(spec)),
        depth=spec.depth,
        text=len(spec.text),
        is_ordered=spec.options.get("boosting_type") == "Ordered",
    )


def _check(snapshot: Snapshot, spec: TrainingSpec) -> None:
    problems = option_problems(spec.options)
    if spec.shards > 1:
        problems += [
            f"{what} cannot be merged from {spec.shards} shards: ask for --shards 1"
            for what in unmergeable(spec.options, spec.text)
        ]
    empty = [shard for shard in range(spec.shards) if not snapshot.shard(shard)]
    if empty:
        problems.append(f"{len(empty)} of {spec.shards} shards hold no row: ask for fewer --shards")
    if problems:
        raise BadConfiguration(*problems)


def _in_tasks(
    spark: SparkSession, works: Sequence[Callable[[], dict[str, Any]]], schema: pa.Schema, ddl: str
) -> list[dict[str, Any]]:
    """Each work in a task of its own. What they returned, in their order."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column("id").to_pylist():
                yield pa.RecordBatch.from_pylist([{**works[number](), "shard": number}], schema=schema)

    rows = spark.range(0, len(works), 1, len(works)).mapInArrow(run, ddl).collect()
    return [row.asDict() for row in sorted(rows, key=lambda row: row["shard"])]


def _train(task: _Task) -> dict[str, Any]:
    started = time.monotonic()
    spec = task.spec
    columns = TrainingColumns(spec, task.sort_key, task.train, task.read)
    train = quantised(columns, spec, task.borders)
    validation = _validation_pool(task, train)
    read_seconds = time.monotonic() - started
    settings = classifier_settings(spec, names=_input_names(spec), has_validation=validation is not None)
    model = fitted(settings, train, validation, spec.progress, _key(task))
    return {
        "model": model_file(model),
        "rows": columns.rows,
        "dropped_rows": columns.dropped_rows,
        "trees": model.tree_count_,
        "learning_rate": float(model.learning_rate_),
        "seconds": time.monotonic() - started - read_seconds,
        "read_seconds": read_seconds,
        "best": json.dumps(model.get_best_score().get("validation", {})),
        "example": json.dumps(example_of(columns, spec)),
    }


def _validation_pool(task: _Task, train: Any) -> Any:
    """The validation slice, cut where the training rows are. None where there is none."""
    if not task.validation:
        return None
    spec = task.spec.of_every_row()
    columns = TrainingColumns(spec, task.sort_key, task.validation, task.read)
    # Pools that are quantised apart number their levels apart: CatBoost would compare levels that are not the same.
    if level_names(spec) or spec.text:
        pool = columns.pool()
    else:
        pool = quantised(columns, spec, borders_of(train) if task.borders is None else task.borders)
    weigh_for_stopping(pool, columns.labels, spec)
    return pool


def _key(task: _Task) -> str:
    """A name of the task's rows and of everything that makes its model."""
    from catboost import __version__

    settings = dataclasses.asdict(dataclasses.replace(task.spec, progress=None))
    text = json.dumps([task.digest, task.shard, __version__, settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _shared_borders(spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> str:
    """Feature borders from one sample, so that every shard cuts its features at the same values."""
    if not number_names(spec):
        return ""
    slices, sort_key = snapshot.sample(BORDER_ROWS), snapshot.sort_key

    def find() -> dict[str, Any]:
        return {"borders": shared_borders(spec, sort_key, slices, read)}

    schema = pa.schema([("shard", pa.int64()), ("borders", pa.string())])
    return str(_in_tasks(spark, [find], schema, "shard long, borders string")[0]["borders"])


ENGINE = Engine(
    "catboost",
    fit,
    takes_categories=True,
    takes_missing=True,
    merges_shards=True,
    takes_text=True,
    takes_monotone=True,
    option_problems=option_problems,
    kept_whole_by=unmergeable,
    stops_early=True,
    adds_up_shards=True,
)
