"""The page of an experiment: what was tried, with which result, and the configuration to train with."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arrears.contracts.job_configs.experiments import Experiment
from arrears.model.experiments.trials import Trial, ranked
from arrears.reports.canvas import in_few_colours
from arrears.reports.experiment_figures import choice_plots, path_plot, progress_plot
from arrears.reports.pages import data_url, render

MOST_TRIALS = 200
BESIDE = ("auc", "log_loss", "ece", "mean_probability")  # shown beside the metric that decides


@dataclass(frozen=True)
class ExperimentPage:
    """Everything that the page shows.

    Attributes:
        chosen: the trial whose configuration is the result.
        configuration: of the training job, as YAML.
        conf: the same for the training DAG's form, as JSON.
    """

    experiment: Experiment
    dataset: str
    dataset_version: str
    trials: Sequence[Trial]
    chosen: Trial
    configuration: str
    conf: str
    links: Mapping[str, str] = field(default_factory=dict)


def experiment_plots(page: ExperimentPage) -> dict[str, bytes]:
    """Every plot of the page as PNG, by file stem, the progress first."""
    plots = {"progress": progress_plot(page.trials, page.experiment)}
    if page.experiment.is_selection:
        plots["feature_path"] = path_plot(page.trials, page.chosen, page.experiment)
    choices = choice_plots(page.trials, page.experiment)
    return plots | {f"score_against_{name.replace('.', '_')}": png for name, png in choices.items()}


def render_experiment_page(page: ExperimentPage, plots: Mapping[str, bytes]) -> str:
    """Writes the page as one HTML file: plots inside, styles inside, no scripts. Every value is escaped."""
    experiment = page.experiment
    leading = ranked(page.trials, experiment.metric, lower_is_better=experiment.lower_is_better)
    beside = [name for name in BESIDE if name != experiment.metric]
    return render(
        "experiment_page.html",
        ["model_page.css"],
        page=page,
        experiment=experiment,
        names=ranking_columns(page.trials),
        beside=beside,
        rows=[_row(trial, experiment.metric, beside) for trial in leading[:MOST_TRIALS]],
        left_out=max(0, len(leading) - MOST_TRIALS),
        failed=[trial for trial in page.trials if not trial.finished],
        reused=sum(trial.reused for trial in page.trials),
        score=f"{page.chosen.mean(experiment.metric):.4f}",
        spread=f"{page.chosen.deviation(experiment.metric):.4f}",
        minutes=f"{max((t.started + t.seconds for t in page.trials), default=0.0) / 60:.1f}",
        feature_count=len(page.chosen.proposal.choices.get("features", ())),
        choice_text=choice_text,
        plots=[data_url(in_few_colours(png)) for png in plots.values()],
    )


def ranking_columns(trials: Sequence[Trial]) -> list[str]:
    """The names of everything that was tried, in the order of its first use."""
    return list(dict.fromkeys(name for trial in trials for name in trial.proposal.choices))


def ranking_csv(trials: Sequence[Trial], experiment: Experiment) -> str:
    """The ranking table as CSV: finished trials, the best first, then the failed ones."""
    names = ranking_columns(trials)
    leading = ranked(trials, experiment.metric, lower_is_better=experiment.lower_is_better)
    measured = list(dict.fromkeys(name for trial in leading for name in trial.folds[0]))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["rank", "trial", *names, *(part for name in measured for part in (name, f"{name}_sd")), "error"])
    for rank, trial in enumerate(leading, 1):
        numbers = [number for name in measured for number in (trial.mean(name), trial.deviation(name))]
        writer.writerow([rank, trial.number, *(choice_text(trial, name) for name in names), *numbers, ""])
    for trial in (trial for trial in trials if not trial.finished):
        empty = [""] * (2 * len(measured))
        choices = [choice_text(trial, name) for name in names]
        writer.writerow(["", trial.number, *choices, *empty, ": ".join(trial.error)])
    return table.getvalue()


def choice_text(trial: Trial, name: str) -> str:
    """One choice of a trial in a short text, empty where the trial did not make it."""
    value: Any = trial.proposal.choices.get(name, "")
    if isinstance(value, (list, tuple)):
        return f"{len(value)}: {', '.join(map(str, value))}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _row(trial: Trial, metric: str, beside: Sequence[str]) -> dict[str, Any]:
    return {
        "trial": trial,
        "score": f"{trial.mean(metric):.4f}",
        "spread": f"{trial.deviation(metric):.4f}",
        "beside": [_number(trial.mean(name)) for name in beside],
    }


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
