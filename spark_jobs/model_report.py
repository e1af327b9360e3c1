"""Puts together what is kept of one evaluation: the report page, its plots and the figures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from arrears.contracts.descriptions import DatasetDescription
from arrears.contracts.jobs import EvaluateModelConfig
from arrears.model.decisions import Decision, decide, with_leaks
from arrears.reports.canvas import in_few_colours
from arrears.reports.model_figures import model_plots
from arrears.reports.model_page import ModelPage, render_model_page
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from spark_jobs.measuring import Measured

CONTENT_TYPES = {"png": "image/png", "html": "text/html; charset=utf-8", "json": "application/json"}


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
    decision = decide(with_leaks(candidate.metrics(), tags), champion.metrics() if champion else None, rules)
    plots = model_plots(
        candidate.findings,
        champion=champion.findings.curves if champion else None,
        profit=candidate.profit,
        explanation=candidate.explanation,
    )
    pictures = {name: in_few_colours(png) for name, png in plots.items()}
    page = ModelPage(
        title=f"Default model of {config.dataset}",
        dataset=config.dataset,
        dataset_version=config.dataset_version,
        findings=candidate.findings,
        plots=pictures,
        champion=champion.findings.evaluation if champion else None,
        champion_name=f"version {config.champion_version}",
        decision=decision,
        cutoff=document.cutoff,
        profit=candidate.profit,
        explanation=candidate.explanation,
        points=_points_table(model, document),
        parameters=parameters,
        provenance={
            "MLflow run": config.mlflow_run_id,
            "engine": document.engine,
            "source": manifest.get("source", ""),
            "commit": tags.get("mlflow.source.git.commit", ""),
            "package": f"arrears {tags.get('arrears.version', '')}",
        },
    )
    return {
        "report.html": render_model_page(page).encode(),
        "metrics.json": json.dumps(candidate.metrics(), indent=1).encode(),
        "evaluation.json": json.dumps(_in_numbers(page, decision, candidate, champion), indent=1).encode(),
        **{f"{name}.png": body for name, body in pictures.items()},
    }


def content_type(name: str) -> str:
    """The media type of a report's file."""
    return CONTENT_TYPES[name.rpartition(".")[2]]


def _in_numbers(page: ModelPage, decision: Decision, candidate: Measured, champion: Measured | None) -> dict[str, Any]:
    """All that the page shows, as plain dicts and lists."""
    return {
        "dataset": page.dataset,
        "dataset_version": page.dataset_version,
        **candidate.findings.to_dict(),
        "metrics": candidate.metrics(),
        "champion": champion.metrics() if champion else None,
        "decision": dataclasses.asdict(decision),
        "cutoff": dataclasses.asdict(page.cutoff) if page.cutoff else None,
        "profit": candidate.profit.to_dict() if candidate.profit else None,
        "explanation": candidate.explanation.to_dict() if candidate.explanation else None,
        "points": list(page.points),
        "parameters": dict(page.parameters),
        "provenance": dict(page.provenance),
    }


def _points_table(model: bytes, document: ModelDocument) -> list[dict[str, object]]:
    """The lines of a scorecard; none of every other kind of model."""
    scorer = load_scorer(document.model_format, model)
    if not hasattr(scorer, "points_table"):
        return []
    return [dataclasses.asdict(line) for line in scorer.points_table()]
