"""A model whose features were prepared scores the same in every place, and its preparation saw training rows alone."""

from __future__ import annotations

from typing import Any

import mlflow
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Table, registered_model
from arrears.contracts.job_configs.jobs import ScoreBorrowersConfig, TrainModelConfig
from arrears.contracts.tables.column_names import ID
from arrears.scoring.batch import default_probabilities
from arrears.scoring.document import ModelDocument
from arrears.scoring.preparation import Preparation
from arrears.scoring.scorers.catboost_trees import CatBoostTrees
from arrears.stores.models import Models
from spark_jobs.io.tables import overwrite_partition, read_partition
from spark_jobs.jobs import score_borrowers, train_model
from spark_jobs.training.pinned_rows import pinned_rows
from spark_jobs.training.training_plan import training_plan
from spark_jobs.transforms.training.training_rows import VALIDATION, to_training_rows
from tests.jobs.models.model_world import (
    AS_OF,
    BORROWERS,
    DATASET,
    DESCRIPTION,
    VERSION,
    Bank,
    borrowers,
    frame,
)

TRAINING_ROWS = BORROWERS // 2
EVERYTHING = {
    "missing": "fill",
    "missing_flags": "add",
    "outliers": "clip",
    "outlier_deviations": 2.0,
    "deciles": ("age", "income"),
    "interactions": ("income*age", "income/age"),
    "encoding": "one_hot",
}
WOE = {"encoding": "woe"}


def a_training(bank: Bank, version: str = VERSION, **more: Any) -> TrainModelConfig:
    where = {"root": bank.root, "dataset": DATASET, "dataset_version": version}
    few = {"iterations": 20, "threads": 1}
    return TrainModelConfig(**{**where, **few, **more})


def published(spark: SparkSession, bank: Bank, run_id: str) -> list[float]:
    """The scores that the business finds, in the order of the ids."""
    version = Models().register(run_id, registered_model(DATASET), tags={})
    config = ScoreBorrowersConfig(
        root=bank.root,
        dataset=DATASET,
        as_of=AS_OF,
        model_version=version,
        scored_at="2026-01-31T02:06:00+00:00",
        report_folder=f"{bank.root}/artifacts/report",
        force=True,
    )
    score_borrowers.run(spark, config)
    address = bank.addresses.table(Table.TEST_SAMPLE_INFERENCE, DATASET)
    rows = read_partition(spark, address, {"as_of": AS_OF}, what="").orderBy(ID).collect()
    return [row["default_probability"] for row in rows]


@pytest.mark.parametrize("choices", [EVERYTHING, WOE], ids=["everything", "woe"])
def test_job_batch_and_mlflow_give_the_same_scores_to_the_bit(
    bank: Bank, spark: SparkSession, choices: dict[str, Any]
) -> None:
    run_id = train_model.run(spark, a_training(bank, **choices)).values["mlflow_run_id"]
    files = Models().files_of_run(run_id)
    document, scorer = ModelDocument.from_json(files.document), CatBoostTrees.from_bytes(files.model)
    rows = borrowers()[-100:].sort_values(ID)[list(DESCRIPTION.features)].astype({"age": "float64"})
    batch = default_probabilities(pa.Table.from_pandas(rows, preserve_index=False), scorer, document).tolist()
    served = mlflow.pyfunc.load_model(f"runs:/{run_id}/model").predict(rows)
    assert served["default_probability"].tolist() == batch
    assert published(spark, bank, run_id) == batch
    assert document.features == DESCRIPTION.features
    assert tuple(scorer.model.feature_names_) == document.inputs
    assert len(scorer.importance()) == len(document.inputs)


def test_dropped_outliers_leave_the_training_rows_alone_and_are_counted(bank: Bank, spark: SparkSession) -> None:
    given = {"outliers": "drop", "outlier_deviations": 1.5, "encoding": "one_hot", "shards": 2, "iterations": 2}
    figures = train_model.run(spark, a_training(bank, **given)).figures
    assert figures["dropped_outlier_rows"] > 0
    assert figures["train_rows"] + figures["dropped_outlier_rows"] == TRAINING_ROWS


def learnt(spark: SparkSession, bank: Bank, version: str, choices: dict[str, Any]) -> Preparation:
    with pinned_rows(spark, training_plan(a_training(bank, version, **choices), DESCRIPTION), name=version) as pinned:
        return pinned.spec.preparation


def test_rows_held_out_or_held_back_teach_nothing(bank: Bank, spark: SparkSession) -> None:
    rows = borrowers()[:TRAINING_ROWS]
    places = to_training_rows(
        frame(spark, rows), features=[ID], validation_share=a_training(bank).validation_share, shards=1, seed=42
    )
    held_back = {row[ID] for row in places.where(f"shard = {VALIDATION}").collect()}
    assert 0 < len(held_back) < TRAINING_ROWS / 2

    strange = rows.assign(
        income=rows["income"].where(~rows[ID].isin(held_back), 1e6),
        age=rows["age"].where(~rows[ID].isin(held_back), 99),
        state=rows["state"].where(~rows[ID].isin(held_back), "ZZ"),
    )
    overwrite_partition(frame(spark, strange), bank.addresses, Table.TRAIN, DATASET, "v2")
    held_out = borrowers()[TRAINING_ROWS:].assign(income=-1e9, state="YY")
    overwrite_partition(frame(spark, held_out), bank.addresses, Table.TEST, DATASET, "v2")
    choices = {**EVERYTHING, **WOE}
    assert learnt(spark, bank, "v2", choices) == learnt(spark, bank, VERSION, choices)
