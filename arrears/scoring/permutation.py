"""How much of a model's AUC hangs on each feature: what is lost when its values are shuffled among borrowers.

Permutation importance (Breiman 2001), on rows that the model has not seen. What stands in two features at once is lost
with neither. A feature that a model leans on more than anybody expects may know what nobody knew at the decision.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from arrears.model.metrics.explanations import ranked
from arrears.scoring.batch import fitting_rows, model_input
from arrears.scoring.document import ModelDocument
from arrears.scoring.scorers import Numbers, Scorer


def auc_losses(
    rows: pa.Table, labels: Numbers, scorer: Scorer, document: ModelDocument, *, features: Sequence[str], seed: int
) -> dict[str, float]:
    """What the AUC loses without what a feature tells, the largest loss first. Below 0 is chance.

    Args:
        rows: borrowers with at least ``document.features``.
        labels: 0 or 1, one a row. Others are left out.
        features: those to look at. Each costs one more scoring of the rows.
        seed: of the shuffling.

    Returns:
        Empty where the rows hold one class only.
    """
    is_labelled = np.isin(labels, (0, 1))
    rows, labels = fitting_rows(rows, document).filter(pa.array(is_labelled)), labels[is_labelled]
    if len(np.unique(labels)) < 2:
        return {}
    order = pa.array(np.random.default_rng(seed).permutation(rows.num_rows))
    whole = _auc(labels, scorer.estimates(model_input(rows, document)))
    losses = {}
    for name in features:
        shuffled = rows.set_column(rows.schema.get_field_index(name), name, rows.column(name).take(order))
        losses[name] = whole - _auc(labels, scorer.estimates(model_input(shuffled, document)))
    return ranked(losses)


def _auc(labels: Numbers, scores: Numbers) -> float:
    """The chance that a defaulter scores above another borrower, ties counting half."""
    _, place = np.unique(scores, return_inverse=True)
    bad, good = np.bincount(place, weights=labels), np.bincount(place, weights=1 - labels)
    below = np.cumsum(good) - good
    return float((bad * (below + good / 2)).sum() / (bad.sum() * good.sum()))
