"""The report on a loss model: estimated against actual loss given default (LGD)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from arrears.model.metrics.regression import LossEvaluation
from arrears.reports.canvas import BLUE, GREY, ORANGE, draw
from arrears.reports.figures import feature_importance
from arrears.reports.objective_page import Frame, ObjectivePage, Plot, Section, Table, Tile, metric_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = (
    ("RMSE", "rmse", "Root of the mean squared error: a typical error, large ones weighing more."),
    ("MAE", "mae", "Mean absolute error, in the unit of the loss."),
    ("R²", "r2", "Share of the losses' variance that is explained; 0 is always saying the mean."),
    ("Spearman", "spearman", "How well loans are ordered by their loss: 1 is perfect, 0 is chance."),
    ("Bias", "bias", "Mean estimate less mean loss: above 0 the model is too careful."),
)


def loss_page(
    evaluation: LossEvaluation, champion: LossEvaluation | None, frame: Frame, importance: Mapping[str, float]
) -> ObjectivePage:
    """Puts the page together.

    Args:
        champion: the present champion on the same rows. None: there is none.
        importance: feature to importance, any scale.
    """
    figures = evaluation.figures
    tiles = (
        Tile("RMSE", f"{figures.rmse:.4f}", f"always saying the mean: {evaluation.rmse_of_mean:.4f}"),
        Tile("R²", f"{figures.r2:.3f}", f"of the variance explained; at least {figures.r2_low:.3f} (95 %)"),
        Tile("Spearman", f"{figures.spearman:.3f}", "order of the losses"),
        Tile("Bias", f"{figures.bias:+.4f}", f"mean loss {figures.mean_loss:.4f}"),
    )
    compared = champion.metrics() if champion else None
    weights = feature_importance(importance)
    return ObjectivePage(
        title=f"Loss given default of {frame.dataset}",
        lead=f"Measured on {figures.rows:,} defaulted loans that the model has not seen; a loss lies between 0 and"
        f" {evaluation.limit:g}.",
        frame=frame,
        tiles=tiles,
        sections=(
            Section("Metrics", table=metric_table(METRICS, evaluation.metrics(), compared, frame)),
            Section("What was said and what came", plots=_plots(evaluation), table=_groups(evaluation)),
            Section(
                "What the model looks at",
                plots=(
                    Plot("feature_importance", "Importance", "What moves the estimates; nothing of cause.", weights),
                ),
                note="Expected loss of a loan = default probability x loss given default x exposure at default.",
            ),
        ),
    )


def _plots(evaluation: LossEvaluation) -> tuple[Plot, ...]:
    estimated = [group.mean_estimate for group in evaluation.groups]
    actual = [group.mean_loss for group in evaluation.groups]
    top = max(*estimated, *actual, evaluation.limit / 100) * 1.08

    def tenths(axes: Axes) -> None:
        axes.plot([0, top], [0, top], color=GREY, linestyle=":", linewidth=1.2, label="as estimated")
        axes.plot(estimated, actual, color=BLUE, marker="o", markersize=6, linewidth=1.4, label="tenths of the loans")
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)

    def spread(axes: Axes) -> None:
        edges = np.linspace(0, evaluation.limit, len(evaluation.losses) + 1)
        for counts, colour, label in ((evaluation.losses, ORANGE, "losses"), (evaluation.estimates, BLUE, "estimates")):
            axes.stairs(counts, edges, fill=True, color=colour, alpha=0.35)
            axes.stairs(counts, edges, color=colour, linewidth=1.6, label=label)

    calibration = draw(
        tenths,
        title="Calibration: what the model said and what came",
        x_label="Mean estimated loss of the group",
        y_label="Mean loss of the group",
    )
    histogram = draw(spread, title="Estimates and losses", x_label="Loss", y_label="Defaulted loans")
    return (
        Plot(
            "loss_calibration",
            "Calibration",
            "Points on the dotted line: estimates can be taken at their word.",
            calibration,
        ),
        Plot(
            "loss_histogram",
            "Estimates and losses",
            "Estimates are means, so they are always less spread than single losses.",
            histogram,
        ),
    )


def _groups(evaluation: LossEvaluation) -> Table:
    rows = [
        (str(place), f"{group.rows:,}", f"{group.mean_estimate:.4f}", f"{group.mean_loss:.4f}")
        for place, group in enumerate(evaluation.groups, 1)
    ]
    return Table(("Tenth by estimate", "Loans", "Mean estimate", "Mean loss"), rows)
