"""Random forests and boosted trees as five lists of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.plain_tables import checked, column, in_hundred, sigmoid

LEAF = -1
_CELLS = 1_000_000  # rows by trees at a time: bounds the memory, and keeps one row in one step


@dataclass(frozen=True)
class Forest:
    """Trees whose nodes stand one after another. A row goes left where its input is at or below the threshold.

    Attributes:
        of_trees: what the weighted sum of the trees is: a default ``probability``, ``log_odds``, or a ``loss``.
        roots, weights: each tree's first node, and what it counts.
        features: the input that a node asks for. -1: the node is a leaf.
        lefts, rights: the next node.
        values: what a leaf says.
        fills: what a missing input counts as: its mean in training.
        input_importance: the gain in purity at the nodes that ask for each input, as the library measured it.
    """

    of_trees: Literal["probability", "log_odds", "loss"]
    roots: tuple[int, ...]
    weights: tuple[float, ...]
    features: tuple[int, ...]
    thresholds: tuple[float, ...]
    lefts: tuple[int, ...]
    rights: tuple[int, ...]
    values: tuple[float, ...]
    fills: tuple[float, ...]
    input_importance: tuple[float, ...]

    def __post_init__(self) -> None:
        nodes = {len(of) for of in (self.features, self.thresholds, self.lefts, self.rights, self.values)}
        inside = range(len(self.features))
        if (
            len(nodes) != 1
            or len(self.roots) != len(self.weights)
            or not all(root in inside for root in self.roots)
            or not all(feature < len(self.fills) for feature in self.features)
            # A child stands behind its parent: so every row comes to a leaf.
            or not all(
                feature == LEAF or (node < left and node < right and left in inside and right in inside)
                for node, (feature, left, right) in enumerate(zip(self.features, self.lefts, self.rights, strict=True))
            )
        ):
            raise ValueError("the nodes of the trees do not fit together")

    def estimates(self, inputs: Any) -> Numbers:
        """The default probability of each row, or its expected loss."""
        checked(inputs, len(self.fills))
        step = max(1, _CELLS // max(1, len(self.roots)))
        parts = [self._sums(inputs[first : first + step]) for first in range(0, len(inputs), step)]
        sums = np.concatenate(parts) if parts else np.empty(0)
        return sigmoid(sums) if self.of_trees == "log_odds" else sums

    def contributions(self, inputs: Any) -> None:
        """Not computed for these trees."""
        return

    def importance(self) -> tuple[float, ...]:
        """The library's own importance of each input."""
        return in_hundred(self.input_importance)

    def _sums(self, inputs: Any) -> Numbers:
        features, thresholds, lefts, rights, values = self._nodes
        numbers = np.column_stack([column(inputs, number, fill) for number, fill in enumerate(self.fills)])
        rows = np.arange(len(numbers))[:, None]
        at = np.broadcast_to(np.asarray(self.roots), (len(numbers), len(self.roots)))
        while (tested := features[at]).max(initial=LEAF) != LEAF:
            goes_left = numbers[rows, tested] <= thresholds[at]
            at = np.where(tested == LEAF, at, np.where(goes_left, lefts[at], rights[at]))
        total = np.zeros(len(numbers))
        for tree, weight in enumerate(self.weights):
            total += weight * values[at[:, tree]]
        return total

    @cached_property
    def _nodes(self) -> tuple[npt.NDArray[Any], ...]:
        whole, real = np.int64, np.float64
        kinds = (whole, real, whole, whole, real)
        lists = (self.features, self.thresholds, self.lefts, self.rights, self.values)
        return tuple(np.asarray(values, dtype=kind) for values, kind in zip(lists, kinds, strict=True))

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Forest:
        """Reads a model from its JSON content."""
        if content["of_trees"] not in ("probability", "log_odds", "loss"):
            raise ValueError("what the trees say is neither a probability, nor log-odds, nor a loss")
        of_trees = content.pop("of_trees")
        return cls(of_trees=of_trees, **{name: tuple(values) for name, values in content.items()})
