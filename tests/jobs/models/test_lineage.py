"""A champion is judged on rows that it has not learnt from, whatever the split of the newer version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import roc_auc_score

from arrears.contracts.addresses import Table, registered_model
from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, PromoteModelConfig, TrainModelConfig
from arrears.contracts.outcome_facts import JobResult
from arrears.model.gate import rules
from arrears.scoring.batch import default_probabilities
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.io.tables import overwrite_partition
from spark_jobs.jobs import evaluate_model, promote_model, train_model
from tests.jobs.models.model_world import (
    BORROWERS,
    DATASET,
    DESCRIPTION,
    VERSION,
    Bank,
    borrowers,
    found,
    frame,
    local_registry,
)

MODEL = registered_model(DATASET)
HELD_OUT = 500
NEWER = "v2"
FORCED = {"gate_override": True, "override_reason": "it knows its training rows by heart"}


@dataclass(frozen=True)
class World:
    """A bank whose champion learnt from one split of its borrowers, and a candidate from another.

    Attributes:
        told, measured: what the mail and MLflow say of the candidate beside the champion.
    """

    bank: Bank
    champion: JobResult
    candidate: JobResult
    told: Mapping[str, object]
    measured: Mapping[str, float]


def split(version: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and held-out rows of a version: the same borrowers, parted in another way."""
    rows = borrowers()
    if version == VERSION:
        return rows[: BORROWERS // 2], rows[BORROWERS // 2 :]
    shuffled = rows.sample(frac=1.0, random_state=9)
    return shuffled[HELD_OUT:], shuffled[:HELD_OUT]


def write(spark: SparkSession, bank: Bank, version: str) -> None:
    for table, rows in zip((Table.TRAIN, Table.TEST), split(version), strict=True):
        overwrite_partition(frame(spark, rows), bank.addresses, table, DATASET, version)
    Objects().put_json(bank.addresses.dataset_manifest(DATASET, version), {"description": DESCRIPTION.to_dict()})


def train(spark: SparkSession, bank: Bank, version: str, **given: Any) -> JobResult:
    """A model that learns its training rows by heart: one deep tree, its leaves not smoothed."""
    memory = {"iterations": 1, "depth": 12, "learning_rate": 1.0, "threads": 1, "validation_share": 0.05}
    options = ("l2_leaf_reg=0.001", "random_strength=0", "bootstrap_type=No")
    config = {"root": bank.root, "dataset": DATASET, "dataset_version": version, "engine_options": options}
    return train_model.run(spark, TrainModelConfig(**{**config, **memory, **given}))


def evaluate(spark: SparkSession, bank: Bank, run: JobResult, version: str, champion: str | None) -> JobResult:
    return evaluate_model.run(
        spark,
        EvaluateModelConfig(
            root=bank.root,
            dataset=DATASET,
            dataset_version=version,
            mlflow_run_id=run.values["mlflow_run_id"],
            champion_version=champion,
            report_folder=f"{bank.root}/artifacts/report",
        ),
    )


def promote(bank: Bank, run: JobResult, version: str, champion: str | None, **given: Any) -> JobResult:
    config = {"root": bank.root, "dataset": DATASET, "dataset_version": version, "champion_version": champion}
    return promote_model.run(PromoteModelConfig(**config, mlflow_run_id=run.values["mlflow_run_id"], **given))


def auc(run: JobResult, rows: pd.DataFrame) -> float:
    """By scikit-learn, of the model's own scores."""
    import pyarrow as pa

    files = Models().files_of_run(run.values["mlflow_run_id"])
    document = ModelDocument.from_json(files.document)
    table = pa.Table.from_pandas(rows.replace({np.nan: None}), preserve_index=False)
    scores = default_probabilities(table, load_scorer(document.model_format, files.model), document)
    return float(roc_auc_score(rows["is_default"], np.asarray(scores)))


def metrics_of(run: JobResult) -> dict[str, float]:
    return Models().run_facts(run.values["mlflow_run_id"])[0]


@pytest.fixture(scope="module")
def world(delta_session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("lineage")
    with local_registry(folder):
        bank = found(delta_session, folder / "s3")
        write(delta_session, bank, NEWER)
        champion = train(delta_session, bank, VERSION)
        evaluate(delta_session, bank, champion, VERSION, None)
        assert promote(bank, champion, VERSION, None, **FORCED).values["decision"] == "promoted"
        candidate = train(delta_session, bank, NEWER)
        told = evaluate(delta_session, bank, candidate, NEWER, "1").figures
        yield World(bank, champion, candidate, told, metrics_of(candidate))


def test_training_keeps_the_ids_of_all_rows_that_it_saw(world: World, spark: SparkSession) -> None:
    tags = Models().run_facts(world.champion.values["mlflow_run_id"])[2]
    kept = spark.read.parquet(tags["arrears.lineage"])
    assert {(row.kind, row.key) for row in kept.collect()} == {("row", key) for key in split(VERSION)[0]["borrower_id"]}
    assert tags["arrears.lineage.rows"] == str(BORROWERS // 2)


def test_champion_does_not_profit_from_rows_that_it_was_trained_on(world: World) -> None:
    told, measured = world.told, world.measured
    (learnt, _), (_, held_out) = split(VERSION), split(NEWER)
    shared = held_out[~held_out["borrower_id"].isin(learnt["borrower_id"])]
    by_heart = auc(world.champion, held_out)
    assert measured["champion_auc"] == pytest.approx(auc(world.champion, shared), abs=1e-12)
    assert measured["compared_auc"] == pytest.approx(auc(world.candidate, shared), abs=1e-12)
    assert measured["auc"] == pytest.approx(auc(world.candidate, held_out), abs=1e-12)
    assert measured["auc_difference"] == pytest.approx(measured["compared_auc"] - measured["champion_auc"], abs=1e-12)
    assert measured["champion_auc"] < by_heart - 0.03  # as it would have been judged on all of them
    assert (measured["compared_rows"], measured["compared_defaults"]) == (len(shared), shared["is_default"].sum())
    assert told["compared with the champion"] == (
        f"on {len(shared)} held-out rows that neither has learnt from, with {shared['is_default'].sum()} defaults"
    )
    kept = Objects().get_json(f"{world.bank.root}/artifacts/report/evaluation.json")
    assert (kept["comparison"]["rows"], kept["comparison"]["left_out"]) == (len(shared), len(held_out) - len(shared))
    assert (
        f"on {len(shared)} held-out borrowers that neither has learnt from"
        in kept["decision"]["verdicts"][-1]["reason"]
    )
    page = Objects().get(f"{world.bank.root}/artifacts/report/report.html").decode()
    assert f"{len(held_out) - len(shared)}\n    more that version 1 has learnt from" in page


def test_model_is_not_measured_on_rows_that_it_has_learnt_from(world: World, spark: SparkSession) -> None:
    (learnt, _), (_, held_out) = split(VERSION), split(NEWER)
    both = held_out["borrower_id"].isin(learnt["borrower_id"]).sum()
    with pytest.raises(BadInput, match=f"{both} of {HELD_OUT} rows held out were its training rows"):
        evaluate(spark, world.bank, world.champion, NEWER, None)


def test_lineage_of_an_older_champion_is_that_of_its_training_rows(
    world: World, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(monkeypatch, world.champion, VERSION)
    evaluate(spark, world.bank, world.candidate, NEWER, "1")
    # Rows reach the sums in any order.
    assert metrics_of(world.candidate) == pytest.approx(world.measured, rel=1e-12)


def test_too_few_rows_that_neither_knows_are_refused(
    world: World, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "FEWEST_COMPARED_ROWS", 300)
    told = evaluate(spark, world.bank, world.candidate, NEWER, "1").figures["compared with the champion"]
    rows, defaults = (int(world.measured[name]) for name in ("compared_rows", "compared_defaults"))
    assert told == (
        f"it cannot be compared with the champion: only {rows} held-out rows with {defaults} defaults are unknown to"
        " both, and 300 with 20 of each outcome are needed"
    )
    page = Objects().get(f"{world.bank.root}/artifacts/report/report.html").decode()
    assert f"Against version 1: {told}." in page
    assert promote(world.bank, world.candidate, NEWER, "1").values["decision"] in ("kept", "refused")


def test_champion_of_which_nothing_is_known_stays_until_a_person_overrides_that(
    world: World, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(monkeypatch, world.champion, "gone")
    told = evaluate(spark, world.bank, world.candidate, NEWER, "1").figures
    assert "nothing tells which rows that one has learnt from" in str(told["compared with the champion"])
    monkeypatch.undo()
    done = promote(world.bank, world.candidate, NEWER, "1")
    assert done.values["decision"] in ("kept", "refused")
    forced = promote(world.bank, world.candidate, NEWER, "1", **FORCED).values
    assert forced["decision"] == "promoted"
    assert forced["set_aside"].endswith("auc_difference_low > 0")
    assert "nothing tells which rows that one has learnt from" in str(done.figures["rule auc_difference_low > 0"])


def forget(monkeypatch: pytest.MonkeyPatch, run: JobResult, version: str) -> None:
    """From now on a run is one of an older Arrears, trained on this version."""
    told = Models.run_facts

    def older(models: Models, run_id: str) -> Any:
        metrics, parameters, tags = told(models, run_id)
        if run_id == run.values["mlflow_run_id"]:
            tags = {name: tag for name, tag in tags.items() if not name.startswith("arrears.lineage")}
            tags["arrears.dataset_version"] = version
        return metrics, parameters, tags

    monkeypatch.setattr(Models, "run_facts", older)
