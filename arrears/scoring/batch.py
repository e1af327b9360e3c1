"""Turns a table of borrowers into a model's input, and into default probabilities.

See docs/adr/0008.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from arrears.contracts.errors import BadInput
from arrears.scoring.columns import by_level, level_column, number_column, text_column
from arrears.scoring.document import LevelRates, ModelDocument
from arrears.scoring.preparation import Preparation
from arrears.scoring.scorers import Scorer

_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_null)
_NUMBER = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null)


def default_probabilities(rows: pa.Table, scorer: Scorer, document: ModelDocument) -> npt.NDArray[np.float64]:
    """Estimates for each borrower the probability of default.

    Args:
        rows: one row a borrower with at least ``document.features``. Other columns are ignored.
        scorer: the loaded model.
        document: the model's inputs and its calibration.

    Returns:
        float64 in [0, 1], one a row, in the order of the rows.

    Raises:
        BadInput: names every feature that is missing or of a wrong type.
    """
    rows = fitting_rows(rows, document)
    if rows.num_rows == 0:
        return np.empty(0, dtype=np.float64)
    estimates = scorer.estimates(model_input(rows, document))
    return estimates if document.calibration is None else document.calibration.apply(estimates)


def check_columns(schema: pa.Schema, document: ModelDocument) -> None:
    """Refuses rows that lack a feature of the model or bring it in a wrong type. Names all of them at once."""
    problems = []
    for name in document.features:
        index = schema.get_field_index(name)
        if index < 0:
            problems.append(f"feature {name} is missing")
            continue
        kind = _decoded(schema.field(index).type)
        if not any(fits(kind) for fits in (_TEXT if name in document.texts else _NUMBER)):
            needed = "text" if name in document.texts else "a number"
            problems.append(f"feature {name} is {kind}, the model needs {needed}")
    if problems:
        raise BadInput(*problems)


def fitting_rows(rows: pa.Table, document: ModelDocument) -> pa.Table:
    """The rows with every feature of the model in a type that it reads.

    A column without any value has the type of whatever wrote it (a borrower alone whose purpose is missing brings no
    text): it fits every feature.

    Raises:
        BadInput: names every feature that is missing or of a wrong type.
    """
    for name in document.features:
        place = rows.schema.get_field_index(name)
        if place >= 0 and rows.num_rows and rows.column(place).null_count == rows.num_rows:
            kind = pa.string() if name in document.texts else pa.float64()
            rows = rows.set_column(place, name, pa.nulls(rows.num_rows, kind))
    check_columns(rows.schema, document)
    return rows


def model_input(rows: pa.Table, document: ModelDocument) -> Any:
    """The rows as the model reads them: float32 numbers (missing is NaN), categories as text (missing is a level)."""
    columns = document.preparation, document.numeric, document.categorical, document.encoded
    return prepared_input(rows, *columns, text=document.text)


def prepared_input(
    rows: pa.Table,
    preparation: Preparation,
    numeric: Sequence[str],
    categorical: Sequence[str],
    encoded: Sequence[LevelRates] = (),
    text: Sequence[str] = (),
) -> Any:
    """Raw rows, prepared as a model reads them: a float32 matrix, or what CatBoost takes where words remain.

    That is its FeaturesData for categories, and its Pool where there is free text. Training and scoring share the
    preparation, so a model sees in use what it saw when it was fitted.
    """
    rated = [rates.column for rates in encoded]
    ready = preparation.apply(rows, numeric, [*rated, *categorical])
    numbers_left, levels_left = preparation.outputs(numeric, categorical)
    numbers = number_matrix(ready, numbers_left, encoded)
    names = [*numbers_left, *rated]
    if text:
        inputs = dict(zip(names, numbers.T, strict=True)) | {
            name: level_column(ready.column(name)) for name in levels_left
        }
        return _pool_of_text(inputs | {name: words_column(rows.column(name)) for name in text}, levels_left, text)
    if not levels_left:
        return numbers
    from catboost import FeaturesData

    return FeaturesData(
        num_feature_data=np.ascontiguousarray(numbers) if names else None,
        num_feature_names=names or None,
        cat_feature_data=level_matrix(ready, levels_left),
        cat_feature_names=list(levels_left),
    )


def number_matrix(
    rows: pa.Table,
    numeric: Sequence[str],
    encoded: Sequence[LevelRates] = (),
    out: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.float32]:
    """Numeric columns, then encoded categories, as one column-major float32 array (rows by columns).

    Args:
        out: array of that shape that is filled instead of a new one.
    """
    shape = rows.num_rows, len(numeric) + len(encoded)
    numbers = np.empty(shape, dtype=np.float32, order="F") if out is None else out
    for position, name in enumerate(numeric):
        numbers[:, position] = number_column(rows.column(name))
    for position, rates in enumerate(encoded, start=len(numeric)):
        numbers[:, position] = by_level(level_column(rows.column(rates.column)), rates.rates, unseen=0.0)
    return numbers


def level_matrix(rows: pa.Table, categorical: Sequence[str]) -> npt.NDArray[np.object_]:
    """Category columns as UTF-8 bytes (rows by columns), as CatBoost's FeaturesData wants them.

    All rows of a level share one Python object: eight bytes a cell.
    """
    levels = np.empty((rows.num_rows, len(categorical)), dtype=object)
    for position, name in enumerate(categorical):
        coded = level_column(rows.column(name)).dictionary_encode()
        words = np.array([*coded.dictionary.cast(pa.binary()).to_pylist(), None], dtype=object)
        levels[:, position] = words[coded.indices.to_numpy()]
    return levels


def words_column(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    """A free-text column as Python texts. A missing text is one without words."""
    words: npt.NDArray[np.object_] = pc.fill_null(text_column(column), "").to_numpy(zero_copy_only=False)
    return words


def _pool_of_text(inputs: Mapping[str, Any], levels: Sequence[str], text: Sequence[str]) -> Any:
    import pandas as pd
    from catboost import Pool

    frame = pd.DataFrame({name: np.asarray(values) for name, values in inputs.items()}, copy=False)
    return Pool(frame, cat_features=list(levels), text_features=list(text))


def _decoded(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
