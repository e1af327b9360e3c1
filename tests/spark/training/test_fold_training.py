"""Trials on pinned folds: what a model learns from, what it is measured on, and which features matter."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from arrears.contracts.job_configs.experiments import Experiment, Folds
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.model.experiments.feature_selection import fewest_features
from arrears.model.experiments.search import search_of
from arrears.model.experiments.trials import Proposal, ranked
from arrears.scoring.batch import default_probabilities
from arrears.scoring.preparation import Deciles, Interaction, LevelNumbers, Preparation
from arrears.scoring.scorers import load_scorer
from spark_jobs.engines.catboost.ranking import eliminated_inputs
from spark_jobs.engines.interface import VALIDATION_SHARD
from spark_jobs.experiments import feature_ranking
from spark_jobs.experiments import fold_training as trials_module
from spark_jobs.experiments.feature_ranking import of_features, selection_of
from spark_jobs.experiments.fold_training import Trials, fold_metrics
from spark_jobs.experiments.pinned_folds import PinnedFolds
from spark_jobs.experiments.trial_loop import run_trials
from spark_jobs.io.snapshots import read_slices
from spark_jobs.training.training_plan import TrainingPlan
from tests.spark.training.planted import DESCRIPTION, ROWS


@pytest.fixture(scope="module")
def trials(spark_session: SparkSession, config: TrainModelConfig, folds: PinnedFolds) -> Trials:
    return Trials(spark_session, folds, config, DESCRIPTION)


def test_metrics_of_a_fold_are_scikit_learns(spark: SparkSession) -> None:
    random = np.random.default_rng(5)
    scores = random.integers(1, 60, 400) / 61
    labels = (random.random(400) < scores).astype(int)
    pairs = [(float(score), int(label)) for score, label in zip(scores, labels, strict=True)]
    found = fold_metrics(spark.createDataFrame(pairs, "default_probability double, is_default int"))
    assert found["auc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-9)
    assert found["auc_pr"] == pytest.approx(average_precision_score(labels, scores), abs=1e-9)
    assert found["log_loss"] == pytest.approx(log_loss(labels, scores), abs=1e-9)
    assert found["brier"] == pytest.approx(brier_score_loss(labels, scores), abs=1e-9)
    assert found["mean_probability"] == pytest.approx(scores.mean(), abs=1e-9)
    assert (found["default_rate"], found["rows"]) == (labels.mean(), 400)


def test_search_finds_the_planted_depth_and_records_the_trial_that_raises(
    trials: Trials, caplog: pytest.LogCaptureFixture
) -> None:
    experiment = Experiment(name="depths", search="grid", space={"depth": (1, 4), "iterations": (40,)}, parallelism=2)
    search = search_of(experiment)

    def run(proposal: Proposal) -> tuple[Mapping[str, float], ...]:
        wrong = {"interactions": ("strong*nothing",)} if proposal.number == 1 else {}
        return trials.run(replace(proposal, choices={**proposal.choices, **wrong}))

    class WithAFailure:
        """The grid, after one trial that cannot be trained."""

        total = 3
        asked = 0

        def ask(self) -> Proposal | None:
            self.asked += 1
            if self.asked == 1:
                return Proposal(1, {"depth": 3})
            proposal = search.ask()
            return proposal and replace(proposal, number=proposal.number + 1)

        def tell(self, trial: Any) -> None:
            pass

    with caplog.at_level(logging.INFO):
        ended = run_trials(WithAFailure(), run, experiment, record=lambda trial: None)
    assert [trial.status for trial in ended] == ["failed", "finished", "finished"]
    assert ended[0].error == ("BadConfiguration", "interactions: strong*nothing is not a*b or a/b of numeric features")
    best = ranked(ended, "auc", lower_is_better=False)[0]
    assert best.proposal.choices["depth"] == 4
    assert best.mean("auc") > ended[1].mean("auc") + 0.1
    assert "of 3: auc 0." in caplog.text
    assert best.mean("rows") == ROWS / 2


def test_the_same_trial_gives_the_same_numbers_and_resampling_is_corrected_for(trials: Trials) -> None:
    plain, repeated = (
        trials.run(Proposal(1, {"depth": 3, **sampling}))
        for sampling in ({}, {"sampling": "over", "sampling_factor": 4.0})
    )
    assert trials.run(Proposal(2, {"depth": 3})) == plain
    for fold, other in zip(plain, repeated, strict=True):
        assert other["mean_probability"] == pytest.approx(fold["default_rate"], abs=0.05)
        assert other["auc"] == pytest.approx(fold["auc"], abs=0.05)


def test_an_over_sampled_training_stops_by_the_loss_of_its_validation_slice_weighted_alike(trials: Trials) -> None:
    over = Proposal(1, {"depth": 3, "sampling": "over", "sampling_factor": 4.0})
    model = trials.model_of(over, 0)
    snapshot, spec = trials.training_of(over, 0)
    rows = read_slices(snapshot.shard(VALIDATION_SHARD), [*spec.numeric, *spec.categorical, "is_default"])
    raw = default_probabilities(
        rows, load_scorer("catboost", model.fitted.model), replace(model.document, calibration=None)
    )
    labels = rows.column("is_default").to_numpy()
    told = model.fitted.facts["best_validation_logloss"]
    assert told == pytest.approx(log_loss(labels, raw, sample_weight=np.where(labels == 1, 4.0, 1.0)), abs=1e-6)
    assert told != pytest.approx(log_loss(labels, raw), abs=1e-2)


def test_what_is_fitted_before_a_model_is_learnt_once_for_trials_that_differ_in_the_model_alone(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[TrainingPlan] = []
    fitted = trials_module.training_spec

    def counted(rows: Any, plan: TrainingPlan, *more: Any) -> Any:
        learnt.append(plan)
        return fitted(rows, plan, *more)

    monkeypatch.setattr(trials_module, "training_spec", counted)
    fresh = replace(trials, _prepared={})
    for depth in (2, 3):
        _, spec = fresh.training_of(Proposal(1, {"missing": "constant", "depth": depth}), 0)
        assert (spec.depth, spec.preparation.number_fills["weak"]) == (depth, 0.0)
        _, spec = fresh.training_of(Proposal(1, {"engine_options.l2_leaf_reg": depth}), 0)
        assert (spec.options, spec.preparation.is_empty) == ({"l2_leaf_reg": depth}, True)
    assert [plan.preparation.missing for plan in learnt] == ["constant", "native"]


@pytest.mark.parametrize("search", ["importance", "select_features"])
def test_noise_features_are_dropped(trials: Trials, search: Any) -> None:
    experiment = Experiment(name="few", search=search, sizes=(2, 5), parallelism=2)
    selection = selection_of(trials, experiment)
    ended = run_trials(selection, trials.run, experiment, record=lambda trial: None)
    assert [len(trial.proposal.choices["features"]) for trial in ended] == [2, 5]
    chosen = fewest_features(ended, "auc", lower_is_better=False)
    assert chosen is not None
    assert set(chosen.proposal.choices["features"]) == {"strong", "weak"}


def test_forward_selection_begins_with_the_most_important_features_one_by_one(trials: Trials) -> None:
    search = selection_of(trials, Experiment(name="few", search="forward", shortlist=2, parallelism=2))
    asked = [search.ask(), search.ask()]
    assert {proposal.choices["features"] for proposal in asked if proposal} == {("strong",), ("weak",)}
    assert search.ask() is None


def test_a_shortlist_for_folds_in_time_is_ranked_on_rows_before_all_that_is_measured(
    trials: Trials, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ranked_blocks: list[int] = []

    def ranking(trials: Trials, block: int) -> tuple[str, ...]:
        ranked_blocks.append(block)
        return DESCRIPTION.features

    monkeypatch.setattr(feature_ranking, "_by_importance", ranking)
    experiment = Experiment(name="few", search="forward", shortlist=2)
    for folds, blocks in ((Folds("expanding", 3), [1]), (Folds("stratified", 3), [0, 1, 2])):
        selection_of(replace(trials, folds=replace(trials.folds, folds=folds)), experiment)
        assert sorted(ranked_blocks) == blocks
        ranked_blocks.clear()
    assert caplog.text.count("a little too good") == 1


def test_catboost_ranks_features_with_a_declared_direction_and_resampled_rows(trials: Trials) -> None:
    snapshot, spec = trials.training_of(Proposal(0, {"sampling": "over", "sampling_factor": 3.0}), 0)
    numbers = replace(spec, numeric=("noise_1", "strong", "weak"), categorical=(), monotone={"strong": 1})
    assert eliminated_inputs(trials.spark, snapshot, numbers, read_slices)[0] == "noise_1"


def test_inputs_that_a_preparation_makes_count_for_the_features_behind_them() -> None:
    preparation = Preparation(
        missing_flags=("a",),
        interactions=(Interaction("a", "b", "product"),),
        deciles=(Deciles("b", (0.0,)),),
        levels=(LevelNumbers("c", ("x", "y")),),
    )
    importance = {"a": 1.0, "a_missing": 2.0, "a_times_b": 4.0, "b_decile": 8.0, "c=x": 16.0, "c=y": 32.0}
    assert of_features(importance, preparation, ("a", "b", "c", "d")) == {"a": 5.0, "b": 10.0, "c": 48.0, "d": 0.0}
