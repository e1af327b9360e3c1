"""A small bank and an MLflow registry of their own for each module; a module with a `bank` keeps its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.jobs.models.model_world import Bank, found, local_registry


@pytest.fixture(scope="module")
def bank(delta_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("bank")
    with local_registry(folder):
        yield found(delta_session, folder / "s3")
