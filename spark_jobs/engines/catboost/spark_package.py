"""CatBoost's own Spark package (``catboost_spark``): exact training on many machines. The model is CatBoost's own file.

Its Maven group is not in every mirror. Where neither module nor classes are there, the training ends at once and names
the coordinate. Its pool passes through the driver (catboost issue 2846), and it has neither constraints nor free text.
It wants one task an executor: ``spark.task.cpus`` must equal ``spark.executor.cores``.
"""

from __future__ import annotations

import logging
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.packages import catboost_spark
from spark_jobs.engines.examples import example_borrower
from spark_jobs.engines.interface import VALIDATION_SHARD, Engine, FittedModel, TrainingSpec
from spark_jobs.engines.model_rows import INPUTS, IS_VALIDATION, LABEL, WEIGHT, input_names, to_model_rows
from spark_jobs.engines.row_groups import ReadSlices, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger(__name__)

FEATURES = "features"
_OURS = frozenset(
    {"iterations", "learningRate", "depth", "randomSeed", "threadCount", "earlyStoppingRounds", "useBestModel"}
    | {"classWeightsList", "classWeightsMap", "lossFunction", "trainDir", "allowWritingFiles", "saveSnapshot"}
    | {"snapshotFile", "snapshotInterval", "featuresCol", "labelCol", "weightCol", "loggingLevel"}
)


def fit(spark: SparkSession, snapshot: Snapshot, spec: TrainingSpec, read: ReadSlices) -> FittedModel:
    """Trains one model on all training rows, spread over the executors.

    Raises:
        BadConfiguration: the package is not there, the cluster does not fit it, or it has no such setting.
    """
    package = package_of(spark)
    problems = [*cluster_problems(spark), *_unknown(package, spec.options)]
    if problems:
        raise BadConfiguration(*problems)
    started = time.monotonic()
    rows = _with_features(to_model_rows(spark, snapshot, spec, read, parts=_executors(spark)), input_names(spec))
    train = _pool(package, rows.where(f"NOT {IS_VALIDATION}"))
    has_validation = bool(snapshot.shard(VALIDATION_SHARD))
    held_back = [_pool(package, rows.where(IS_VALIDATION))] if has_validation else None
    train_rows = train.count()
    read_seconds = time.monotonic() - started
    log.info("training catboost_spark on %d rows of %d inputs", train_rows, len(input_names(spec)))
    model = _classifier(package, spec, has_validation=has_validation).fit(train, evalDatasets=held_back)
    content = _native(model)
    facts: dict[str, float | int | str] = {
        "trees": _trees(content),
        "train_rows": train_rows,
        "train_seconds": time.monotonic() - started - read_seconds,
        "read_seconds": read_seconds,
    }
    name = catboost_spark(*_versions(spark))
    return FittedModel(content, name, facts, example_borrower(spark, snapshot, spec, read))


def package_of(spark: SparkSession) -> Any:
    """The package's Python module, which travels inside its jar.

    Raises:
        BadConfiguration: it is not there. Names the coordinate and what to do.
    """
    try:
        package = import_module("catboost_spark")
        package.CatBoostClassifier()  # a call of its Java class: the jar is on the class path
    except (ImportError, TypeError):
        coordinate = catboost_spark(*_versions(spark))
        raise BadConfiguration(
            f"engine catboost-spark needs the package {coordinate}, which is not there: add it to --packages with a"
            " repository that has the group ai.catboost, or choose engine catboost, which needs no package"
        ) from None
    return package


def cluster_problems(spark: SparkSession) -> list[str]:
    """What keeps the package from training here: it has one training task an executor."""
    settings = spark.sparkContext.getConf()
    task, executor = (settings.get(f"spark.{name}", "1") for name in ("task.cpus", "executor.cores"))
    if task == executor:
        return []
    return [f"catboost-spark needs spark.task.cpus equal to spark.executor.cores: they are {task} and {executor}"]


def _unknown(package: Any, options: Mapping[str, Any]) -> list[str]:
    """Every option that the classifier has no setter for, or that is chosen elsewhere."""
    classifier = package.CatBoostClassifier
    problems = []
    for name in options:
        if _camel(name) in _OURS:
            problems.append(f"engine_options: {name} is not open to choice")
        elif not hasattr(classifier, _setter(name)):
            problems.append(f"engine_options: catboost_spark has no {name}")
    return problems


def _classifier(package: Any, spec: TrainingSpec, *, has_validation: bool) -> Any:
    """The settings that were chosen. What is None is left to CatBoost."""
    settings: dict[str, Any] = {
        "iterations": spec.iterations,
        "depth": spec.depth,
        "randomSeed": spec.seed,
        "threadCount": spec.threads,
        "learningRate": spec.learning_rate,
        "earlyStoppingRounds": spec.early_stopping_rounds if has_validation else None,
        "useBestModel": True if has_validation else None,
        **spec.options,
    }
    classifier = package.CatBoostClassifier()
    for name, value in settings.items():
        if value is not None:
            getattr(classifier, _setter(name))(value)
    return classifier


def _with_features(rows: DataFrame, names: Sequence[str]) -> DataFrame:
    """Adds the vector that the package reads, with the names of the inputs as Spark ML keeps them."""
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as F

    numbers = [{"idx": place, "name": name} for place, name in enumerate(names)]
    attributes = {"ml_attr": {"attrs": {"numeric": numbers}, "num_attrs": len(names)}}
    vector = array_to_vector(F.col(INPUTS).cast("array<double>"))
    return rows.select(vector.alias(FEATURES, metadata=attributes), LABEL, F.col(WEIGHT).cast("float"), IS_VALIDATION)


def _pool(package: Any, rows: DataFrame) -> Any:
    pool = package.Pool(rows.drop(IS_VALIDATION))
    return pool.setFeaturesCol(FEATURES).setLabelCol(LABEL).setWeightCol(WEIGHT)


def _native(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        model.saveNativeModel(str(path))
        return path.read_bytes()


def _trees(content: bytes) -> int:
    from catboost import CatBoostClassifier

    return int(CatBoostClassifier().load_model(blob=content).tree_count_)


def _versions(spark: SparkSession) -> tuple[str, str]:
    """The running Spark's version, and its Scala's as in artifact names."""
    scala = str(spark.sparkContext._jvm.scala.util.Properties.versionNumberString())  # type: ignore[union-attr]
    return spark.version, ".".join(scala.split(".")[:2])


def _executors(spark: SparkSession) -> int:
    settings = spark.sparkContext.getConf()
    return max(1, spark.sparkContext.defaultParallelism // int(settings.get("spark.executor.cores", "1") or 1))


def _setter(name: str) -> str:
    camel = _camel(name)
    return f"set{camel[:1].upper()}{camel[1:]}"


def _camel(name: str) -> str:
    """``l2_leaf_reg`` as the package writes it: ``l2LeafReg``."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


ENGINE = Engine("catboost-spark", fit, takes_missing=True)
