"""The cut-off and the profit curve equal what trying every cut-off by hand gives, with ties and exposures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from arrears.contracts.errors import BadConfiguration, BadInput
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.model.metrics.cutoffs import APPROVE_ALL, Cutoff
from spark_jobs.measuring.cutoff_search import chosen_cutoff, profit_curve
from spark_jobs.transforms.scores import score_counts

ROWS = 900
RULES = ("f1", "ks", "approval_rate", "profit")
TERMS = {"margin": 0.08, "lgd": 0.6, "cost": 0.005}
COSTLY = TERMS | {"cost": 9.5}  # of loans of thousands


@pytest.fixture(autouse=True)
def small_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few hundred rows are parted into ranges as tens of millions would be."""
    monkeypatch.setattr(score_counts, "ROWS_A_BUCKET", 200)


def borrowers(levels: int, seed: int = 7) -> pd.DataFrame:
    """Scores on so many levels, outcomes that follow them, and exposures that rise with the score."""
    random = np.random.default_rng(seed)
    score = random.integers(0, levels, ROWS) / levels
    outcome = (random.random(ROWS) < 0.02 + 0.5 * score**2).astype(int)
    lent = (random.integers(100, 5000, ROWS) * (1 + score)).round(2)
    return pd.DataFrame({"default_probability": score, "is_default": outcome, "loan_amount": lent})


def a_config(**choices: Any) -> TrainModelConfig:
    given = {"root": "file:///nowhere", "dataset": "loans", "dataset_version": "v1", **TERMS, **choices}
    return TrainModelConfig(**given)


def chosen(scored: DataFrame, config: TrainModelConfig) -> Cutoff:
    found = chosen_cutoff(scored, config)
    assert found is not None
    return found


def terms_of(exposure: str | None) -> dict[str, float]:
    return TERMS if exposure is None else COSTLY


def by_hand(rows: pd.DataFrame, *, exposure: str | None) -> pd.DataFrame:
    """Every cut-off tried one by one."""
    score, bad = rows.default_probability.to_numpy(), rows.is_default.to_numpy() == 1
    lent = np.ones(len(rows)) if exposure is None else rows[exposure].to_numpy()
    terms, lines = terms_of(exposure), []
    for cutoff in [*np.unique(score), APPROVE_ALL]:
        approved = score < cutoff
        earned = lent * np.where(bad, -terms["lgd"], terms["margin"]) - terms["cost"]
        caught, alarms = (~approved & bad).sum(), (~approved & ~bad).sum()
        lines.append(
            {
                "cutoff": cutoff,
                "approval_rate": approved.mean(),
                "bad_rate": bad[approved].mean() if approved.any() else 0.0,
                "profit": earned[approved].sum() / len(rows),
                "f1": 2 * caught / (2 * caught + alarms + (approved & bad).sum()),
                "ks": caught / bad.sum() - alarms / (~bad).sum(),
            }
        )
    return pd.DataFrame(lines)


def frame(spark: SparkSession, rows: pd.DataFrame, partitions: int) -> DataFrame:
    return spark.createDataFrame(rows).repartition(partitions)


@pytest.mark.parametrize(("partitions", "levels", "exposure"), [(1, 12, None), (7, 10**6, "loan_amount")])
def test_cutoff_is_the_best_of_all_tried_by_hand_on_any_partitions(
    spark: SparkSession, partitions: int, levels: int, exposure: str | None
) -> None:
    rows = borrowers(levels)
    scored, tried = frame(spark, rows, partitions).cache(), by_hand(rows, exposure=exposure)
    tried["approval_rate_rule"] = -(tried.approval_rate - 0.7).abs()
    for rule in RULES:
        wanted = {"approval_rate": 0.7} if rule == "approval_rate" else {}
        found = chosen(scored, a_config(cutoff_by=rule, exposure=exposure, **wanted, **terms_of(exposure)))
        best = tried.loc[tried["approval_rate_rule" if rule == "approval_rate" else rule].idxmax()]
        assert found.value == best.cutoff, rule
        assert found.expected == pytest.approx(best[["approval_rate", "bad_rate", "profit"]].to_dict(), abs=1e-9)
        assert found.inputs == terms_of(exposure) | ({"approval_rate": 0.7} if rule == "approval_rate" else {})


