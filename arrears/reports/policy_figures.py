"""The plots of what a model does to a lender's book: deciles, profit, segments, protected groups, stability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from arrears.model.metrics.findings import Decile, GroupFairness, Interval, ScoreStability, SegmentResult
from arrears.model.metrics.profit import ProfitCurve, ProfitPoint
from arrears.reports.canvas import (
    BLUE,
    FAINT,
    GREY,
    HEIGHT_INCHES,
    INK,
    ORANGE,
    SKY,
    WIDE_INCHES,
    Panel,
    draw,
    draw_panels,
    shares,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SEGMENTS = 24
MOST_GROUPS = 16
_LINE_INCHES = 0.26


def deciles(tenths: Sequence[Decile], *, base_rate: float) -> bytes:
    """How defaults gather in the riskiest tenths of the borrowers."""
    places = [each.decile for each in tenths]

    def paint(axes: Axes) -> None:
        axes.bar(places, [each.default_rate for each in tenths], color=SKY, width=0.8)
        axes.scatter(places, [each.mean_score for each in tenths], color=INK, marker="D", s=18, zorder=3)
        axes.axhline(base_rate, color=GREY, linestyle=":", linewidth=1.2)
        axes.set_xticks(range(1, 11))
        axes.grid(visible=False, axis="x")
        shares(axes, y=True)
        right = _right_axis(axes, "Share of all defaults found so far (line)", top=1.03)
        right.plot(places, [each.capture for each in tenths], color=ORANGE, marker="o", markersize=4, linewidth=1.6)

    top = tenths[0]
    return draw(
        paint,
        title=f"Deciles: the riskiest tenth defaults {top.lift:.1f} times as often",
        x_label="Decile by score, the riskiest first",
        y_label="Default rate (bars)",
    )


def profit_curve(curve: ProfitCurve, *, top: float) -> bytes:
    """Profit, approval rate and bad rate against the cut-off, with the model's own marked.

    Args:
        top: upper end of the score axis.
    """
    end = min(1.0, max(top, curve.chosen.cutoff * 1.1))
    points = [point for point in curve.points if point.cutoff <= end] or list(curve.points)
    cutoffs = [point.cutoff for point in points]

    def marked(axes: Axes) -> None:
        axes.axvline(min(curve.chosen.cutoff, end), color=INK, linewidth=1.4, linestyle="--")
        axes.set_xlim(0, end)

    def paint_profit(axes: Axes) -> None:
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.plot(cutoffs, [100 * point.profit for point in points], color=BLUE, linewidth=2)
        marked(axes)
        axes.plot(
            [min(curve.best.cutoff, end)],
            [100 * curve.best.profit],
            color=ORANGE,
            marker="o",
            linestyle="none",
            label="highest profit",
        )
        axes.plot([], [], color=INK, linewidth=1.4, linestyle="--", label=f"cut-off in use, {curve.chosen.cutoff:.3f}")

    def paint_rates(axes: Axes) -> None:
        _paint_rates(axes, points)
        marked(axes)

    # In the title: along the axis of so low a panel a column's long name would be cut off.
    unit = f"in the unit of {short(curve.exposure, 40)}" if curve.exposure else "in loan amounts"
    return draw_panels(
        [
            Panel(paint_profit, f"Profit of 100 applications, {unit}", "", "Profit"),
            Panel(paint_rates, "Whom the cut-off approves", "Cut-off (default probability)", "Share of all"),
        ],
        title="What each cut-off earns",
        height=HEIGHT_INCHES * 1.35,
    )


def segment_plot(segments: Sequence[SegmentResult], *, overall: float) -> bytes:
    """The AUC of each segment with its interval, the weakest on top."""
    measured = [(each, *limits) for each in segments if (limits := _auc_limits(each))][:MOST_SEGMENTS]
    places = np.arange(len(measured))[::-1]

    def paint(axes: Axes) -> None:
        axes.axvline(overall, color=GREY, linestyle=":", linewidth=1.4, label=f"all borrowers {overall:.3f}")
        for place, (_, auc, low, high) in zip(places, measured, strict=True):
            below = high < overall
            axes.plot([low, high], [place, place], color=ORANGE if below else BLUE, linewidth=1.6)
            axes.plot([auc], [place], color=ORANGE if below else BLUE, marker="s" if below else "o", markersize=5)
        names = [f"{short(f'{each.column}: {each.level}', 34)} ({each.rows:,})" for each, *_ in measured]
        axes.set_yticks(places, names, fontsize=8.5)
        axes.set_ylim(-0.7, len(measured) - 0.3)
        axes.grid(visible=False, axis="y")

    return draw(
        paint,
        title="Segments, the weakest first",
        x_label="AUC with its 95 % interval",
        y_label="",
        height=max(HEIGHT_INCHES / 2, 1.3 + _LINE_INCHES * len(measured)),
        width=WIDE_INCHES,
    )


def fairness_plot(groups: Sequence[GroupFairness]) -> bytes:
    """Who is approved, and who is misclassified, at the cut-off in each protected group."""
    leading = list(groups[:MOST_GROUPS])
    places = np.arange(len(leading))[::-1]

    def panel(title: str, rates: Sequence[Interval | None], colour: str) -> Panel:
        def paint(axes: Axes) -> None:
            for place, rate in zip(places, rates, strict=True):
                if rate is not None:
                    axes.plot([rate.low, rate.high], [place, place], color=colour, linewidth=1.6)
                    axes.plot([rate.value], [place], color=colour, marker="o", markersize=5)
            names = [f"{short(f'{each.attribute}: {each.group}', 24)} ({each.rows:,})" for each in leading]
            axes.set_yticks(places, names, fontsize=8.5)
            axes.set_ylim(-0.7, len(leading) - 0.3)
            axes.set_xlim(-0.02, 1.02)
            shares(axes, x=True)

        return Panel(paint, title)

    return draw_panels(
        [
            panel("approved", [each.approval_rate for each in leading], BLUE),
            panel("good, yet declined", [each.declined_good_rate for each in leading], ORANGE),
            panel("bad, yet approved", [each.approved_bad_rate for each in leading], INK),
        ],
        title="Protected groups at the cut-off, with 95 % intervals",
        columns=3,
        height=max(HEIGHT_INCHES / 2, 1.5 + _LINE_INCHES * len(leading)),
        width=WIDE_INCHES,
        share_y=True,
    )


def stability_plot(stability: ScoreStability) -> bytes:
    """Where scores of the held-out rows lie, over tenths of the training rows' scores."""
    places = np.arange(len(stability.bins))

    def paint(axes: Axes) -> None:
        training = [each.training_share for each in stability.bins]
        held_out = [each.held_out_share for each in stability.bins]
        axes.bar(places - 0.2, training, width=0.4, color=FAINT, edgecolor=GREY, label="training rows")
        axes.bar(places + 0.2, held_out, width=0.4, color=BLUE, label="held-out rows")
        axes.set_xticks(places, [each.label for each in stability.bins], rotation=40, ha="right", fontsize=8.5)
        axes.grid(visible=False, axis="x")
        axes.set_ylim(0, max(*training, *held_out, 0.01) * 1.25)
        shares(axes, y=True)

    return draw(
        paint,
        title=f"Stability of the score: PSI {stability.psi:.3f}",
        x_label="Score (default probability), tenths of the training rows",
        y_label="Share of the rows",
    )


