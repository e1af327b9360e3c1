"""Loss models find a known formula, are scored by numpy as by MLlib, and are measured as scikit-learn measures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import sklearn.metrics as reference
from pyspark.ml.regression import GBTRegressor, GeneralizedLinearRegression, LinearRegression, RandomForestRegressor
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.jobs import EvaluateModelConfig, TrainModelConfig
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from arrears.stores.description_files import shipped_description
from spark_jobs.engines.catboost import loss_catboost
from spark_jobs.engines.interface import FittedModel
from spark_jobs.engines.mllib import loss_mllib
from spark_jobs.engines.objective_interface import TARGET, ObjectiveRows, ObjectiveSpec, model_vectors
from spark_jobs.objectives import loss
from spark_jobs.objectives.loss_evaluation import evaluate_losses
from spark_jobs.scoring.ask_model import to_answers
from spark_jobs.transforms.scores import score_counts
from spark_jobs.transforms.synthetic.synthetic_customers import LOSS_NOISE, to_customers, to_truth

ROWS = 3000
NUMERIC = ("collateral_ratio", "debt_ratio", "age_years")
TRUTH = {"default_rate": 0.2, "seed": 5}
SPEC = ObjectiveSpec(seed=42, depth=3)


@pytest.fixture(scope="module")
def customers(spark_session: SparkSession) -> pd.DataFrame:
    """Customers beside the truth about them."""
    ids = spark_session.range(1, ROWS + 1)
    known = to_truth(ids, **TRUTH).select("id", "segment", "default_probability", "expected_loss")
    return to_customers(ids, missing_share=0.1, **TRUTH).join(known, on="id").toPandas().sort_values("id")


@pytest.fixture
def given(spark: SparkSession, customers: pd.DataFrame) -> ObjectiveRows:
    """Losses of everyone's expected default, from whole numbers so that thresholds are hit exactly."""
    random = np.random.default_rng(3)
    rows = customers[list(NUMERIC)].assign(
        **{TARGET: np.clip(customers.expected_loss + LOSS_NOISE * random.normal(size=ROWS), 0.001, 1)},
        is_validation=random.random(ROWS) < 0.2,
        row_order=random.permutation(ROWS),
    )
    rows["debt_ratio"] = rows.debt_ratio.round(2)
    rows.loc[rows.index[:20], "age_years"] = [np.nan, np.inf] * 10
    return ObjectiveRows(spark.createDataFrame(rows).repartition(3), ROWS, NUMERIC)


def scored(fitted: FittedModel, rows: pd.DataFrame) -> np.ndarray:
    inputs = rows[list(NUMERIC)].to_numpy(dtype=np.float32)
    return load_scorer(fitted.model_format, fitted.model).estimates(inputs)


MLLIB = {
    "linear": (LinearRegression, {"maxIter": 100, "regParam": 0.01}),
    "gamma": (GeneralizedLinearRegression, {"family": "gamma", "link": "log", "regParam": loss_mllib.RIDGE}),
    "tweedie": (
        GeneralizedLinearRegression,
        {"family": "tweedie", "variancePower": 1.3, "linkPower": 0.5, "regParam": loss_mllib.RIDGE},
    ),
    "logit": (GeneralizedLinearRegression, {"family": "binomial", "link": "logit", "regParam": loss_mllib.RIDGE}),
    "random_forest": (RandomForestRegressor, {"numTrees": 5, "maxDepth": 3, "seed": 42}),
    "gbt": (GBTRegressor, {"maxIter": 5, "maxDepth": 3, "seed": 42, "stepSize": 0.1}),
}


@pytest.mark.parametrize(
    ("kind", "options", "library"),
    [
        ("linear", {"regParam": 0.01}, "linear"),
        ("glm", {"family": "gamma"}, "gamma"),
        ("glm", {"family": "tweedie", "variancePower": 1.3, "linkPower": 0.5}, "tweedie"),
        ("glm", {"family": "binomial"}, "logit"),
        ("random_forest", {}, "random_forest"),
        ("gbt", {}, "gbt"),
    ],
)
def test_numpy_estimates_what_mllib_estimates(
    given: ObjectiveRows, kind: str, options: dict[str, Any], library: str
) -> None:
    fitted = loss_mllib.fit(given, replace(SPEC, options=options, iterations=25 if kind == "glm" else 5), kind=kind)
    learner, settings = MLLIB[library]
    with model_vectors(given) as (rows, _):
        said = learner(labelCol=TARGET, **settings).fit(rows).transform(rows).select("row_order", "prediction")
        theirs = said.toPandas().sort_values("row_order").prediction.tolist()
    ours = scored(fitted, given.rows.toPandas().sort_values("row_order"))
    assert ours.tolist() == pytest.approx(theirs, abs=1e-9)
    assert sum(load_scorer(fitted.model_format, fitted.model).importance()) == pytest.approx(100)


