"""Spark MLlib's naive Bayes of the kind that fits real numbers: normal distributions. It has no options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from arrears.scoring.scorers.gaussian_bayes import GaussianBayes
from spark_jobs.engines.interface import TrainingSpec
from spark_jobs.engines.mllib.classifiers import Learner, engine_of
from spark_jobs.engines.model_rows import Facts, Moments

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def naive_bayes(spark: SparkSession, spec: TrainingSpec, ways: Sequence[int]) -> Any:
    """MLlib's estimator."""
    from pyspark.ml.classification import NaiveBayes

    return NaiveBayes(modelType="gaussian")


def gaussian_bayes(spark: SparkSession, fitted: Any, moments: Moments) -> tuple[GaussianBayes, Facts]:
    """The two classes' distributions."""
    good, bad = (float(share) for share in fitted.pi.toArray())
    means, variances = (
        (tuple(matrix[0].tolist()), tuple(matrix[1].tolist()))
        for matrix in (fitted.theta.toArray(), fitted.sigma.toArray())
    )
    return GaussianBayes((good, bad), means, variances, moments.means), {}


LEARNER = Learner("naive_bayes", "NaiveBayes", naive_bayes, gaussian_bayes)
ENGINE = engine_of(LEARNER)
