"""Fitted steps do to a whole table what one would do by hand to each row, in one order, whatever the values."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.contracts.errors import BadConfiguration
from arrears.scoring.batch import default_probabilities, prepared_input
from arrears.scoring.columns import MISSING_LEVEL
from arrears.scoring.document import LevelRates, ModelDocument
from arrears.scoring.preparation import Deciles, Interaction, LevelNumbers, OutlierLimits, Preparation
from arrears.scoring.woe import evidence_table

NUMERIC, CATEGORICAL = ("income", "age"), ("state", "purpose")
NAN, INFINITY = float("nan"), float("inf")

ALL_STEPS = Preparation(
    missing_flags=("income", "state"),
    outliers=(OutlierLimits("income", -2.0, 3.0, "clip"), OutlierLimits("age", 18.0, 90.0, "flag")),
    number_fills={"income": 0.5, "age": 40.0},
    level_fills={"state": "NY", "purpose": "car"},
    interactions=(Interaction("income", "age", "product"), Interaction("age", "income", "ratio")),
    deciles=(Deciles("income", (-1.0, 0.0, 0.5, 3.0)),),
    levels=(LevelNumbers("state", ("NY", "TX")), LevelNumbers("purpose", ("car", "house"), one_hot=False)),
)
NAMES = [
    *("income", "age", "income_times_age", "age_over_income", "income_decile"),
    *("income_missing", "state_missing", "age_outlier", "state=NY", "state=TX", "purpose_index"),
]

WEIGHED = Preparation(
    missing_flags=("income",),
    evidence=(
        evidence_table("income", [(30, 2), (20, 8)], edges=[0.5], missing=(5, 5)),
        evidence_table("state", [(40, 3), (9, 9)], levels=[("NY", "TX"), ("CA",)], missing=(1, 3), other=(5, 0)),
    ),
)

ONLY_WEIGHED = Preparation(evidence=WEIGHED.evidence)

numbers = st.one_of(st.sampled_from([None, NAN, INFINITY, -INFINITY, 0.0, -0.0, 0.5, -2.0, 3.0]), st.floats(-10, 100))
levels = st.sampled_from([None, "NY", "TX", "CA", "", "car", "house", MISSING_LEVEL])
borrowers = st.lists(st.tuples(numbers, numbers, levels, levels), min_size=1, max_size=20)


def table(rows: list[tuple[Any, ...]], *, decoded: bool = True) -> pa.Table:
    incomes, ages, states, purposes = zip(*rows, strict=True)
    words = {"state": pa.array(states, pa.string()), "purpose": pa.array(purposes, pa.string())}
    words = words if decoded else {name: column.dictionary_encode() for name, column in words.items()}
    return pa.table({"income": pa.array(incomes, pa.float64()), "age": pa.array(ages, pa.float64()), **words})


def missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def by_hand(income: float | None, age: float | None, state: str | None, purpose: str | None) -> dict[str, float]:
    """One borrower through every step of ALL_STEPS, as the words of the configuration say it."""
    no_income, no_state = missing(income), state is None
    clipped = 0.5 if no_income else min(max(income, -2.0), 3.0)
    aged = 40.0 if missing(age) else age
    lives, why = state or ("NY" if state is None else ""), purpose or ("car" if purpose is None else "")
    return {
        "income": clipped,
        "age": aged,
        "income_times_age": clipped * aged,
        "age_over_income": aged / clipped if clipped else NAN,
        "income_decile": 1.0 + sum(clipped > edge for edge in (-1.0, 0.0, 0.5, 3.0)),
        "income_missing": float(no_income),
        "state_missing": float(no_state),
        "age_outlier": float(not missing(age) and not 18.0 <= age <= 90.0),
        "state=NY": float(lives == "NY"),
        "state=TX": float(lives == "TX"),
        "purpose_index": {"car": 0.0, "house": 1.0}.get(why, -1.0),
    }


@given(borrowers)
def test_every_step_does_to_a_table_what_it_does_to_a_row(rows: list[tuple[Any, ...]]) -> None:
    expected = [by_hand(*row) for row in rows]
    for decoded in (True, False):
        prepared = ALL_STEPS.apply(table(rows, decoded=decoded), NUMERIC, CATEGORICAL)
        assert prepared.column_names == NAMES
        for name in NAMES:
            np.testing.assert_array_equal(prepared.column(name).to_numpy(), [row[name] for row in expected])


@given(borrowers)
def test_weights_replace_what_they_weigh_and_leave_the_rest(rows: list[tuple[Any, ...]]) -> None:
    prepared = WEIGHED.apply(table(rows), NUMERIC, CATEGORICAL)
    assert prepared.column_names == ["income_woe", "age", "income_missing", "state_woe", "purpose"]
    of_income, of_state = WEIGHED.evidence
    for place, (income, _, state, purpose) in enumerate(rows):
        line = of_income.missing if missing(income) else of_income.bins[int(income > 0.5)]
        assert prepared.column("income_woe")[place].as_py() == line.woe
        listed = {"NY": of_state.bins[0], "TX": of_state.bins[0], "CA": of_state.bins[1], None: of_state.missing}
        assert prepared.column("state_woe")[place].as_py() == listed.get(state, of_state.other).woe
        assert prepared.column("purpose")[place].as_py() == purpose


@given(borrowers)
def test_a_borrower_is_prepared_the_same_alone_and_in_company(rows: list[tuple[Any, ...]]) -> None:
    together = ALL_STEPS.apply(table(rows), NUMERIC, CATEGORICAL)
    alone = [ALL_STEPS.apply(table([row]), NUMERIC, CATEGORICAL) for row in rows]
    np.testing.assert_array_equal(np.array(together.columns), np.array(pa.concat_tables(alone).columns))


@pytest.mark.parametrize("preparation", [ALL_STEPS, WEIGHED, Preparation()])
def test_a_preparation_is_the_same_after_it_was_stored(preparation: Preparation) -> None:
    assert Preparation.from_dict(json.loads(json.dumps(asdict(preparation)))) == preparation


@pytest.mark.parametrize("preparation", [ALL_STEPS, WEIGHED])
def test_the_names_are_known_without_a_row(preparation: Preparation) -> None:
    seen = preparation.outputs(NUMERIC, CATEGORICAL)
    rows = table([(1.0, 2.0, "NY", "car")])
    assert [*seen[0], *seen[1]] == preparation.apply(rows, NUMERIC, CATEGORICAL).column_names


def test_the_empty_preparation_hands_the_rows_on_as_they_are() -> None:
    rows = table([(1.0, None, None, "car")])
    assert Preparation().apply(rows, NUMERIC, CATEGORICAL) is rows
    assert Preparation().outputs(NUMERIC, CATEGORICAL) == (NUMERIC, CATEGORICAL)


def test_a_missing_value_that_nobody_fills_stays_missing_in_what_is_made_of_it() -> None:
    steps = Preparation(
        deciles=ALL_STEPS.deciles,
        interactions=ALL_STEPS.interactions,
        levels=(LevelNumbers("state", (MISSING_LEVEL,)),),
    )
    prepared = steps.apply(table([(None, 4.0, None, None), (NAN, 4.0, "", None)]), NUMERIC, CATEGORICAL)
    for name in ("income", "income_decile", "income_times_age", "age_over_income"):
        assert np.isnan(prepared.column(name).to_numpy()).all()
    assert prepared.column(f"state={MISSING_LEVEL}").to_pylist() == [1.0, 0.0]
    assert prepared.column("purpose").to_pylist() == [None, None]


def test_whole_numbers_and_float32_are_prepared_as_doubles() -> None:
    rows = pa.table({"income": pa.array([0.1, None], pa.float32()), "age": pa.array([30, None], pa.int64())})
    steps = Preparation(number_fills={"age": 1.0}, interactions=(Interaction("income", "income", "product"),))
    prepared = steps.apply(rows, NUMERIC, ())
    assert prepared.column("age").to_pylist() == [30.0, 1.0]
    assert prepared.column("income_times_income")[0].as_py() == float(np.float32(0.1)) ** 2


def test_rows_with_an_outlier_are_dropped_and_rows_without_a_value_stay() -> None:
    steps = Preparation(outliers=(OutlierLimits("income", -1.0, 1.0, "drop"),))
    rows = table([(value, 1.0, "NY", "car") for value in (1.0, 1.1, None, NAN, -INFINITY, -1.0)])
    assert [missing(v) or v for v in steps.drop_outliers(rows).column("income").to_pylist()] == [1.0, True, True, -1.0]
    assert steps.apply(rows, NUMERIC, CATEGORICAL).num_rows == 6
    assert ALL_STEPS.drop_outliers(rows) is rows


def test_a_feature_added_under_a_name_that_is_taken_is_refused() -> None:
    steps = Preparation(missing_flags=("income",), deciles=(Deciles("age", ()),))
    with pytest.raises(BadConfiguration) as error:
        steps.outputs(("income", "income_missing", "age", "age_decile"), ())
    assert error.value.problems == (
        "preparation adds feature income_missing, which is there already",
        "preparation adds feature age_decile, which is there already",
    )


class _Adding:
    """Stands for a model: the logit is the sum of its inputs."""

    def estimates(self, numbers: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-numbers.astype(np.float64).sum(axis=1)))

    def contributions(self, numbers: np.ndarray) -> None:
        return None

    def importance(self) -> tuple[float, ...]:
        return ()


def test_a_model_scores_what_the_preparation_leaves_of_raw_columns() -> None:
    document = ModelDocument("d", "v", "e", ("income", "age"), ("state",), preparation=ONLY_WEIGHED)
    rows = pa.table({"income": [None, 1.0], "age": [3, 4], "state": ["NY", None], "unused": ["x", "y"]})
    of_income, of_state = ONLY_WEIGHED.evidence
    logits = [of_income.missing.woe + 3 + of_state.bins[0].woe, of_income.bins[1].woe + 4 + of_state.missing.woe]
    expected = 1 / (1 + np.exp(-np.array(logits)))
    assert default_probabilities(rows, _Adding(), document) == pytest.approx(expected, abs=1e-6)
    assert document.features == ("income", "age", "state")
    assert document.inputs == ("income_woe", "age", "state_woe")


def test_encoded_categories_follow_the_prepared_numbers() -> None:
    rates = LevelRates("purpose", {"car": 0.75})
    rows = table([(NAN, 5.0, "NY", "car")])
    steps = Preparation(number_fills={"income": 2.0}, missing_flags=("income",))
    assert prepared_input(rows, steps, NUMERIC, (), [rates]).tolist() == [[2.0, 5.0, 1.0, 0.75]]


def test_a_document_of_before_there_were_preparations_is_read() -> None:
    document = ModelDocument("d", "v", "e", ("a",), ("b",))
    old = {name: value for name, value in json.loads(document.to_json()).items() if name != "preparation"}
    assert ModelDocument.from_json(json.dumps(old)) == document
    prepared = ModelDocument("d", "v", "e", NUMERIC, CATEGORICAL, preparation=ALL_STEPS)
    assert ModelDocument.from_json(prepared.to_json()) == prepared
