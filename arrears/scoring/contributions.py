"""Explains estimates in terms of the features that a borrower brings, whatever was done to them before the model."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pyarrow as pa

from arrears.model.features.binning import OTHER_LEVELS
from arrears.model.metrics.explanations import Dependence, Explanation, ranked
from arrears.scoring.batch import fitting_rows, model_input
from arrears.scoring.columns import number_column, text_column
from arrears.scoring.document import ModelDocument
from arrears.scoring.preparation import Preparation
from arrears.scoring.scorers import Numbers, Scorer

LEADING = 6  # features whose dependence is drawn
POINTS = 330  # of each: fewer than 2,000 in all leave the cluster
LEAST_SHARED = 5  # a level of fewer borrowers among these points could tell who one of them is


def explanation(rows: pa.Table, scorer: Scorer, document: ModelDocument) -> Explanation:
    """Which features matter to the model, and how, over a sample of borrowers.

    Rare levels are shown as one, and free text not at all: neither page nor JSON may tell who a borrower is.

    Args:
        rows: the sample in random order, not empty, with at least ``document.features``.
    """
    contributions = feature_contributions(rows, scorer, document)
    if contributions is None:
        return Explanation("engine", feature_importance(scorer, document))
    sizes = np.abs(contributions[:, :-1]).mean(axis=0)
    importance = ranked(dict(zip(document.features, map(float, sizes), strict=True)))
    few = rows.slice(0, POINTS)
    leading = [name for name, size in importance.items() if size > 0 and name not in document.text][:LEADING]
    dependence = [
        _dependence(few, feature, contributions[:POINTS, document.features.index(feature)], document)
        for feature in leading
    ]
    return Explanation("shap", importance, tuple(dependence), rows.num_rows)


def feature_contributions(rows: pa.Table, scorer: Scorer, document: ModelDocument) -> Numbers | None:
    """What each raw feature added to each borrower's log-odds, before calibration.

    Contributions of all inputs that come of one feature (its levels, deciles, flags, weight of evidence) are summed.
    That of an interaction is shared equally by its two features.

    Args:
        rows: one row a borrower with at least ``document.features``.

    Returns:
        rows by features + 1, in the order of ``document.features``, the base value last. None where the kind of model
        has no exact contributions.

    Raises:
        BadInput: names every feature that is missing or of a wrong type.
    """
    rows = fitting_rows(rows, document)
    contributions = scorer.contributions(model_input(rows, document))
    if contributions is None:
        return None
    return np.column_stack((contributions[:, :-1] @ _shares(document), contributions[:, -1]))


def feature_importance(scorer: Scorer, document: ModelDocument) -> dict[str, float]:
    """How much each raw feature moves the estimates by the engine's own measure, all together 100, largest first."""
    summed = np.asarray(scorer.importance(), np.float64) @ _shares(document)
    return ranked(dict(zip(document.features, map(float, summed), strict=True)))


def _dependence(rows: pa.Table, feature: str, contributions: Numbers, document: ModelDocument) -> Dependence:
    column = rows.column(feature)
    values: list[float | str | None]
    if feature in document.numeric:
        values = [float(value) if math.isfinite(value) else None for value in number_column(column)]
    else:
        levels = text_column(column).to_pylist()
        counts = Counter(levels)
        values = [OTHER_LEVELS if level and counts[level] < LEAST_SHARED else level for level in levels]
    points = sorted(zip(values, map(float, contributions), strict=True), key=lambda point: (point[0] is None, *point))
    return Dependence(feature, tuple(value for value, _ in points), tuple(size for _, size in points))


def _shares(document: ModelDocument) -> Numbers:
    """Inputs by features: which share of an input each raw feature stands for. Rows sum to 1."""
    place = {name: number for number, name in enumerate(document.features)}
    shares = {name: np.eye(len(place))[number] for name, number in place.items()}
    for both in document.preparation.interactions:
        shares[both.output] = (shares[both.left] + shares[both.right]) / 2
    for output, source in _made_of(document.preparation):
        shares[output] = shares[source]
    return np.array([shares[name] for name in document.inputs])


def _made_of(steps: Preparation) -> list[tuple[str, str]]:
    """Each prepared input with the feature that it is made of, in the order in which they are made."""
    return [
        *((ranks.output, ranks.column) for ranks in steps.deciles),
        *((f"{column}_missing", column) for column in steps.missing_flags),
        *((limits.output, limits.column) for limits in steps.outliers),
        *((name, coded.column) for coded in steps.levels for name in coded.outputs),
        *((table.output, table.column) for table in steps.evidence),
    ]
