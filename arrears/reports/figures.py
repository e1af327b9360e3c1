"""The plots of a model and of a day's scores, as PNG files small enough for a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from arrears.model.metrics.curves import Curves
from arrears.model.metrics.default_metrics import Evaluation
from arrears.reports.canvas import BLUE, GREY, HEIGHT_INCHES, INK, ORANGE, SKY, YELLOW, draw, shares, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = 50  # about so many bars show the shape of scores without noise
MOST_FEATURES = 20


def roc_curve(evaluation: Evaluation, curves: Curves, *, champion: Curves | None = None) -> bytes:
    """How many defaulters are caught for how many false alarms."""

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2, label="coin toss")
        if champion is not None:
            axes.plot(*zip(*champion.roc, strict=True), color=YELLOW, linestyle="--", linewidth=1.6, label="champion")
        axes.plot(*zip(*curves.roc, strict=True), color=BLUE, linewidth=2, label="this model")
        _unit_square(axes)

    interval = f"{evaluation.auc_low:.3f} to {evaluation.auc_high:.3f}"
    return draw(
        paint,
        title=f"ROC curve: AUC {evaluation.auc:.3f} (95 % interval {interval})",
        x_label="False positive rate (share of good borrowers flagged)",
        y_label="True positive rate (share of defaulters flagged)",
    )


def precision_recall(evaluation: Evaluation, curves: Curves) -> bytes:
    """How clean the list of flagged borrowers is, the longer it gets."""
    base_rate = evaluation.defaults / evaluation.rows

    def paint(axes: Axes) -> None:
        axes.axhline(base_rate, color=GREY, linestyle=":", linewidth=1.2, label=f"default rate {base_rate:.1%}")
        recall, precision = zip(*curves.precision_recall, strict=True)
        axes.step(recall, precision, where="pre", color=BLUE, linewidth=1.6, label="this model")
        _unit_square(axes)

    return draw(
        paint,
        title=f"Precision and recall: area (AUC-PR) {evaluation.auc_pr:.3f}",
        x_label="Recall (share of defaulters flagged)",
        y_label="Precision (defaulters among the flagged)",
    )


def ks_curve(evaluation: Evaluation, curves: Curves) -> bytes:
    """Where the scores of defaulters and of good borrowers lie furthest apart."""
    scores, defaulters, others = (np.array(column) for column in zip(*curves.ks, strict=True))
    widest = int(np.argmax(defaulters - others))

    def paint(axes: Axes) -> None:
        axes.step(scores, defaulters, where="pre", color=ORANGE, linewidth=2, label="defaulters")
        axes.step(scores, others, where="pre", color=BLUE, linewidth=2, linestyle="--", label="good borrowers")
        axes.vlines(
            scores[widest],
            others[widest],
            defaulters[widest],
            color=INK,
            linewidth=1.2,
            label=f"largest gap, at score {scores[widest]:.3f}",
        )
        axes.set_xlim(0, shown_top(curves.quantiles))
        axes.set_ylim(0, 1.02)
        shares(axes, y=True)

    return draw(
        paint,
        title=f"Kolmogorov-Smirnov: KS {evaluation.ks:.3f}",
        x_label="Score (default probability)",
        y_label="Share scoring at or above",
    )


def calibration(curves: Curves) -> bytes:
    """Predicted against observed default rates: whether the probabilities are right on average."""
    predicted = [group.mean_score for group in curves.calibration]
    observed = [group.default_rate for group in curves.calibration]
    top = max(*predicted, *observed, 0.01) * 1.08

    def paint(axes: Axes) -> None:
        axes.plot([0, top], [0, top], color=GREY, linestyle=":", linewidth=1.2, label="as predicted")
        axes.plot(
            predicted, observed, color=BLUE, marker="o", markersize=6, linewidth=1.4, label="tenths of the borrowers"
        )
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)
        shares(axes, x=True, y=True)

    return draw(
        paint,
        title="Calibration: what the model said and what came",
        x_label="Mean default probability of the group",
        y_label="Share of the group that defaulted",
    )


def scores_by_outcome(curves: Curves) -> bytes:
    """How the scores of defaulters and of good borrowers are spread, each group as shares of itself."""
    top = shown_top(curves.quantiles)

    def paint(axes: Axes) -> None:
        groups = ((curves.non_defaults, BLUE, "good borrowers"), (curves.defaults, ORANGE, "defaulters"))
        for counts, colour, label in groups:
            edges, bars = _bars(counts, top)
            axes.stairs(np.array(bars) / max(sum(counts), 1), edges, fill=True, color=colour, alpha=0.35)
            axes.stairs(np.array(bars) / max(sum(counts), 1), edges, color=colour, linewidth=1.6, label=label)
        axes.set_xlim(0, top)
        shares(axes, y=True)

    return draw(
        paint,
        title="Scores of defaulters and of good borrowers",
        x_label="Score (default probability)",
        y_label="Share of the group",
    )


def score_histogram(counts: Sequence[int], *, limits: Sequence[float] = (), as_of: str = "") -> bytes:
    """How a day's scores are spread. Needs no outcome.

    Args:
        counts: borrowers in each of equal bins on [0, 1].
        limits: risk limits, drawn as lines. None: no lines.
        as_of: business date, for the title.
    """
    filled = np.flatnonzero(counts)
    highest = (filled[-1] + 1) / len(counts) if filled.size else 1.0
    top = min(1.0, max(highest, *limits, 0.0) * 1.02)

    def paint(axes: Axes) -> None:
        edges, bars = _bars(counts, top)
        axes.stairs(bars, edges, fill=True, color=SKY)
        axes.stairs(bars, edges, color=BLUE, linewidth=1)
        for limit, style, label in zip(limits, ("--", "-"), ("MEDIUM from", "HIGH from"), strict=False):
            axes.axvline(limit, color=ORANGE, linestyle=style, linewidth=1.6, label=f"{label} {limit:.3f}")
        axes.set_xlim(0, top)

    day = f", {as_of}" if as_of else ""
    return draw(
        paint,
        title=f"Scores of {sum(counts):,} borrowers{day}",
        x_label="Score (default probability)",
        y_label="Borrowers",
    )


def feature_importance(importance: Mapping[str, float], *, measure: str = "Importance") -> bytes:
    """The twenty features that matter most to the model.

    Args:
        measure: what the numbers are, for the axis.
    """
    leading = sorted(importance.items(), key=lambda item: (-item[1], item[0]))[:MOST_FEATURES]
    names = [short(name, 32) for name, _ in leading]

    def paint(axes: Axes) -> None:
        places = np.arange(len(leading))[::-1]
        axes.barh(places, [value for _, value in leading], color=BLUE, height=0.72)
        axes.set_yticks(places, names)
        axes.grid(visible=False, axis="y")

    return draw(
        paint,
        title="Feature importance" if len(leading) == len(importance) else f"The {len(leading)} leading features",
        x_label=measure,
        y_label="",
        height=max(HEIGHT_INCHES / 2, 1.2 + 0.24 * len(leading)),
    )


def _unit_square(axes: Axes) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    shares(axes, x=True, y=True)


def shown_top(quantiles: Sequence[float]) -> float:
    """The upper end of a score axis: on real loans hardly anyone exceeds 0.5, and an empty half hides the rest."""
    return float(min(1.0, max(quantiles[-2], 0.05) * 1.1))


def _bars(counts: Sequence[float], top: float) -> tuple[list[float], list[float]]:
    """Neighbouring bins merged so that about BARS of them reach up to ``top``."""
    width = max(1, round(len(counts) * top / BARS))
    bars = [sum(counts[start : start + width]) for start in range(0, len(counts), width)]
    edges = [min(1.0, number * width / len(counts)) for number in range(len(bars) + 1)]
    return edges, bars
