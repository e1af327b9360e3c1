"""An MLflow registry of its own for the tests of promotion and rollback; a module that has a `root` keeps its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.models.model_world import local_registry
from tests.jobs.promotion.registry_world import MODEL, describe


@pytest.fixture(scope="module")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One database for the module: making its tables takes most of the time."""
    folder = tmp_path_factory.mktemp("mlflow")
    with local_registry(folder):
        yield folder


@pytest.fixture
def root(mlflow_folder: Path, tmp_path: Path) -> Iterator[str]:
    """An empty bucket and an empty registry."""
    import mlflow

    root = (tmp_path / "s3").as_uri()
    describe(root)
    yield root
    client = mlflow.MlflowClient()
    if client.search_registered_models(f"name = '{MODEL}'"):
        client.delete_registered_model(MODEL)
