"""Calibrations fitted from Spark's counts equal scikit-learn's on the rows themselves, on any partitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from arrears.contracts.errors import BadInput
from spark_jobs.training import calibrating
from spark_jobs.training.calibrating import calibrated
from spark_jobs.transforms.scores import score_counts

ROWS = 1500
EVERYWHERE = np.linspace(0.0, 1.0, 201)


def borrowers(levels: int = 400) -> pd.DataFrame:
    """An overconfident model: outcomes follow a flatter line in log-odds than its scores."""
    random = np.random.default_rng(9)
    score = (random.beta(1, 6, ROWS) * levels).round().clip(1, levels - 1) / levels
    true = 1 / (1 + np.exp(-(0.4 + 0.6 * np.log(score / (1 - score)))))
    return pd.DataFrame({"default_probability": score, "is_default": (random.random(ROWS) < true).astype(int)})


@pytest.fixture(autouse=True)
def small_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_counts, "ROWS_A_BUCKET", 400)


@pytest.mark.parametrize("partitions", [1, 7])
def test_platt_equals_logistic_regression_on_the_rows(spark: SparkSession, partitions: int) -> None:
    rows = borrowers()
    found = calibrated(spark.createDataFrame(rows).repartition(partitions), "platt")
    log_odds = np.log(rows.default_probability / (1 - rows.default_probability)).to_numpy()
    bad = rows.is_default.sum()
    target = np.where(rows.is_default == 1, (bad + 1) / (bad + 2), 1 / (ROWS - bad + 2))
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(
        np.tile(log_odds, 2)[:, None], np.repeat([1, 0], ROWS), sample_weight=np.r_[target, 1 - target]
    )
    assert (found.slope, found.intercept) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), abs=1e-6)


def test_isotonic_equals_scikit_learn_on_the_rows_and_on_any_partitions(spark: SparkSession) -> None:
    rows = borrowers()
    one, seven = (calibrated(spark.createDataFrame(rows).repartition(n), "isotonic") for n in (1, 7))
    model = IsotonicRegression(out_of_bounds="clip").fit(rows.default_probability, rows.is_default)
    assert one.apply(EVERYWHERE) == pytest.approx(model.predict(EVERYWHERE), abs=1e-9)
    assert one == seven


def test_probabilities_come_nearer_to_outcomes_when_scores_are_binned(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "MOST_SCORES", 50)
    rows = borrowers(levels=10**6)
    frame = spark.createDataFrame(rows)
    exact = IsotonicRegression(out_of_bounds="clip").fit(rows.default_probability, rows.is_default)
    found = calibrated(frame, "isotonic")
    scores = rows.default_probability.to_numpy()
    assert len(found.scores) <= 50
    assert np.abs(found.apply(scores) - exact.predict(scores)).mean() < 0.03
    before, after = (np.mean((given - rows.is_default) ** 2) for given in (scores, found.apply(scores)))
    assert after < before


@pytest.mark.parametrize(
    ("kept", "says"), [("is_default = 2", "no rows to calibrate"), ("is_default = 0", "both classes")]
)
def test_calibration_is_refused_when_its_slice_lacks_rows(spark: SparkSession, kept: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        calibrated(spark.createDataFrame(borrowers().head(50)).where(kept), "platt")


def test_calibration_is_refused_when_scores_are_unusable(spark: SparkSession) -> None:
    rows = borrowers().head(50)
    rows.loc[0, "default_probability"] = 1.5
    with pytest.raises(BadInput, match="1 of 50 scores are not probabilities"):
        calibrated(spark.createDataFrame(rows), "isotonic")
