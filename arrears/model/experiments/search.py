"""Chooses what to try next: every combination, chance, Optuna's TPE, or a list. The same seed asks the same.

A search is asked for trials and told their results, by one thread. How many are under way is the asker's choice.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from arrears.contracts.job_configs.experiments import Experiment, Range, Space
from arrears.model.experiments.trials import Proposal, Trial


class Search(Protocol):
    """Asks for trials until there is nothing left to try."""

    total: int | None

    def ask(self) -> Proposal | None:
        """The next trial. None: there is no more, or none before a running trial has ended."""
        ...

    def tell(self, trial: Trial) -> None:
        """Takes the result of a trial."""
        ...


class PlannedSearch:
    """Trials that are known beforehand: a grid, a list, or draws by chance that depend on seed and number alone."""

    def __init__(self, plan: Iterable[Mapping[str, Any]]) -> None:
        self._plan = [Proposal(number, choices) for number, choices in enumerate(plan, 1)]
        self._asked = iter(self._plan)
        self.total: int | None = len(self._plan)

    def ask(self) -> Proposal | None:
        """The next of the plan."""
        return next(self._asked, None)

    def tell(self, trial: Trial) -> None:
        """A plan learns nothing."""


class BayesianSearch:
    """Optuna's tree-structured Parzen estimator. Trials under way count as bad ones, so that none is tried twice.

    Args:
        finished: choices that an earlier run has finished. One trial at a time, the same seed asks for them again by
            itself, and goes on as if nothing had happened. Side by side, the order in which trials ended has decided
            what was asked, so they are asked for first, and a seed of its own follows.
    """

    def __init__(self, experiment: Experiment, finished: Sequence[Mapping[str, Any]] = ()) -> None:
        import optuna

        side_by_side = experiment.parallelism > 1
        finished = finished[: experiment.trials] if side_by_side else ()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            # Optuna has called constant_liar experimental since 2021; the lock fixes the version.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(seed=experiment.seed + len(finished), constant_liar=side_by_side)
        direction = "minimize" if experiment.lower_is_better else "maximize"
        self._study = optuna.create_study(sampler=sampler, direction=direction)
        self._space, self._metric = experiment.space, experiment.metric
        self._under_way: dict[int, Any] = {}
        self.total: int | None = experiment.trials
        self._left = experiment.trials
        for choices in finished:
            self._study.enqueue_trial(_to_optuna(self._space, choices))

    def ask(self) -> Proposal | None:
        """A choice where the trials so far promise most."""
        if not self._left:
            return None
        self._left -= 1
        trial = self._study.ask()
        choices = {name: _suggested(trial, name, values) for name, values in self._space.items()}
        proposal = Proposal(trial.number + 1, choices)
        self._under_way[proposal.number] = trial
        return proposal

    def tell(self, trial: Trial) -> None:
        """A failed trial is a bad one, and no number."""
        import optuna

        under_way, value = self._under_way.pop(trial.number), trial.mean(self._metric)
        if math.isnan(value):
            self._study.tell(under_way, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(under_way, value)


def search_of(experiment: Experiment, finished: Sequence[Mapping[str, Any]] = ()) -> Search:
    """The search for settings that an experiment asks for.

    Args:
        finished: choices of an earlier run's finished trials.
    """
    if experiment.search == "bayesian":
        return BayesianSearch(
            experiment, [choices for choices in finished if choices.keys() == experiment.space.keys()]
        )
    if experiment.search == "list":
        return PlannedSearch(experiment.candidates)
    if experiment.search == "grid":
        return PlannedSearch(_grid(experiment.space))
    return PlannedSearch(_draw(experiment, number) for number in range(experiment.trials))


def _grid(space: Space) -> Iterator[dict[str, Any]]:
    values = [values.steps if isinstance(values, Range) else values for values in space.values()]
    return (dict(zip(space, combination, strict=True)) for combination in itertools.product(*values))


def _draw(experiment: Experiment, number: int) -> dict[str, Any]:
    random = np.random.default_rng([experiment.seed, number])
    return {name: _drawn(random, values) for name, values in experiment.space.items()}


def _drawn(random: np.random.Generator, values: tuple[Any, ...] | Range) -> Any:
    listed = values.steps if isinstance(values, Range) else values
    if listed or not isinstance(values, Range):
        return listed[int(random.integers(len(listed)))]
    if values.log:
        return float(math.exp(random.uniform(math.log(values.low), math.log(values.high))))
    return float(random.uniform(values.low, values.high))


def _suggested(trial: Any, name: str, values: tuple[Any, ...] | Range) -> Any:
    if not isinstance(values, Range):
        # By position: Optuna takes no lists as choices.
        return values[trial.suggest_categorical(name, list(range(len(values))))]
    if values.steps:
        return values.steps[trial.suggest_int(name, 0, len(values.steps) - 1)]
    return trial.suggest_float(name, values.low, values.high, log=values.log)


def _to_optuna(space: Space, choices: Mapping[str, Any]) -> dict[str, Any]:
    hashable = {name: tuple(value) if isinstance(value, list) else value for name, value in choices.items()}
    listed = {name: values.steps if isinstance(values, Range) else values for name, values in space.items()}
    return {name: listed[name].index(value) if listed[name] else value for name, value in hashable.items()}