@pytest.mark.parametrize("kind", ["linear", "glm"])
def test_a_column_a_level_moves_no_estimate_where_the_category_tells_nothing(given: ObjectiveRows, kind: str) -> None:
    """Columns that add up to one leave a model free to give to each what it takes off the constant."""
    levels = ("north", "east", "south", "west")
    place = F.pmod(F.hash("row_order"), F.lit(len(levels)))
    rows = given.rows.withColumns({name: (place == number).cast("double") for number, name in enumerate(levels)})
    fitted = loss_mllib.fit(replace(given, rows=rows, numeric=(*NUMERIC, *levels)), SPEC, kind=kind)
    importance = load_scorer(fitted.model_format, fitted.model).importance()
    assert sum(importance[len(NUMERIC) :]) < 5, importance


@pytest.mark.parametrize("kind", ["linear", "random_forest"])
def test_a_model_is_the_same_however_the_source_is_partitioned(given: ObjectiveRows, kind: str) -> None:
    spec = replace(SPEC, iterations=5)
    first, second = (
        scored(
            loss_mllib.fit(replace(given, rows=given.rows.repartition(n)), spec, kind=kind),
            given.rows.toPandas().sort_values("row_order"),
        )
        for n in (1, 5)
    )
    assert first.tolist() == pytest.approx(second.tolist(), abs=1e-12)


@pytest.mark.parametrize("engine", ["linear", "catboost"])
def test_the_known_formula_is_found(given: ObjectiveRows, customers: pd.DataFrame, engine: str) -> None:
    spec = replace(SPEC, iterations=300, learning_rate=0.1) if engine == "catboost" else SPEC
    fitted = loss_catboost.fit(given, spec) if engine == "catboost" else loss_mllib.fit(given, spec, kind="linear")
    rest = customers[customers.expected_loss > 0]
    assert np.abs(scored(fitted, rest) - rest.expected_loss).mean() < (0.02 if engine == "catboost" else 0.006)
    first, second, third = load_scorer(fitted.model_format, fitted.model).importance()
    assert first > second > third


def test_contributions_of_a_linear_model_add_up_to_its_estimate(given: ObjectiveRows, customers: pd.DataFrame) -> None:
    fitted = loss_mllib.fit(given, SPEC, kind="linear")
    inputs = customers[list(NUMERIC)].to_numpy(dtype=np.float32)
    parts = load_scorer(fitted.model_format, fitted.model).contributions(inputs)
    assert parts is not None
    assert parts.sum(axis=1).tolist() == pytest.approx(scored(fitted, customers).tolist(), abs=1e-9)


def test_catboosts_logarithms_come_back_as_losses(given: ObjectiveRows, customers: pd.DataFrame) -> None:
    options = {"loss_function": "Tweedie:variance_power=1.5"}
    fitted = loss_catboost.fit(given, replace(SPEC, iterations=60, learning_rate=0.1, options=options))
    assert scored(fitted, customers).mean() == pytest.approx(customers.expected_loss.mean(), abs=0.02)


def test_estimates_stay_between_nothing_and_the_whole_exposure(spark: SparkSession, given: ObjectiveRows) -> None:
    fitted = loss_mllib.fit(given, SPEC, kind="linear")
    document = ModelDocument("d", "v", "linear", NUMERIC, (), model_format="tables", task="loss", loss_limit=0.3)
    far = spark.createDataFrame([(5.0, -9.0, 40.0), (-9.0, 5.0, 40.0)], ", ".join(f"{n} double" for n in NUMERIC))
    said = to_answers(far, fitted.model, document, carry={}).toPandas()
    assert said.loss_given_default.tolist() == [0.0, 0.3]


def test_every_wrong_setting_is_named_before_anything_is_trained(given: ObjectiveRows) -> None:
    options = {"loss_function": "Logloss", "iterations": 5, "tree_size": 3}
    with pytest.raises(BadConfiguration) as error:
        loss_catboost.fit(given, replace(SPEC, options=options))
    assert len(error.value.problems) == 3
    with pytest.raises(BadConfiguration) as error:
        loss_mllib.fit(given, replace(SPEC, options={"labelCol": "x", "regParam": "much"}), kind="linear")
    assert len(error.value.problems) == 2


def r2_low_of(said: np.ndarray, came: np.ndarray) -> float:
    """The lower end of R²'s interval, row by row."""
    errors, distances = (said - came) ** 2, (came - came.mean()) ** 2
    r2 = 1 - errors.sum() / distances.sum()
    influence = (errors - (1 - r2) * distances) / distances.mean()
    return float(r2 - 1.959963984540054 * np.sqrt((influence**2).sum()) / len(came))


