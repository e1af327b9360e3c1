"""What MLlib, XGBoost and the scorecard learn leaves Spark whole: the file scores what the library itself says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from xgboost import DMatrix, QuantileDMatrix, train

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.batch import prepared_input
from arrears.scoring.preparation import LevelNumbers, OutlierLimits, Preparation
from arrears.scoring.scorers import load_scorer
from arrears.scoring.scorers.forest import Forest
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.engines.interface import CALIBRATION_SHARD, VALIDATION_SHARD, FittedModel, TrainingSpec
from spark_jobs.engines.mllib import gbt, logistic_regression, naive_bayes, random_forest
from spark_jobs.engines.mllib.classifiers import Learner, fit_learner
from spark_jobs.engines.row_groups import Snapshot
from spark_jobs.engines.xgboost import cluster_problems
from spark_jobs.io.snapshots import read_slices
from tests.spark.engines.engine_rows import auc, scores, written

ROWS = 900
LEARNERS: dict[str, Learner] = {
    module.LEARNER.name: module.LEARNER for module in (logistic_regression, random_forest, gbt, naive_bayes)
}
PREPARATION = Preparation(
    levels=(LevelNumbers("state", ("NY", "TX", "CA")),), outliers=(OutlierLimits("debt", -9.0, 3.0, "drop"),)
)
SPEC = TrainingSpec(
    label="is_default",
    numeric=("income", "age", "debt"),
    categorical=("state",),
    iterations=4,
    depth=3,
    early_stopping_rounds=20,
    seed=42,
    threads=1,
    preparation=PREPARATION,
    class_weights=(1.0, 2.0),
)


@pytest.fixture(scope="module")
def borrowers() -> pa.Table:
    random = np.random.default_rng(11)
    income, age = random.normal(size=ROWS), random.integers(18, 80, ROWS)
    debt = random.normal(size=ROWS)
    state = random.choice(["NY", "TX", "CA"], ROWS)
    logit = 1.5 * income - (state == "NY") - 1 + 0.02 * age + 0.3 * debt
    place = np.arange(ROWS)
    return pa.table(
        {
            "income": np.where(random.random(ROWS) < 0.1, np.nan, income),
            "age": age,
            "debt": debt,
            "state": pa.array(np.where(random.random(ROWS) < 0.05, np.full(ROWS, None), state), pa.string()),
            "is_default": (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(np.int32),
            "row_order": random.permutation(ROWS).astype(np.int64) * 7919,
            "shard": np.select([place % 5 == 0, place % 11 == 0], [VALIDATION_SHARD, CALIBRATION_SHARD], 0),
        }
    )


@pytest.fixture(scope="module")
def snapshot(borrowers: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return written(borrowers, tmp_path_factory.mktemp("rows"), files=1)


@pytest.fixture(scope="module")
def turned(borrowers: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The same rows the other way round, in more files."""
    backwards = borrowers.take(pa.array(range(ROWS - 1, -1, -1)))
    return written(backwards, tmp_path_factory.mktemp("turned"), files=3)


def seen(borrowers: pa.Table, shard: int = 0) -> pa.Table:
    """The rows of one shard as an engine learns from them: in order, outliers dropped from training."""
    rows = borrowers.filter(pa.array(borrowers.column("shard").to_numpy() == shard)).sort_by("row_order")
    return rows if shard == VALIDATION_SHARD else PREPARATION.drop_outliers(rows)


def inputs_of(rows: pa.Table) -> Any:
    return np.asarray(prepared_input(rows, PREPARATION, SPEC.numeric, SPEC.categorical))


@pytest.fixture(scope="module", params=sorted(LEARNERS))
def trained(
    request: pytest.FixtureRequest, spark_session: SparkSession, snapshot: Snapshot
) -> tuple[str, FittedModel, Any]:
    """An MLlib learner's model as we keep it, and as MLlib has it."""
    kept = []
    learner = LEARNERS[request.param]

    def watched(spark: SparkSession, fitted: Any, moments: Any) -> Any:
        kept.append(fitted)
        return learner.tables(spark, fitted, moments)

    ours = fit_learner(replace(learner, tables=watched), spark_session, snapshot, SPEC, read_slices)
    return request.param, ours, kept[0]


