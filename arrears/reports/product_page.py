"""The report on a next-product model: how often the product that was hidden is among the first offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrears.model.metrics.recommendations import Recommendation, top_metrics
from arrears.reports.canvas import BLUE, GREY, SKY, draw, shares, short
from arrears.reports.objective_page import Frame, ObjectivePage, Plot, Section, Table, Tile, metric_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = (
    ("NDCG@{k}", "ndcg", "How high the hidden product stands: 1 first, 0 not among the first {k}."),
    ("MAP@{k}", "map", "The same by 1 / rank."),
    ("Hit rate@{k}", "hit_rate", "Customers whose hidden product is among the first {k}; here also the recall."),
    ("Precision@{k}", "precision", "Share of the first {k} offers that are held."),
    ("NDCG@{k} of popularity", "popularity_ndcg", "The same for offering everyone what most customers hold."),
)


def product_page(recommendation: Recommendation, champion: Recommendation | None, frame: Frame) -> ObjectivePage:
    """Puts the page together.

    Args:
        champion: the present champion on the same rows. None: there is none.
    """
    k, metrics = recommendation.main_cut, recommendation.metrics()
    tiles = (
        Tile(f"NDCG@{k}", f"{metrics['ndcg']:.3f}", f"popularity alone: {metrics['popularity_ndcg']:.3f}"),
        Tile(f"Hit rate@{k}", f"{metrics['hit_rate']:.1%}", f"popularity alone: {metrics['popularity_hit_rate']:.1%}"),
        Tile(f"MAP@{k}", f"{metrics['map']:.3f}", f"popularity alone: {metrics['popularity_map']:.3f}"),
        Tile("Products", str(len(recommendation.holders)), f"{recommendation.customers:,} customers measured"),
    )
    named = [(name.format(k=k), metric, says.format(k=k)) for name, metric, says in METRICS]
    compared = champion.metrics() if champion else None
    return ObjectivePage(
        title=f"Next product of {frame.dataset}",
        lead=f"One held product of each of {recommendation.customers:,} customers that the model has not seen was"
        " hidden; the model ranks it among all that they lack.",
        frame=frame,
        tiles=tiles,
        sections=(
            Section("Metrics", table=metric_table(named, metrics, compared, frame)),
            Section("Offers", plots=(_hit_rates(recommendation), _offers(recommendation)), table=_cuts(recommendation)),
        ),
    )


def _hit_rates(recommendation: Recommendation) -> Plot:
    lengths = range(1, len(recommendation.holders))

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        for ranks, colour, style, label in (
            (recommendation.by_popularity, GREY, "--", "popularity"),
            (recommendation.by_model, BLUE, "-", "this model"),
        ):
            rates = [top_metrics(ranks, k).hit_rate for k in lengths]
            axes.plot(lengths, rates, color=colour, linestyle=style, marker="o", markersize=4, label=label)
        axes.set_ylim(0, 1.02)
        shares(axes, y=True)

    png = draw(
        paint,
        title="Hit rate by length of the list",
        x_label="Offers a customer",
        y_label="Customers whose hidden product is among them",
    )
    return Plot(
        "hit_rates", "Hit rates", "The gap to the dashed line is what knowing a customer's taste is worth.", png
    )


def _offers(recommendation: Recommendation) -> Plot:
    names = sorted(recommendation.holders, key=lambda name: recommendation.holders[name])
    labels = [short(name, 28) for name in names]

    def paint(axes: Axes) -> None:
        places = np.arange(len(names))
        axes.barh(
            places + 0.2, [recommendation.holders[name] for name in names], color=SKY, height=0.38, label="hold it"
        )
        axes.barh(
            places - 0.2,
            [recommendation.offered_first[name] for name in names],
            color=BLUE,
            height=0.38,
            label="offered first",
        )
        axes.set_yticks(places, labels)
        axes.grid(visible=False, axis="y")
        shares(axes, x=True)

    png = draw(
        paint,
        title="Products held and offered first",
        x_label="Share of the customers",
        y_label="",
        height=max(4.4, 1.2 + 0.32 * len(names)),
    )
    return Plot("offers", "Offers", "What is offered first need not be what most customers hold.", png)


def _cuts(recommendation: Recommendation) -> Table:
    rows = []
    for k in recommendation.cuts:
        own, popular = top_metrics(recommendation.by_model, k), top_metrics(recommendation.by_popularity, k)
        pairs = [(getattr(own, name), getattr(popular, name)) for name in ("hit_rate", "precision", "ndcg", "map")]
        rows.append((str(k), *(f"{mine:.3f} ({theirs:.3f})" for mine, theirs in pairs)))
    header = ("Offers", "Hit rate", "Precision", "NDCG", "MAP")
    return Table(header, rows, note="In brackets: offering everyone what most customers hold.")