@pytest.mark.parametrize(("levels", "exposure", "marked"), [(12, "loan_amount", 0.25), (10**6, None, 0.2)])
def test_curve_lies_on_the_cutoffs_tried_by_hand_and_holds_the_best_exactly(
    spark: SparkSession, levels: int, exposure: str | None, marked: float
) -> None:
    rows = borrowers(levels)
    tried = by_hand(rows, exposure=exposure).set_index("cutoff")
    chosen = Cutoff(marked, "fixed", terms_of(exposure), exposure=exposure)
    curve = profit_curve(frame(spark, rows, 3), chosen)
    assert curve is not None
    drawn = pd.DataFrame(curve.points).set_index("cutoff")
    assert drawn.to_numpy() == pytest.approx(tried.loc[drawn.index, list(drawn.columns)].to_numpy(), abs=1e-9)
    assert drawn.index.is_monotonic_increasing
    assert min(len(tried), 500) <= len(drawn) <= 2000
    assert {0.0, 1.0} <= set(drawn.approval_rate)
    assert curve.best.cutoff == tried.profit.idxmax()
    assert 0.1 < curve.best.approval_rate < 0.98
    approved = rows[rows.default_probability < marked]
    assert curve.chosen.cutoff == marked
    assert curve.chosen.approval_rate == pytest.approx(len(approved) / ROWS)
    assert curve.chosen.bad_rate == pytest.approx(approved.is_default.mean())


def test_everyone_is_approved_when_no_loan_loses_and_nobody_when_every_loan_does(spark: SparkSession) -> None:
    scored = frame(spark, borrowers(12), 1).cache()
    lavish = chosen(scored, a_config(cutoff_by="profit", lgd=0.0, cost=0.0))
    assert lavish.value == APPROVE_ALL
    assert lavish.expected["approval_rate"] == 1.0
    indifferent = chosen(scored, a_config(cutoff_by="profit", margin=0.0, lgd=0.0, cost=0.0))
    assert indifferent.value == 0.0  # of equal ones the lowest
    mean = chosen(scored, a_config(cutoff_by="profit", cost=9.0))
    assert mean.value == 0.0
    assert mean.expected == {"approval_rate": 0.0, "bad_rate": 0.0, "profit": 0.0}


def test_fixed_cutoff_is_kept_to_the_letter_and_told_with_what_it_promises(spark: SparkSession) -> None:
    rows = borrowers(12)
    scored = frame(spark, rows, 2)
    for cutoff in (0.25, 0.4321):  # one that borrowers score, and one between two scores
        found = chosen(scored, a_config(cutoff_by="fixed", cutoff=cutoff))
        assert (found.value, found.rule) == (cutoff, "fixed")
        assert found.expected["approval_rate"] == pytest.approx((rows.default_probability < cutoff).mean())


def test_one_class_is_enough_for_a_fixed_cutoff_and_too_little_for_profit(spark: SparkSession) -> None:
    good = frame(spark, borrowers(12).assign(is_default=0), 1).cache()
    fixed = a_config(cutoff_by="fixed", cutoff=0.5)
    assert chosen(good, fixed).expected["bad_rate"] == 0.0
    assert chosen(good.limit(0), fixed).expected == {}
    with pytest.raises(BadInput, match=r"0 of .* needs both classes: raise --validation-share"):
        chosen_cutoff(good, a_config(cutoff_by="profit"))


def test_unusable_rows_are_counted_in_one_error_and_quote_no_value(spark: SparkSession) -> None:
    rows = borrowers(12)
    rows.loc[:2, "default_probability"] = 1.7
    rows.loc[5, "is_default"] = 3
    rows.loc[7:8, "loan_amount"] = [-1.0, np.nan]
    with pytest.raises(BadInput) as error:
        chosen_cutoff(frame(spark, rows, 1), a_config(exposure="loan_amount"))
    assert "3 of 900 scores" in str(error.value)
    assert "1 of 900 labels" in str(error.value)
    assert "2 of 900 exposures in loan_amount" in str(error.value)
    assert "1.7" not in str(error.value)
    with pytest.raises(BadConfiguration, match="no column salary"):
        chosen_cutoff(frame(spark, rows, 1), a_config(exposure="salary"))


def test_no_cutoff_is_chosen_where_no_number_is_given_and_no_profit_told_without_terms(spark: SparkSession) -> None:
    scored = frame(spark, borrowers(12), 1)
    assert chosen_cutoff(scored, a_config(margin=None, lgd=None, cost=0.0)) is None
    by_rate = chosen(scored, a_config(margin=None, lgd=None, cost=0.0, approval_rate=0.7))
    assert by_rate.inputs == {"approval_rate": 0.7}
    assert set(by_rate.expected) == {"approval_rate", "bad_rate"}


def test_model_of_before_cutoffs_has_no_profit_curve(spark: SparkSession) -> None:
    assert profit_curve(frame(spark, borrowers(12), 1), Cutoff(0.5, "fixed")) is None
