"""What stands in MLflow of a measured model: the newest evaluation alone, and never half of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from mlflow import MlflowClient

from arrears.stores.models import Models
from tests.jobs.models.model_world import local_registry
from tests.jobs.promotion.registry_world import GOOD, measured

FILES = {"report.html": b"<p>", "evaluation.json": b"{}"}


@pytest.fixture(scope="module")
def run_id(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with local_registry(tmp_path_factory.mktemp("mlflow")):
        yield measured(GOOD)


def about(version: str, champion: str = "") -> dict[str, str]:
    return {"arrears.evaluated_on": version, "arrears.compared_with": champion}


def test_figure_that_a_later_evaluation_did_not_find_does_not_outlive_the_earlier_one(run_id: str) -> None:
    models = Models()
    models.log_results(run_id, {"train_seconds": 7.0}, {}, {})
    earlier = {"auc": 0.75, "lowest_approval_ratio": 0.9, "champion_auc": 0.7}
    models.log_results(run_id, earlier, FILES, about("v1", "3"))
    models.log_results(run_id, {"auc": 0.71, "score_psi": 0.1}, FILES, about("v2"))
    metrics, _, tags = models.run_facts(run_id)
    assert (metrics["auc"], metrics["score_psi"], metrics["train_seconds"]) == (0.71, 0.1, 7.0)
    assert math.isnan(metrics["lowest_approval_ratio"])
    assert math.isnan(metrics["champion_auc"])
    assert (tags["arrears.evaluated_on"], tags["arrears.compared_with"]) == ("v2", "")
    assert {found.path for found in MlflowClient().list_artifacts(run_id, "evaluation")} == {
        "evaluation/report.html",
        "evaluation/evaluation.json",
    }


@pytest.mark.parametrize("killed_at", ["log_artifacts", "log_batch"])
def test_killed_evaluation_leaves_figures_and_what_they_are_about_as_they_were(
    run_id: str, killed_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Models()
    models.log_results(run_id, {"auc": 0.75}, {}, about("v1"))

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MlflowClient, killed_at, killed)
    with pytest.raises(KeyboardInterrupt):
        models.log_results(run_id, {"auc": 0.99}, FILES, about("v2"))
    metrics, _, tags = models.run_facts(run_id)
    assert (metrics["auc"], tags["arrears.evaluated_on"]) == (0.75, "v1")
