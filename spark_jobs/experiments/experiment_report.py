"""Puts together what is stored of an experiment: page, plots, ranking, and the configuration to train with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from arrears.contracts.job_configs.experiments import Experiment
from arrears.contracts.job_configs.training_choices import training_conf, training_values
from arrears.contracts.job_configs.training_job import TrainingRun
from arrears.model.experiments.trials import Trial
from arrears.reports.experiment_page import ExperimentPage, experiment_plots, ranking_csv, render_experiment_page
from arrears.stores.experiment_files import training_yaml


def report_files(
    experiment: Experiment,
    run: TrainingRun,
    trials: Sequence[Trial],
    chosen: Trial,
    *,
    links: Mapping[str, str],
) -> dict[str, bytes]:
    """Everything that is stored of an experiment, by file name.

    Args:
        run: the data set's version that all trials are trained on.
        chosen: the trial whose configuration is the result.
    """
    values = training_values(experiment.fixed, chosen.proposal.choices)
    values["engine"] = values.get("engine", experiment.engine)
    conf = training_conf({"dataset": run.dataset, "seed": experiment.seed, **values})
    page = ExperimentPage(
        experiment=experiment,
        dataset=run.dataset,
        dataset_version=run.dataset_version,
        trials=trials,
        chosen=chosen,
        configuration=training_yaml(values),
        conf=json.dumps(conf, indent=1),
        links=links,
    )
    plots = experiment_plots(page)
    return {
        "experiment.html": render_experiment_page(page, plots).encode(),
        "ranking.csv": ranking_csv(trials, experiment).encode(),
        "best.yaml": page.configuration.encode(),
        "training_conf.json": page.conf.encode(),
        **{f"{name}.png": body for name, body in plots.items()},
    }
