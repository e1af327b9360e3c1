"""How strongly two features go together, from sums over the rows.

* Two numbers: Pearson's correlation, -1 to 1, over the rows where both are known.
* Two categories: Cramér's V, 0 to 1: the root of chi-squared / (rows x (fewer levels - 1)).
* A category and a number: the correlation ratio eta, 0 to 1: the root of the share of the number's variance that lies
  between the levels.

All of them come from one product of matrices: each row of the data is spread over columns (`design_matrix`), and the
products of these columns, summed over the rows, hold every count and sum that is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from arrears.model.features.binning import Floats, Ints

_NUMBER_COLUMNS = 3  # known or not, value, square
_ROUNDING = 1e-12


def design_matrix(numbers: Floats, codes: Sequence[Ints], sizes: Sequence[int]) -> Floats:
    """Spreads rows over columns: three for each number, one for each level of each category.

    Args:
        numbers: rows x numbers, near 0 (less their medians), so that sums of squares keep their digits.
        codes: of each category, every row's level as a number below its size.
    """
    is_finite = np.isfinite(numbers)
    values = np.where(is_finite, numbers, 0.0)
    with np.errstate(over="ignore"):  # such a square makes its associations undefined, which is told
        parts = [np.stack((is_finite, values, values * values), axis=2).reshape(len(numbers), -1)]
    parts += [np.eye(size)[code] for code, size in zip(codes, sizes, strict=True)]
    return np.concatenate(parts, axis=1)


def design_width(numbers: int, sizes: Sequence[int]) -> int:
    """How many columns `design_matrix` makes."""
    return _NUMBER_COLUMNS * numbers + sum(sizes)


def association_matrix(products: Floats, numbers: int, sizes: Sequence[int]) -> Floats:
    """The association of every two features, numbers first. NaN where one of them does not vary.

    Args:
        products: columns of the design matrix x the same, summed over all rows.
    """
    starts = np.cumsum([_NUMBER_COLUMNS * numbers, *sizes])
    places = [slice(_NUMBER_COLUMNS * n, _NUMBER_COLUMNS * (n + 1)) for n in range(numbers)]
    places += [slice(start, start + size) for start, size in zip(starts, sizes, strict=False)]
    strengths = np.eye(len(places))
    for j in range(len(places)):
        for i in range(j):
            strength = _strength(products[places[i], places[j]], numbers=(i < numbers) + (j < numbers))
            strengths[i, j] = strengths[j, i] = strength
    return strengths


def _strength(block: Floats, *, numbers: int) -> float:
    """The association of two features, of which so many are numbers. NaN where their sums are infinite."""
    if not np.isfinite(block).all():
        return math.nan
    if numbers == 2:
        return pearson(*_pair_sums(block))
    return correlation_ratio(block[0], block[1], float(block[2].sum())) if numbers else cramers_v(block)


def pearson(rows: float, left: float, right: float, left_square: float, right_square: float, product: float) -> float:
    """Pearson's correlation of two numbers from their sums over the rows where both are known."""
    if rows < 2:
        return math.nan
    spread_left, spread_right = left_square - left * left / rows, right_square - right * right / rows
    if spread_left <= _ROUNDING * left_square or spread_right <= _ROUNDING * right_square:
        return math.nan
    together = product - left * right / rows
    return min(1.0, max(-1.0, together / math.sqrt(spread_left * spread_right)))


def cramers_v(table: ArrayLike) -> float:
    """Cramér's V of two categories from the counts of their pairs of levels, without correction of its bias."""
    counts = np.asarray(table, np.float64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape, default=0) < 2:
        return math.nan
    total = counts.sum()
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    chi_squared = float(((counts - expected) ** 2 / expected).sum())
    return min(1.0, math.sqrt(chi_squared / (total * (min(counts.shape) - 1))))


def correlation_ratio(rows: ArrayLike, sums: ArrayLike, squares: float) -> float:
    """The correlation ratio of a category and a number.

    Args:
        rows, sums: of each level: rows where the number is known, and the sum of the numbers.
        squares: sum of the numbers' squares over all levels.
    """
    counts, totals = np.asarray(rows, np.float64), np.asarray(sums, np.float64)
    occupied = counts > 0
    if np.count_nonzero(occupied) < 2:
        return math.nan
    centre = float(totals.sum()) ** 2 / float(counts.sum())
    between = float((totals[occupied] ** 2 / counts[occupied]).sum()) - centre
    spread = squares - centre
    if spread <= _ROUNDING * squares:
        return math.nan
    return math.sqrt(min(1.0, max(0.0, between / spread)))


def _pair_sums(block: Floats) -> tuple[float, float, float, float, float, float]:
    """Rows, sums, squares and product of two numbers, over the rows where both are known."""
    rows, right, right_square = block[0]
    return float(rows), float(block[1, 0]), float(right), float(block[2, 0]), float(right_square), float(block[1, 1])
