"""Spark MLlib's gradient-boosted trees; options are MLlib's (subsamplingRate, minInstancesPerNode, validationTol …)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from arrears.scoring.scorers.forest import Forest
from spark_jobs.engines.contract import TrainingSpec
from spark_jobs.engines.mllib import Learner, engine_of
from spark_jobs.engines.mllib_trees import forest_of
from spark_jobs.engines.model_rows import Facts, Moments

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

MOST_TREES = 100  # the plan grows with every tree: 200 grew here, at 400 its serialisation overflowed the stack


def boosted_trees(spark: SparkSession, spec: TrainingSpec, ways: Sequence[int]) -> Any:
    """MLlib's estimator with as many trees as iterations, or as its plan bears, until one gains nothing."""
    from pyspark.ml.classification import GBTClassifier

    trees = spec.iterations
    if trees > MOST_TREES and spark.sparkContext.getCheckpointDir() is None:
        log.warning("gbt grows %d trees, not %d: set spark.checkpoint.dir for more", MOST_TREES, trees)
        trees = MOST_TREES
    # MLlib ends at the first tree that gains too little: by default 1 % of the loss, which is after two or three trees.
    estimator = GBTClassifier(maxIter=trees, maxDepth=spec.depth, seed=spec.seed, validationTol=0.0)
    if spec.learning_rate is not None:
        estimator.set(estimator.stepSize, spec.learning_rate)
    return estimator


def summed_forest(spark: SparkSession, fitted: Any, moments: Moments) -> tuple[Forest, Facts]:
    """The sum of the trees, which is half the log-odds (Friedman 2001, algorithm 5)."""
    weights = [2.0 * float(weight) for weight in fitted.treeWeights]
    forest = forest_of(
        spark, fitted, moments, of_trees="log_odds", weights=weights, leaf_value=lambda leaf: float(leaf["prediction"])
    )
    return forest, {"trees": len(weights)}


LEARNER = Learner("gbt", "GBTClassifier", boosted_trees, summed_forest, takes_learning_rate=True, reads_validation=True)
ENGINE = engine_of(LEARNER)
