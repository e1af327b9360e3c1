"""Reads one Arrow column as numbers or as text, whatever Arrow made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MISSING_LEVEL = "__missing__"


def number_column(column: pa.ChunkedArray) -> npt.NDArray[np.floating[Any]]:
    """A column as floats, a missing value as NaN."""
    if not pa.types.is_floating(column.type):
        column = column.cast(pa.float64(), safe=False)
    # Arrow hands nulls of a float column to numpy as NaN, which is CatBoost's missing value.
    numbers: npt.NDArray[np.floating[Any]] = column.to_numpy()
    return numbers


def text_column(column: pa.ChunkedArray) -> pa.Array:
    """A category column as plain text, a missing value as null."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return pa.chunked_array(column).combine_chunks().cast(pa.string())


def level_column(column: pa.ChunkedArray) -> pa.Array:
    """One category column as plain text, a missing value as a level of its own."""
    return pc.fill_null(text_column(column), MISSING_LEVEL)


def by_level(texts: pa.Array, of_level: dict[str, float], *, unseen: float) -> npt.NDArray[np.float64]:
    """The number that stands for each text. A text without one, and a missing text, get ``unseen``."""
    encoded = texts.dictionary_encode()
    of_code = np.array([of_level.get(level, unseen) for level in encoded.dictionary.to_pylist()] + [unseen])
    codes = pc.fill_null(encoded.indices, len(of_code) - 1).to_numpy(zero_copy_only=False)
    numbers: npt.NDArray[np.float64] = of_code[codes]
    return numbers
