"""Puts together what is kept of one evaluation: the report page, its plots and the figures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from arrears.contracts.job_configs.jobs import EvaluateModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.model.gate.promotion import (
    LEAK_CHECK_TAG,
    LEAK_REASON_TAG,
    LEAKS_TAG,
    Decision,
    decide,
    overridden_leaks,
    with_leaks,
)
from arrears.model.metrics.cutoffs import NO_CUTOFF, approval_mark
from arrears.model.metrics.default_metrics import Evaluation
from arrears.model.metrics.profit import ProfitCurve
from arrears.reports.canvas import in_few_colours
from arrears.reports.model_figures import model_plots
from arrears.reports.model_page import ModelPage, render_model_page
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import load_scorer
from arrears.stores.model_notes import AS_OF_TAG, RUN_LABEL_TAG
from spark_jobs.measuring.measured_model import Measured
from spark_jobs.measuring.trained import TrainedRun, training_figures

_CARRYING = 5


def report_files(
    config: EvaluateModelConfig,
    manifest: Mapping[str, Any],
    model: bytes,
    document: ModelDocument,
    candidate: Measured,
    champion: Measured | None,
    *,
    trained: TrainedRun,
) -> dict[str, bytes]:
    """Draws everything that is kept of an evaluation, by file name.

    Args:
        manifest: of the dataset version, with its description and source.
        champion: the present champion on the same rows. None: there is none.
        trained: the model's MLflow run.
    """
    rules, compared = DatasetDescription.from_dict(manifest["description"]).rules, candidate.comparison
    beside = None if compared is None else champion.metrics() if champion else {}
    decision = decide(
        with_leaks(candidate.metrics(), trained.tags), beside, rules, overridden_leaks=overridden_leaks(trained.tags)
    )
    plots = model_plots(
        candidate.findings,
        # A curve over other rows cannot be compared with the candidate's.
        champion=champion.findings.curves if champion and not (compared and compared.left_out) else None,
        profit=candidate.profit,
        explanation=candidate.explanation,
    )
    scorer = load_scorer(document.model_format, model)
    pictures = {name: in_few_colours(png) for name, png in plots.items()}
    page = ModelPage(
        title=f"Default model of {config.dataset}",
        dataset=config.dataset,
        dataset_version=config.dataset_version,
        findings=candidate.findings,
        plots=pictures,
        champion=champion.findings.evaluation if champion else None,
        champion_name=f"version {config.champion_version}",
        comparison=compared,
        decision=decision,
        cutoff=document.cutoff,
        profit=candidate.profit,
        explanation=candidate.explanation,
        points=_points_table(scorer),
        points_note=getattr(scorer, "note", ""),
        parameters=trained.parameters,
        training=training_figures(scorer, trained, candidate.findings.evaluation),
        provenance=provenance_of(config, manifest, document, trained.tags),
        links=trained.links,
        as_of=trained.as_of,
        measured_at=trained.measured_at,
    )
    return {
        "report.html": render_model_page(page).encode(),
        "metrics.json": _as_json(candidate.metrics()),
        "evaluation.json": _as_json(_in_numbers(page, decision, candidate, champion)),
        **{f"{name}.png": body for name, body in pictures.items()},
    }


def provenance_of(
    config: EvaluateModelConfig, manifest: Mapping[str, Any], document: ModelDocument, tags: Mapping[str, str]
) -> dict[str, object]:
    """Where a model of any objective comes from, as its report tells it."""
    return {
        "business date": tags.get(AS_OF_TAG, ""),
        "MLflow run": config.mlflow_run_id,
        "Airflow's run": tags.get(RUN_LABEL_TAG, ""),
        "engine": document.engine,
        "source": manifest.get("source", ""),
        "commit": tags.get("mlflow.source.git.commit", ""),
        "package": f"arrears {tags.get('arrears.version', '')}",
        **_leak_check(tags),
    }


def _leak_check(tags: Mapping[str, str]) -> dict[str, object]:
    """What was found before the training, every leak by itself. Empty for an objective that is not checked."""
    lines = {"leak check": tags.get(LEAK_CHECK_TAG, ""), "leaks overridden, because": tags.get(LEAK_REASON_TAG, "")}
    lines |= {f"leak {number}": leak for number, leak in enumerate(tags.get(LEAKS_TAG, "").splitlines(), 1)}
    return {name: text for name, text in lines.items() if text}


def mail_figures(candidate: Measured, champion: Measured | None) -> dict[str, float | int | str | None]:
    """The figures of the mail. MLflow and the report page have all of them."""
    evaluation, findings = candidate.findings.evaluation, candidate.findings
    difference, compared = findings.auc_difference, candidate.comparison
    beside: dict[str, float | int | str | None] = {}
    if compared is not None and compared.candidate is not None and compared.left_out:
        beside["AUC on the rows compared on"] = compared.candidate.auc
    if champion is not None:
        beside["AUC of the champion on the same rows"] = champion.findings.evaluation.auc
    if difference is not None:
        beside["AUC above the champion's, 95 % interval"] = f"{difference.low:+.4f} to {difference.high:+.4f}"
    return {
        "AUC": evaluation.auc,
        "AUC, 95 % interval": f"{evaluation.auc_low:.4f} to {evaluation.auc_high:.4f}",
        **beside,
        "Gini": evaluation.gini,
        "KS": evaluation.ks,
        "AUC-PR": evaluation.auc_pr,
        "log-loss": evaluation.log_loss,
        "Brier": evaluation.brier,
        "calibration error (ECE)": findings.calibration.ece,
        **({"score PSI": findings.stability.psi} if findings.stability else {}),
        **_auc_without(candidate),
        "held-out borrowers": evaluation.rows,
        **_at_cutoff(evaluation),
        **_profit(candidate.profit),
    }


def _at_cutoff(evaluation: Evaluation) -> dict[str, float | str]:
    """Whom the cut-off approves and flags, or that no cut-off is set."""
    if evaluation.confusion is None:
        return {"cut-off": NO_CUTOFF}
    at, called = evaluation.confusion, evaluation.confusion.to_dict()
    mark = approval_mark(called["approval_rate"])
    return {
        "approved at the cut-off": f"{called['approval_rate']:.1%}" + (f" ({mark})" if mark else ""),
        "at the threshold": f"{at.tp + at.fp:,} flagged at {at.threshold:.4g}, {at.tp:,} of"
        f" {evaluation.defaults:,} defaults caught",
        "accuracy": called["accuracy"],
        "precision (share of the flagged that defaulted)": called["precision"],
        "recall (share of the defaults that was flagged)": called["recall"],
        "F1": called["f1"],
    }


def _profit(curve: ProfitCurve | None) -> dict[str, float]:
    if curve is None:
        return {}
    unit = f"unit of {curve.exposure}" if curve.exposure else "in loan amounts"
    return {f"profit of 100 applications, {unit}": 100 * curve.chosen.profit}


def _auc_without(candidate: Measured) -> dict[str, str]:
    """The features that carry most of the AUC, for somebody to ask whether each was known at the decision."""
    losses = candidate.explanation.auc_losses if candidate.explanation else {}
    carrying = [(name, lost) for name, lost in losses.items() if lost > 0][:_CARRYING]
    parts = (f"{name} {lost:.4f}{' (new)' if name in candidate.new_features else ''}" for name, lost in carrying)
    return {"AUC lost without what a feature tells": ", ".join(parts)} if carrying else {}


def _in_numbers(page: ModelPage, decision: Decision, candidate: Measured, champion: Measured | None) -> dict[str, Any]:
    """All that the page shows, as plain dicts and lists."""
    return {
        "dataset": page.dataset,
        "dataset_version": page.dataset_version,
        **candidate.findings.to_dict(),
        "metrics": candidate.metrics(),
        "champion": champion.metrics() if champion else None,
        "comparison": dataclasses.asdict(candidate.comparison) if candidate.comparison else None,
        "decision": dataclasses.asdict(decision),
        "cutoff": dataclasses.asdict(page.cutoff) if page.cutoff else None,
        "profit": candidate.profit.to_dict() if candidate.profit else None,
        "explanation": candidate.explanation.to_dict() if candidate.explanation else None,
        "points": list(page.points),
        "parameters": dict(page.parameters),
        "training": dict(page.training),
        "provenance": dict(page.provenance),
    }


def _as_json(content: Mapping[str, Any]) -> bytes:
    """JSON that every reader takes: what is not a number, such as a test without degrees of freedom, becomes null."""
    finite = json.loads(json.dumps(content), parse_constant=lambda _: None)
    return json.dumps(finite, indent=1).encode()


def _points_table(scorer: Any) -> list[dict[str, object]]:
    """The lines of a scorecard. Empty for every other kind of model."""
    if not hasattr(scorer, "points_table"):
        return []
    return [dataclasses.asdict(line) for line in scorer.points_table()]