@pytest.mark.parametrize("levels", [8, 10**6])
def test_metrics_equal_those_of_scikit_learn_and_scipy(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, levels: int
) -> None:
    monkeypatch.setattr(score_counts, "ROWS_A_BUCKET", 200)
    random = np.random.default_rng(1)
    said = random.integers(0, levels + 1, 1000) / levels
    came = np.clip(np.round(said + random.normal(scale=0.3, size=1000), 1), 0, 1)
    rows = spark.createDataFrame(pd.DataFrame({"said": said, "came": came})).repartition(3)
    found = evaluate_losses(rows, estimate="said", actual="came", limit=1.0)
    expected = {
        "rmse": reference.root_mean_squared_error(came, said),
        "mae": reference.mean_absolute_error(came, said),
        "r2": reference.r2_score(came, said),
        "spearman": scipy.stats.spearmanr(said, came).statistic,
        "bias": said.mean() - came.mean(),
        "r2_low": r2_low_of(said, came),
    }
    assert {name: found.metrics()[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert (sum(found.estimates), sum(found.losses)) == (1000, 1000)
    if levels > 8:
        tenths = np.array_split(np.argsort(said, kind="stable"), 10)
        assert [g.mean_loss for g in found.groups] == pytest.approx([came[t].mean() for t in tenths], abs=1e-9)
        assert [g.mean_estimate for g in found.groups] == pytest.approx([said[t].mean() for t in tenths], abs=1e-9)


def test_catboost_learns_from_categories_and_missing_values_as_they_come(
    spark: SparkSession, customers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = customers.rename(columns={"is_bad": "is_default"}).assign(borrower_id=customers.id.astype(str))
    borrowers = spark.createDataFrame(rows.drop(columns=["id", "segment", "expected_loss", "default_probability"]))
    monkeypatch.setattr(loss, "training_rows", lambda *_: borrowers)
    chosen = {"task": "loss", "iterations": 60, "learning_rate": 0.2, "early_stopping_rounds": 60}
    config = TrainModelConfig(root=tmp_path.as_uri(), dataset_version="v", **chosen)
    description = shipped_description("synthetic_customers")
    fitted, document = loss.fit(spark, config, description)
    assert document.categorical == ("region",)
    evaluation = EvaluateModelConfig(dataset_version="v", mlflow_run_id="r", report_folder="f")
    found = loss.measure(borrowers, evaluation, description, fitted.model, document)
    assert found.figures.rows == customers.is_bad.sum()
    assert found.figures.r2 > 0.6
    assert found.figures.rmse < found.rmse_of_mean


def test_rows_that_cannot_be_measured_are_refused_with_their_number(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(0.1, 0.2), (float("nan"), 0.2), (0.1, None)], "said double, came double")
    with pytest.raises(BadInput, match="2 of 3 defaulted loans"):
        evaluate_losses(rows, estimate="said", actual="came", limit=1.0)


def test_training_sees_defaulted_rows_alone_and_tells_all_that_is_wrong_with_losses(
    spark: SparkSession, customers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    description = shipped_description("synthetic_customers")
    config = TrainModelConfig(root=tmp_path.as_uri(), dataset_version="v", task="loss", engine="linear")
    rows = customers.rename(columns={"is_bad": "is_default"}).assign(borrower_id=customers.id.astype(str))
    borrowers = spark.createDataFrame(rows.drop(columns=["id", "region"]).assign(region="north"))
    monkeypatch.setattr(loss, "training_rows", lambda *_: borrowers)
    fitted, document = loss.fit(spark, config, description)
    assert fitted.facts["train_rows"] == customers.is_bad.sum()
    assert document.loss_limit == 1.0
    worse = borrowers.withColumn(
        "loss_share", F.when(F.col("age_years") > 50, 7.0).when(F.col("age_years") > 40, F.col("loss_share"))
    )
    monkeypatch.setattr(loss, "training_rows", lambda *_: worse)
    with pytest.raises(BadInput) as error:
        loss.fit(spark, config, description)
    assert len(error.value.problems) == 2


def test_the_synthetic_customers_hit_their_default_rate_and_hide_their_segments(customers: pd.DataFrame) -> None:
    assert customers.is_bad.mean() == pytest.approx(0.2, abs=0.03)
    assert customers.segment.value_counts(normalize=True).sort_index().tolist() == pytest.approx(
        [0.4, 0.3, 0.2, 0.1], abs=0.03
    )
    assert customers.tenure_years.isna().mean() == pytest.approx(0.1, abs=0.03)
    assert (customers.loss_share[customers.is_bad == 0] == 0).all()
    by_segment = customers.groupby("segment")
    assert by_segment.is_bad.mean().is_monotonic_increasing
    assert by_segment.holds_fund.mean().idxmax() == 2


def test_a_data_set_without_a_loss_says_how_to_declare_one(spark: SparkSession) -> None:
    description = replace(shipped_description("synthetic_customers"), loss=None)
    with pytest.raises(BadConfiguration, match="declares no loss"):
        loss.fit(spark, TrainModelConfig(dataset_version="v", task="loss"), description)
