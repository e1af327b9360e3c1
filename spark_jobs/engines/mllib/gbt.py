"""Spark MLlib's gradient-boosted trees. Options are MLlib's (subsamplingRate, minInstancesPerNode, validationTol …)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.scorers.forest import Forest
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.engines.mllib.classifiers import Learner, engine_of
from spark_jobs.engines.mllib.trees import forest_of
from spark_jobs.engines.model_rows import Facts, Moments

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_TREES = 100  # without checkpoints the plan grows with every tree: at 400 its serialisation overflowed the stack


def boosted_trees(spark: SparkSession, spec: TrainingSpec, ways: Sequence[int]) -> Any:
    """MLlib's estimator with as many trees as iterations, until one gains nothing on the validation slice.

    Raises:
        BadConfiguration: more trees than a plan bears, and no place for checkpoints.
    """
    from pyspark.ml.classification import GBTClassifier

    if spec.iterations > MOST_TREES and spark.sparkContext.getCheckpointDir() is None:
        raise BadConfiguration(
            f"gbt grows at most {MOST_TREES} trees without a place for checkpoints, not {spec.iterations}: set"
            " spark.checkpoint.dir, or ask for fewer --iterations"
        )
    # MLlib ends at the first tree that gains too little: by default 1 % of the loss, which is after two or three trees.
    estimator = GBTClassifier(maxIter=spec.iterations, maxDepth=spec.depth, seed=spec.seed, validationTol=0.0)
    if spec.learning_rate is not None:
        estimator.set(estimator.stepSize, spec.learning_rate)
    return estimator


def summed_forest(spark: SparkSession, fitted: Any, moments: Moments) -> tuple[Forest, Facts]:
    """The sum of the trees, which is half the log-odds (Friedman 2001, algorithm 5)."""
    weights = [2.0 * float(weight) for weight in fitted.treeWeights]
    forest = forest_of(
        spark, fitted, moments, of_trees="log_odds", weights=weights, leaf_value=lambda leaf: float(leaf["prediction"])
    )
    return forest, {"trees": len(weights), "learning_rate": float(fitted.getStepSize())}


LEARNER = Learner("gbt", "GBTClassifier", boosted_trees, summed_forest, takes_learning_rate=True, reads_validation=True)
ENGINE = engine_of(LEARNER)
