"""The plots of an experiment: how it went on, the score against each choice, and against the number of features."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from arrears.contracts.job_configs.experiments import Experiment, Range
from arrears.model.experiments.feature_selection import path_of
from arrears.model.experiments.trials import Trial, ranked
from arrears.reports.canvas import BLUE, GREY, ORANGE, SKY, draw, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOGARITHMIC_FROM = 30.0  # a choice whose greatest value is so many times its least is drawn on a logarithmic axis
LONGEST_NAME = 24


def progress_plot(trials: Sequence[Trial], experiment: Experiment) -> bytes:
    """How the experiment went on: each trial from its start to its end, and the best so far."""
    finished = sorted((trial for trial in trials if trial.finished), key=lambda trial: trial.started + trial.seconds)
    metric, lower = experiment.metric, experiment.lower_is_better
    scores = [trial.mean(metric) for trial in finished]
    best = list(itertools.accumulate(scores, min if lower else max))

    def paint(axes: Axes) -> None:
        for trial in finished:
            start, end = trial.started / 60, (trial.started + trial.seconds) / 60
            axes.plot([start, end], [trial.mean(metric)] * 2, color=SKY, linewidth=2, solid_capstyle="round")
        ends = [(trial.started + trial.seconds) / 60 for trial in finished]
        axes.plot(ends, scores, "o", color=BLUE, markersize=5, label="trial, from its start to its end")
        axes.step(ends, best, where="post", color=ORANGE, linewidth=1.6, label="best so far")
        failed = [trial for trial in trials if not trial.finished]
        if failed and scores:
            worst = max(scores) if lower else min(scores)
            ended = [(trial.started + trial.seconds) / 60 for trial in failed]
            axes.plot(ended, [worst] * len(failed), "x", color=GREY, label="failed")

    return draw(
        paint,
        title=f"{len(finished)} of {len(trials)} trials finished, {experiment.parallelism} at a time",
        x_label="Minutes since the start",
        y_label=f"{metric}, mean of {experiment.folds.number} folds",
    )


def choice_plots(trials: Sequence[Trial], experiment: Experiment) -> dict[str, bytes]:
    """The score against each choice that was tried with more than one value, by the choice's name."""
    finished = [trial for trial in trials if trial.finished]
    names = dict.fromkeys(name for trial in finished for name in trial.proposal.choices if name != "features")
    plots = {}
    for name in names:
        with_choice = [trial for trial in finished if name in trial.proposal.choices]
        if len({str(trial.proposal.choices[name]) for trial in with_choice}) > 1:
            plots[name] = _choice_plot(name, with_choice, experiment)
    return plots


def path_plot(trials: Sequence[Trial], chosen: Trial, experiment: Experiment) -> bytes:
    """The score against the number of features, and the fewest that do as well as the best."""
    metric = experiment.metric
    path = path_of(trials, metric, lower_is_better=experiment.lower_is_better)
    sizes = [len(trial.proposal.choices["features"]) for trial in path]

    def paint(axes: Axes) -> None:
        axes.errorbar(
            sizes,
            [trial.mean(metric) for trial in path],
            yerr=[trial.standard_error(metric) for trial in path],
            color=BLUE,
            marker="o",
            markersize=5,
            linewidth=1.4,
            capsize=3,
            label="mean of the folds, with one standard error",
        )
        count = len(chosen.proposal.choices["features"])
        axes.axvline(count, color=ORANGE, linestyle="--", linewidth=1.6, label=f"chosen: {count}")

    return draw(
        paint,
        title="The score against the number of features",
        x_label="Number of features",
        y_label=f"{metric}, mean of {experiment.folds.number} folds",
    )


def _choice_plot(name: str, trials: Sequence[Trial], experiment: Experiment) -> bytes:
    metric = experiment.metric
    values = [trial.proposal.choices[name] for trial in trials]
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    levels = [] if numeric else sorted({_value_text(value) for value in values})
    places = (
        [float(value) for value in values] if numeric else [float(levels.index(_value_text(value))) for value in values]
    )
    best = ranked(trials, metric, lower_is_better=experiment.lower_is_better)[0]
    tried = experiment.space.get(name)
    asked_in_log = isinstance(tried, Range) and tried.log

    def paint(axes: Axes) -> None:
        spread = [trial.deviation(metric) for trial in trials]
        scores = [trial.mean(metric) for trial in trials]
        axes.errorbar(
            places, scores, yerr=spread, fmt="o", color=BLUE, ecolor=SKY, markersize=5, capsize=2, label="trial ± sd"
        )
        axes.plot(
            places[trials.index(best)], best.mean(metric), "o", color=ORANGE, markersize=9, zorder=5, label="best"
        )
        if numeric and min(places) > 0 and (asked_in_log or max(places) / min(places) >= LOGARITHMIC_FROM):
            _logarithmic(axes)
        if levels:
            axes.set_xticks(range(len(levels)), levels, rotation=20 if len(levels) > 4 else 0)

    return draw(paint, title=f"The score against {name}", x_label=name, y_label=metric)


def _logarithmic(axes: Axes) -> None:
    """Labels 1, 2, 5, 10, … as plain numbers: matplotlib's own are formulas, which no plot here may hold."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _value_text(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "none"
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return short(text, LONGEST_NAME)
