"""Losses, segments and next products from a data set to a champion, job by job, with a real MLflow registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import registered_model
from arrears.contracts.engines import engine_entry
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import (
    EvaluateModelConfig,
    GenerateDataConfig,
    PromoteModelConfig,
    ResolveVersionsConfig,
    TrainModelConfig,
)
from arrears.scoring.document import ModelDocument
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.jobs import evaluate_model, generate_data, promote_model, resolve_versions, train_model
from tests.jobs.models.model_world import local_registry

DATASET = "customers"
COLUMNS = {"loss": "loss_given_default", "segments": "segment", "next_product": "next_products"}


@pytest.fixture(scope="module")
def root(delta_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Where the customers lie, and their version."""
    folder = tmp_path_factory.mktemp("customers")
    address = (folder / "s3").as_uri()
    with local_registry(folder):
        config = GenerateDataConfig(
            root=address,
            dataset=DATASET,
            as_of="2026-01-31",
            source="synthetic_customers",
            rows=800,
            default_rate=0.2,
        )
        yield address, generate_data.run(delta_session, config).values["dataset_version"]


@pytest.mark.parametrize(("task", "engine"), [("loss", "linear"), ("segments", "kmeans"), ("next_product", "als")])
def test_a_model_of_each_task_becomes_champion_and_answers(
    spark: SparkSession, root: tuple[str, str], task: str, engine: str
) -> None:
    address, version = root
    common = {"root": address, "dataset": DATASET}
    trained = train_model.run(
        spark, TrainModelConfig(**common, dataset_version=version, task=task, engine=engine, run_label=task)
    )
    files = Models().files_of_run(trained.values["mlflow_run_id"])
    assert ModelDocument.from_json(files.document).model_format == engine_entry(task, engine).model_format
    run = {**common, "dataset_version": version, "mlflow_run_id": trained.values["mlflow_run_id"]}
    evaluated = evaluate_model.run(spark, EvaluateModelConfig(**run, report_folder=f"{address}/report/{task}"))
    assert {Path(item).suffix for item in evaluated.attachments} == {".png", ".html"}
    assert all(Objects().exists(item) for item in evaluated.attachments)
    page = Objects().get(f"{address}/report/{task}/report.html").decode()
    assert '<th scope="row">iterations</th><td>the engine&#39;s own</td>' in page
    assert '<th scope="row">engine_options</th><td>-</td>' in page
    assert ('<th scope="row">clusters</th>' in page) == (task == "segments")
    with pytest.raises(BadConfiguration, match=f"trained a model of task {task}, not default"):
        promote_model.run(PromoteModelConfig(**run))
    promoted = promote_model.run(PromoteModelConfig(**run, task=task))
    assert (promoted.values["decision"], promoted.values["model_name"]) == (
        "promoted",
        registered_model(DATASET, task),
    )
    pins = resolve_versions.run(
        ResolveVersionsConfig(**common, as_of="2026-01-31", pins=f"{address}/pins/{task}.json", task=task)
    )
    assert pins.values["champion_version"] == Models().champion(registered_model(DATASET, task)) == "1"
    served = mlflow.pyfunc.load_model(f"models:/{registered_model(DATASET, task)}@champion")
    example = served.input_example
    assert list(served.predict(example).columns) == [COLUMNS[task]]
    assert not Objects().list(f"{address}/artifacts/snapshots")
