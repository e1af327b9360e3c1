"""An experiment deleted on MLflow's page is told with how to get it back; what was registered from it still serves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.stores.foreign_errors import cause_of
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from arrears.stores.tracking_checks import require_experiment, require_run
from spark_jobs.jobs import evaluate_model, train_model
from tests.jobs.models.model_world import DATASET, DESCRIPTION, VERSION, local_registry

NAME = "arrears/small_bank"


@pytest.fixture
def run_id(tmp_path: Path) -> Iterator[str]:
    with local_registry(tmp_path):
        with Models().run(NAME, "first", parameters={}, tags={}) as run_id:
            pass
        yield run_id


def test_an_experiment_that_is_there_or_not_yet_there_takes_a_run(run_id: str) -> None:
    require_experiment(NAME)
    require_experiment("arrears/another")
    require_run(run_id)


def test_a_deleted_experiment_is_told_with_how_to_restore_it(run_id: str) -> None:
    client = mlflow.MlflowClient()
    number = client.get_experiment_by_name(NAME).experiment_id
    client.delete_experiment(number)
    with pytest.raises(BadConfiguration, match=rf"mlflow experiments restore -x {number}\)"):
        require_experiment(NAME)
    with pytest.raises(BadConfiguration, match=rf"mlflow experiments restore -x {number}\)"):
        require_run(run_id)
    client.restore_experiment(number)
    require_experiment(NAME)
    require_run(run_id)


def test_a_training_is_refused_before_any_row_is_read(run_id: str, tmp_path: Path) -> None:
    client = mlflow.MlflowClient()
    client.delete_experiment(client.get_experiment_by_name(NAME).experiment_id)
    config = TrainModelConfig(root=tmp_path.as_uri(), dataset=DATASET, dataset_version=VERSION)
    address = config.addresses.dataset_manifest(DATASET, VERSION)
    Objects().put_json(address, {"description": DESCRIPTION.to_dict()})
    no_spark: Any = None
    with pytest.raises(BadConfiguration, match="was deleted in MLflow"):
        train_model.run(no_spark, config)
    evaluation = EvaluateModelConfig(
        root=tmp_path.as_uri(),
        dataset=DATASET,
        dataset_version=VERSION,
        mlflow_run_id=run_id,
        report_folder="file:///x",
    )
    with pytest.raises(BadConfiguration, match="was deleted in MLflow"):
        evaluate_model.run(no_spark, evaluation)


def test_an_experiment_deleted_while_a_job_works_is_no_bug_either(run_id: str) -> None:
    client = mlflow.MlflowClient()
    client.delete_experiment(client.get_experiment_by_name(NAME).experiment_id)
    with pytest.raises(mlflow.MlflowException) as caught, Models().run(NAME, "second", parameters={}, tags={}):
        pass
    assert isinstance(cause_of(caught.value), BadConfiguration)
    with pytest.raises(mlflow.MlflowException) as caught:
        Models().log_results(run_id, {"auc": 0.7}, {}, {})
    assert "was deleted" in str(cause_of(caught.value))


def test_a_server_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UpstreamNotReady, match="MLflow does not answer"):
        require_experiment(NAME)
