"""A batch of borrowers reaches CatBoost unchanged, whatever Arrow made of its columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from catboost import CatBoostClassifier, Pool
from hypothesis import given
from hypothesis import strategies as st

from arrears.contracts.errors import BadInput
from arrears.model.fitting.calibration import Calibration
from arrears.model.metrics.cutoffs import Cutoff
from arrears.scoring.batch import default_probabilities, level_matrix, model_input, number_matrix
from arrears.scoring.columns import MISSING_LEVEL
from arrears.scoring.document import LevelRates, ModelDocument
from arrears.scoring.scorers.catboost_trees import CatBoostTrees

DOCUMENT = ModelDocument("lending_club", "v1", "catboost", ("income", "age"), ("state",))


@pytest.fixture(scope="module")
def model() -> CatBoostClassifier:
    random = np.random.default_rng(7)
    rows = a_batch(
        income=random.normal(size=400).tolist(), age=random.integers(18, 80, 400).tolist(), state=["NY", "TX"] * 200
    )
    fitted = CatBoostClassifier(iterations=20, verbose=0, allow_writing_files=False, thread_count=1)
    return fitted.fit(Pool(model_input(rows, DOCUMENT), random.integers(0, 2, 400)))


def a_batch(**columns: list[object]) -> pa.Table:
    return pa.table(columns)


def test_a_probability_is_catboosts_own(model: CatBoostClassifier) -> None:
    rows = a_batch(income=[0.1, -0.4], age=[30, 60], state=["NY", None])
    own = model.predict_proba(model_input(rows, DOCUMENT))[:, 1]
    assert default_probabilities(rows, CatBoostTrees(model), DOCUMENT) == pytest.approx(own, abs=1e-15)


@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(18, 90), st.sampled_from(["NY", "TX", "", None])), min_size=1))
def test_a_borrower_scores_the_same_alone_and_in_company(
    model: CatBoostClassifier, borrowers: list[tuple[float, int, str | None]]
) -> None:
    incomes, ages, states = (list(column) for column in zip(*borrowers, strict=True))
    rows = a_batch(income=incomes, age=ages, state=pa.array(states, pa.string()))
    together = default_probabilities(rows, CatBoostTrees(model), DOCUMENT)
    alone = [
        default_probabilities(rows.slice(place, 1), CatBoostTrees(model), DOCUMENT)[0]
        for place in range(len(borrowers))
    ]
    assert together.tolist() == alone


def test_the_order_of_columns_changes_nothing(model: CatBoostClassifier) -> None:
    rows = a_batch(income=[0.1], age=[30], state=["NY"], unused=["x"])
    turned = rows.select(["state", "unused", "age", "income"])
    assert default_probabilities(turned, CatBoostTrees(model), DOCUMENT) == default_probabilities(
        rows, CatBoostTrees(model), DOCUMENT
    )


def test_a_batch_without_rows_has_no_scores(model: CatBoostClassifier) -> None:
    rows = a_batch(income=[0.1], age=[30], state=["NY"]).slice(0, 0)
    assert default_probabilities(rows, CatBoostTrees(model), DOCUMENT).shape == (0,)


def test_every_missing_and_mistyped_feature_is_named(model: CatBoostClassifier) -> None:
    with pytest.raises(BadInput) as error:
        default_probabilities(a_batch(income=["much"], state=[1]), CatBoostTrees(model), DOCUMENT)
    assert error.value.problems == (
        "feature income is string, the model needs a number",
        "feature age is missing",
        "feature state is int64, the model needs text",
    )


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.float32(), pa.decimal128(22, 2), pa.bool_()])
def test_missing_numbers_are_not_a_number_whatever_the_type(kind: pa.DataType) -> None:
    numbers = number_matrix(pa.table({"x": pa.array([1, None], pa.int64()).cast(kind)}), ["x"])
    assert numbers.dtype == np.float32
    assert numbers[0, 0] == 1
    assert np.isnan(numbers[1, 0])


def test_a_number_column_of_nulls_only_is_missing_throughout() -> None:
    assert np.isnan(number_matrix(pa.table({"x": pa.nulls(2)}), ["x"])).all()


def test_a_missing_category_is_a_level_of_its_own() -> None:
    levels = level_matrix(pa.table({"x": pa.array(["é", None]).dictionary_encode()}), ["x"])
    assert levels[:, 0].tolist() == ["é".encode(), MISSING_LEVEL.encode()]


def test_an_encoded_category_counts_an_unseen_level_as_absent() -> None:
    rates = LevelRates("state", {"NY": 0.75, MISSING_LEVEL: 0.25})
    encoded = number_matrix(pa.table({"state": ["NY", None, "XX"]}), [], [rates])
    assert encoded[:, 0].tolist() == [0.75, 0.25, 0.0]


def test_a_calibrated_model_gives_calibrated_probabilities(model: CatBoostClassifier) -> None:
    rows = a_batch(income=[0.1, -0.4], age=[30, 60], state=["NY", None])
    raw = default_probabilities(rows, CatBoostTrees(model), DOCUMENT)
    shifted = replace(DOCUMENT, calibration=Calibration("prior", intercept=-1.5))
    expected = 1 / (1 + np.exp(-(np.log(raw / (1 - raw)) - 1.5)))
    assert default_probabilities(rows, CatBoostTrees(model), shifted) == pytest.approx(expected, abs=1e-15)


def test_a_document_is_the_same_after_it_was_stored() -> None:
    document = ModelDocument(
        "d", "v", "e", ("a",), ("b",), (LevelRates("c", {"x": 1.0}),), (0.1, 0.2), {"a": None}, model_format="tables",
        calibration=Calibration("isotonic", scores=(0.1, 0.4), values=(0.0, 0.5)),
        cutoff=Cutoff(0.3, "profit", {"margin": 0.1}, {"approval_rate": 0.9}),
    )  # fmt: skip
    assert ModelDocument.from_json(document.to_json()) == document
