"""Runs an experiment: many trainings on the same folds, ranked.

Reads an experiment's YAML and one version of the training set. Writes an MLflow run with one nested run a trial, and
the page, the ranking and the best configuration to ``artifacts``. A trial that fails is recorded. Fails when all
do, when the YAML is wrong, when no version is in force, or on leaks that no reason overrides. Run again, it takes the
trials that are finished from MLflow.
"""

from __future__ import annotations

import logging
from typing import Any

from pyspark.sql import SparkSession

import arrears
from arrears.contracts.addresses import Table
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.experiments import Experiment
from arrears.contracts.job_configs.jobs import ResolveVersionsConfig, RunExperimentConfig, TrainModelConfig
from arrears.contracts.job_configs.training_choices import training_values, with_features
from arrears.contracts.outcome_facts import JobResult
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.experiments.feature_selection import fewest_features
from arrears.model.experiments.search import search_of
from arrears.model.experiments.trials import Trial, folds_of_metrics, ranked
from arrears.stores.experiment_files import read_experiment
from arrears.stores.model_notes import run_tags
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from arrears.stores.tracking_checks import require_experiment
from arrears.stores.trial_runs import TrialRuns
from spark_jobs.data.leak_check import checked_for_leaks
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.experiments.experiment_report import report_files
from spark_jobs.experiments.feature_ranking import selection_of
from spark_jobs.experiments.fold_training import Trials
from spark_jobs.experiments.pinned_folds import pinned_folds
from spark_jobs.experiments.trial_loop import run_trials
from spark_jobs.io.checkpoints import checkpoints
from spark_jobs.jobs import resolve_versions
from spark_jobs.launch import launch
from spark_jobs.objectives.objective_rows import rows_of_both_sides

log = logging.getLogger(__name__)

MAILED = ("experiment.html", "progress.png")


def run(spark: SparkSession, config: RunExperimentConfig) -> JobResult:
    """Pins rows and versions, runs the trials that are left, ranks them, and keeps the evidence."""
    objects, models = Objects(), Models()
    asked = read_experiment(config.experiment, objects)
    training = _training_config(config, asked)
    engine_named(training.engine)
    require_experiment(f"arrears/{training.dataset}")
    manifest = objects.get_json(training.addresses.dataset_manifest(training.dataset, training.dataset_version))
    description = with_features(DatasetDescription.from_dict(manifest["description"]), training.features)
    leaks = checked_for_leaks(*rows_of_both_sides(spark, training), training, description)
    digest = asked.digest(training.dataset_version)
    about = f"Experiment {asked.name} on **{training.dataset}**, one run nested below for each trial."
    tags = {
        **run_tags(config, about),
        "arrears.version": arrears.__version__,
        "arrears.experiment": asked.name,
        **leaks.tags,
    }
    parameters = {"experiment": asked.name, "search": asked.search, "metric": asked.metric, "seed": asked.seed}
    pinned = {"dataset": training.dataset, "dataset_version": training.dataset_version}
    name = f"{training.dataset} {config.as_of} {asked.name}"
    with models.run(f"arrears/{training.dataset}", name, parameters=parameters | pinned, tags=tags) as run_id:
        with (
            checkpoints(spark, training.addresses.snapshot(training.dataset, f"checkpoints-{run_id}")),
            pinned_folds(spark, training, asked.folds, description, name=run_id) as folds,
        ):
            trials = _ran(Trials(spark, folds, training, description), asked, TrialRuns(run_id, digest))
        chosen = _chosen(trials, asked)
        links = {"MLflow run": models.run_url(run_id)}
        report = report_files(asked, training, trials, chosen, links=links)
        source = training.addresses.table(Table.TRAIN, training.dataset)
        models.log_dataset(run_id, name=training.dataset, digest=training.dataset_version, source=source)
        models.log_results(run_id, chosen.to_metrics(), report, {"arrears.best_trial": str(chosen.number)})
    for file, body in report.items():
        objects.put(f"{config.report_folder}/{file}", body)
    mailed = tuple(f"{config.report_folder}/{file}" for file in MAILED)
    figures = {**_figures(trials, chosen, asked), **leaks.figures}
    values = {"mlflow_run_id": run_id, "training_conf": report["training_conf.json"].decode()}
    return JobResult(figures, values, attachments=mailed, links=links)


