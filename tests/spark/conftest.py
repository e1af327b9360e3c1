"""Planted borrowers, written once a module, and their folds; a module with a `config` or `folds` keeps its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.job_configs.experiments import Folds
from arrears.contracts.job_configs.jobs import TrainModelConfig
from spark_jobs.experiments.pinned_folds import PinnedFolds, pinned_folds
from tests.spark.training.planted import DESCRIPTION, written


@pytest.fixture(scope="module")
def config(delta_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TrainModelConfig:
    return written(delta_session, tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def folds(delta_session: SparkSession, config: TrainModelConfig) -> Iterator[PinnedFolds]:
    with pinned_folds(delta_session, config, Folds("stratified", 2), DESCRIPTION, name="experiment") as pinned:
        yield pinned
