"""The plots of an exploration: each feature's values with their default rates, and how features go together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from arrears.model.features.binning import MISSING, BinnedCounts, Bins, RateInterval, target_rates
from arrears.model.features.exploration import Associations, Exploration, ExploredFeature
from arrears.reports.canvas import BLUE, GREY, HEIGHT_INCHES, INK, ORANGE, SKY, draw, shares, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_LEVELS = 36
MOST_BARS = 15
FEWEST_ROWS = 20  # a default rate of fewer rows is all interval
_NAME_LENGTH = 30


def feature_plot(feature: ExploredFeature) -> bytes:
    """How a feature's values are spread, and the default rate of each bar with its 95 % interval."""
    bars = _bars(feature.histogram)
    places = [bar.place for bar in bars]

    def paint(axes: Axes) -> None:
        colours = [GREY if bar.label == MISSING else SKY for bar in bars]
        axes.bar(places, [bar.rows for bar in bars], width=0.92, color=colours, linewidth=0)
        axes.grid(visible=False, axis="x")
        axes.set_xlim(min(places, default=0) - 0.7, max(places, default=0) + 0.7)
        _paint_ticks(axes, feature.histogram.bins, bars)
        if feature.histogram.defaults is not None:
            _paint_rates(axes, bars)

    label = "Borrowers" if feature.histogram.defaults is None else "Borrowers (bars)"
    return draw(paint, title=short(feature.name, _NAME_LENGTH), x_label="", y_label=label, height=HEIGHT_INCHES * 0.8)


def heat_map(associations: Associations) -> bytes:
    """How strongly every two features are associated: blue is positive, orange negative."""
    from matplotlib.colors import LinearSegmentedColormap

    names = [short(name, _NAME_LENGTH) for name in associations.names]
    strengths = np.asarray(associations.strengths, np.float64)
    colours = LinearSegmentedColormap.from_list("association", [ORANGE, "#ffffff", BLUE])
    colours.set_bad("#d1d5db")

    def paint(axes: Axes) -> None:
        image = axes.imshow(np.ma.masked_invalid(strengths), cmap=colours, vmin=-1, vmax=1, aspect="auto")
        axes.grid(visible=False)
        size = 8.5 if len(names) <= 20 else 7
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=size)
        axes.set_yticks(range(len(names)), names, fontsize=size)
        if axes.figure is not None:
            axes.figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02).outline.set_visible(False)

    height = max(HEIGHT_INCHES, 1.8 + 0.2 * len(names))
    return draw(paint, title="How features go together", x_label="", y_label="", height=height)


def overview(exploration: Exploration) -> bytes:
    """The features that matter most: by information value, or without a label by drift or by missing share."""
    if exploration.defaults is not None:
        bars = [(f.name, f.power.information_value) for f in exploration.by_information if f.power]
        title, axis = "What tells most about default", "Information value"
    elif exploration.by_drift:
        bars = [(f.name, f.drift or 0.0) for f in exploration.by_drift]
        title, axis = "What moved most", "Population stability index"
    else:
        bars = [(f.name, f.counts.missing_share) for f in exploration.by_missing]
        title, axis = "What is missing most", "Share of borrowers without a value"
    leading = bars[:MOST_BARS]

    def paint(axes: Axes) -> None:
        places = np.arange(len(leading))[::-1]
        axes.barh(places, [value for _, value in leading], color=BLUE, height=0.72)
        axes.set_yticks(places, [short(name, _NAME_LENGTH) for name, _ in leading])
        axes.grid(visible=False, axis="y")

    height = max(HEIGHT_INCHES / 2, 1.2 + 0.24 * len(leading))
    return draw(paint, title=title, x_label=axis, y_label="", height=height)


class _Bar(NamedTuple):
    place: float
    label: str
    rows: int
    rate: RateInterval | None