def _training_config(config: RunExperimentConfig, asked: Experiment) -> TrainModelConfig:
    """What all trials have in common. The dataset version is pinned once, so that a rerun uses the same."""
    dataset = asked.dataset or config.dataset
    if dataset != config.dataset:
        log.info("the experiment is about %s, whatever data set the run was asked for", dataset)
    pins = ResolveVersionsConfig(root=config.root, dataset=dataset, as_of=config.as_of, pins=config.pins)
    return TrainModelConfig(
        root=config.root,
        dataset=dataset,
        dataset_version=resolve_versions.run(pins).values["dataset_version"],
        run_label=config.run_label,
        seed=asked.seed,
        leak_override=config.leak_override,
        leak_override_reason=config.leak_override_reason,
        shards=1,
        **training_values({"engine": asked.engine}, asked.fixed),
    )


def _ran(trials: Trials, asked: Experiment, runs: TrialRuns) -> list[Trial]:
    """Every trial, those of earlier runs of the same experiment among them.

    Raises:
        BadConfiguration: all of them failed. Names their errors.
    """
    earlier = [(trial, folds_of_metrics(trial.metrics, asked.folds.number)) for trial in runs.finished()]
    known = {trial.key: folds for trial, folds in earlier if folds}
    if known:
        log.info("%d finished trials of the same experiment are in MLflow: they are not trained again", len(known))
    choices = [trial.choices for trial, folds in earlier if folds and trial.choices is not None]
    search = selection_of(trials, asked) if asked.is_selection else search_of(asked, choices)

    def record(trial: Trial) -> None:
        runs.keep(
            f"trial {trial.number}",
            key=trial.proposal.key,
            choices=trial.proposal.choices,
            metrics=trial.to_metrics(),
            tags=dict(zip(("arrears.error_class", "arrears.error"), trial.error, strict=True))
            if trial.error[0]
            else {},
            finished=trial.finished,
        )

    ended = run_trials(search, trials.run, asked, record=record, known=known)
    if not any(trial.finished for trial in ended):
        errors = dict.fromkeys(f"{trial.error[0]}: {trial.error[1]}" for trial in ended)
        raise BadConfiguration(f"all {len(ended)} trials of {asked.name} failed", *errors)
    return ended


def _chosen(trials: list[Trial], asked: Experiment) -> Trial:
    if asked.is_selection:
        fewest = fewest_features(trials, asked.metric, lower_is_better=asked.lower_is_better)
        if fewest is not None:
            return fewest
    return ranked(trials, asked.metric, lower_is_better=asked.lower_is_better)[0]


def _figures(trials: list[Trial], chosen: Trial, asked: Experiment) -> dict[str, Any]:
    """The figures of the mail. The page has all of them."""
    choices = {
        name: ", ".join(map(str, v)) if isinstance(v, tuple) else v for name, v in chosen.proposal.choices.items()
    }
    return {
        "experiment": asked.name,
        f"{asked.metric} of the chosen trial": chosen.mean(asked.metric),
        "standard deviation over the folds": chosen.deviation(asked.metric),
        "chosen trial": chosen.number,
        **{f"chosen {name}": value for name, value in choices.items()},
        "trials": len(trials),
        "failed trials": sum(not trial.finished for trial in trials),
        "taken from an earlier run": sum(trial.reused for trial in trials),
    }


if __name__ == "__main__":
    launch(run, RunExperimentConfig, imports=("mlflow.pyfunc",))
