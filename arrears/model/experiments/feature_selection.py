"""Which features a model needs: the score against their number, and the fewest that do as well as the best.

Rankings are made on each fold's training rows alone, and fold k is measured with the leading features of its own
ranking: a feature that is chosen by chance gains nothing on rows that had no part in choosing it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from arrears.contracts.job_configs.experiments import Experiment
from arrears.model.experiments.search import PlannedSearch
from arrears.model.experiments.trials import Proposal, Trial, ranked

PATIENCE = 2  # steps without gain after which a forward selection ends


def sizes_to_try(requested: Sequence[int], count: int) -> tuple[int, ...]:
    """Numbers of features on the path: the requested ones, else 1, 2, 3, 5, 8, 13, …, and all of them at the end.

    >>> sizes_to_try((), 10)
    (1, 2, 3, 5, 8, 10)
    """
    if requested:
        return tuple(sorted({min(size, count) for size in requested}))
    sizes, following = [1], 2
    while following < count:
        sizes.append(following)
        following += sizes[-2]
    return tuple(sorted({*sizes, count}))


def joined_ranking(rankings: Collection[Sequence[str]]) -> tuple[str, ...]:
    """One ranking of several, by the mean place. Equal ones are ordered by name."""
    places: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for place, name in enumerate(ranking):
            places[name] += place
    return tuple(sorted(places, key=lambda name: (places[name], name)))


class PathSearch(PlannedSearch):
    """The leading features in growing number: each fold by its own ranking.

    Args:
        rankings: measured block → features, the most important first.
    """

    def __init__(self, rankings: Mapping[int, Sequence[str]], sizes: Sequence[int]) -> None:
        overall = joined_ranking(rankings.values())
        super().__init__({"features": overall[:size]} for size in sizes)
        self._plan = [
            Proposal(
                planned.number,
                planned.choices,
                {block: tuple(names[: len(planned.choices["features"])]) for block, names in rankings.items()},
            )
            for planned in self._plan
        ]
        self._asked = iter(self._plan)


class ForwardSearch:
    """One feature more at each step: the one that helps most beside those chosen before, measured on all folds."""

    def __init__(self, shortlist: Sequence[str], experiment: Experiment) -> None:
        self.total: int | None = None
        self._left = list(shortlist)
        self._chosen: tuple[str, ...] = ()
        self._experiment = experiment
        self._number = 0
        self._to_ask = list(self._left)
        self._finished: list[Trial] = []
        self._under_way = 0
        self._best: Trial | None = None
        self._without_gain = 0

    def ask(self) -> Proposal | None:
        """The next candidate of this step. None while trials of the step are running, and at the end."""
        if not self._to_ask:
            return None
        self._number += 1
        self._under_way += 1
        return Proposal(self._number, {"features": (*self._chosen, self._to_ask.pop(0))})

    def tell(self, trial: Trial) -> None:
        """Ends the step with its last trial."""
        self._under_way -= 1
        self._finished.append(trial)
        if not self._to_ask and not self._under_way:
            self._next_step()

    def _next_step(self) -> None:
        metric, lower = self._experiment.metric, self._experiment.lower_is_better
        leading = ranked(self._finished, metric, lower_is_better=lower)
        self._finished = []
        if not leading:
            return
        winner = leading[0]
        best = ranked([winner, *([self._best] if self._best else [])], metric, lower_is_better=lower)[0]
        gained = self._best is None or (best is winner and winner.mean(metric) != self._best.mean(metric))
        self._best, self._without_gain = best, 0 if gained else self._without_gain + 1
        self._chosen = tuple(winner.proposal.choices["features"])
        self._left.remove(self._chosen[-1])
        self._to_ask = list(self._left) if self._without_gain < PATIENCE else []


def path_of(trials: Sequence[Trial], metric: str, *, lower_is_better: bool) -> list[Trial]:
    """The best trial of each number of features, in growing number."""
    by_size: dict[int, list[Trial]] = defaultdict(list)
    for trial in trials:
        by_size[len(trial.proposal.choices["features"])].append(trial)
    best = (ranked(by_size[size], metric, lower_is_better=lower_is_better) for size in sorted(by_size))
    return [ranking[0] for ranking in best if ranking]


def fewest_features(trials: Sequence[Trial], metric: str, *, lower_is_better: bool) -> Trial | None:
    """The trial with the fewest features whose score lies within one standard error of the best one's.

    The rule of one standard error: Breiman, Friedman, Olshen and Stone 1984, "Classification and Regression Trees",
    section 3.4.3.
    """
    leading = ranked(trials, metric, lower_is_better=lower_is_better)
    if not leading:
        return None
    best, sign = leading[0], 1.0 if lower_is_better else -1.0
    limit = sign * best.mean(metric) + best.standard_error(metric)
    near = [trial for trial in leading if sign * trial.mean(metric) <= limit]
    return min(near, key=lambda trial: len(trial.proposal.choices["features"]))
