"""What a model of any objective answers about each row: the one path that batch jobs and MLflow's models share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrears.contracts.objectives import DEFAULT, LOSS, NEXT_PRODUCT, SEGMENTS
from arrears.contracts.tables.column_names import SCORE
from arrears.scoring.batch import default_probabilities, fitting_rows, model_input
from arrears.scoring.document import ModelDocument

COLUMNS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        DEFAULT: {SCORE: "double"},
        LOSS: {"loss_given_default": "double"},
        SEGMENTS: {"segment": "int"},
        NEXT_PRODUCT: {"next_products": "array<string>"},
    }
)
"""Objective → the columns of its answer and their Spark types."""


EXAMPLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        DEFAULT: {SCORE: 0.5},
        LOSS: {"loss_given_default": 0.5},
        SEGMENTS: {"segment": np.int32(1)},
        NEXT_PRODUCT: {"next_products": ["savings", "credit_card"]},
    }
)
"""Objective → what an answer looks like."""


def answers(rows: pa.Table, scorer: Any, document: ModelDocument) -> pa.Table:
    """Asks a model about each row.

    Args:
        rows: one row a customer with at least ``document.features``. Other columns are ignored.
        scorer: the loaded model.

    Returns:
        The columns of ``COLUMNS``, one row a row, in their order. Segments count from 1. ``next_products`` holds the
        products that the customer lacks, the likeliest first.

    Raises:
        BadInput: names every feature that is missing or of a wrong type.
    """
    if document.task == DEFAULT:
        return pa.table({SCORE: default_probabilities(rows, scorer, document)})
    if document.task == LOSS:
        return pa.table({"loss_given_default": expected_losses(rows, scorer, document)})
    rows = fitting_rows(rows, document)
    inputs = model_input(rows, document)
    if document.task == SEGMENTS:
        return pa.table({"segment": pa.array(scorer.segments(inputs), pa.int32())})
    return pa.table({"next_products": pa.array(scorer.recommended(inputs), pa.list_(pa.string()))})


def expected_losses(rows: pa.Table, scorer: Any, document: ModelDocument) -> npt.NDArray[np.float64]:
    """What each loan is expected to lose should it default, in [0, ``document.loss_limit``].

    Expected loss = default probability x this share x exposure at default (EL = PD x LGD x EAD, Basel II).
    """
    rows = fitting_rows(rows, document)
    if rows.num_rows == 0:
        return np.empty(0, dtype=np.float64)
    estimates = scorer.estimates(model_input(rows, document))
    limit = np.inf if document.loss_limit is None else document.loss_limit
    losses: npt.NDArray[np.float64] = np.clip(estimates, 0.0, limit)
    return losses