def on_thresholds(model: bytes, borrowers: pa.Table) -> Any:
    """Rows that MLlib's splits are hardest on: values at, and next to, the thresholds; and ordinary ones."""
    rows = inputs_of(borrowers)[:200]
    scorer = load_scorer("tables", model)
    if not isinstance(scorer, Forest):
        return rows
    limits = np.array(scorer.thresholds, dtype=np.float32)
    near = np.concatenate([limits, np.nextafter(limits, np.float32(9)), np.nextafter(limits, np.float32(-9))])
    return np.concatenate([rows, np.repeat(near[:, None], rows.shape[1], axis=1)])


def test_an_mllib_model_scores_from_its_file_as_mllib_does(
    spark: SparkSession, trained: tuple[str, FittedModel, Any], borrowers: pa.Table
) -> None:
    name, ours, theirs = trained
    rows = on_thresholds(ours.model, borrowers)
    fills = inputs_of(seen(borrowers)).astype(np.float64)
    filled = np.where(np.isnan(rows), np.nanmean(fills, axis=0), rows)
    frame = spark.createDataFrame(list(enumerate(filled.tolist())), "place int, row array<double>")
    asked = theirs.transform(frame.select("place", array_to_vector(F.col("row")).alias("features")))
    told = asked.select("place", vector_to_array(F.col("probability"))[1].alias("p")).collect()
    expected = [row["p"] for row in sorted(told, key=lambda row: row["place"])]
    assert load_scorer("tables", ours.model).estimates(rows) == pytest.approx(expected, abs=1e-9)
    assert len(set(expected)) > 5
    if name in ("random_forest", "gbt"):
        importance = load_scorer("tables", ours.model).importance()
        assert importance == pytest.approx((100 * theirs.featureImportances.toArray()).tolist(), abs=1e-9)


def test_an_mllib_model_tells_defaulters_apart_and_what_its_training_was(
    trained: tuple[str, FittedModel, Any], borrowers: pa.Table
) -> None:
    name, ours, _ = trained
    held_back = seen(borrowers, VALIDATION_SHARD)
    labels, chances = held_back.column("is_default").to_numpy(), scores(held_back, ours, SPEC)
    loss = -np.mean(np.log(np.where(labels == 1, chances, 1 - chances)))
    assert auc(labels, chances) > 0.7
    assert ours.facts.get("trees", SPEC.iterations) == SPEC.iterations
    assert ours.facts["train_rows"] == seen(borrowers).num_rows
    assert (
        ours.facts["dropped_outlier_rows"] == sum(borrowers.column("shard").to_numpy() == 0) - seen(borrowers).num_rows
    )
    assert ours.facts["best_validation_logloss"] == pytest.approx(loss, abs=1e-9)
    assert ours.engine.startswith(f"{name} of Spark MLlib")
    assert set(ours.example) == {"income", "age", "debt", "state"}
    assert ours.example["state"] in {"NY", "TX", "CA"}


def test_neither_files_nor_tasks_change_an_mllib_model(
    spark: SparkSession, trained: tuple[str, FittedModel, Any], turned: Snapshot
) -> None:
    name, ours, _ = trained
    assert engine_named(name).fit(spark, turned, SPEC, read_slices).model == ours.model


def test_the_calibration_slice_is_never_seen(spark: SparkSession, snapshot: Snapshot) -> None:
    without = replace(snapshot, slices=tuple(p for p in snapshot.slices if p.shard != CALIBRATION_SHARD))
    fits = [engine_named("naive_bayes").fit(spark, rows, SPEC, read_slices) for rows in (snapshot, without)]
    assert fits[0].model == fits[1].model


def test_coefficients_keep_the_direction_that_was_declared(spark: SparkSession, snapshot: Snapshot) -> None:
    spec = replace(SPEC, monotone={"income": -1, "debt": 1}, iterations=50)
    fitted = engine_named("logistic_regression").fit(spark, snapshot, spec, read_slices)
    income, _, debt, *_ = json.loads(fitted.model)["coefficients"]
    assert income == 0.0
    assert debt > 0.0


def test_everything_that_a_learner_cannot_do_is_told_at_once(spark: SparkSession, snapshot: Snapshot) -> None:
    spec = replace(SPEC, learning_rate=0.1, options={"maxBins": "many", "seed": 1, "leaves": 3, "maxDepth": 2})
    with pytest.raises(BadConfiguration) as told:
        engine_named("random_forest").fit(spark, snapshot, spec, read_slices)
    said = "\n".join(told.value.problems)
    assert len(told.value.problems) == 5
    for words in ("no learning rate", "'many' is no maxBins", "no seed here", "no leaves here"):
        assert words in said
    with pytest.raises(BadConfiguration, match=r"random_forest refuses its options.*maxBins"):
        engine_named("random_forest").fit(spark, snapshot, replace(SPEC, options={"maxBins": 1}), read_slices)


