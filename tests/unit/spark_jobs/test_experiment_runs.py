"""Searches find what is there to find, trials run side by side, and what fails is recorded and is not fatal."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.experiments import Experiment, Range
from arrears.model.experiments.feature_selection import (
    ForwardSearch,
    PathSearch,
    fewest_features,
    joined_ranking,
    path_of,
    sizes_to_try,
)
from arrears.model.experiments.search import search_of
from arrears.model.experiments.trials import Proposal, Trial, folds_of_metrics, progress_line, ranked
from spark_jobs.experiments.trial_loop import error_text, run_trials

SPACE: dict[str, Any] = {"depth": (2, 4, 6, 8), "learning_rate": Range(0.01, 1.0, log=True)}


def measured(score: float, spread: float = 0.0) -> tuple[Mapping[str, float], ...]:
    return ({"auc": score - spread}, {"auc": score}, {"auc": score + spread})


def hill(proposal: Proposal) -> tuple[Mapping[str, float], ...]:
    """Best at depth 6 and a learning rate of 0.1."""
    off = abs(proposal.choices["depth"] - 6) / 10
    return measured(0.8 - off - abs(math.log10(proposal.choices.get("learning_rate", 0.1)) + 1) / 10)


def experiment(**given: Any) -> Experiment:
    return Experiment(**{"name": "try", "search": "bayesian", "space": SPACE, "trials": 25, "parallelism": 1, **given})


def ended(
    asked: Experiment, run: Callable[[Proposal], Any] = hill, search: Any = None, **more: Any
) -> tuple[list[Trial], list[Trial]]:
    recorded: list[Trial] = []
    trials = run_trials(search or search_of(asked), run, asked, record=recorded.append, **more)
    return trials, recorded


def choices(trials: list[Trial]) -> list[Any]:
    return [dict(trial.proposal.choices) for trial in trials]


def best(trials: list[Trial]) -> Mapping[str, Any]:
    return ranked(trials, "auc", lower_is_better=False)[0].proposal.choices


def test_grid_tries_every_combination_once() -> None:
    asked = experiment(search="grid", space={"depth": (2, 6), "learning_rate": Range(0.1, 0.3, step=0.1)})
    trials, _ = ended(asked)
    assert len({trial.proposal.key for trial in trials}) == len(trials) == 6
    assert best(trials) == {"depth": 6, "learning_rate": 0.1}


@pytest.mark.parametrize("search", ["random", "bayesian"])
def test_a_search_finds_the_planted_optimum_and_the_same_seed_tries_the_same(search: str) -> None:
    first, _ = ended(experiment(search=search))
    again, _ = ended(experiment(search=search))
    other, _ = ended(experiment(search=search, seed=1))
    assert choices(first) == choices(again) != choices(other)
    assert best(first)["depth"] == 6
    assert 0.03 < best(first)["learning_rate"] < 0.3
    assert [trial.number for trial in first] == list(range(1, 26))


def test_bayesian_search_learns_from_what_it_is_told() -> None:
    late = [trial.mean("auc") for trial in ended(experiment(trials=40))[0][20:]]
    blind = [trial.mean("auc") for trial in ended(experiment(trials=40, search="random"))[0][20:]]
    assert np.mean(late) > np.mean(blind) + 0.05


def test_bayesian_search_minimises_a_loss() -> None:
    asked = experiment(metric="log_loss", space={"depth": (2, 4, 6, 8)}, trials=15)
    trials, _ = ended(asked, lambda proposal: ({"log_loss": abs(proposal.choices["depth"] - 4) + 0.5},))
    late = [trial.proposal.choices["depth"] for trial in trials[11:]]
    assert late.count(4) >= 3


def test_whole_numbers_stay_whole() -> None:
    for search in ("grid", "random", "bayesian"):
        asked = experiment(search=search, space={"depth": Range(2.0, 8.0, step=2.0)}, trials=8)
        assert {type(choice["depth"]) for choice in choices(ended(asked)[0])} == {int}


def test_trials_run_side_by_side_as_many_as_asked_for() -> None:
    together = threading.Barrier(3, timeout=30)

    def run(proposal: Proposal) -> tuple[Mapping[str, float], ...]:
        together.wait()
        return hill(proposal)

    asked = experiment(search="grid", space={"depth": (2, 4, 6)}, parallelism=3)
    trials, _ = ended(asked, run)
    assert [trial.status for trial in trials] == ["finished"] * 3


def test_parallel_bayesian_trials_differ_while_none_is_told() -> None:
    asked = experiment(parallelism=5, trials=5)
    search = search_of(asked)
    assert len({proposal.key for _ in range(5) if (proposal := search.ask())}) == 5
    assert search.ask() is None


def test_a_trial_that_raises_is_recorded_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    def run(proposal: Proposal) -> tuple[Mapping[str, float], ...]:
        if proposal.choices["depth"] == 4:
            raise BadConfiguration("depth 4 is unlucky", "and more")
        return hill(proposal)

    with caplog.at_level(logging.INFO):
        trials, recorded = ended(experiment(search="grid", space={"depth": (2, 4, 6)}), run)
    assert [trial.status for trial in trials] == ["finished", "failed", "finished"]
    assert recorded == trials
    assert trials[1].error == ("BadConfiguration", "2 problems: depth 4 is unlucky; and more")
    assert "trial 3 of 3: auc 0.8000 ± 0.0000 (best 0.8000 by trial 3)" in caplog.text
    assert "trial 2 of 3: failed, BadConfiguration: " in caplog.text


def test_bayesian_search_goes_on_after_failures() -> None:
    def run(proposal: Proposal) -> tuple[Mapping[str, float], ...]:
        if proposal.number % 2:
            raise RuntimeError("no luck")
        return hill(proposal)

    trials, _ = ended(experiment(trials=10), run)
    assert sum(trial.finished for trial in trials) == 5


@pytest.mark.parametrize("parallelism", [1, 3])
def test_a_killed_experiment_goes_on_where_it_was(parallelism: int) -> None:
    asked = experiment(trials=12, parallelism=parallelism)
    whole, _ = ended(asked)
    known = {trial.proposal.key: trial.folds for trial in whole[:7]}
    ran: list[int] = []

    def run(proposal: Proposal) -> tuple[Mapping[str, float], ...]:
        ran.append(proposal.number)
        return hill(proposal)

    search = search_of(asked, [dict(trial.proposal.choices) for trial in whole[:7]])
    again, _ = ended(asked, run, search, known=known)
    assert choices(again[:7]) == choices(whole[:7])
    assert sorted(ran) == [8, 9, 10, 11, 12]
    assert parallelism > 1 or choices(again) == choices(whole)
    assert [trial.reused for trial in again] == [True] * 7 + [False] * 5


def test_what_is_tried_twice_is_run_once() -> None:
    ran: list[Any] = []

    def run(proposal: Proposal) -> tuple[Mapping[str, float], ...]:
        ran.append(proposal.choices["depth"])
        return hill(proposal)

    trials, _ = ended(experiment(space={"depth": (2, 4)}, trials=9), run)
    assert len(trials) == 9
    assert sorted(ran) == [2, 4]


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=6))
@settings(max_examples=50)
def test_folds_read_back_from_their_metrics(scores: list[list[float]]) -> None:
    folds = tuple(dict(zip(("auc", "log_loss", "auc_pr"), fold, strict=True)) for fold in scores)
    trial = Trial(Proposal(1, {}), "finished", folds)
    assert folds_of_metrics(trial.to_metrics(), len(folds)) == folds
    assert folds_of_metrics(trial.to_metrics(), len(folds) + 1) == ()
    assert trial.mean("auc") == pytest.approx(np.mean([fold["auc"] for fold in folds]))
    if len(folds) > 1:
        assert trial.deviation("auc") == pytest.approx(np.std([fold["auc"] for fold in folds], ddof=1))


def test_progress_tells_of_a_trial_that_was_taken_over() -> None:
    trial = Trial(Proposal(7, {}), "finished", measured(0.7312, 0.004), reused=True)
    told = progress_line([trial], 20, "auc", lower_is_better=False)
    assert told == "trial 7 of 20: auc 0.7312 ± 0.0040 (best 0.7312 by trial 7), taken from an earlier run"


def test_errors_of_libraries_are_told_without_what_they_quote() -> None:
    spark = RuntimeError(
        "An exception was thrown from the Python worker\nTraceback (most recent call last):\n"
        '  File "x.py", line 1, in f\ncatboost.CatBoostError: cannot use "John Doe" and depth 17 > 16\n'
    )
    assert error_text(spark) == ("RuntimeError", "catboost.CatBoostError: cannot use '…' and depth 17 > 16")
    assert error_text(ValueError("no 'secret' here\nmore")) == ("ValueError", "no '…' here")
    assert error_text(ValueError()) == ("ValueError", "")


# Feature selection: of eight features three tell something, each less than the one before.
WORTH = {"a": 0.1, "b": 0.05, "c": 0.02}
NAMES = ("n1", "a", "n2", "b", "n3", "c", "n4", "n5")


def worth(proposal: Proposal) -> tuple[Mapping[str, float], ...]:
    """Noise costs a little, differently on each fold."""
    folds = proposal.features or dict.fromkeys(range(3), proposal.choices["features"])
    return tuple(
        {"auc": 0.6 + sum(WORTH.get(name, -0.001) for name in names) + 0.0003 * block} for block, names in folds.items()
    )


def selection(**given: Any) -> Experiment:
    return Experiment(**{"name": "try", "search": "importance", "parallelism": 1, **given})


def test_forward_selection_takes_what_helps_most_first_and_leaves_the_noise() -> None:
    for parallelism in (1, 3):
        asked = selection(search="forward", parallelism=parallelism)
        trials, _ = ended(asked, worth, ForwardSearch(NAMES, asked))
        path = path_of(trials, "auc", lower_is_better=False)
        assert [trial.proposal.choices["features"][:3] for trial in path[2:4]] == [("a", "b", "c")] * 2
        assert len(path) == 5  # two steps without gain, and no more
        chosen = fewest_features(trials, "auc", lower_is_better=False)
        assert chosen is not None
        assert chosen.proposal.choices["features"] == ("a", "b", "c")


def test_forward_selection_ends_when_a_whole_step_fails() -> None:
    def run(proposal: Proposal) -> tuple[Mapping[str, float], ...]:
        raise RuntimeError("no luck")

    asked = selection(search="forward")
    trials, _ = ended(asked, run, ForwardSearch(NAMES, asked))
    assert len(trials) == len(NAMES)


def test_path_measures_each_fold_with_its_own_ranking_and_drops_the_noise() -> None:
    rankings = {0: ("a", "b", "c", "n1", "n2"), 1: ("a", "c", "b", "n2", "n1"), 2: ("a", "b", "c", "n2", "n1")}
    asked = selection()
    trials, _ = ended(asked, worth, PathSearch(rankings, sizes_to_try((), 5)))
    assert [len(trial.proposal.choices["features"]) for trial in trials] == [1, 2, 3, 5]
    assert trials[1].proposal.features == {0: ("a", "b"), 1: ("a", "c"), 2: ("a", "b")}
    assert trials[1].values("auc") == pytest.approx([0.75, 0.7203, 0.7506])
    chosen = fewest_features(trials, "auc", lower_is_better=False)
    assert chosen is not None
    assert chosen.proposal.choices["features"] == ("a", "b", "c")


def test_fewest_features_takes_a_smaller_set_within_one_standard_error() -> None:
    def trial(count: int, score: float) -> Trial:
        return Trial(Proposal(count, {"features": NAMES[:count]}), "finished", measured(score, 0.01))

    trials = [trial(1, 0.70), trial(3, 0.746), trial(5, 0.75), trial(8, 0.749)]
    assert fewest_features(trials, "auc", lower_is_better=False) == trials[1]  # one standard error is 0.0058
    assert fewest_features(trials, "auc", lower_is_better=True) == trials[0]
    assert fewest_features([], "auc", lower_is_better=False) is None


def test_rankings_join_by_their_mean_place() -> None:
    assert joined_ranking([("a", "b", "c"), ("b", "a", "c"), ("b", "c", "a")]) == ("b", "a", "c")


@pytest.mark.parametrize(
    ("asked", "count", "sizes"), [((), 1, (1,)), ((), 21, (1, 2, 3, 5, 8, 13, 21)), ((4, 99), 9, (4, 9))]
)
def test_sizes_end_with_all_features(asked: tuple[int, ...], count: int, sizes: tuple[int, ...]) -> None:
    assert sizes_to_try(asked, count) == sizes
