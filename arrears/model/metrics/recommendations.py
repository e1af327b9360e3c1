"""How often the product that a customer really holds stands among those that would be offered, from counts of ranks.

One product of each customer is hidden, and the model ranks all products that it does not know the customer to hold. So
each customer has exactly one product to be found, and every metric follows from how many were found at which rank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import log2
from typing import Any

CUTS = (1, 3, 5, 10)
MAIN_CUT = 3


@dataclass(frozen=True)
class TopMetrics:
    """Metrics of the first k offers.

    Attributes:
        precision: share of the offers that are held: found / k.
        recall: share of the hidden products that are found. With one a customer this is the hit rate too.
        ndcg: normalised discounted cumulative gain (Järvelin and Kekäläinen 2002): 1 / log2(rank + 1) where found.
        map: mean average precision: 1 / rank where found.
    """

    k: int
    precision: float
    recall: float
    hit_rate: float
    ndcg: float
    map: float


def top_metrics(ranks: Mapping[int, int], k: int) -> TopMetrics:
    """The metrics of the first k offers.

    Args:
        ranks: rank of the hidden product, from 1 → how many customers. A customer to whom nothing could be ranked has
            the rank 0, and counts as not found.
    """
    customers = sum(ranks.values())
    hits = {rank: count for rank, count in ranks.items() if 1 <= rank <= k}
    share = sum(hits.values()) / customers if customers else 0.0
    return TopMetrics(
        k=k,
        precision=share / k,
        recall=share,
        hit_rate=share,
        ndcg=sum(count / log2(rank + 1) for rank, count in hits.items()) / customers if customers else 0.0,
        map=sum(count / rank for rank, count in hits.items()) / customers if customers else 0.0,
    )


@dataclass(frozen=True)
class Recommendation:
    """How well offers meet the product that was hidden, beside offering everyone what is held most.

    Attributes:
        customers: how many had a product to hide: those with two or more.
        by_model, by_popularity: rank of the hidden product → how many customers.
        holders: product → share of the held-out customers who hold it.
        offered_first: product → share of those customers to whom the model offers it first.
    """

    customers: int
    by_model: dict[int, int]
    by_popularity: dict[int, int]
    holders: dict[str, float]
    offered_first: dict[str, float]

    @property
    def cuts(self) -> tuple[int, ...]:
        """List lengths worth a look: shorter than the list of all products."""
        return tuple(k for k in CUTS if k < len(self.holders)) or (1,)

    @property
    def main_cut(self) -> int:
        """The list length by which models are compared: three offers, or what there is."""
        return max(k for k in self.cuts if k <= MAIN_CUT)

    def metrics(self) -> dict[str, float]:
        """The figures by name, as MLflow keeps them: ``ndcg_at_3``, and ``popularity_ndcg_at_3`` beside it.

        Those of the main list length stand without it too: ``ndcg``.
        """
        figures: dict[str, float] = {"customers": self.customers}
        for prefix, ranks in (("", self.by_model), ("popularity_", self.by_popularity)):
            for k in self.cuts:
                values = asdict(top_metrics(ranks, k))
                figures |= {f"{prefix}{name}_at_{k}": value for name, value in values.items() if name != "k"}
                if k == self.main_cut:
                    figures |= {f"{prefix}{name}": value for name, value in values.items() if name != "k"}
        return figures

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, for JSON."""
        return {**self.metrics(), **asdict(self)}
