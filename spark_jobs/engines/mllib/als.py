"""Tastes by Spark MLlib's alternating least squares on implicit feedback. Only the products' factors are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyspark
from pyspark.errors import IllegalArgumentException
from pyspark.ml.recommendation import ALS, ALSModel
from pyspark.sql import DataFrame

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.scorers.plain_tables import written
from arrears.scoring.scorers.products import ProductTastes
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.mllib.classifiers import FILE_NAME, MODEL_FORMAT, log_progress
from spark_jobs.engines.objective_interface import MOST_PARTITIONS, ROWS_A_PARTITION, ObjectiveSpec, with_options
from spark_jobs.transforms.scores.holdings import CUSTOMER, PRODUCT

MOST_FACTORS, STEPS, ALPHA, REGULARISATION = 8, 10, 10.0, 0.05
PRODUCTS_A_FACTOR = 3  # nearly as many factors as products learn each holding by heart, and offer nothing new
CHECKPOINT_STEPS = 2  # with ten steps unbroken, reading the plan overflowed the stack of a task
_OURS = (
    *("userCol", "itemCol", "ratingCol", "implicitPrefs", "seed", "maxIter", "nonnegative", "coldStartStrategy"),
    *("checkpointInterval", "numUserBlocks", "numItemBlocks", "predictionCol"),
)


def fit(
    interactions: DataFrame,
    products: Sequence[str],
    popularity: Sequence[float],
    spec: ObjectiveSpec,
    *,
    customers: int,
) -> FittedModel:
    """Learns the factors of each product from who holds what. Spark needs a place for checkpoints.

    Args:
        interactions: what ``to_interactions`` gave.
        popularity: share of the customers who hold each product.
        customers: how many customers hold anything.

    Raises:
        BadConfiguration: a setting that the library does not have or refuses. Names all of them.
    """
    learner = learner_of(spec, len(products), customers)
    try:
        with log_progress("als"):
            model = learner.fit(to_partitioned(interactions, customers))
    except IllegalArgumentException as error:
        raise BadConfiguration(f"MLlib refuses these settings: {str(error).splitlines()[0]}") from None
    tastes = tastes_of(model, learner, products, popularity)
    facts: dict[str, float | int | str] = {"train_rows": customers, "products": len(products), "rank": model.rank}
    name = f"ALS of Spark MLlib {pyspark.__version__}"
    return FittedModel(written(tastes), name, facts, model_format=MODEL_FORMAT, file_name=FILE_NAME)


def learner_of(spec: ObjectiveSpec, products: int, customers: int) -> Any:
    """ALS with the analyst's settings, by default with a third as many factors as products, 2 to 8."""
    learner = ALS(
        userCol=CUSTOMER,
        itemCol=PRODUCT,
        ratingCol="held",
        implicitPrefs=True,
        rank=max(2, min(MOST_FACTORS, products // PRODUCTS_A_FACTOR)),
        maxIter=spec.iterations or STEPS,
        alpha=ALPHA,
        regParam=REGULARISATION,
        seed=spec.seed,
        numUserBlocks=_parts(customers),
        numItemBlocks=1,
        checkpointInterval=CHECKPOINT_STEPS,
    )
    return with_options(learner, spec.options, ours=_OURS)


def to_partitioned(interactions: DataFrame, customers: int) -> DataFrame:
    """The interactions in an order and in parts that no partitioning of the source changes. Grain: row by row."""
    return interactions.repartition(_parts(customers), CUSTOMER).sortWithinPartitions(CUSTOMER, PRODUCT)


def tastes_of(model: ALSModel, learner: Any, products: Sequence[str], popularity: Sequence[float]) -> ProductTastes:
    """What MLlib fitted, as plain tables. Nothing of any customer is in them."""
    factors = np.zeros((len(products), model.rank))
    for row in model.itemFactors.collect():
        factors[row["id"]] = row["features"]
    return ProductTastes(
        products=tuple(products),
        factors=tuple(tuple(map(float, row)) for row in factors),
        alpha=float(learner.getAlpha()),
        regularisation=float(learner.getRegParam()),
        popularity=tuple(map(float, popularity)),
    )


def _parts(customers: int) -> int:
    return max(1, min(MOST_PARTITIONS, customers // ROWS_A_PARTITION))
