"""The report on one model: a single HTML file that opens anywhere, with nothing to fetch and nothing to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from arrears.model.decisions import Decision
from arrears.model.metrics import Evaluation
from arrears.reports.pages import data_url, render

PLOTS = {
    "roc_curve": "The further the line bends to the upper left, the more defaulters are caught per false alarm.",
    "score_histogram": "The less the two groups overlap, the better the model tells them apart.",
    "precision_recall": "Reading from the left, the list of flagged borrowers grows: how many of them do default?",
    "ks_curve": "The largest gap between the two lines is KS; the score below it is where it is found.",
    "calibration": "Points on the dotted line mean that the probabilities can be taken at their word.",
    "feature_importance": "What the model looks at most; this tells nothing about cause.",
}


class Explained(NamedTuple):
    """A metric's name, its place in `Evaluation`, and what it says to a risk analyst."""

    name: str
    field: str
    meaning: str


METRICS = (
    Explained(
        "AUC", "auc", "The chance that a defaulter gets a higher score than a good borrower. 0.5 is a coin toss."
    ),
    Explained("Gini", "gini", "The same on a scale from 0 (coin toss) to 1 (perfect): twice the AUC, less 1."),
    Explained("KS", "ks", "The largest gap between the shares of defaulters and of good borrowers above one score."),
    Explained("AUC-PR", "auc_pr", "Mean precision over all list lengths; compare it with the default rate."),
    Explained("Log-loss", "log_loss", "The penalty for confident mistakes; lower is better."),
    Explained("Brier", "brier", "Mean squared distance between probability and outcome; lower is better."),
    Explained(
        "Accuracy", "accuracy", "Share of borrowers called rightly at the threshold; flattering when defaults are rare."
    ),
    Explained("Precision", "precision", "Of those flagged at the threshold, the share that defaulted."),
    Explained("Recall", "recall", "Of those that defaulted, the share flagged at the threshold."),
    Explained("F1", "f1", "One number for precision and recall: their harmonic mean."),
)


@dataclass(frozen=True)
class ModelPage:
    """Everything that the report shows; plain values, nothing is looked up.

    Attributes:
        title: the page's headline, such as the model's name.
        dataset, dataset_version: what the model was trained and measured on.
        evaluation: its metrics on held-out rows.
        plots: file stem to PNG, as `arrears.reports.figures.model_plots` gave.
        floors: metric to the limit that a first champion must exceed.
        champion: the present champion's metrics on the same rows; None: there is none.
        champion_name: how to call it, such as ``version 3``.
        decision: what the gate said; None: nothing was decided.
        parameters: of the training.
        importance: feature to importance; the leading ones are listed beside the plot.
        provenance: run ids, commit, package versions, dates.
        links: label to URL.
    """

    title: str
    dataset: str
    dataset_version: str
    evaluation: Evaluation
    plots: Mapping[str, bytes]
    floors: Mapping[str, float] = field(default_factory=dict)
    champion: Evaluation | None = None
    champion_name: str = "champion"
    decision: Decision | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


def render_model_page(page: ModelPage) -> str:
    """Writes the report as one HTML file: images inside, styles inside, no scripts; every value is escaped."""
    return render(
        "model_page.html",
        ["model_page.css"],
        page=page,
        found=page.evaluation,
        metrics=_metric_rows(page),
        plots=[_embedded(stem, png) for stem, png in page.plots.items()],
        leading=sorted(page.importance.items(), key=lambda item: (-item[1], item[0]))[:20],
        links={label: url for label, url in page.links.items() if url.startswith(("https://", "http://"))},
    )


def _metric_rows(page: ModelPage) -> list[dict[str, str]]:
    found = page.evaluation.to_dict()
    champion = page.champion.to_dict() if page.champion else {}
    return [
        {
            "name": metric.name,
            "value": f"{found[metric.field]:.4f}",
            "champion": f"{champion[metric.field]:.4f}" if champion else "",
            "difference": f"{found[metric.field] - champion[metric.field]:+.4f}" if champion else "",
            "meaning": metric.meaning,
        }
        for metric in METRICS
    ]


def _embedded(stem: str, png: bytes) -> dict[str, str]:
    title = stem.replace("_", " ").capitalize().replace("Roc", "ROC").replace("Ks", "KS")
    return {"title": title, "note": PLOTS.get(stem, ""), "source": data_url(png)}
