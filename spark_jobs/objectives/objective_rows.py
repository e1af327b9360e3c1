"""What objectives share: the rows of a pinned version, and what those beside default need before an engine runs."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.job_configs.job_config import default_of
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.contracts.job_configs.preparation_choices import PreparationChoices
from arrears.contracts.job_configs.training_job import TrainingRun
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.engines.objective_interface import ObjectiveRows, ObjectiveSpec
from spark_jobs.engines.options import parsed_options
from spark_jobs.io import tables
from spark_jobs.io.at_once import at_once
from spark_jobs.training.evidence import level_counts
from spark_jobs.training.learnt_preparation import learnt_preparation
from spark_jobs.transforms.features.feature_statistics import to_quantiles, to_sample

log = logging.getLogger(__name__)


def training_rows(spark: SparkSession, run: TrainingRun) -> DataFrame:
    """The training rows of the pinned version. Grain: one row per borrower."""
    return tables.read_version(spark, run.addresses, Table.TRAIN, run.dataset, run.dataset_version)


def rows_of_both_sides(spark: SparkSession, run: TrainingRun) -> tuple[DataFrame, DataFrame | None]:
    """The training rows of the pinned version, and its held-out rows. Grain: one row per borrower.

    Returns:
        None for held-out rows that are not there: a training can do without.

    Raises:
        UpstreamNotReady: there are no training rows.
    """

    def held_out_if_there() -> DataFrame | None:
        try:
            return held_out_rows(spark, run)
        except UpstreamNotReady as error:
            log.warning("the leak check compares no held-out rows: %s", error)
            return None

    train, test = at_once(spark, lambda: training_rows(spark, run), held_out_if_there)
    return train, test


def held_out_rows(spark: SparkSession, run: TrainingRun | EvaluateModelConfig) -> DataFrame:
    """The held-out rows of the pinned version. Grain: one row per borrower."""
    return tables.read_version(spark, run.addresses, Table.TEST, run.dataset, run.dataset_version)


def objective_spec(config: TrainModelConfig) -> ObjectiveSpec:
    """The settings of an engine. The default of ``iterations``, which suits CatBoost, means each engine's own."""
    iterations = None if config.iterations == default_of(TrainModelConfig, "iterations") else config.iterations
    return ObjectiveSpec(
        seed=config.seed,
        threads=config.threads,
        iterations=iterations,
        depth=config.depth,
        learning_rate=config.learning_rate,
        early_stopping_rounds=config.early_stopping_rounds,
        clusters=config.clusters,
        options=parsed_options(config.engine_options),
    )


def prepared(
    rows: DataFrame,
    choices: PreparationChoices,
    description: DatasetDescription,
    *,
    objective: str,
    numbers_only: bool,
    row_count: int,
) -> ObjectiveRows:
    """Learns what is done to the features before the model sees them.

    Args:
        rows: raw features, label, ``row_order``. The preparation is learnt on all of them.
        numbers_only: the engine takes neither missing values nor categories, so ``native`` means: numbers filled by
            their median, categories as a column a level.
    """
    if numbers_only:
        choices = replace(
            choices,
            missing="fill" if choices.missing == "native" else choices.missing,
            encoding="one_hot" if choices.encoding == "native" else choices.encoding,
        )
    if choices.outliers == "drop":
        raise BadConfiguration(f"outliers=drop is of default models alone: take clip or flag for task {objective}")
    preparation = learnt_preparation(rows, choices, description)
    return ObjectiveRows(rows, row_count, description.numeric, description.categorical, preparation)


def made_up_customer(customers: ObjectiveRows) -> dict[str, float | str | None]:
    """One made-up customer: medians and commonest levels, never a real one."""
    medians: dict[str, Any] = {}
    if customers.numeric:
        sample = to_sample(customers.rows, customers.numeric)
        (row,) = to_quantiles(sample, dict.fromkeys(customers.numeric, (0.5,))).collect()
        medians = {name: float(quantiles[0]) if quantiles else None for name, quantiles in row.asDict().items()}
    levels = level_counts(customers.rows, customers.categorical, row_count=customers.row_count)
    return {**medians, **{name: counts.commonest for name, counts in levels.items()}}
