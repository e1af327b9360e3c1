"""Puts together what is kept of one evaluation: the report page, its plots and the figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arrears.contracts.descriptions import DatasetDescription
from arrears.contracts.jobs import EvaluateModelConfig
from arrears.model.curves import Curves
from arrears.model.decisions import decide, with_leaks
from arrears.model.metrics import Evaluation
from arrears.reports.figures import model_plots
from arrears.reports.model_page import ModelPage, render_model_page
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer

CONTENT_TYPES = {"png": "image/png", "html": "text/html; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True)
class Measured:
    """A model's figures and curves on the held-out rows."""

    evaluation: Evaluation
    curves: Curves

    def metrics(self, prefix: str = "") -> dict[str, float]:
        """The figures by name, as MLflow keeps them."""
        return {f"{prefix}{name}": value for name, value in self.evaluation.to_dict().items()}


def report_files(
    config: EvaluateModelConfig,
    manifest: Mapping[str, Any],
    model: bytes,
    document: ModelDocument,
    candidate: Measured,
    champion: Measured | None,
    *,
    parameters: Mapping[str, str],
    tags: Mapping[str, str],
) -> dict[str, bytes]:
    """Draws everything that is kept of an evaluation, by file name.

    Args:
        manifest: of the dataset version, with its description and source.
        champion: the present champion on the same rows; None: there is none.
        parameters, tags: of the model's MLflow run.
    """
    rules = DatasetDescription.from_dict(manifest["description"]).rules
    scorer = load_scorer(document.model_format, model)
    weights = dict(zip(document.inputs, scorer.importance(), strict=True))
    plots = model_plots(
        candidate.evaluation, candidate.curves, importance=weights, champion=champion.curves if champion else None
    )
    page = ModelPage(
        title=f"Default model of {config.dataset}",
        dataset=config.dataset,
        dataset_version=config.dataset_version,
        evaluation=candidate.evaluation,
        plots=plots,
        floors=rules.floors,
        champion=champion.evaluation if champion else None,
        champion_name=f"version {config.champion_version}",
        decision=decide(with_leaks(candidate.metrics(), tags), champion.metrics() if champion else None, rules),
        parameters=parameters,
        importance=weights,
        provenance={
            "MLflow run": config.mlflow_run_id,
            "source": manifest.get("source", ""),
            "commit": tags.get("mlflow.source.git.commit", ""),
            "package": f"arrears {tags.get('arrears.version', '')}",
        },
    )
    return {
        "report.html": render_model_page(page).encode(),
        "metrics.json": json.dumps(candidate.metrics(), indent=1).encode(),
        **{f"{name}.png": body for name, body in plots.items()},
    }


def content_type(name: str) -> str:
    """The media type of a report's file."""
    return CONTENT_TYPES[name.rpartition(".")[2]]
