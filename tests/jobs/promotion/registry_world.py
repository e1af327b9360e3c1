"""Trained and measured models in a real MLflow registry on a local disk, made without any training."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arrears.contracts.addresses import Addresses, registered_model
from arrears.contracts.job_configs.jobs import PromoteModelConfig, ProposeModelConfig, RollbackModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.stores.model_registry import Registry
from arrears.stores.objects import Objects
from spark_jobs.jobs import promote_model

DATASET = "small_bank"
VERSION = "v1"
MODEL = registered_model(DATASET)
GOOD = {"auc": 0.75, "auc_low": 0.70, "ece": 0.01}
BETTER = {"auc": 0.80, "auc_low": 0.75, "ece": 0.01}
POOR = {"auc": 0.55, "auc_low": 0.50, "ece": 0.30}
A_PILOT: dict[str, Any] = {"gate_override": True, "override_reason": "a pilot of fifty loans"}
DESCRIPTION = DatasetDescription(
    name=DATASET, target="is_default", numeric=("income",), floors={"auc_low": 0.6}, ceilings={"ece": 0.05}
)


def describe(root: str) -> None:
    """Writes the data set's manifest: the rules of its gate."""
    manifest = Addresses(root).dataset_manifest(DATASET, VERSION)
    Objects().put_json(manifest, {"description": DESCRIPTION.to_dict()})


def measured(metrics: Mapping[str, float], champion: str | None = None, champion_auc: float = 0.75) -> str:
    """An MLflow run as evaluate_model leaves it; returns its id."""
    import mlflow

    mlflow.set_experiment(f"arrears/{DATASET}")
    with mlflow.start_run(
        tags={
            "arrears.leak_check": "no leak",
            "arrears.evaluated_on": VERSION,
            "arrears.dataset_version": VERSION,
            "arrears.compared_with": champion or "",
        }
    ) as run:
        mlflow.log_metrics({**metrics, **(_beside(metrics["auc"], champion_auc) if champion else {})})
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "MLmodel").write_text("artifact_path: model\nflavors: {}\n")
            mlflow.log_artifacts(folder, artifact_path="model")
    return str(run.info.run_id)


def _beside(auc: float, champion_auc: float) -> dict[str, float]:
    """The comparison with a champion, its interval 0.04 wide, on rows that neither has learnt from."""
    difference = auc - champion_auc
    interval = {"auc_difference_low": difference - 0.02, "auc_difference_high": difference + 0.02}
    rows = {"compared_rows": 1000, "compared_defaults": 200, "compared_auc": auc}
    return {"champion_auc": champion_auc, "auc_difference": difference, **interval, **rows}


def a_proposal(root: str, run_id: str, champion: str | None = None) -> ProposeModelConfig:
    return ProposeModelConfig(**_common(root), mlflow_run_id=run_id, champion_version=champion, dataset_version=VERSION)


def a_promotion(root: str, run_id: str, champion: str | None = None, **more: Any) -> PromoteModelConfig:
    given = {"mlflow_run_id": run_id, "champion_version": champion, "dataset_version": VERSION, "run_label": run_id}
    return PromoteModelConfig(**{**_common(root), **given, **more})


def a_rollback(root: str, **more: Any) -> RollbackModelConfig:
    return RollbackModelConfig(**{**_common(root), "reason": "it declines everybody", **more})


def _common(root: str) -> dict[str, str]:
    return {"root": root, "dataset": DATASET}


def promoted(root: str, champion: str | None = None) -> str:
    """A champion that beats the one before; returns its version."""
    done = promote_model.run(a_promotion(root, measured(BETTER, champion), champion))
    assert done.values["decision"] == "promoted"
    return done.values["model_version"]


def aliases() -> dict[str, str]:
    return Registry().aliases(MODEL)


def entries(root: str) -> list[dict[str, object]]:
    return [json.loads(Objects().get(item.uri)) for item in Objects().list(Addresses(root).promotions(MODEL))]


def kinds(root: str) -> list[object]:
    return [entry["kind"] for entry in entries(root)]