def test_a_category_or_a_single_class_is_refused(spark: SparkSession, snapshot: Snapshot, borrowers: pa.Table) -> None:
    with pytest.raises(BadConfiguration, match="choose --encoding one_hot or woe for state"):
        engine_named("naive_bayes").fit(spark, snapshot, replace(SPEC, preparation=Preparation()), read_slices)
    validation = replace(snapshot, slices=snapshot.shard(VALIDATION_SHARD))
    with pytest.raises(BadConfiguration, match="0 training rows with 0 defaults are left"):
        engine_named("naive_bayes").fit(spark, validation, SPEC, read_slices)


def test_one_xgboost_task_is_the_model_that_xgboost_trains_alone(
    spark: SparkSession, turned: Snapshot, borrowers: pa.Table
) -> None:
    spec = replace(SPEC, iterations=60, early_stopping_rounds=5, learning_rate=0.3, monotone={"debt": 1})
    spec = replace(spec, options={"reg_lambda": 2.0, "max_bin": 64})
    fitted = engine_named("xgboost").fit(spark, turned, spec, read_slices)
    training, held_back = seen(borrowers), seen(borrowers, VALIDATION_SHARD)
    pools: list[DMatrix] = []
    for rows in (training, held_back):
        labels = rows.column("is_default").to_numpy()
        pools.append(
            QuantileDMatrix(
                inputs_of(rows), labels, weight=1.0 + labels, max_bin=64, ref=pools[0] if pools else None, nthread=1
            )
        )
    settings = {"objective": "binary:logistic", "max_depth": 3, "seed": 42, "nthread": 1, "eta": 0.3, "max_bin": 64}
    settings |= {"reg_lambda": 2.0, "monotone_constraints": "(0,0,1,0,0,0)"}
    alone = train(settings, pools[0], 60, evals=[(pools[1], "validation")], early_stopping_rounds=5, verbose_eval=False)
    assert fitted.facts["trees"] == alone.best_iteration + 1
    assert fitted.facts["best_validation_logloss"] == pytest.approx(alone.best_score, abs=1e-6)
    theirs = alone.predict(DMatrix(inputs_of(held_back)), iteration_range=(0, alone.best_iteration + 1))
    assert scores(held_back, fitted, spec) == pytest.approx(theirs, abs=1e-6)


def test_xgboost_takes_an_infinite_number_for_a_great_one(
    spark: SparkSession, borrowers: pa.Table, tmp_path: Path
) -> None:
    income = borrowers.column("income").to_numpy().copy()
    great, low = income > np.nanquantile(income, 0.8), income < np.nanquantile(income, 0.2)
    income[great], income[low] = np.inf, -np.inf
    loans = borrowers.set_column(0, "income", pa.array(income))
    spec = replace(SPEC, iterations=20)
    fitted = engine_named("xgboost").fit(spark, written(loans, tmp_path, files=1), spec, read_slices)
    found = scores(loans, fitted, spec)
    assert found[great].mean() > found[low].mean() + 0.2
    assert auc(loans.column("is_default").to_numpy(), found) > 0.75


def test_two_xgboost_tasks_learn_together(spark: SparkSession, snapshot: Snapshot, borrowers: pa.Table) -> None:
    spec = replace(SPEC, iterations=20, shards=2)
    fitted = engine_named("xgboost").fit(spark, snapshot, spec, read_slices)
    held_back = seen(borrowers, VALIDATION_SHARD)
    assert fitted.facts["shards"] == 2
    assert fitted.facts["train_rows"] == seen(borrowers).num_rows
    assert auc(held_back.column("is_default").to_numpy(), scores(held_back, fitted, spec)) > 0.75


def test_what_xgboost_cannot_do_is_told_at_once(
    spark: SparkSession, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = spark.sparkContext.getConf().set("spark.dynamicAllocation.enabled", "true")
    monkeypatch.setattr(type(spark.sparkContext), "getConf", lambda self: settings)
    assert "spark.dynamicAllocation.enabled=false" in cluster_problems(spark, 1)[0]
    spec = replace(SPEC, shards=64, options={"subsample": 7, "n_jobs": 4, "booster": "dart"})
    with pytest.raises(BadConfiguration) as told:
        engine_named("xgboost").fit(spark, snapshot, spec, read_slices)
    said = "\n".join(told.value.problems)
    assert len(told.value.problems) == 5
    for words in ("64 tasks at once", "no n_jobs here", "no booster here", "subsample"):
        assert words in said
