"""Proves before anything is read that MLflow will take what a job logs: on its page, deleting is easily done."""

from __future__ import annotations

from arrears.contracts.errors import BadConfiguration
from arrears.stores.model_registry import translate_outages

_DELETED = "deleted"


@translate_outages
def require_experiment(name: str) -> None:
    """Proves that a run can be added to the experiment. One that is not there will be made.

    Raises:
        BadConfiguration: it was deleted. MLflow keeps its name until it is restored or deleted for good.
    """
    from mlflow import MlflowClient

    found = MlflowClient().get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == _DELETED:
        raise BadConfiguration(
            f"experiment {name} was deleted in MLflow: restore it (mlflow experiments restore -x"
            f" {found.experiment_id}), or delete it for good (mlflow gc --experiment-ids {found.experiment_id})"
        )


@translate_outages
def require_run(run_id: str) -> None:
    """Proves that results can be added to a run.

    Raises:
        BadConfiguration: the run was deleted, by itself or with its experiment.
    """
    from mlflow import MlflowClient

    info = MlflowClient().get_run(run_id).info
    if info.lifecycle_stage == _DELETED:
        raise BadConfiguration(
            f"run {run_id} was deleted in MLflow: restore its experiment (mlflow experiments restore -x"
            f" {info.experiment_id}) or the run alone (mlflow runs restore --run-id {run_id})"
        )
