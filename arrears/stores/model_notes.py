"""What people read of a model in MLflow's pages: a short name, where it comes from, and the way back to Airflow."""

from __future__ import annotations

from collections.abc import Mapping

from arrears.contracts.job_configs.jobs import RunExperimentConfig
from arrears.contracts.job_configs.training_job import TrainingRun
from arrears.contracts.objectives import DEFAULT

NOTE_TAG = "mlflow.note.content"  # MLflow shows it as the description
AS_OF_TAG = "arrears.as_of"
RUN_LABEL_TAG = "arrears.run_label"
RUN_URL_TAG = "arrears.run_url"

_EMPTY = "(empty)"
_PAGES = ("http://", "https://")


def short_name(run: TrainingRun, engine: str) -> str:
    """The name of a training's MLflow run, such as ``lending_club 2026-01-31 catboost``."""
    objective = "" if run.task == DEFAULT else run.task
    return " ".join(part for part in (run.dataset, objective, run.as_of, engine) if part)


def run_tags(run: TrainingRun | RunExperimentConfig, about: str) -> dict[str, str]:
    """What an MLflow run is found by, and its description.

    Args:
        about: what the run is, one sentence in Markdown.
    """
    date = f" Business date {run.as_of}." if run.as_of else ""
    link = f" Asked for by [Airflow's run]({run.run_url})." if run.run_url.startswith(_PAGES) else ""
    return {
        RUN_LABEL_TAG: run.run_label,
        AS_OF_TAG: run.as_of or "",
        RUN_URL_TAG: run.run_url,
        NOTE_TAG: f"{about}{date}{link}",
    }


def about_training(run: TrainingRun, engine: str) -> str:
    """What a training's run is."""
    return (
        f"Model of {run.task} of **{run.dataset}**, engine {engine}, on dataset version"
        f" `{run.dataset_version}`. Its report: Artifacts, `evaluation/report.html`."
    )


def parameters_of(values: Mapping[str, object]) -> dict[str, object]:
    """Parameters as a person reads them: a list with commas, and a word for what is empty."""
    return {name: _as_text(value) for name, value in values.items()}


def version_note(name: str, run_name: str, tags: Mapping[str, str], metrics: Mapping[str, float], run_url: str) -> str:
    """The description of a registry version: what it is, how well it did, and the ways to its run and to Airflow's."""
    sentences = [f"**{name}**, trained as [{run_name}]({run_url})."]
    if tags.get(AS_OF_TAG):
        sentences.append(f"Business date {tags[AS_OF_TAG]}.")
    if "auc" in metrics and {"auc_low", "auc_high"} <= metrics.keys():
        sentences.append(
            f"AUC {metrics['auc']:.4f} ({metrics['auc_low']:.4f} to {metrics['auc_high']:.4f}) on held-out rows."
        )
    if tags.get(RUN_URL_TAG, "").startswith(_PAGES):
        sentences.append(f"[Airflow's run]({tags[RUN_URL_TAG]}).")
    return " ".join(sentences)


def model_note(name: str) -> str:
    """The description of a registered model."""
    return (
        f"Every measured model that asked to become {name}. The version with the alias `champion` scores borrowers; the"
        " tag `decision` of a version tells what became of it, the log of decisions why."
    )


def _as_text(value: object) -> object:
    if value is None or value == "" or value == ():
        return _EMPTY
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value
