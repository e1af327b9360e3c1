"""What an experiment is: many trainings of one data set that differ in what is tried, measured on the same folds."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import arrears
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.training_choices import choice_problems, is_whole, numbers_of
from arrears.contracts.shipped_folders import shipped_folder, shipped_stems

FoldKind = Literal["stratified", "grouped", "expanding"]
Search = Literal["grid", "random", "bayesian", "list", "importance", "select_features", "forward"]
Metric = Literal["auc", "gini", "ks", "auc_pr", "log_loss", "brier", "ece"]

LOWER_IS_BETTER = ("log_loss", "brier", "ece")
SELECTIONS = ("importance", "select_features", "forward")
MOST_TRIALS = 10_000
_SHIPPED = "experiments"


@dataclass(frozen=True)
class Range:
    """Every number from low to high: equally likely, or their logarithms. With a step, only low, low + step, …"""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        numbers = {"low": self.low, "high": self.high, "step": self.step or 0.0}
        problems = [f"{name} must be a finite number, not {n}" for name, n in numbers.items() if not math.isfinite(n)]
        if problems:
            raise BadConfiguration(*problems)
        if not self.low < self.high:
            problems.append(f"low {self.low:g} must be below high {self.high:g}")
        if self.step is not None and not self.step > 0:
            problems.append(f"step {self.step:g} must be above 0")
        elif self.step is not None and (self.high - self.low) / self.step >= MOST_TRIALS:
            problems.append(f"step {self.step:g} makes more than {MOST_TRIALS:,} values: take a greater one")
        if self.log and not self.low > 0:
            problems.append("a logarithmic range begins above 0")
        if self.log and self.step is not None:
            problems.append("a logarithmic range takes no step")
        if problems:
            raise BadConfiguration(*problems)

    @property
    def steps(self) -> tuple[float, ...]:
        """The numbers of a range with a step, whole ones as such. Empty for one without."""
        if self.step is None:
            return ()
        count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
        numbers = (self.low + n * self.step for n in range(count))
        is_whole = self.low.is_integer() and self.step.is_integer()
        return tuple(int(number) if is_whole else number for number in numbers)


Space: TypeAlias = Mapping[str, tuple[Any, ...] | Range]


@dataclass(frozen=True)
class Folds:
    """How the training rows are split, so that every trial is measured on rows that it has not seen.

    Attributes:
        kind: ``stratified``: by chance, both classes in proportion. ``grouped``: likewise, but all rows of a customer
            in one fold. ``expanding``: by time, each fold is measured by a model of what was known when it began.
        number: how many folds are measured.
    """

    kind: FoldKind = "stratified"
    number: int = 5

    def __post_init__(self) -> None:
        least = 1 if self.kind == "expanding" else 2
        if not least <= self.number <= 50:
            raise BadConfiguration(f"number must be from {least} to 50 for {self.kind} folds, not {self.number}")

    @property
    def blocks(self) -> int:
        """How many parts the rows are cut into: the first part of expanding folds is only trained on."""
        return self.number + 1 if self.kind == "expanding" else self.number

    @property
    def measured(self) -> tuple[int, ...]:
        """The blocks that models are measured on."""
        return tuple(range(self.blocks - self.number, self.blocks))

    def trained_on(self, block: int) -> tuple[int, ...]:
        """The blocks that the model for one measured block may learn from."""
        return tuple(range(block)) if self.kind == "expanding" else tuple(b for b in range(self.blocks) if b != block)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment, as its YAML file declares it.

    Attributes:
        name: the file's stem. The MLflow run is called so.
        dataset: what it is about. None: the data set that a run is asked for.
        engine: which library trains, where it is not itself tried.
        fixed: fields of the training job that are the same in every trial.
        search: how the next trial is chosen. The last three choose features and need no space.
        space: field of the training job, or ``engine_options.<name>`` → the values or the range to try.
        candidates: of a list search: the choices of each trial.
        trials: most trials of a random or Bayesian search.
        sizes: of a feature selection: numbers of features to try. Empty: 1, 2, 3, 5, 8, 13, … all.
        shortlist: of a forward selection: how many features it tries, the most important ones.
        metric: what decides.
        parallelism: trials at the same time.
        seed: of the search, the folds and the models.
    """

    name: str
    about: str = ""
    dataset: str | None = None
    engine: str = "catboost"
    fixed: dict[str, Any] = field(default_factory=dict)
    search: Search = "grid"
    space: dict[str, tuple[Any, ...] | Range] = field(default_factory=dict)
    candidates: tuple[dict[str, Any], ...] = ()
    trials: int = 20
    sizes: tuple[int, ...] = ()
    shortlist: int = 10
    metric: Metric = "auc"
    folds: Folds = field(default_factory=Folds)
    parallelism: int = 2
    seed: int = 42

    def __post_init__(self) -> None:
        problems = choice_problems("engine", self.engine, "engine")
        for name, value in self.fixed.items():
            problems += choice_problems(name, value, f"fixed.{name}")
        problems += self._space_problems() + self._grid_problems() + self._candidate_problems() + self._limit_problems()
        if problems:
            raise BadConfiguration(*problems)

    @property
    def is_selection(self) -> bool:
        """Whether it looks for features rather than for settings."""
        return self.search in SELECTIONS

    @property
    def lower_is_better(self) -> bool:
        """Whether a small value of the metric is a good one."""
        return self.metric in LOWER_IS_BETTER

    def digest(self, dataset_version: str) -> str:
        """A name of all that decides a trial's result: a run with the same digest takes over what is finished."""
        content = dataclasses.asdict(self) | {"dataset_version": dataset_version, "arrears": arrears.__version__}
        decisive = {name: value for name, value in content.items() if name not in ("about", "parallelism", "trials")}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]

    def _space_problems(self) -> list[str]:
        problems = []
        if self.search in ("grid", "random", "bayesian") and not self.space:
            problems.append(f"a {self.search} search needs a space: fields of the training job with values to try")
        if self.search not in ("grid", "random", "bayesian") and self.space:
            problems.append(f"a search by {self.search} takes no space")
        for name, values in self.space.items():
            place = f"space.{name}"
            if name in self.fixed:
                problems.append(f"{name} is both fixed and tried")
            if isinstance(values, tuple) and not values:
                problems.append(f"{place} has no value to try")
            for value in numbers_of(values) if isinstance(values, tuple) else (values.low, values.high):
                problems += choice_problems(name, value, place, tried=True)
            if isinstance(values, Range) and values.step is None and (self.search == "grid" or is_whole(name)):
                problems.append(f"{place}: {self._why_step(name)} needs a list of values, or a range with a step")
        return problems

    def _grid_problems(self) -> list[str]:
        trials = math.prod(len(v.steps if isinstance(v, Range) else v) for v in self.space.values())
        if self.search != "grid" or trials <= MOST_TRIALS:
            return []
        return [f"the grid has {trials:,} trials, at most {MOST_TRIALS:,} can run: search by chance"]

    def _why_step(self, name: str) -> str:
        return "a grid" if self.search == "grid" else f"the whole number {name}"

    def _candidate_problems(self) -> list[str]:
        if (self.search == "list") != bool(self.candidates):
            return ["a list search needs candidates, and no other search takes any"]
        return [
            problem
            for number, choices in enumerate(self.candidates, 1)
            for name, value in choices.items()
            for problem in (
                [f"{name} is both fixed and tried"]
                if name in self.fixed
                else choice_problems(name, value, f"candidates[{number}].{name}", tried=True)
            )
        ]

    def _limit_problems(self) -> list[str]:
        limits = {"trials": (self.trials, MOST_TRIALS), "parallelism": (self.parallelism, 64)} | {
            "shortlist": (self.shortlist, 200)
        }
        problems = [
            f"{name} must be from 1 to {most}, not {value}"
            for name, (value, most) in limits.items()
            if not 1 <= value <= most
        ]
        if any(size < 1 for size in self.sizes):
            problems.append("sizes must be whole numbers from 1 on")
        if self.search == "select_features" and self.engine != "catboost":
            problems.append("select_features is CatBoost's own: take engine catboost, or search by importance")
        return problems


def shipped_experiments() -> tuple[str, ...]:
    """The experiments that come with Arrears, by name."""
    return shipped_stems(_SHIPPED)


def shipped_experiment_text(name: str) -> str:
    """The YAML of one experiment that comes with Arrears.

    Raises:
        BadConfiguration: there is none of this name.
    """
    if name not in shipped_experiments():
        raise BadConfiguration(f"no experiment {name!r} comes with Arrears, only {', '.join(shipped_experiments())}")
    return str(shipped_folder(_SHIPPED, f"{name}.yaml").read_text(encoding="utf-8"))
