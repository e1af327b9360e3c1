"""The report on a model of an objective beside default: one short page, put together from tiles, plots and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from arrears.model.gate.promotion import Decision
from arrears.reports.canvas import in_few_colours
from arrears.reports.pages import data_url, render


class Tile(NamedTuple):
    """One headline figure."""

    name: str
    value: str
    note: str


class Plot(NamedTuple):
    """One picture, by file stem, and how to read it."""

    stem: str
    title: str
    note: str
    png: bytes


@dataclass(frozen=True)
class Table:
    """Rows of text under a header. Columns after the first ``words`` are numbers, set to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One part of the page under a heading."""

    heading: str
    plots: Sequence[Plot] = ()
    table: Table | None = None
    note: str = ""


@dataclass(frozen=True)
class Frame:
    """What the pages of all objectives have in common.

    Attributes:
        decision: what the gate says.
        champion_name: how to call the present champion, such as ``version 3``.
        alike: the model's metrics on the rows compared on. None: those are all held-out rows, or nothing is compared.
        parameters, provenance: of the training.
        links: label to URL.
        as_of, measured_at: business date, and when the page was made. Empty: unknown.
    """

    dataset: str
    dataset_version: str
    decision: Decision
    champion_name: str = "champion"
    alike: Mapping[str, float] | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    as_of: str = ""
    measured_at: str = ""


@dataclass(frozen=True)
class ObjectivePage:
    """Everything that one page shows. Plain values, nothing is looked up."""

    title: str
    lead: str
    frame: Frame
    tiles: Sequence[Tile]
    sections: Sequence[Section]

    @property
    def plots(self) -> dict[str, bytes]:
        """The pictures by file stem, small enough for a mail."""
        return {plot.stem: in_few_colours(plot.png) for section in self.sections for plot in section.plots}


def render_objective_page(page: ObjectivePage) -> str:
    """Writes the report as one HTML file: images inside, styles inside, no scripts. Every value is escaped."""
    pictures = {stem: data_url(png) for stem, png in page.plots.items()}
    return render(
        "objective_page.html", ["model_page.css", "objective_page.css"], page=page, frame=page.frame, pictures=pictures
    )


def metric_table(
    rows: Sequence[tuple[str, str, str]],
    metrics: Mapping[str, float],
    champion: Mapping[str, float] | None,
    frame: Frame,
) -> Table:
    """Metrics with their meaning, and the champion's beside them.

    Args:
        rows: (name, metric, what it says).
    """
    if champion is None:
        header = ("Metric", "What it says", "This model")
        return Table(header, [(name, says, _figure_text(metrics.get(metric))) for name, metric, says in rows], words=2)
    columns = {"This model": metrics, **({"This model there": frame.alike} if frame.alike else {})}
    columns[frame.champion_name] = champion
    compared = [
        (name, says, *(_figure_text(column.get(metric)) for column in columns.values())) for name, metric, says in rows
    ]
    note = (
        f"{frame.champion_name} has learnt from some held-out rows: on the others this model stands beside it."
        if frame.alike
        else "Both models are measured on the same rows."
    )
    return Table(("Metric", "What it says", *columns), compared, words=2, note=note)


def _figure_text(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
