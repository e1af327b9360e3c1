"""What people read of a model in MLflow's pages."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.stores.model_notes import about_training, parameters_of, run_tags, short_name, version_note
from arrears.stores.models import Models

PAGE = "https://airflow.bank.example/dags/training/runs/asset_triggered__1"


def a_training(**given: str) -> TrainModelConfig:
    return TrainModelConfig(dataset="loans", dataset_version="abc", **given)  # type: ignore[arg-type]


def test_run_has_a_short_name_of_data_set_date_and_engine() -> None:
    assert short_name(a_training(as_of="2026-01-31"), "catboost") == "loans 2026-01-31 catboost"
    assert short_name(a_training(), "catboost") == "loans catboost"
    assert short_name(a_training(task="loss", as_of="2026-01-31"), "catboost") == "loans loss 2026-01-31 catboost"


def test_run_is_found_by_its_airflow_run_and_leads_back_to_it() -> None:
    config = a_training(as_of="2026-01-31", run_label="asset_triggered__1", run_url=PAGE)
    tags = run_tags(config, about_training(config, "catboost"))
    assert tags["arrears.run_label"] == "asset_triggered__1"
    assert tags["arrears.as_of"] == "2026-01-31"
    for part in ("**loans**", "Business date 2026-01-31.", f"]({PAGE})"):
        assert part in tags["mlflow.note.content"]


def test_what_is_no_web_page_becomes_no_link() -> None:
    config = a_training(run_url="javascript:alert(1)")
    assert "javascript" not in run_tags(config, "A model.")["mlflow.note.content"]
    assert "javascript" not in version_note("pd_loans", "n", {"arrears.run_url": "javascript:alert(1)"}, {}, "http://m")


def test_version_tells_its_date_its_figures_and_both_runs() -> None:
    tags = {"arrears.as_of": "2026-01-31", "arrears.run_url": PAGE}
    note = version_note(
        "pd_loans", "loans catboost", tags, {"auc": 0.7, "auc_low": 0.65, "auc_high": 0.75}, "http://m/r"
    )
    for part in ("[loans catboost](http://m/r)", "Business date 2026-01-31.", "0.7000 (0.6500 to 0.7500)", PAGE):
        assert part in note


def test_empty_parameters_read_as_empty() -> None:
    told = parameters_of({"depth": 6, "learning_rate": None, "features": (), "deciles": ("a", "b"), "exposure": ""})
    assert told == {
        "depth": 6, "learning_rate": "(empty)", "features": "(empty)", "deciles": "a, b", "exposure": "(empty)"
    }  # fmt: skip


def test_link_opens_the_run_and_not_mlflows_pages_about_language_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5500/")
    models = Models()
    client = SimpleNamespace(get_run=lambda run_id: SimpleNamespace(info=SimpleNamespace(experiment_id="7")))
    monkeypatch.setitem(vars(models), "_client", client)
    assert models.run_url("abc") == "http://mlflow:5500/#/experiments/7/runs/abc?workflowType=machine_learning"
