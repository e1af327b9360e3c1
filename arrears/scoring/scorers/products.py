"""Which product a customer would take next, from what the customer holds: factors of products, and one exact step.

Nobody's own factors are kept. Those of a customer are folded in from the holdings by the very step that ends the
training (Hu, Koren and Volinsky 2008), so anyone can be scored who holds anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.plain_tables import checked, in_hundred, tuples

BATCH = 4096  # rows whose equations are solved at a time: each needs rank x rank numbers


@dataclass(frozen=True)
class ProductTastes:
    """Fitted tastes.

    Attributes:
        products: their names, in the order of the model's inputs.
        factors: of each product, by rank. A product that nobody held in training has zeros.
        alpha: how much more a held product counts than one that is not.
        regularisation: of a customer's factors, times the number of products held.
        popularity: share of the training customers who hold each product.
    """

    products: tuple[str, ...]
    factors: tuple[tuple[float, ...], ...]
    alpha: float
    regularisation: float
    popularity: tuple[float, ...]

    def customer_factors(self, holdings: Any) -> Numbers:
        """The factors of each customer: of those who hold nothing, zeros.

        Solves (YᵀY + alpha Σ y yᵀ + regularisation n I) x = (1 + alpha) Σ y, sums over the n held products.

        Args:
            holdings: rows by products. Above 0 is held, anything else (missing too) is not.
        """
        factors, held = np.array(self.factors), self._held(holdings)
        solutions = np.zeros((len(held), factors.shape[1]))
        everyone = factors.T @ factors
        squares = np.einsum("ir,is->irs", factors, factors)
        for start in range(0, len(held), BATCH):
            own = held[start : start + BATCH]
            counts = own.sum(axis=1)
            ridge = self.regularisation * counts[:, None, None] * np.eye(factors.shape[1])
            left = everyone + self.alpha * np.tensordot(own, squares, axes=1) + ridge
            left[counts == 0] = np.eye(factors.shape[1])
            right = (1 + self.alpha) * own @ factors
            solutions[start : start + BATCH] = np.linalg.solve(left, right[:, :, None])[:, :, 0]
        return solutions

    def affinities(self, holdings: Any) -> Numbers:
        """The affinity of each customer to each product: higher is more, and near 1 for what is held."""
        affinities: Numbers = self.customer_factors(holdings) @ np.array(self.factors).T
        return affinities

    def ranked(self, holdings: Any) -> list[list[int]]:
        """The products that each customer lacks, the likeliest first. Who holds nothing is offered what is popular."""
        held = self._held(holdings) > 0
        affinities = self.affinities(holdings)
        affinities[~held.any(axis=1)] = self.popularity
        # Equal affinities: the more popular first, then the order of the products.
        order = np.lexsort((np.broadcast_to(-np.array(self.popularity), held.shape), -affinities), axis=1)
        return [[int(p) for p in places if not own[p]] for places, own in zip(order, held, strict=True)]

    def ranked_by_popularity(self, holdings: Any) -> list[list[int]]:
        """The same for a bank that offers everyone what most customers hold: what the tastes must beat."""
        order = np.argsort(-np.array(self.popularity), kind="stable")
        return [[int(p) for p in order if not own[p]] for own in self._held(holdings) > 0]

    def recommended(self, holdings: Any) -> list[list[str]]:
        """The names of the products that each customer lacks, the likeliest first."""
        return [[self.products[place] for place in places] for places in self.ranked(holdings)]

    def estimates(self, holdings: Any) -> Numbers:
        """The affinity of each customer to the first offer, 0 of those who hold everything."""
        affinities, ranked = self.affinities(holdings), self.ranked(holdings)
        return np.array([row[places[0]] if places else 0.0 for row, places in zip(affinities, ranked, strict=True)])

    def contributions(self, holdings: Any) -> None:
        """A ranking is no sum of contributions."""
        return

    def importance(self) -> tuple[float, ...]:
        """How far each product's factors lie from none, together 100."""
        return in_hundred(np.linalg.norm(np.array(self.factors), axis=1))

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> ProductTastes:
        """Reads a model from its JSON content."""
        return cls(**{name: tuples(value) for name, value in content.items()})

    def _held(self, holdings: Any) -> Numbers:
        matrix = checked(np.asarray(holdings, dtype=np.float64), len(self.products))
        with np.errstate(invalid="ignore"):
            held: Numbers = (matrix > 0).astype(np.float64)
        return held
