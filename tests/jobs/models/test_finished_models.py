"""What a model carries beside its trees: probabilities that come true, and the cut-off that every side uses."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.scoring.batch import default_probabilities
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from arrears.stores.models import Models
from spark_jobs.engines.mllib import gbt
from spark_jobs.jobs import train_model
from spark_jobs.objectives import default
from tests.jobs.models.model_world import (
    BORROWERS,
    DATASET,
    DESCRIPTION,
    VERSION,
    Bank,
    borrowers,
)

HELD_OUT = borrowers()[BORROWERS // 2 :]
DEFAULT_RATE = float(HELD_OUT["is_default"].mean())


def trained(spark: SparkSession, bank: Bank, **choices: Any) -> tuple[ModelDocument, list[float]]:
    """A model's document, and its scores of the held-out borrowers."""
    settings = {"iterations": 60, "threads": 1, "learning_rate": 0.1, "depth": 3, **choices}
    config = TrainModelConfig(root=bank.root, dataset=DATASET, dataset_version=VERSION, **settings)
    files = Models().files_of_run(train_model.run(spark, config).values["mlflow_run_id"])
    document = ModelDocument.from_json(files.document)
    rows = HELD_OUT[list(DESCRIPTION.features)].astype({"age": "float64"})
    table = pa.Table.from_pandas(rows, preserve_index=False)
    return document, default_probabilities(table, load_scorer(document.model_format, files.model), document).tolist()


@pytest.mark.parametrize("sampling", ["class_weights", "over"])
def test_rare_defaults_that_counted_more_leave_probabilities_that_come_true(
    bank: Bank, spark: SparkSession, sampling: str
) -> None:
    document, scores = trained(spark, bank, sampling=sampling, sampling_factor=4.0)
    assert document.calibration is not None
    assert document.calibration.kind == "prior"
    assert document.calibration.intercept == pytest.approx(-math.log(4))
    # Four times as many defaults would put the mean above 0.5; five standard errors of 600 borrowers are 0.09.
    assert sum(scores) / len(scores) == pytest.approx(DEFAULT_RATE, abs=0.09)


def test_a_calibration_and_a_cutoff_are_learnt_on_slices_of_their_own(bank: Bank, spark: SparkSession) -> None:
    choices = {"calibration": "isotonic", "calibration_share": 0.2, "cutoff_by": "approval_rate", "approval_rate": 0.7}
    document, scores = trained(spark, bank, sampling="under", sampling_factor=2.0, **choices)
    assert document.calibration is not None
    assert document.calibration.kind == "isotonic"
    assert document.cutoff is not None
    assert document.cutoff.rule == "approval_rate"
    assert document.cutoff.expected["approval_rate"] == pytest.approx(0.7, abs=0.15)  # isotonic scores tie
    assert sum(scores) / len(scores) == pytest.approx(DEFAULT_RATE, abs=0.09)
    assert document.score_quantiles[0] >= min(document.calibration.values)
    assert document.score_quantiles[-1] <= max(document.calibration.values)


def test_a_model_is_refitted_on_all_rows_and_its_cutoff_comes_of_the_slice(bank: Bank, spark: SparkSession) -> None:
    plain = figures_of(spark, bank, approval_rate=0.7, refit=False)
    again = figures_of(spark, bank, approval_rate=0.7)
    assert plain["train_rows"] == pytest.approx(0.8 * BORROWERS / 2, abs=2)
    assert again["train_rows"] == BORROWERS / 2
    assert again["trees_on_the_slice"] == plain["trees"]
    assert again["trees"] == min(60, round(1.25 * plain["trees"]))
    assert again["learning_rate"] == pytest.approx(0.1)  # CatBoost keeps 32 bits
    assert again["best_validation_logloss"] == plain["best_validation_logloss"]
    assert again["cut-off"] == plain["cut-off"]


def test_without_a_slice_all_trees_are_trained_and_scores_are_cross_fitted(bank: Bank, spark: SparkSession) -> None:
    told = figures_of(spark, bank, validation_share=0.0, approval_rate=0.7)
    assert (told["trees"], told["train_rows"]) == (60, BORROWERS / 2)
    assert "best_validation_logloss" not in told
    assert "approves 70.0%" in str(told["cut-off"])
    assert 0.5 < told["train_auc"] <= 1.0


def test_gbt_grows_the_trees_that_were_asked_for(
    bank: Bank, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gbt, "MOST_TREES", 3)  # of a plan without checkpoints
    told = figures_of(spark, bank, engine="gbt", iterations=5, depth=2, refit=False)
    assert told["trees"] == 5


def test_a_training_is_refused_with_all_that_is_wrong_before_anything_is_kept(
    bank: Bank, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("checked_for_leaks", "pinned_rows"):
        monkeypatch.setattr(default, name, lambda *_, **__: pytest.fail("a refused training went on"))
    with pytest.raises(BadConfiguration) as refused:
        figures_of(spark, bank, features=("no_such",), segment_by=("country",), engine_options=("l2_leaf_reg=abc",))
    assert len(refused.value.problems) == 3


def figures_of(spark: SparkSession, bank: Bank, **choices: Any) -> dict[str, Any]:
    settings = {"iterations": 60, "threads": 1, "learning_rate": 0.1, "depth": 3, **choices}
    config = TrainModelConfig(root=bank.root, dataset=DATASET, dataset_version=VERSION, **settings)
    return train_model.run(spark, config).figures


def test_a_cutoff_may_weigh_loans_by_their_exposure(bank: Bank, spark: SparkSession) -> None:
    document, _ = trained(spark, bank, cutoff_by="profit", exposure="age", margin=0.2, lgd=0.6)
    assert document.cutoff is not None
    assert (document.cutoff.rule, document.cutoff.exposure) == ("profit", "age")
    assert document.cutoff.expected["profit"] > 0
    assert 0 < document.cutoff.value < 1