def _paint_rates(axes: Axes, points: Sequence[ProfitPoint]) -> None:
    """The share that is approved, and on a second axis the share of those that default."""
    cutoffs, bad = [point.cutoff for point in points], [point.bad_rate for point in points]
    axes.plot(cutoffs, [point.approval_rate for point in points], color=BLUE, linewidth=2, label="approved")
    axes.set_ylim(0, 1.03)
    shares(axes, y=True)
    right = _right_axis(axes, "Share of the approved", top=max(*bad, 0.01) * 1.1)
    right.plot(cutoffs, bad, color=ORANGE, linewidth=2, linestyle="-.")
    axes.plot([], [], color=ORANGE, linewidth=2, linestyle="-.", label="bad among the approved (right)")


def _right_axis(axes: Axes, label: str, *, top: float) -> Axes:
    """A second vertical axis for shares from 0 to ``top``."""
    right = axes.twinx()
    right.set_ylim(0, top)
    right.set_ylabel(label, color=ORANGE)
    right.tick_params(colors=INK)
    right.spines["top"].set_visible(False)
    shares(right, y=True)
    return right


def _auc_limits(segment: SegmentResult) -> tuple[float, float, float] | None:
    if segment.auc is None or segment.auc_low is None or segment.auc_high is None:
        return None
    return segment.auc, segment.auc_low, segment.auc_high
