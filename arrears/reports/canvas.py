"""The look that all plots share: size, colours, axes, and the way from a drawing to a PNG.

matplotlib is imported when a plot is drawn, not before, and without pyplot: no window system, nothing shared.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette (2008): told apart with every common kind of colour blindness, and in grey.
BLUE = "#0072b2"
ORANGE = "#d55e00"
SKY = "#56b4e9"
YELLOW = "#e69f00"
GREY = "#6b7280"
INK = "#1f2937"
FAINT = "#e5e7eb"

WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 6.4, 4.4, 120  # 768 x 528 pixels: fits a mail, stays under 100 kB


def draw(
    paint: Callable[[Axes], None], *, title: str, x_label: str, y_label: str, height: float = HEIGHT_INCHES
) -> bytes:
    """Draws one plot with labelled axes; equal input gives equal bytes.

    Args:
        paint: draws the content onto the axes; a legend appears if anything it draws has a label.
        title, x_label, y_label: plain text.
        height: inches.

    Returns:
        A PNG file.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # A column may be called "a$b$c": names are text, never formulas.
    with rc_context({"text.parse_math": False, "font.size": 10}):
        figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH, layout="constrained")
        axes = figure.subplots()
        _dress(axes)
        paint(axes)
        axes.set_title(title, loc="left", fontsize=11.5, fontweight="bold", color=INK, pad=10)
        axes.set_xlabel(x_label, color=INK)
        axes.set_ylabel(y_label, color=INK)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, labelcolor=INK)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi="figure", metadata={"Software": None})
    return png.getvalue()


def in_few_colours(png: bytes) -> bytes:
    """The same picture in 64 colours: a third of the bytes, for pages with hundreds of plots."""
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


def _dress(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(colors=INK)
    axes.grid(color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
