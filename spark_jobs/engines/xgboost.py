"""XGBoost on Spark (``xgboost.spark``): all tasks grow the same trees together. The model is XGBoost's own file.

As many tasks as ``shards`` work at once, each with ``spark.task.cpus`` threads. The same rows, seed, tasks and threads
give the same model on one task. With several, the last digits of their common sums may differ.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from arrears.contracts.errors import BadConfiguration
from spark_jobs.engines.examples import example_borrower
from spark_jobs.engines.interface import VALIDATION_SHARD, Engine, FittedModel, TrainingSpec
from spark_jobs.engines.mllib.classifiers import log_progress
from spark_jobs.engines.model_rows import (
    INPUTS,
    IS_VALIDATION,
    LABEL,
    WEIGHT,
    Facts,
    directions,
    row_facts,
    to_model_rows,
)
from spark_jobs.engines.row_groups import ReadSlices, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

MODEL_FORMAT, FILE_NAME = "xgboost", "model.ubj"
PROGRESS_TREES = 100
OPTIONS = frozenset(
    {"colsample_bylevel", "colsample_bynode", "colsample_bytree", "device", "eval_metric", "gamma", "grow_policy"}
    | {"interaction_constraints", "max_bin", "max_delta_step", "max_leaves", "min_child_weight", "reg_alpha"}
    | {"reg_lambda", "sampling_method", "subsample", "tree_method", "verbosity"}
)
"""Options by XGBoost's own names; the others are set by other settings, or have no meaning here."""


def fit(spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> FittedModel:
    """Trains boosted trees on all training rows at once.

    Raises:
        BadConfiguration: the cluster or the options do not fit. Names all that is wrong.
    """
    problems = [*cluster_problems(spark, spec.shards), *option_problems(spec.options)]
    if problems:
        raise BadConfiguration(*problems)
    has_validation = bool(snapshot.shard(VALIDATION_SHARD))
    estimator = _estimator(spec, has_validation=has_validation)
    log.info("training XGBoost in %d task(s) with options %s", spec.shards, dict(spec.options) or "of its own")
    started = time.monotonic()
    rows = to_model_rows(spark, snapshot, spec, read, parts=spec.shards, finite=True).persist()
    try:
        train_rows = rows.where(f"NOT {IS_VALIDATION}").count()
        read_seconds = time.monotonic() - started
        with log_progress("xgboost"):
            fitted = estimator.fit(rows if has_validation else rows.drop(IS_VALIDATION))
    finally:
        rows.unpersist()
    facts: Facts = {
        "shards": spec.shards,
        **row_facts(snapshot, spec, train_rows),
        "train_seconds": time.monotonic() - started - read_seconds,
        "read_seconds": read_seconds,
    }
    return _finished(fitted, facts, example_borrower(spark, snapshot, spec, read), has_validation=has_validation)


def _estimator(spec: TrainingSpec, *, has_validation: bool) -> Any:
    from xgboost.spark import SparkXGBClassifier

    ways = directions(spec)
    settings: dict[str, Any] = {**spec.options, "max_depth": spec.depth, "random_state": spec.seed}
    if spec.learning_rate is not None:
        settings["learning_rate"] = spec.learning_rate
    if any(ways):
        settings["monotone_constraints"] = str(ways)
    if has_validation:
        settings |= {"validation_indicator_col": IS_VALIDATION, "early_stopping_rounds": spec.early_stopping_rounds}
    settings |= {"features_col": INPUTS, "label_col": LABEL, "weight_col": WEIGHT, "num_workers": spec.shards}
    return SparkXGBClassifier(n_estimators=spec.iterations, verbose=PROGRESS_TREES, **settings)


def _finished(
    fitted: Any, facts: Facts, example: dict[str, float | str | None], *, has_validation: bool
) -> FittedModel:
    from xgboost import __version__

    booster = fitted.get_booster()
    if has_validation:
        metric = list(fitted.training_summary.validation_objective_history)[-1]  # which ends the training
        facts[f"best_validation_{metric}"] = float(booster.best_score)
        booster = booster[: booster.best_iteration + 1]
    facts["trees"] = booster.num_boosted_rounds()
    facts["learning_rate"] = _learning_rate(booster)
    log.info("xgboost is trained: %s", ", ".join(f"{fact} {value}" for fact, value in facts.items()))
    model = bytes(booster.save_raw("ubj"))
    return FittedModel(model, f"xgboost {__version__}", facts, example, MODEL_FORMAT, FILE_NAME)


def _learning_rate(booster: Any) -> float:
    trained = json.loads(booster.save_config())["learner"]["gradient_booster"]["tree_train_param"]
    return round(float(trained["learning_rate"]), 7)  # of a float32


def cluster_problems(spark: SparkSession, tasks: int) -> list[str]:
    """What keeps so many tasks from growing trees together: they must all run at once."""
    problems = []
    settings = spark.sparkContext.getConf()
    if str(settings.get("spark.dynamicAllocation.enabled", "false")).lower() == "true":
        problems.append("xgboost needs a fixed number of executors: set spark.dynamicAllocation.enabled=false")
    cluster: Any = spark.sparkContext._jsc.sc()
    slots = int(cluster.maxNumConcurrentTasks(cluster.resourceProfileManager().resourceProfileFromId(0)))
    if tasks > slots:
        problems.append(f"xgboost needs {tasks} tasks at once, the cluster runs {slots}: ask for fewer --shards")
    return problems


def option_problems(options: Mapping[str, Any]) -> Sequence[str]:
    """Every option that is not open to choice, and every value that XGBoost refuses."""
    unknown = sorted(set(options) - OPTIONS)
    problems = [
        f"engine_options: xgboost takes no {name} here (it takes {', '.join(sorted(OPTIONS))})" for name in unknown
    ]
    tried = {name: value for name, value in options.items() if name in OPTIONS and name != "device"}
    if (joint := _refusal(tried)) is None:
        return problems
    alone = {name: _refusal({name: value}) for name, value in tried.items()}
    single_problems = [
        f"engine_options: xgboost refuses {name}={tried[name]}: {message}" for name, message in alone.items() if message
    ]
    return problems + (single_problems or [f"engine_options: xgboost refuses them: {joint}"])


def _refusal(options: Mapping[str, Any]) -> str | None:
    """XGBoost's objection to some options, from training one tree on two rows. None: it has none."""
    import numpy as np
    from xgboost import DMatrix, train
    from xgboost.core import XGBoostError

    rows = DMatrix(np.array([[0.0], [1.0]]), np.array([0, 1]))
    settings = {"objective": "binary:logistic", "nthread": 1, **options}
    try:
        train(settings, rows, 1, [(rows, "rows")], verbose_eval=False)
    except (XGBoostError, TypeError, ValueError) as error:
        return str(error).strip().splitlines()[0]
    return None


ENGINE = Engine(
    "xgboost",
    fit,
    takes_missing=True,
    merges_shards=True,
    takes_monotone=True,
    option_problems=option_problems,
    stops_early=True,
)
