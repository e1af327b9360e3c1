"""The report on customer segments: how many there are, how clear they are, and who is in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from arrears.model.metrics.segmentation import Segmentation, SegmentProfile
from arrears.reports.canvas import BLUE, INK, draw, shares, short
from arrears.reports.objective_page import Frame, ObjectivePage, Plot, Section, Table, Tile, metric_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = (
    (
        "Silhouette",
        "silhouette",
        "How much nearer customers are to their own segment than to the next: 1 is clear, 0 none.",
    ),
    ("Smallest share", "smallest_share", "Of the customers, in the smallest segment."),
    ("Largest share", "largest_share", "Of the customers, in the largest segment."),
    ("Range of default rates", "default_rate_range", "From the safest to the riskiest segment."),
)
MOST_INPUTS = 30


def segment_page(
    segmentation: Segmentation,
    champion: Segmentation | None,
    frame: Frame,
    *,
    inputs: Sequence[str],
    middles: Sequence[Sequence[float]],
    importance: Sequence[float],
) -> ObjectivePage:
    """Puts the page together.

    Args:
        champion: the present champion on the same rows. None: there is none.
        inputs: names of the model's inputs.
        middles: of each segment by number, in standardised inputs.
        importance: of each input.
    """
    everyone, metrics = segmentation.everyone, segmentation.metrics()
    tiles = (
        Tile("Silhouette", f"{segmentation.silhouette:.3f}", "1 is clear, 0 is no structure"),
        Tile("Segments", str(len(segmentation.profiles)), "that have a customer"),
        Tile("Smallest", f"{metrics['smallest_share']:.1%}", "of the customers"),
        Tile("Default rates", f"{metrics['default_rate_range']:.1%}", "from the safest to the riskiest"),
    )
    leading = sorted(range(len(inputs)), key=lambda place: (-importance[place], inputs[place]))[:MOST_INPUTS]
    plots = (
        _sizes(segmentation),
        _middles([inputs[p] for p in leading], [[row[p] for p in leading] for row in middles]),
    )
    compared = champion.metrics() if champion else None
    return ObjectivePage(
        title=f"Customer segments of {frame.dataset}",
        lead=f"Found without any outcome; described on {everyone.rows:,} customers that no segment was fitted to.",
        frame=frame,
        tiles=tiles,
        sections=(
            Section("Metrics", table=metric_table(METRICS, metrics, compared, frame)),
            Section("At a glance", plots=plots),
            Section("Who is in them", table=profile_table(segmentation)),
        ),
    )


def profile_table(segmentation: Segmentation) -> Table:
    """One line a feature, one column a segment: means with their distance from everyone's, and commonest levels."""
    profiles = segmentation.profiles
    header = ("Feature", "Everyone", *(f"Segment {profile.segment}" for profile in profiles))
    rows = [
        ("Customers", f"{segmentation.everyone.rows:,}", *(f"{p.rows:,} ({p.share:.0%})" for p in profiles)),
        ("Default rate", f"{segmentation.everyone.default_rate:.1%}", *(f"{p.default_rate:.1%}" for p in profiles)),
    ]
    for name, mean in segmentation.everyone.means.items():
        rows.append((name, _number(mean), *(_beside(p.means.get(name), mean) for p in profiles)))
    categories = dict.fromkeys(name for profile in profiles for name in profile.commonest)
    rows += [(name, "", *(_level(profile, name) for profile in profiles)) for name in categories]
    return Table(
        header, rows, note="In brackets: how far a mean lies from everyone's; of a category, the level's share."
    )


def _sizes(segmentation: Segmentation) -> Plot:
    profiles = segmentation.profiles

    def paint(axes: Axes) -> None:
        places = np.arange(len(profiles))
        axes.bar(places, [p.share for p in profiles], color=BLUE, width=0.7)
        axes.set_xticks(places, [str(p.segment) for p in profiles])
        axes.grid(visible=False, axis="x")
        for place, profile in enumerate(profiles):
            label = f"{profile.default_rate:.1%}\ndefault"
            axes.text(place, profile.share, label, ha="center", va="bottom", color=INK, fontsize=8)
        axes.margins(y=0.18)
        shares(axes, y=True)

    png = draw(paint, title="Size and risk of the segments", x_label="Segment", y_label="Share of the customers")
    return Plot("segment_sizes", "Sizes", "Segments are numbered by their size in training.", png)


def _middles(names: Sequence[str], middles: Sequence[Sequence[float]]) -> Plot:
    labels = [short(name, 28) for name in names]

    def paint(axes: Axes) -> None:
        table = np.array(middles).T
        axes.imshow(table, cmap="PuOr_r", vmin=-2, vmax=2, aspect="auto")
        axes.set_xticks(range(len(middles)), [str(number) for number in range(1, len(middles) + 1)])
        axes.set_yticks(range(len(labels)), labels)
        axes.grid(visible=False)
        for (row, column), value in np.ndenumerate(table):
            colour = "white" if abs(value) > 1.4 else INK
            axes.text(column, row, f"{value:+.1f}", ha="center", va="center", fontsize=8, color=colour)

    png = draw(
        paint,
        title="Middles of the segments",
        x_label="Segment (0: as everyone, ±1: one standard deviation)",
        y_label="",
        height=max(4.4, 1.2 + 0.26 * len(labels)),
    )
    return Plot("segment_middles", "Middles", "What makes a segment: orange lies above everyone, purple below.", png)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _beside(value: float | None, everyone: float | None) -> str:
    if value is None or not everyone:
        return _number(value)
    return f"{_number(value)} ({(value - everyone) / abs(everyone):+.0%})"


def _level(profile: SegmentProfile, name: str) -> str:
    level, share = profile.commonest.get(name, ("", 0.0))
    return f"{level} ({share:.0%})" if level else ""
