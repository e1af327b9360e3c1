"""Models as plain tables in one JSON file: formulas, trees and points that numpy scores, and that a person can read.

Values that the preparation leaves missing or infinite (a ratio by zero) count as the input's mean in training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from typing import Any

import numpy as np

from arrears.contracts.errors import BadInput
from arrears.scoring.scorers import Numbers, Scorer

_KINDS: Mapping[str, tuple[str, str]] = {
    "linear": ("linear", "LinearModel"),
    "forest": ("forest", "Forest"),
    "gaussian_bayes": ("gaussian_bayes", "GaussianBayes"),
    "scorecard": ("scorecard_points", "Scorecard"),
    "linear_loss": ("linear_loss", "LinearLoss"),
    "clusters": ("clusters", "Clusters"),
    "product_tastes": ("products", "ProductTastes"),
}


def written(model: Any) -> bytes:
    """The model's file: JSON, in which every number has all its digits."""
    kind = next(kind for kind, (_, name) in _KINDS.items() if name == type(model).__name__)
    return json.dumps({"kind": kind, **asdict(model)}, sort_keys=True).encode()


def read(content: bytes) -> Scorer:
    """Reads a model's file.

    Raises:
        BadInput: it holds a kind of model that this version does not know.
        ValueError, KeyError, TypeError: it is broken.
    """
    fields = json.loads(content)
    kind = fields.pop("kind")
    if kind not in _KINDS:
        raise BadInput(f"the model is of kind {kind!r}, which is unknown: it was trained by a newer version of Arrears")
    module, name = _KINDS[kind]
    model: Scorer = getattr(import_module(f"arrears.scoring.scorers.{module}"), name).from_dict(fields)
    return model


def column(inputs: Any, number: int, fill: float) -> Numbers:
    """One input of all rows in float64. What is missing or infinite becomes ``fill``."""
    values = np.asarray(inputs[:, number], dtype=np.float64)
    return np.where(np.isfinite(values), values, fill)


def checked(inputs: Any, width: int) -> Any:
    """The same inputs.

    Raises:
        BadInput: there are more or fewer of them than the model reads.
    """
    if inputs.ndim != 2 or inputs.shape[1] != width:
        raise BadInput(f"the model reads {width} inputs a row, but was given {inputs.shape[-1]}")
    return inputs


def sigmoid(log_odds: Numbers) -> Numbers:
    """Log-odds as probabilities."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-log_odds))


def tuples(value: Any) -> Any:
    """Lists, as JSON gives them, as tuples at every depth. Anything else as it is."""
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def in_hundred(weights: Any) -> tuple[float, ...]:
    """Non-negative weights scaled to a sum of 100. All are 0 where none is above 0."""
    numbers = np.asarray(weights, dtype=np.float64)
    total = numbers.sum()
    return tuple((100.0 * numbers / total).tolist()) if total > 0 else (0.0,) * numbers.size
