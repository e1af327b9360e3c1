"""Every plot of one model's report, those of its explanation among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from arrears.model.metrics.curves import Curves
from arrears.model.metrics.explanations import Dependence, Explanation
from arrears.model.metrics.findings import Findings
from arrears.model.metrics.profit import ProfitCurve
from arrears.reports.canvas import BLUE, GREY, HEIGHT_INCHES, ORANGE, WIDE_INCHES, Panel, draw_panels, short
from arrears.reports.figures import (
    calibration,
    feature_importance,
    ks_curve,
    precision_recall,
    roc_curve,
    scores_by_outcome,
    shown_top,
)
from arrears.reports.policy_figures import deciles, fairness_plot, profit_curve, segment_plot, stability_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = {
    "shap": "Mean absolute contribution to the log-odds of default (SHAP)",
    "engine": "Importance by the engine's own measure (all together 100)",
}
_SHOWN_LEVELS = 7
_MOST_DRAWN = 1e300  # an axis to infinity, or to near the largest double, cannot be drawn


def model_plots(
    findings: Findings,
    *,
    champion: Curves | None = None,
    profit: ProfitCurve | None = None,
    explanation: Explanation | None = None,
) -> dict[str, bytes]:
    """Every plot of one model, by file stem. What was not measured has no plot.

    Args:
        champion: the present champion's curves on the same rows, drawn beside the candidate's.
    """
    evaluation, curves = findings.evaluation, findings.curves
    plots = {
        "roc_curve": roc_curve(evaluation, curves, champion=champion),
        "score_histogram": scores_by_outcome(curves),
        "precision_recall": precision_recall(evaluation, curves),
        "ks_curve": ks_curve(evaluation, curves),
        "calibration": calibration(curves),
    }
    if findings.deciles:
        plots["deciles"] = deciles(findings.deciles, base_rate=evaluation.defaults / evaluation.rows)
    if profit is not None:
        plots["profit_curve"] = profit_curve(profit, top=shown_top(curves.quantiles))
    plots |= _explaining(explanation) if explanation is not None else {}
    if any(segment.auc is not None for segment in findings.segments):
        plots["segments"] = segment_plot(findings.segments, overall=evaluation.auc)
    if findings.fairness:
        plots["fairness"] = fairness_plot(findings.fairness)
    if findings.stability is not None:
        plots["stability"] = stability_plot(findings.stability)
    return plots


def dependence_plot(dependences: Sequence[Dependence]) -> bytes:
    """Which way the values of the leading features push the estimate."""
    columns = min(3, len(dependences))
    rows = -(-len(dependences) // columns)
    return draw_panels(
        [Panel(_points(each), short(each.feature, 26), "", "") for each in dependences],
        title="Contribution to the log-odds of default (up: riskier), by the feature's value",
        columns=columns,
        height=0.6 + HEIGHT_INCHES * 0.6 * rows,
        width=WIDE_INCHES,
    )


def _explaining(explanation: Explanation) -> dict[str, bytes]:
    plots = {}
    if explanation.importance:
        plots["feature_importance"] = feature_importance(explanation.importance, measure=MEASURES[explanation.kind])
    if explanation.dependence:
        plots["dependence"] = dependence_plot(explanation.dependence)
    return plots


def _points(dependence: Dependence) -> Callable[[Axes], None]:
    def paint(axes: Axes) -> None:
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.tick_params(labelsize=8)
        (_paint_numbers if dependence.is_number else _paint_levels)(axes, dependence)

    return paint


def _paint_numbers(axes: Axes, dependence: Dependence) -> None:
    """A dot a borrower. The middle 98 % of the values, and missing ones in a row of their own at the left."""
    points = [
        (value, size)
        for value, size in zip(dependence.values, dependence.contributions, strict=True)
        if value is not None and abs(float(value)) <= _MOST_DRAWN
    ]
    missing = [size for value, size in zip(dependence.values, dependence.contributions, strict=True) if value is None]
    values, sizes = np.array(points, np.float64).reshape(-1, 2).T
    low, high = np.percentile(values, (1, 99)) if points else (0.0, 1.0)
    step = (high - low or 1.0) / 20
    axes.scatter(values, sizes, s=9, color=BLUE, alpha=0.45, linewidth=0)
    if missing:
        axes.scatter([low - 2 * step] * len(missing), missing, s=9, color=ORANGE, alpha=0.45, linewidth=0)
        axes.text(
            low - 2 * step,
            0.02,
            "missing",
            rotation=90,
            ha="center",
            fontsize=7.5,
            transform=axes.get_xaxis_transform(),
        )
    axes.set_xlim(low - (3.5 if missing else 1) * step, high + step)
    axes.locator_params(axis="x", nbins=4)


def _paint_levels(axes: Axes, dependence: Dependence) -> None:
    """A dot a borrower over the commonest levels, and a dash at each level's mean."""
    levels = ["missing" if value is None else str(value) for value in dependence.values]
    common = [level for level, _ in Counter(levels).most_common(_SHOWN_LEVELS)]
    for place, level in enumerate(common):
        sizes = [size for each, size in zip(levels, dependence.contributions, strict=True) if each == level]
        axes.scatter([place] * len(sizes), sizes, s=9, color=BLUE, alpha=0.45, linewidth=0)
        axes.plot([place - 0.3, place + 0.3], [float(np.mean(sizes))] * 2, color=ORANGE, linewidth=2)
    axes.set_xticks(range(len(common)), [short(level, 12) for level in common], rotation=40, ha="right", fontsize=7.5)
    axes.set_xlim(-0.6, len(common) - 0.4)
