"""Spark MLlib's logistic regression, standardised while it learns. Options are MLlib's (regParam, tol …)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from arrears.scoring.scorers.linear import LinearModel
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.engines.mllib.classifiers import Learner, engine_of
from spark_jobs.engines.model_rows import Facts, Moments

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)


def logistic_regression(spark: SparkSession, spec: TrainingSpec, ways: Sequence[int]) -> Any:
    """MLlib's estimator. Coefficients keep to the directions that the features were declared with."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.linalg import Matrices

    estimator = LogisticRegression(maxIter=spec.iterations, family="binomial")
    if any(ways):
        endless = float("inf")
        low = [0.0 if way > 0 else -endless for way in ways]
        high = [0.0 if way < 0 else endless for way in ways]
        estimator.setLowerBoundsOnCoefficients(Matrices.dense(1, len(ways), low))
        estimator.setUpperBoundsOnCoefficients(Matrices.dense(1, len(ways), high))
    return estimator


def linear_model(spark: SparkSession, fitted: Any, moments: Moments) -> tuple[LinearModel, Facts]:
    """The formula, and how many steps it took."""
    steps = int(fitted.summary.totalIterations)
    if steps >= fitted.getMaxIter():
        log.warning("logistic regression used all its %d steps: it may not have settled, raise --iterations", steps)
    coefficients = tuple(map(float, fitted.coefficients.toArray()))
    return LinearModel(coefficients, float(fitted.intercept), moments.means, moments.deviations), {"steps": steps}


LEARNER = Learner("logistic_regression", "LogisticRegression", logistic_regression, linear_model, keeps_directions=True)
ENGINE = engine_of(LEARNER)
