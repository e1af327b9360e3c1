"""Trials and their results: one trial is one choice of settings, measured on every fold."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Proposal:
    """One trial that is yet to run.

    Attributes:
        number: from 1, in the order of asking.
        choices: field of the training job → value, beside what the experiment fixes.
        features: measured block → the features that its model may see. Empty: those of the choices.
    """

    number: int
    choices: Mapping[str, Any]
    features: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """A name of what is tried, the same in every run of the experiment."""
        tried = {"choices": dict(self.choices), "features": {str(b): list(names) for b, names in self.features.items()}}
        return hashlib.sha256(json.dumps(tried, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Trial:
    """One trial that has ended.

    Attributes:
        folds: metrics of each measured block, in order of the blocks. Empty after a failure.
        started, seconds: when it began, in seconds since the experiment did, and how long it took.
        error: class and first line of what stopped it.
        reused: it was finished by an earlier run of the same experiment, and was not trained again.
    """

    proposal: Proposal
    status: Literal["finished", "failed"]
    folds: tuple[Mapping[str, float], ...] = ()
    started: float = 0.0
    seconds: float = 0.0
    error: tuple[str, str] = ("", "")
    reused: bool = False

    @property
    def number(self) -> int:
        """From 1, in the order of asking."""
        return self.proposal.number

    @property
    def finished(self) -> bool:
        """Whether it has been measured."""
        return self.status == "finished"

    def mean(self, metric: str) -> float:
        """The mean of a metric over the folds. NaN after a failure."""
        values = self.values(metric)
        return sum(values) / len(values) if values else math.nan

    def deviation(self, metric: str) -> float:
        """The standard deviation over the folds (n - 1). 0 for one fold, NaN after a failure."""
        values, mean = self.values(metric), self.mean(metric)
        if len(values) < 2:
            return 0.0 if values else math.nan
        return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))

    def standard_error(self, metric: str) -> float:
        """How far the mean over the folds may be off by chance."""
        return self.deviation(metric) / math.sqrt(max(len(self.folds), 1))

    def values(self, metric: str) -> list[float]:
        """The metric of each fold."""
        return [fold[metric] for fold in self.folds]

    def to_metrics(self) -> dict[str, float]:
        """Every number of the trial by name: mean, ``_sd``, and ``fold_<n>_`` from 1."""
        named = {f"fold_{n}_{name}": value for n, fold in enumerate(self.folds, 1) for name, value in fold.items()}
        for metric in self.folds[0] if self.folds else ():
            named |= {metric: self.mean(metric), f"{metric}_sd": self.deviation(metric)}
        return named | {"seconds": self.seconds}


def folds_of_metrics(metrics: Mapping[str, float], number: int) -> tuple[dict[str, float], ...]:
    """The folds behind ``Trial.to_metrics``, of which there are so many. Empty where one is incomplete."""
    folds = [
        {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}
        for prefix in (f"fold_{n}_" for n in range(1, number + 1))
    ]
    complete = folds and folds[0] and all(fold.keys() == folds[0].keys() for fold in folds)
    return tuple(folds) if complete else ()


def ranked(trials: Iterable[Trial], metric: str, *, lower_is_better: bool) -> list[Trial]:
    """Finished trials, the best first. Of equal ones the earlier comes first."""
    sign = 1.0 if lower_is_better else -1.0
    measured = [trial for trial in trials if trial.finished and not math.isnan(trial.mean(metric))]
    return sorted(measured, key=lambda trial: (sign * trial.mean(metric), trial.number))


def progress_line(trials: Sequence[Trial], total: int | None, metric: str, *, lower_is_better: bool) -> str:
    """The last trial and the best so far: ``trial 7 of 20: auc 0.7312 ± 0.0040 (best 0.7340 by trial 3)``."""
    last = trials[-1]
    line = f"trial {last.number}" + (f" of {total}" if total else "")
    if not last.finished:
        return f"{line}: failed, {last.error[0]}: {last.error[1]}"
    best = ranked(trials, metric, lower_is_better=lower_is_better)
    line += f": {metric} {last.mean(metric):.4f} ± {last.deviation(metric):.4f}"
    line += f" (best {best[0].mean(metric):.4f} by trial {best[0].number})" if best else ""
    return line + (", taken from an earlier run" if last.reused else "")
