"""A data set whose default is planted: written once for the tests of folds and of trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.io.tables import overwrite_partition

ROWS = 1500
DESCRIPTION = DatasetDescription(
    name="planted", target="is_default", numeric=("noise_1", "strong", "noise_2", "weak"), categorical=("region",)
)


def borrowers() -> pd.DataFrame:
    """Default is decided by `strong` beyond two limits at once with `weak`: a tree of depth 1 cannot tell."""
    random = np.random.default_rng(11)
    numbers = random.normal(size=(ROWS, 4))
    logit = 3.0 * np.sign(numbers[:, 1] * numbers[:, 3]) + 0.8 * numbers[:, 1] - 2.2
    return pd.DataFrame(
        {
            "borrower_id": [f"b{n}" for n in range(ROWS)],
            "noise_1": numbers[:, 0],
            "strong": numbers[:, 1],
            "noise_2": numbers[:, 2],
            "weak": numbers[:, 3],
            "region": random.choice(["north", "south"], ROWS),
            "is_default": (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(np.int32),
        }
    )


def written(spark: SparkSession, folder: Path) -> TrainModelConfig:
    """Writes the borrowers as version v1, and tells how to train on them."""
    config = TrainModelConfig(
        root=folder.as_uri(),
        dataset="planted",
        dataset_version="v1",
        iterations=40,
        learning_rate=0.2,
        threads=1,
    )
    rows = spark.createDataFrame(borrowers()).withColumn("is_default", F.col("is_default").cast("int"))
    overwrite_partition(rows, config.addresses, Table.TRAIN, "planted", "v1")
    return config
