"""Spark MLlib's regressions of a loss: linear, generalised linear, random forest and gradient-boosted trees.

What MLlib fitted is taken out of the JVM as plain tables, so that numpy alone scores. With the same rows and seed a
model is the same however the source was partitioned, up to the last digits of sums (Spark adds parts as they finish).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pyspark
from pyspark.errors import IllegalArgumentException
from pyspark.ml.regression import (
    GBTRegressor,
    GeneralizedLinearRegression,
    LinearRegression,
    RandomForestRegressor,
)
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.scorers.forest import Forest
from arrears.scoring.scorers.linear_loss import LinearLoss
from arrears.scoring.scorers.plain_tables import written
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.mllib.classifiers import FILE_NAME, MODEL_FORMAT, log_progress
from spark_jobs.engines.mllib.trees import forest_of
from spark_jobs.engines.model_rows import Moments
from spark_jobs.engines.objective_interface import (
    TARGET,
    VECTOR,
    FitObjective,
    ObjectiveRows,
    ObjectiveSpec,
    model_vectors,
    with_options,
)

_OURS = ("featuresCol", "labelCol", "predictionCol", "seed", "maxIter", "maxDepth", "numTrees", "stepSize", "weightCol")
# A column a level makes columns that add up to one: without any penalty what each gets is left to rounding.
RIDGE = 1e-6
_LOGARITHMIC = ("gamma", "tweedie", "poisson")
_LINKS = {"identity": 1.0, "log": 0.0, "inverse": -1.0, "sqrt": 0.5, "logit": None}


def fit(objective_rows: ObjectiveRows, spec: ObjectiveSpec, *, kind: str) -> FittedModel:
    """Trains one of MLlib's regressions on all rows.

    Raises:
        BadConfiguration: a setting that the library does not have or refuses. Names all of them.
    """
    learner = with_options(_learner(kind, spec), spec.options, ours=_OURS)
    if kind == "glm" and "link" in spec.options and spec.options["link"] not in _LINKS:
        raise BadConfiguration(f"engine_options: link is one of {', '.join(_LINKS)}")
    spark = objective_rows.rows.sparkSession
    try:
        with model_vectors(objective_rows) as (rows, moments), log_progress(kind):
            fitted = learner.fit(rows)
            if kind in ("linear", "glm"):
                model: LinearLoss | Forest = _linear(fitted, moments, _link_power(learner) if kind == "glm" else 1.0)
            else:
                model = _trees(spark, fitted, moments)
    except IllegalArgumentException as error:
        raise BadConfiguration(f"MLlib refuses these settings: {str(error).splitlines()[0]}") from None
    facts: dict[str, float | int | str] = {"train_rows": objective_rows.row_count}
    if isinstance(model, Forest):
        facts["trees"] = len(model.roots)
    name = f"{type(learner).__name__} of Spark MLlib {pyspark.__version__}"
    return FittedModel(written(model), name, facts, model_format=MODEL_FORMAT, file_name=FILE_NAME)


def _learner(kind: str, spec: ObjectiveSpec) -> Any:
    columns: dict[str, Any] = {"featuresCol": VECTOR, "labelCol": TARGET}
    if kind == "linear":
        return LinearRegression(**columns, maxIter=spec.iterations or 100, regParam=RIDGE)
    if kind == "glm":
        learner = GeneralizedLinearRegression(**columns, maxIter=spec.iterations or 25, regParam=RIDGE)
        return _generalised(learner, spec)
    trees: dict[str, Any] = {**columns, "maxDepth": spec.depth, "seed": spec.seed}
    if kind == "random_forest":
        return RandomForestRegressor(**trees, numTrees=spec.iterations or 100)
    return GBTRegressor(**trees, maxIter=spec.iterations or 50, stepSize=spec.learning_rate or 0.1)


def _generalised(learner: GeneralizedLinearRegression, spec: ObjectiveSpec) -> GeneralizedLinearRegression:
    """Gamma, Tweedie and Poisson get the log link unless told otherwise: with MLlib's own, losses may be negative."""
    family = spec.options.get("family", "gaussian")
    if family == "tweedie" and "linkPower" not in spec.options:
        learner.setLinkPower(0.0)
        if "variancePower" not in spec.options:
            learner.setVariancePower(1.5)
    elif family in _LOGARITHMIC and "link" not in spec.options:
        learner.setLink("log")
    return learner


def _link_power(learner: GeneralizedLinearRegression) -> float | None:
    if learner.getFamily() == "tweedie":
        return float(learner.getLinkPower())
    if learner.isDefined(learner.link):
        return _LINKS[learner.getLink()]
    return None if learner.getFamily() == "binomial" else 1.0


def _linear(fitted: Any, moments: Moments, link_power: float | None) -> LinearLoss:
    return LinearLoss(
        coefficients=tuple(map(float, fitted.coefficients)),
        intercept=float(fitted.intercept),
        means=moments.means,
        deviations=moments.deviations,
        link_power=link_power,
    )


def _trees(spark: SparkSession, fitted: Any, moments: Moments) -> Forest:
    # A forest is the mean of its trees; MLlib tells the weight of each as 1.
    scale = 1.0 if type(fitted).__name__.startswith("GBT") else 1.0 / fitted.getNumTrees
    weights = [scale * float(weight) for weight in fitted.treeWeights]
    return forest_of(
        spark, fitted, moments, of_trees="loss", weights=weights, leaf_value=lambda leaf: float(leaf["prediction"])
    )


LINEAR: FitObjective = partial(fit, kind="linear")
GLM: FitObjective = partial(fit, kind="glm")
RANDOM_FOREST: FitObjective = partial(fit, kind="random_forest")
GBT: FitObjective = partial(fit, kind="gbt")
