"""How a day's delivery is recognised as one, whole and of its day: what every job that takes one in is told."""

from __future__ import annotations

from dataclasses import dataclass

from arrears.contracts.job_configs.arguments import Choices, option

_DELIVERY = "A bank's own delivery"


@dataclass(frozen=True, kw_only=True)
class DeliveryChoices(Choices):
    """Which rows are of the day, and when a delivery is whole."""

    date_column: str | None = option(
        None,
        help="column that holds the business date of each row; empty: all that lie there are of the day",
        title="Date column",
        section=_DELIVERY,
    )
    marker: str | None = option(
        None,
        help="file whose presence says that a delivery is complete, such as _SUCCESS; empty: none is written",
        title="File that ends a delivery",
        section=_DELIVERY,
    )
    fewest: int = option(
        1,
        help="rows below which a delivery is taken for a part of one, and refused",
        minimum=1,
        title="Fewest rows",
        section=_DELIVERY,
    )
