"""An experiment from its YAML to its nested MLflow runs, its page and the configuration to train with."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import RunExperimentConfig, TrainModelConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.objects import Objects
from spark_jobs.experiments import fold_training
from spark_jobs.jobs import run_experiment
from tests.jobs.models.model_world import AS_OF, DATASET, VERSION, Bank, found, local_registry

TRY = f"""
about: two depths and a mistake
dataset: {DATASET}
fixed: {{iterations: 15, threads: 1, learning_rate: 0.2, calibration: platt}}
search: list
candidates:
  - {{depth: 2}}
  - {{depth: 4, engine_options.l2_leaf_reg: 5}}
  - {{depth: 4, engine_options.l2_leaf_regg: 5}}
folds: {{number: 2}}
parallelism: 2
"""


@pytest.fixture(scope="module")
def bank(delta_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("bank")
    (folder / "try.yaml").write_text(TRY)
    with local_registry(folder):
        yield found(delta_session, folder / "s3")


def a_run(bank: Bank, name: str, yaml: str = "try.yaml") -> RunExperimentConfig:
    return RunExperimentConfig(
        root=bank.root,
        dataset="another",
        experiment=str(Path(bank.root.removeprefix("file://")).parent / yaml),
        as_of=AS_OF,
        pins=f"{bank.root}/artifacts/runs/{name}/resolved.json",
        report_folder=f"{bank.root}/artifacts/runs/{name}/report",
    )


@pytest.fixture(scope="module")
def ran(bank: Bank, spark_session: SparkSession) -> JobResult:
    return run_experiment.run(spark_session, a_run(bank, "first"))


def report(bank: Bank, name: str, file: str) -> bytes:
    return Objects().get(f"{bank.root}/artifacts/runs/{name}/report/{file}")


def nested(ran: JobResult) -> list[Any]:
    import mlflow

    client = mlflow.MlflowClient()
    parent = client.get_run(ran.values["mlflow_run_id"])
    query = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    return sorted(client.search_runs([parent.info.experiment_id], query), key=lambda run: run.info.run_name)


def test_every_trial_is_a_nested_run_with_the_metrics_of_its_folds(ran: JobResult) -> None:
    runs = nested(ran)
    assert [run.info.run_name for run in runs] == ["trial 1", "trial 2", "trial 3"]
    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED", "FAILED"]
    measured = runs[0].data.metrics
    assert measured["auc"] == pytest.approx((measured["fold_1_auc"] + measured["fold_2_auc"]) / 2)
    assert {"auc_sd", "fold_2_log_loss", "ece", "ks"} <= set(measured)
    assert runs[1].data.params == {"depth": "4", "engine_options.l2_leaf_reg": "5"}
    assert runs[2].data.tags["arrears.error_class"] == "BadConfiguration"
    assert "CatBoost has no l2_leaf_regg" in runs[2].data.tags["arrears.error"]


def test_the_result_is_a_configuration_that_the_training_takes(bank: Bank, ran: JobResult) -> None:
    conf = json.loads(ran.values["training_conf"])
    given = {name: tuple(value.split(",")) if name == "engine_options" else value for name, value in conf.items()}
    config = TrainModelConfig(dataset_version=VERSION, **given)
    assert (config.dataset, config.iterations, config.calibration) == (DATASET, 15, "platt")
    assert config.depth == ran.figures["chosen depth"]
    assert conf == json.loads(report(bank, "first", "training_conf.json"))
    assert b"iterations: 15" in report(bank, "first", "best.yaml")


def test_ranking_lists_the_best_first_and_the_failed_last(bank: Bank, ran: JobResult) -> None:
    rows = list(csv.DictReader(io.StringIO(report(bank, "first", "ranking.csv").decode())))
    assert [row["rank"] for row in rows] == ["1", "2", ""]
    assert float(rows[0]["auc"]) >= float(rows[1]["auc"])
    assert float(rows[0]["auc"]) == pytest.approx(ran.figures["auc of the chosen trial"])
    assert rows[2]["error"].startswith("BadConfiguration: ")


def test_the_page_is_attached_and_tells_of_what_failed(bank: Bank, ran: JobResult) -> None:
    page = report(bank, "first", "experiment.html").decode()
    assert ran.attachments[0].endswith("/first/report/experiment.html")
    assert "two depths and a mistake" in page
    assert "CatBoost has no l2_leaf_regg" in page
    assert page.count("data:image/png") == 2  # the progress, and the score against the depth
    assert "<script" not in page


def test_run_again_it_trains_only_what_is_not_finished(
    bank: Bank, spark: SparkSession, ran: JobResult, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trained: list[Any] = []

    def counted(self: fold_training.Trials, proposal: Any, block: int) -> Any:
        trained.append(dict(proposal.choices))
        raise BadConfiguration("no training in this test")

    monkeypatch.setattr(fold_training.Trials, "model_of", counted)
    with caplog.at_level(logging.INFO):
        again = run_experiment.run(spark, a_run(bank, "again"))
    assert trained == [{"depth": 4, "engine_options.l2_leaf_regg": 5}]
    assert again.figures["taken from an earlier run"] == 2
    assert again.figures["auc of the chosen trial"] == ran.figures["auc of the chosen trial"]
    assert "2 finished trials of the same experiment are in MLflow" in caplog.text


def test_an_experiment_of_which_every_trial_fails_says_why_and_leaves_no_report(
    bank: Bank, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: fold_training.Trials, proposal: Any, block: int) -> Any:
        raise BadConfiguration("out of luck")

    monkeypatch.setattr(fold_training.Trials, "model_of", broken)
    yaml = Path(bank.root.removeprefix("file://")).parent / "bad.yaml"
    yaml.write_text(TRY.replace("number: 2", "number: 3"))
    with pytest.raises(BadConfiguration) as failed:
        run_experiment.run(spark, a_run(bank, "bad", "bad.yaml"))
    assert failed.value.problems == ("all 3 trials of bad failed", "BadConfiguration: out of luck")
    assert not Objects().list(f"{bank.root}/artifacts/runs/bad/report")


def test_nothing_is_left_of_the_pinned_rows(bank: Bank, ran: JobResult) -> None:
    assert not Objects().list(f"{bank.root}/artifacts/snapshots")
