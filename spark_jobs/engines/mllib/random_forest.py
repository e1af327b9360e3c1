"""Spark MLlib's random forest. Options are MLlib's (featureSubsetStrategy, minInstancesPerNode, maxBins …)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from arrears.scoring.scorers.forest import Forest
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.engines.mllib.classifiers import Learner, engine_of
from spark_jobs.engines.mllib.trees import Node, forest_of
from spark_jobs.engines.model_rows import Facts, Moments

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def random_forest(spark: SparkSession, spec: TrainingSpec, ways: Sequence[int]) -> Any:
    """MLlib's estimator with as many trees as iterations."""
    from pyspark.ml.classification import RandomForestClassifier

    return RandomForestClassifier(numTrees=spec.iterations, maxDepth=spec.depth, seed=spec.seed)


def voting_forest(spark: SparkSession, fitted: Any, moments: Moments) -> tuple[Forest, Facts]:
    """The mean of the trees' default rates."""
    count = fitted.getNumTrees
    weights = [1.0 / count] * count
    forest = forest_of(spark, fitted, moments, of_trees="probability", weights=weights, leaf_value=default_rate)
    return forest, {"trees": count}


def default_rate(leaf: Node) -> float:
    """The share of defaults among the rows that ended in a leaf."""
    non_defaults, defaults = leaf["impurityStats"]
    return float(defaults / (non_defaults + defaults))


LEARNER = Learner("random_forest", "RandomForestClassifier", random_forest, voting_forest)
ENGINE = engine_of(LEARNER)