def _bars(counts: BinnedCounts) -> list[_Bar]:
    """The bars of a plot from left to right, empty ones left out of a category's. Missing values stand apart."""
    ordered = counts if counts.bins.levels is None else _in_order_of_names(counts)
    rates = target_rates(ordered) if ordered.defaults is not None else [None] * ordered.bins.size
    labels = _labels(ordered.bins)
    last = ordered.bins.size - 1
    bars = [_Bar(float(n), labels[n], ordered.rows[n], rates[n]) for n in range(last)]
    if ordered.bins.levels is not None and not ordered.rows[last - 1]:
        bars.pop()
    if ordered.rows[last]:
        bars.append(_Bar(len(bars) + 0.5, MISSING, ordered.rows[last], rates[last]))
    return bars


def _in_order_of_names(counts: BinnedCounts) -> BinnedCounts:
    """A category's commonest levels by name, because names often rank (A1, A2, ...), and all others pooled."""
    levels = counts.bins.levels or ()
    order = sorted(range(min(len(levels), SHOWN_LEVELS)), key=lambda n: levels[n])

    def pooled(cells: tuple[int, ...]) -> tuple[int, ...]:
        return (*(cells[n] for n in order), sum(cells[len(order) : -1]), cells[-1])

    defaults = pooled(counts.defaults) if counts.defaults is not None else None
    return BinnedCounts(Bins(counts.name, levels=tuple(levels[n] for n in order)), pooled(counts.rows), defaults)


def _labels(bins: Bins) -> tuple[str, ...]:
    """The bins' names, shorter where each holds one whole number."""
    edges = bins.edges
    if edges and all(edge.is_integer() for edge in edges) and all(high - low == 1 for low, high in pairwise(edges)):
        return (f"≤ {edges[0]:.0f}", *(f"{edge:.0f}" for edge in edges[1:]), f"> {edges[-1]:.0f}", MISSING)
    return bins.labels


def _paint_ticks(axes: Axes, bins: Bins, bars: Sequence[_Bar]) -> None:
    if bins.levels is None and len(bins.edges) >= MOST_BARS:
        # Limits of equal steps stand between their bars; every fourth is enough.
        apart = [bar for bar in bars if bar.label == MISSING]
        labelled = range(0, len(bins.edges) - 2 * len(apart), 4)
        texts = [f"{bins.edges[n]:.4g}" for n in labelled]
        axes.set_xticks(
            [*(n + 0.5 for n in labelled), *(bar.place for bar in apart)], [*texts, *(MISSING for _ in apart)]
        )
        return
    names = [short(bar.label, 18) for bar in bars]
    slanted = sum(map(len, names)) + len(names) > 80
    axes.set_xticks([bar.place for bar in bars], names, fontsize=8.5 if len(bars) < 25 else 7.5)
    if slanted:
        for label in axes.get_xticklabels():
            label.set(rotation=40 if len(bars) < 25 else 75, ha="right", rotation_mode="anchor")


def _paint_rates(axes: Axes, bars: Sequence[_Bar]) -> None:
    rated = [(bar, bar.rate) for bar in bars if bar.rate is not None and bar.rows >= FEWEST_ROWS]
    if not rated:
        return
    right = axes.twinx()
    for side in ("top", "left"):
        right.spines[side].set_visible(False)
    right.spines["right"].set_color(GREY)
    right.tick_params(colors=INK)
    places, rates = [bar.place for bar, _ in rated], [interval.rate for _, interval in rated]
    right.vlines(places, [i.low for _, i in rated], [i.high for _, i in rated], color=ORANGE, linewidth=1.1)
    line = [(bar.place, interval.rate) for bar, interval in rated if bar.label != MISSING]
    right.plot(places, rates, color=ORANGE, marker="o", markersize=4, linestyle="none")
    right.plot([place for place, _ in line], [rate for _, rate in line], color=ORANGE, linewidth=0.8, alpha=0.6)
    right.set_ylim(0, max(interval.high for _, interval in rated) * 1.08)
    right.set_ylabel("Default rate (dots, 95 %)", color=INK)
    shares(right, y=True)
