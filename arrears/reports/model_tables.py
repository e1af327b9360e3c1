"""The numbers of a model's report as rows of text, ready for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from arrears.model.metrics.cutoffs import APPROVE_ALL, NO_CUTOFF
from arrears.model.metrics.default_metrics import Evaluation
from arrears.model.metrics.findings import Interval

__all__ = ["NO_CUTOFF"]  # for the page
SEGMENTS_LISTED = 40
FEATURES_LISTED = 25


class Explained(NamedTuple):
    """A metric's name, its place in `Evaluation.to_dict`, and what it says to a risk analyst."""

    name: str
    field: str
    meaning: str


RANKING = (
    Explained("AUC", "auc", "Chance that a defaulter gets a higher score than a good borrower; 0.5 is a coin toss."),
    Explained("Gini", "gini", "The same on a scale from 0 (coin toss) to 1 (perfect): twice the AUC, less 1."),
    Explained("KS", "ks", "The largest gap between the shares of defaulters and of good borrowers above one score."),
    Explained("AUC-PR", "auc_pr", "Mean precision over all list lengths; compare it with the default rate."),
)
PROBABILITIES = (
    Explained("Log-loss", "log_loss", "The penalty for confident mistakes; lower is better."),
    Explained("Brier", "brier", "Mean squared distance between probability and outcome; lower is better."),
)
AT_THRESHOLD = (
    Explained("Accuracy", "accuracy", "Share of borrowers called rightly; flattering when defaults are rare."),
    Explained("Precision", "precision", "Of those flagged, the share that defaulted."),
    Explained("Recall", "recall", "Of those that defaulted, the share flagged."),
    Explained("Specificity", "specificity", "Of those that repaid, the share let through."),
    Explained("F1", "f1", "One number for precision and recall: their harmonic mean."),
    Explained("Balanced accuracy", "balanced_accuracy", "Mean of recall and specificity; 0.5 is a coin toss."),
    Explained("MCC", "mcc", "Correlation of flags and defaults, -1 to 1; fair when defaults are rare."),
)
METRICS = (*RANKING, *PROBABILITIES, *AT_THRESHOLD)


def metric_rows(
    metrics: Iterable[Explained], evaluation: Evaluation, champion: Evaluation | None, alike: Evaluation | None = None
) -> list[dict[str, str]]:
    """A line a metric: the model's value, the champion's, and the difference.

    Args:
        alike: the model on the rows that the champion is measured on. None: those are the same.
    """
    own, other = evaluation.to_dict(), champion.to_dict() if champion else {}
    beside = alike.to_dict() if alike else own
    return [
        {
            "name": metric.name,
            "value": f"{own[metric.field]:.4f}",
            "champion": f"{other[metric.field]:.4f}" if metric.field in other else "",
            "difference": f"{beside[metric.field] - other[metric.field]:+.4f}" if metric.field in other else "",
            "meaning": metric.meaning,
        }
        for metric in metrics
        if metric.field in own
    ]


def share(value: float | None, digits: int = 1) -> str:
    """A share as a percentage, empty where there is none."""
    return "" if value is None else f"{100 * value:.{digits}f} %"


def interval(estimate: Interval | None) -> str:
    """A share with its interval."""
    return (
        ""
        if estimate is None
        else f"{100 * estimate.value:.1f} % ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"
    )


def number(value: float | None, digits: int = 4) -> str:
    """A plain number, or a hyphen where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def count(value: float) -> str:
    """A count, with one digit where rows are weighted."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def cutoff(value: float) -> str:
    """A cut-off, or that there is none."""
    return "none (nobody is declined)" if value >= APPROVE_ALL else f"{value:.4g}"


def money(value: float) -> str:
    """A profit in about four digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}" if abs(value) >= 100 else f"{value:,.2f}"


def leading(importance: Mapping[str, float]) -> list[tuple[str, str]]:
    """The features that matter most, with their importance."""
    return [(name, f"{value:.4g}") for name, value in list(importance.items())[:FEATURES_LISTED]]
