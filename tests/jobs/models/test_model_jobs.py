"""From a training set to scored borrowers, job by job, with a real MLflow registry on a local disk."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table, registered_model
from arrears.contracts.errors import BadConfiguration, BadInput, UpstreamNotReady
from arrears.contracts.job_configs.jobs import (
    EvaluateModelConfig,
    PromoteModelConfig,
    ResolveVersionsConfig,
    ScoreBorrowersConfig,
    TrainModelConfig,
)
from arrears.contracts.outcome_facts import JobResult
from arrears.model.metrics.cutoffs import NO_CUTOFF, Cutoff
from arrears.scoring.document import ModelDocument
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.io.tables import read_partition
from spark_jobs.jobs import evaluate_model, promote_model, resolve_versions, score_borrowers, train_model
from tests.conftest import REPOSITORY
from tests.jobs.models.model_world import (
    AS_OF,
    DATASET,
    DESCRIPTION,
    VERSION,
    Bank,
    borrowers,
    write_day,
)

MODEL = registered_model(DATASET)
PREDICT_LIMIT = 1e-12
SERVING = """
import sys
sys.path = [place for place in sys.path if place != sys.argv[1]]
import mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[2])
print(sys.modules["arrears"].__file__)
rows = pandas.read_parquet(sys.argv[3]).drop(columns=["borrower_id", "is_default"])
print(*model.predict(rows)["default_probability"])
"""


@pytest.fixture(scope="module")
def trained(bank: Bank, spark_session: SparkSession) -> JobResult:
    config = TrainModelConfig(root=bank.root, dataset=DATASET, dataset_version=VERSION, iterations=80, threads=1)
    return train_model.run(spark_session, config)


@pytest.fixture(scope="module")
def evaluated(bank: Bank, spark_session: SparkSession, trained: JobResult) -> JobResult:
    return evaluate_model.run(spark_session, an_evaluation(bank, trained))


@pytest.fixture(scope="module")
def promoted(bank: Bank, trained: JobResult, evaluated: JobResult) -> JobResult:
    return promote_model.run(a_promotion(bank, trained))


def an_evaluation(bank: Bank, trained: JobResult, champion: str | None = None) -> EvaluateModelConfig:
    return EvaluateModelConfig(
        root=bank.root,
        dataset=DATASET,
        dataset_version=VERSION,
        mlflow_run_id=trained.values["mlflow_run_id"],
        champion_version=champion,
        report_folder=f"{bank.root}/artifacts/report",
        replicates=50,
    )


def a_promotion(bank: Bank, trained: JobResult, champion: str | None = None) -> PromoteModelConfig:
    return PromoteModelConfig(
        root=bank.root,
        dataset=DATASET,
        dataset_version=VERSION,
        mlflow_run_id=trained.values["mlflow_run_id"],
        champion_version=champion,
    )


def a_resolution(bank: Bank, pins: str, **more: Any) -> ResolveVersionsConfig:
    address = f"{bank.root}/artifacts/pins/{pins}.json"
    return ResolveVersionsConfig(**{"root": bank.root, "dataset": DATASET, "as_of": AS_OF, "pins": address, **more})


def a_scoring(bank: Bank, version: str, **more: Any) -> ScoreBorrowersConfig:
    defaults = {
        "root": bank.root,
        "dataset": DATASET,
        "as_of": AS_OF,
        "model_version": version,
        "scored_at": "2026-01-31T02:06:00+00:00",
        "report_folder": f"{bank.root}/artifacts/report",
    }
    return ScoreBorrowersConfig(**{**defaults, **more})


def give_cutoff(monkeypatch: pytest.MonkeyPatch, trained: JobResult, cutoff: Cutoff | None) -> None:
    """From now on every model is found with this cut-off."""
    files = Models().files_of_run(trained.values["mlflow_run_id"])
    document = replace(ModelDocument.from_json(files.document), cutoff=cutoff)
    with_cutoff = replace(files, document=document.to_json())
    for name in ("files_of_run", "files_of_version"):
        monkeypatch.setattr(Models, name, lambda *_: with_cutoff)


def scores(spark: SparkSession, bank: Bank, as_of: str = AS_OF) -> list[dict[str, Any]]:
    address = bank.addresses.table(Table.TEST_SAMPLE_INFERENCE, DATASET)
    rows = read_partition(spark, address, {"as_of": as_of}, what="").orderBy("sample_id").collect()
    return [row.asDict() for row in rows]


def test_no_version_in_force_yet_is_said_with_the_first_date(bank: Bank) -> None:
    with pytest.raises(UpstreamNotReady, match="the first is in force from 2026-01-31"):
        resolve_versions.run(a_resolution(bank, "early", as_of="2026-01-30"))


def test_a_missing_champion_is_an_error_where_one_is_needed(bank: Bank) -> None:
    with pytest.raises(UpstreamNotReady, match="has no champion: run the training DAG first"):
        resolve_versions.run(a_resolution(bank, "needy", needs_champion=True))


def test_a_rerun_finds_the_pins_of_the_first_run(bank: Bank, trained: JobResult) -> None:
    first = resolve_versions.run(a_resolution(bank, "pinned"))
    later = f"{bank.addresses.activations(DATASET)}/2026-01-31.json"
    Objects().put_json(later, {"dataset_version": "v2"})
    try:
        assert resolve_versions.run(a_resolution(bank, "pinned")) == first
        assert resolve_versions.run(a_resolution(bank, "fresh")).values["dataset_version"] == "v2"
    finally:
        Objects().put_json(later, {"dataset_version": VERSION})


def test_a_version_stays_in_force_until_the_next(bank: Bank) -> None:
    assert resolve_versions.run(a_resolution(bank, "late", as_of="2027-05-05")).values["dataset_version"] == VERSION


def test_a_trained_model_is_logged_with_all_that_explains_it(trained: JobResult) -> None:
    metrics, parameters, tags = Models().run_facts(trained.values["mlflow_run_id"])
    assert parameters["iterations"] == "80"
    assert metrics["train_rows"] > 0
    assert 0.6 < metrics["train_auc"] <= 1
    assert tags["arrears.version"]
    assert tags["arrears.dataset_version"] == VERSION


def test_training_leaves_no_copy_of_the_rows(bank: Bank, trained: JobResult) -> None:
    assert Objects().list(f"{bank.addresses.artifacts}/snapshots") == []


def test_a_model_that_was_not_evaluated_is_not_promoted(bank: Bank, spark: SparkSession) -> None:
    config = TrainModelConfig(root=bank.root, dataset=DATASET, dataset_version=VERSION, iterations=2, threads=1)
    raw = train_model.run(spark, config)
    with pytest.raises(UpstreamNotReady, match="has not been evaluated"):
        promote_model.run(a_promotion(bank, raw))


def test_an_evaluation_leaves_figures_plots_and_a_page(bank: Bank, trained: JobResult, evaluated: JobResult) -> None:
    metrics, _, _ = Models().run_facts(trained.values["mlflow_run_id"])
    assert 0.6 < metrics["auc_low"] < metrics["auc"] < metrics["auc_high"] < 1
    assert metrics["gini"] == pytest.approx(2 * metrics["auc"] - 1)
    kinds = {Path(address).suffix for address in evaluated.attachments}
    assert kinds == {".png", ".html"}
    assert all(Objects().exists(address) for address in evaluated.attachments)
    kept = [
        Path(item.uri).name
        for item in Objects().list(bank.addresses.model_folder(DATASET, trained.values["mlflow_run_id"]))
    ]
    assert {"model.cbm", "document.json", "report.html", "metrics.json", "evaluation.json"} <= set(kept)
    page = Objects().get(f"{bank.root}/artifacts/report/report.html").decode()
    for part in (f"{metrics['train_auc']:.4f}", "learning rate in effect", "trees used"):
        assert part in page


def test_the_numbers_of_the_page_are_kept_as_json(bank: Bank, trained: JobResult, evaluated: JobResult) -> None:
    metrics, _, _ = Models().run_facts(trained.values["mlflow_run_id"])
    kept = Objects().get_json(f"{bank.root}/artifacts/report/evaluation.json")
    assert kept["metrics"].items() <= metrics.items()
    assert {"auc_low", "ece", "hosmer_lemeshow_p", "score_psi"} <= set(kept["metrics"])
    assert {segment["column"] for segment in kept["segments"]} == {"state"}
    assert kept["explanation"]["kind"] == "shap"
    assert next(iter(kept["explanation"]["importance"])) == "income"
    assert kept["decision"]["verdicts"][0]["rule"] == "auc_low > 0.6"
    assert len(kept["deciles"]) == 10
    # The training was given no number to choose a cut-off by: nothing is declined, and nothing is said of it.
    assert kept["cutoff"] is kept["profit"] is None
    assert not {"threshold", "accuracy", "approval_rate"} & kept["metrics"].keys()
    assert trained.figures["cut-off"] == evaluated.figures["cut-off"] == NO_CUTOFF


def test_rows_are_parted_and_the_cutoff_is_judged_as_asked(
    bank: Bank, spark: SparkSession, trained: JobResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_cutoff(monkeypatch, trained, Cutoff(0.35, "profit", {"margin": 0.2, "lgd": 0.5, "cost": 0.0}, exposure="age"))
    asked = replace(an_evaluation(bank, trained), report_folder=f"{bank.root}/artifacts/asked", segment_by=("age",))
    evaluate_model.run(spark, asked)
    kept = Objects().get_json(f"{asked.report_folder}/evaluation.json")
    assert kept["metrics"]["threshold"] == 0.35
    assert kept["profit"]["exposure"] == "age"
    assert kept["profit"]["chosen"]["approval_rate"] == pytest.approx(kept["metrics"]["approval_rate"])
    assert kept["metrics"]["profit"] <= kept["metrics"]["best_profit"]
    assert {segment["column"] for segment in kept["segments"]} == {"age"}
    with pytest.raises(BadConfiguration, match="no column salary"):
        evaluate_model.run(spark, replace(asked, segment_by=("salary",)))


def test_the_first_model_above_the_floors_becomes_champion(promoted: JobResult) -> None:
    assert promoted.values["decision"] == "promoted"
    assert Models().champion(MODEL) == promoted.values["model_version"]


def test_promoting_again_changes_nothing(bank: Bank, trained: JobResult, promoted: JobResult) -> None:
    assert promote_model.run(a_promotion(bank, trained)).values == promoted.values


def test_a_tie_keeps_the_champion_and_is_a_success(bank: Bank, spark: SparkSession, promoted: JobResult) -> None:
    config = TrainModelConfig(root=bank.root, dataset=DATASET, dataset_version=VERSION, iterations=80, threads=1)
    twin = train_model.run(spark, config)
    evaluate_model.run(spark, an_evaluation(bank, twin, promoted.values["model_version"]))
    decided = promote_model.run(a_promotion(bank, twin, promoted.values["model_version"]))
    assert decided.values["decision"] == "kept"
    assert Models().champion(MODEL) == promoted.values["model_version"]


def test_a_champion_that_changed_meanwhile_stops_a_promotion(
    bank: Bank, spark: SparkSession, promoted: JobResult
) -> None:
    config = TrainModelConfig(root=bank.root, dataset=DATASET, dataset_version=VERSION, iterations=90, threads=1)
    other = train_model.run(spark, config)
    evaluate_model.run(spark, an_evaluation(bank, other))
    with pytest.raises(BadConfiguration, match="champion became version"):
        promote_model.run(a_promotion(bank, other))
    assert Models().champion(MODEL) == promoted.values["model_version"]


def test_each_borrower_of_the_day_is_scored_exactly_once(bank: Bank, spark: SparkSession, promoted: JobResult) -> None:
    score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"]))
    published = scores(spark, bank)
    assert [row["borrower_id"] for row in published] == sorted(borrowers()[-100:]["borrower_id"])
    assert {row["risk_category"] for row in published} <= {"LOW", "MEDIUM", "HIGH"}
    assert {row["model_version"] for row in published} == {promoted.values["model_version"]}


def test_a_rerun_writes_the_same_rows(bank: Bank, spark: SparkSession, promoted: JobResult) -> None:
    config = a_scoring(bank, promoted.values["model_version"], as_of="2026-02-01")
    write_day(spark, bank, "2026-02-01", borrowers()[-60:])
    score_borrowers.run(spark, config)
    first = scores(spark, bank, "2026-02-01")
    score_borrowers.run(spark, config)
    assert scores(spark, bank, "2026-02-01") == first


def test_mlflows_own_interface_gives_the_batch_scores(bank: Bank, spark: SparkSession, promoted: JobResult) -> None:
    import mlflow

    score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"]))
    model = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
    rows = borrowers()[-100:].sort_values("borrower_id")
    served = model.predict(rows[list(DESCRIPTION.features)].astype({"age": "float64"}))["default_probability"]
    batch = [row["default_probability"] for row in scores(spark, bank)]
    assert served.tolist() == pytest.approx(batch, abs=PREDICT_LIMIT)


def test_a_process_without_arrears_gets_the_batch_scores_from_mlflow_alone(
    bank: Bank, spark: SparkSession, promoted: JobResult, tmp_path: Path
) -> None:
    score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"]))
    asked = borrowers()[-100:].sort_values("borrower_id").astype({"age": "float64"})
    asked.to_parquet(tmp_path / "rows.parquet")
    serving = [sys.executable, "-I", "-c", SERVING, str(REPOSITORY), f"models:/{MODEL}@champion", "rows.parquet"]
    done = subprocess.run(serving, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code, *served = done.stdout.split()
    assert code.endswith("arrears.zip/arrears/__init__.py")
    batch = [row["default_probability"] for row in scores(spark, bank)]
    assert [float(score) for score in served] == pytest.approx(batch, abs=PREDICT_LIMIT)


def test_fixed_limits_name_the_risk(bank: Bank, spark: SparkSession, promoted: JobResult) -> None:
    score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"], risk_limits=(0.2, 0.4)))
    for row in scores(spark, bank):
        score = row["default_probability"]
        assert row["risk_category"] == ("HIGH" if score >= 0.4 else "MEDIUM" if score >= 0.2 else "LOW")


def test_who_scores_below_the_models_cutoff_is_approved(
    bank: Bank, spark: SparkSession, trained: JobResult, promoted: JobResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"]))
    at_cutoff = scores(spark, bank)[3]["default_probability"]
    give_cutoff(monkeypatch, trained, Cutoff(at_cutoff, "fixed"))
    told = score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"])).figures
    published = scores(spark, bank)
    assert [row["is_approved"] for row in published] == [row["default_probability"] < at_cutoff for row in published]
    assert told[f"approved, below {at_cutoff:.4g}"] == sum(row["is_approved"] for row in published)
    assert str(told["share approved"]).startswith("fewer than 50% are approved")
    give_cutoff(monkeypatch, trained, None)
    told = score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"])).figures
    assert {row["is_approved"] for row in scores(spark, bank)} == {None}
    assert told["approved"] == NO_CUTOFF


def test_another_model_needs_force_for_a_scored_day(bank: Bank, spark: SparkSession, promoted: JobResult) -> None:
    score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"]))
    second = Models().register(Models().run_of_version(MODEL, promoted.values["model_version"]), MODEL, tags={})
    other = "2" if second == "1" else "1"
    with pytest.raises(BadConfiguration, match="set force to score the day again"):
        score_borrowers.run(spark, a_scoring(bank, other))
    score_borrowers.run(spark, a_scoring(bank, other, force=True))
    assert {row["model_version"] for row in scores(spark, bank)} == {other}
    folder = bank.addresses.partition_manifest(Table.TEST_SAMPLE_INFERENCE, DATASET, AS_OF).removesuffix(".json")
    assert Objects().exists(f"{folder}.by-version-{promoted.values['model_version']}.json")


def test_an_empty_day_is_an_error_that_names_the_dag_to_run(
    bank: Bank, spark: SparkSession, promoted: JobResult
) -> None:
    with pytest.raises(UpstreamNotReady, match="run new_data for 2026-03-01"):
        score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"], as_of="2026-03-01"))


def test_new_data_that_do_not_fit_the_model_are_refused_before_anything_is_written(
    bank: Bank, spark: SparkSession, promoted: JobResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Models().files_of_version(MODEL, promoted.values["model_version"])
    wider = replace(files, document=files.document.replace('"income"', '"salary"'))
    monkeypatch.setattr(Models, "files_of_version", lambda *_: wider)
    write_day(spark, bank, "2026-02-02", borrowers()[-10:])
    with pytest.raises(BadInput, match="feature salary is missing"):
        score_borrowers.run(spark, a_scoring(bank, promoted.values["model_version"], as_of="2026-02-02"))
    with pytest.raises(UpstreamNotReady):
        scores(spark, bank, "2026-02-02")
