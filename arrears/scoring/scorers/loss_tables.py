"""Loss models as plain tables in JSON: a linear formula behind a link, or regression trees. Scored by numpy alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arrears.contracts.errors import BadInput
from arrears.scoring.scorers import Numbers

LEAF = -1  # the feature of a node that has no further question


@dataclass(frozen=True)
class LinearLoss:
    """A (generalised) linear model: link(loss) = intercept + coefficients · inputs.

    Attributes:
        link_power: of the power link (McCullagh and Nelder 1989): 1 is the loss itself, 0 its logarithm, -1 its
            inverse; None is the logit.
        means, deviations: of the inputs on the training rows.
    """

    coefficients: tuple[float, ...]
    intercept: float
    link_power: float | None
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def estimates(self, inputs: Any) -> Numbers:
        """The expected loss of each row."""
        linear = _matrix(inputs, len(self.coefficients)) @ np.array(self.coefficients) + self.intercept
        estimates: Numbers
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if self.link_power is None:
                estimates = 1.0 / (1.0 + np.exp(-linear))
            elif self.link_power == 0:
                estimates = np.exp(linear)
            else:
                estimates = linear if self.link_power == 1 else np.power(linear, 1.0 / self.link_power)
        return estimates

    def contributions(self, inputs: Any) -> Numbers:
        """What each input adds on the scale of the link, against its mean: exact SHAP values of a linear model."""
        weights, means = np.array(self.coefficients), np.array(self.means)
        parts = (_matrix(inputs, len(weights)) - means) * weights
        return np.column_stack([parts, np.full(len(parts), self.intercept + weights @ means)])

    def importance(self) -> tuple[float, ...]:
        """Coefficient times deviation of each input, together 100."""
        return _hundred(np.abs(self.coefficients) * np.array(self.deviations))


@dataclass(frozen=True)
class Tree:
    """One regression tree: at node i a row goes left where its feature is at or below the threshold."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    def of(self, inputs: Numbers) -> Numbers:
        """The value of the leaf in which each row ends."""
        feature, threshold = np.array(self.feature), np.array(self.threshold)
        left, right = np.array(self.left), np.array(self.right)
        node: npt.NDArray[np.int64] = np.zeros(len(inputs), dtype=np.int64)
        moving = np.flatnonzero(feature[node] != LEAF)
        while moving.size:
            at = node[moving]
            goes_left = inputs[moving, feature[at]] <= threshold[at]
            node[moving] = np.where(goes_left, left[at], right[at])
            moving = moving[feature[node[moving]] != LEAF]
        values: Numbers = np.array(self.value)[node]
        return values


@dataclass(frozen=True)
class LossTrees:
    """A forest or boosted trees: the weighted sum of what each tree says.

    Attributes:
        input_importance: of each input, as the library measured it in training.
    """

    trees: tuple[Tree, ...]
    weights: tuple[float, ...]
    input_importance: tuple[float, ...]

    def estimates(self, inputs: Any) -> Numbers:
        """The expected loss of each row."""
        numbers = _matrix(inputs, len(self.input_importance))
        total = np.zeros(len(numbers))
        for tree, weight in zip(self.trees, self.weights, strict=True):
            total += weight * tree.of(numbers)
        return total

    def contributions(self, inputs: Any) -> None:
        """Not kept for MLlib's trees."""
        return

    def importance(self) -> tuple[float, ...]:
        """The gain at the splits of each input, together 100."""
        return _hundred(np.array(self.input_importance))


def written(model: LinearLoss | LossTrees) -> bytes:
    """The model's file."""
    return json.dumps({"kind": type(model).__name__, **asdict(model)}).encode()


def read(content: bytes) -> LinearLoss | LossTrees:
    """Reads a model's file.

    Raises:
        BadInput: it is broken.
    """
    try:
        given = json.loads(content)
        kind = given.pop("kind")
        if kind == LinearLoss.__name__:
            return LinearLoss(**{name: _tuple(value) for name, value in given.items()})
        trees = tuple(Tree(**{name: tuple(values) for name, values in tree.items()}) for tree in given["trees"])
        return LossTrees(trees, tuple(given["weights"]), tuple(given["input_importance"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"the loss model's file is broken ({type(error).__name__}): train it again") from None


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _matrix(inputs: Any, width: int) -> Numbers:
    matrix: Numbers = np.asarray(inputs, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != width:
        raise BadInput(f"the loss model reads {width} inputs a row, not an array of shape {matrix.shape}")
    return matrix


def _hundred(weights: Sequence[float] | Numbers) -> tuple[float, ...]:
    total = float(np.sum(weights))
    return tuple(float(100 * weight / total) if total > 0 else 0.0 for weight in weights)
