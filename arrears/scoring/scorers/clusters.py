"""Customer segments as plain tables in JSON: standardised inputs, and the middles (or shapes) of the segments."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import Any

import numpy as np
import numpy.typing as npt

from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.plain_tables import checked, in_hundred, tuples

Whole = npt.NDArray[np.int64]
EPSILON = 2.0**-52  # MLlib adds it to every density, so that a customer far from all segments still has one


@dataclass(frozen=True)
class Clusters:
    """Fitted segments of one of three kinds.

    Attributes:
        way: ``nearest``: the segment whose middle is nearest (k-means). ``tree``: from the root the nearer child, down
            to a leaf (bisecting k-means). ``mixture``: the likeliest of normal distributions.
        means, scales: an input is standardised to (input - mean) * scale.
        centres: the middle of each segment, in standardised inputs, in the library's own order.
        numbers: the number of each segment, from 1 for the largest.
        shares: share of the training rows in each segment.
        weights, covariances: of a mixture.
        node_centres, node_children, node_segments: of a tree. The root is node 0, a leaf has no children.
    """

    way: str
    means: tuple[float, ...]
    scales: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]
    numbers: tuple[int, ...]
    shares: tuple[float, ...]
    weights: tuple[float, ...] = ()
    covariances: tuple[tuple[float, ...], ...] = ()
    node_centres: tuple[tuple[float, ...], ...] = ()
    node_children: tuple[tuple[int, ...], ...] = ()
    node_segments: tuple[int, ...] = ()

    def segments(self, inputs: Any) -> Whole:
        """The segment of each row, from 1."""
        places = {"nearest": self._nearest, "tree": self._by_tree, "mixture": self._likeliest}
        segments: Whole = np.array(self.numbers)[places[self.way](self.standardised(inputs))]
        return segments

    def standardised(self, inputs: Any) -> Numbers:
        """The inputs with mean 0 and deviation 1 on the training rows. What is missing or constant is 0."""
        matrix: Numbers = np.asarray(checked(inputs, len(self.means)), dtype=np.float64)
        with np.errstate(invalid="ignore"):
            numbers = (matrix - np.array(self.means)) * np.array(self.scales)
        return np.where(np.isfinite(matrix), numbers, 0.0)

    def estimates(self, inputs: Any) -> Numbers:
        """The segment of each row as a number."""
        return self.segments(inputs).astype(np.float64)

    def contributions(self, inputs: Any) -> None:
        """A segment is no sum of contributions."""
        return

    def importance(self) -> tuple[float, ...]:
        """How much of each input's variance lies between the segments' middles, together 100."""
        between = np.array(self.shares) @ np.square(np.array(self.centres))
        return in_hundred(between)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Clusters:
        """Reads a model from its JSON content."""
        return cls(**{name: tuples(value) for name, value in content.items()})

    def _nearest(self, numbers: Numbers) -> Whole:
        nearest: Whole = _distances(numbers, self.centres).argmin(axis=1)
        return nearest

    def _by_tree(self, numbers: Numbers) -> Whole:
        node: Whole = np.zeros(len(numbers), dtype=np.int64)
        for parent, children in enumerate(self.node_children):  # children stand after their parents
            here = np.flatnonzero(node == parent)
            if children and here.size:
                nearer = _distances(numbers[here], [self.node_centres[child] for child in children]).argmin(axis=1)
                node[here] = np.array(children)[nearer]
        segments: Whole = np.array(self.node_segments)[node]
        return segments

    def _likeliest(self, numbers: Numbers) -> Whole:
        densities = [
            EPSILON + weight * np.exp(_log_density(numbers, np.array(centre), np.array(covariance)))
            for weight, centre, covariance in zip(self.weights, self.centres, self.covariances, strict=True)
        ]
        likeliest: Whole = np.column_stack(densities).argmax(axis=1)
        return likeliest


def _distances(numbers: Numbers, centres: Any) -> Numbers:
    return np.column_stack([np.square(numbers - np.array(centre)).sum(axis=1) for centre in centres])


def _log_density(numbers: Numbers, centre: Numbers, covariance: Numbers) -> Numbers:
    """Of a normal distribution that may be flat in some directions, as MLlib's MultivariateGaussian computes it."""
    size = len(centre)
    values, vectors = np.linalg.eigh(covariance.reshape(size, size))
    is_used = values > EPSILON * values.max() * size
    roots = np.where(is_used, 1 / np.sqrt(np.where(is_used, values, 1.0)), 0.0)
    constant = -0.5 * (size * log(2 * pi) + np.log(values[is_used]).sum())
    density: Numbers = constant - 0.5 * np.square((numbers - centre) @ vectors * roots).sum(axis=1)
    return density
