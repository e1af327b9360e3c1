"""Associations from one product of matrices equal pandas, scipy and the textbook on the same rows."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import contingency, f_oneway

from arrears.model.features.association import (
    association_matrix,
    correlation_ratio,
    cramers_v,
    design_matrix,
    design_width,
    pearson,
)


def some_rows(rows: int = 400) -> pd.DataFrame:
    """Two related numbers with holes, one constant, two related categories."""
    random = np.random.default_rng(5)
    x = random.normal(50_000, 9_000, rows)
    grade = np.clip((x - 40_000) // 7_000, 0, 3).astype(int)
    state = np.where(random.random(rows) < 0.7, grade % 3, random.integers(0, 3, rows))
    y = -x + random.normal(0, 9_000, rows)
    x[random.random(rows) < 0.1], y[random.random(rows) < 0.2] = np.nan, np.nan
    return pd.DataFrame({"x": x, "y": y, "flat": np.full(rows, 3.0), "grade": grade, "state": state})


def matrix_of(rows: pd.DataFrame, parts: int = 3) -> np.ndarray:
    """The association matrix, summed over parts of the rows as Spark does."""
    numbers = rows[["x", "y", "flat"]].to_numpy() - np.array([50_000.0, -50_000.0, 3.0])
    sizes = [6, 5]  # levels that no row has are harmless
    width = design_width(3, sizes)
    products = np.zeros((width, width))
    for part in np.array_split(np.arange(len(rows)), parts):
        codes = [rows[name].to_numpy()[part] for name in ("grade", "state")]
        design = design_matrix(numbers[part], codes, sizes)
        products += design.T @ design
    return association_matrix(products, 3, sizes)


def test_the_matrix_holds_pearson_eta_and_cramers_v_of_the_rows_where_both_are_known() -> None:
    rows = some_rows()
    found = matrix_of(rows)
    assert found[0, 1] == pytest.approx(rows["x"].corr(rows["y"]), abs=1e-9)
    table = pd.crosstab(rows["grade"], rows["state"])
    assert found[3, 4] == pytest.approx(contingency.association(table, method="cramer"), abs=1e-9)
    known = rows.dropna(subset="y")
    groups = [group["y"].to_numpy() for _, group in known.groupby("state")]
    f = f_oneway(*groups).statistic
    explained = f * (len(groups) - 1) / (f * (len(groups) - 1) + len(known) - len(groups))
    assert found[1, 4] == pytest.approx(math.sqrt(explained), abs=1e-9)
    assert np.array_equal(found, found.T, equal_nan=True)
    assert (np.diag(found) == 1).all()


def test_a_feature_that_does_not_vary_goes_with_nothing() -> None:
    found = matrix_of(some_rows())
    assert np.isnan(found[2, [0, 1, 3, 4]]).all()
    assert math.isnan(pearson(1, 1, 1, 1, 1, 1))
    assert math.isnan(cramers_v([[3, 4]]))
    assert math.isnan(cramers_v(np.zeros((2, 2))))
    assert math.isnan(correlation_ratio([4, 0], [1.0, 0.0], 9.0))


def test_features_that_follow_each_other_have_strength_one() -> None:
    assert cramers_v([[5, 0, 0], [0, 7, 0], [0, 0, 2]]) == pytest.approx(1.0)
    assert correlation_ratio([2, 3], [2.0, 9.0], 2.0 + 27.0) == pytest.approx(1.0)
    assert pearson(3, 6, -6, 14, 14, -14) == pytest.approx(-1.0)


@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=2, max_size=4))
def test_strength_lies_between_0_and_1_and_does_not_depend_on_the_order_of_levels(table: list[list[int]]) -> None:
    strength = cramers_v(table)
    if not math.isnan(strength):
        assert 0 <= strength <= 1
        assert cramers_v(np.array(table)[::-1, [2, 0, 1]]) == pytest.approx(strength, abs=1e-9)
