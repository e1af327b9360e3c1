"""The look that all plots share: size, colours, axes, and the way from a drawing to a PNG.

matplotlib is imported when a plot is drawn, not before, and without pyplot: no window system, nothing shared.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette (2008): told apart with every common kind of colour blindness, and in grey.
BLUE = "#0072b2"
ORANGE = "#d55e00"
SKY = "#56b4e9"
YELLOW = "#e69f00"
GREY = "#6b7280"
INK = "#1f2937"
FAINT = "#e5e7eb"

WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 6.4, 4.4, 120  # 768 x 528 pixels: fits a mail
WIDE_INCHES = 9.6  # a picture that stands alone in its row


class Panel(NamedTuple):
    """One plot of several in a picture: what is painted, and the plain text around it."""

    paint: Callable[[Axes], None]
    title: str = ""
    x_label: str = ""
    y_label: str = ""


def short(text: str, length: int) -> str:
    """The text, cut to so many letters where it is longer."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def draw(
    paint: Callable[[Axes], None],
    *,
    title: str,
    x_label: str,
    y_label: str,
    height: float = HEIGHT_INCHES,
    width: float = WIDTH_INCHES,
) -> bytes:
    """Draws one plot with labelled axes. Equal input gives equal bytes.

    Args:
        paint: draws the content onto the axes. A legend appears if anything it draws has a label.
        title, x_label, y_label: plain text.
        height, width: inches.

    Returns:
        A PNG file.
    """

    def compose(figure: Figure) -> None:
        axes = figure.subplots()
        _fill(axes, Panel(paint, title, x_label, y_label))
        axes.set_title(title, loc="left", fontsize=11.5, fontweight="bold", color=INK, pad=10)

    return _picture(compose, width, height)


def draw_panels(
    panels: Sequence[Panel],
    *,
    title: str,
    columns: int = 1,
    height: float,
    width: float = WIDTH_INCHES,
    share_y: bool = False,
) -> bytes:
    """Draws plots side by side or one above the other, under one title. Equal input gives equal bytes.

    Args:
        columns: how many stand side by side.
        height, width: of the whole picture, inches.
        share_y: plots side by side have one vertical axis, labelled at the left one.

    Returns:
        A PNG file.
    """

    def compose(figure: Figure) -> None:
        rows = -(-len(panels) // columns)
        grid = figure.subplots(rows, columns, squeeze=False, sharey="row" if share_y else False)
        places = [axes for line in grid for axes in line]
        for axes, panel in zip(places, panels, strict=False):
            _fill(axes, panel)
            axes.set_title(panel.title, loc="left", fontsize=10, color=INK)
        for axes in places[len(panels) :]:
            axes.set_visible(False)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, fontweight="bold", color=INK)

    return _picture(compose, width, height)


def in_few_colours(png: bytes) -> bytes:
    """The same picture in 64 colours and fewer bytes, for pages with many plots."""
    from PIL import Image

    small = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(64).save(small, format="png", optimize=True)
    return small.getvalue()


def shares(axes: Axes, *, x: bool = False, y: bool = False) -> None:
    """Writes the ticks of an axis as percentages."""
    from matplotlib.ticker import PercentFormatter

    for axis in [axes.xaxis] * x + [axes.yaxis] * y:
        axis.set_major_formatter(PercentFormatter(xmax=1, decimals=None))


def _picture(compose: Callable[[Figure], None], width: float, height: float) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A column may be called "a$b$c": names are text, never formulas.
    with rc_context({"text.parse_math": False, "font.size": 10}):
        figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
        compose(figure)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi="figure", metadata={"Software": None})
    return png.getvalue()


def _fill(axes: Axes, panel: Panel) -> None:
    _dress(axes)
    panel.paint(axes)
    axes.set_xlabel(panel.x_label, color=INK)
    axes.set_ylabel(panel.y_label, color=INK)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, labelcolor=INK)


def _dress(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(colors=INK)
    axes.grid(color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
