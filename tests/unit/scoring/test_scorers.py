"""A model scores from its file as its library would, and a broken file is told in one sentence."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.naive_bayes import GaussianNB
from xgboost import Booster, DMatrix, train

from arrears.contracts.errors import BadInput
from arrears.scoring.scorers import Scorer, load_scorer
from arrears.scoring.scorers.forest import LEAF, Forest
from arrears.scoring.scorers.gaussian_bayes import GaussianBayes
from arrears.scoring.scorers.linear import LinearModel
from arrears.scoring.scorers.plain_tables import written
from arrears.scoring.scorers.xgboost_trees import XGBoostTrees
from tests.unit.scoring.made_up_scorecard import CARD, FORMULA

NAN, INFINITY = float("nan"), float("inf")
LINEAR = LinearModel((0.5, -2.0, 0.0), 0.25, (1.0, 3.0, 7.0), (2.0, 0.5, 9.0))
STUMPS = Forest(
    of_trees="probability",
    roots=(0, 3),
    weights=(0.5, 0.5),
    features=(0, LEAF, LEAF, 1, LEAF, LEAF),
    thresholds=(1.5, 0.0, 0.0, 0.1, 0.0, 0.0),
    lefts=(1, LEAF, LEAF, 4, LEAF, LEAF),
    rights=(2, LEAF, LEAF, 5, LEAF, LEAF),
    values=(0.0, 0.2, 0.8, 0.0, 0.4, 0.6),
    fills=(1.0, 2.0),
    input_importance=(0.25, 0.75),
)
BAYES = GaussianBayes((math.log(0.7), math.log(0.3)), ((0.0, 5.0), (1.0, 4.0)), ((1.0, 2.0), (0.5, 3.0)), (0.3, 4.7))
MODELS: list[Any] = [LINEAR, STUMPS, BAYES, CARD]

numbers = st.one_of(st.sampled_from([0.0, 0.1, 1.5, NAN, INFINITY, -INFINITY]), st.floats(-50, 50, width=32))


def matrix(*rows: list[float]) -> Any:
    return np.asfortranarray(np.array(rows, dtype=np.float32))


@pytest.fixture(scope="module")
def booster() -> Booster:
    random = np.random.default_rng(3)
    inputs = random.normal(size=(300, 3)).astype(np.float32)
    inputs[random.random(inputs.shape) < 0.1] = NAN
    labels = (np.nan_to_num(inputs[:, 0]) + random.normal(size=300) > 0).astype(int)
    return train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, DMatrix(inputs, labels), 12)


@pytest.fixture(scope="module")
def some_rows() -> Any:
    inputs = np.random.default_rng(4).normal(size=(50, 3)).astype(np.float32)
    inputs[::7, 1] = NAN
    return np.asfortranarray(inputs)


def test_a_formula_is_scored_as_it_is_written() -> None:
    (score,) = LINEAR.estimates(matrix([2.0, 1.5, 100.0]))
    assert score == pytest.approx(1 / (1 + math.exp(-(0.25 + 0.5 * 2 - 2 * 1.5))), abs=1e-15)


def test_a_missing_or_infinite_input_counts_as_its_mean() -> None:
    scores = LINEAR.estimates(matrix([NAN, 1.5, 0.0], [INFINITY, 1.5, 0.0], [1.0, 1.5, 0.0]))
    assert len(set(scores.tolist())) == 1


@pytest.mark.parametrize("model", [LINEAR, BAYES, FORMULA], ids=["linear", "bayes", "scorecard"])
def test_contributions_add_up_to_the_log_odds(model: Any) -> None:
    width = len(getattr(model, "fills", LINEAR.means))
    inputs = np.random.default_rng(1).normal(size=(20, width)).astype(np.float32)
    scores = model.estimates(inputs)
    parts = model.contributions(inputs)
    assert parts.shape == (20, width + 1)
    assert parts.sum(axis=1) == pytest.approx(np.log(scores / (1 - scores)), abs=1e-9)


def test_contributions_are_nothing_on_average_over_the_training_rows() -> None:
    random = np.random.default_rng(2)
    labels = (random.random(4000) < 0.3).astype(int)
    inputs = random.normal(size=(4000, 2)) * [1.0, 3.0] + labels[:, None] * [1.0, -2.0]
    fitted = fitted_bayes(inputs, labels)
    assert fitted.contributions(inputs)[:, :-1].mean(axis=0) == pytest.approx([0, 0], abs=1e-9)


def fitted_bayes(inputs: Any, labels: Any) -> GaussianBayes:
    theirs = GaussianNB(var_smoothing=0.0).fit(inputs, labels)
    good, bad = np.log(theirs.class_prior_).tolist()
    means, variances = ((tuple(of[0]), tuple(of[1])) for of in (theirs.theta_.tolist(), theirs.var_.tolist()))
    return GaussianBayes((good, bad), means, variances, tuple(inputs.mean(axis=0).tolist()))


def test_naive_bayes_is_scikit_learns() -> None:
    random = np.random.default_rng(5)
    labels = (random.random(500) < 0.3).astype(int)
    inputs = random.normal(size=(500, 4)) + labels[:, None]
    theirs = GaussianNB(var_smoothing=0.0).fit(inputs, labels).predict_proba(inputs)[:, 1]
    assert fitted_bayes(inputs, labels).estimates(inputs) == pytest.approx(theirs, abs=1e-12)


@st.composite
def forests(draw: st.DrawFn) -> Forest:
    """Any forest on two inputs, grown node by node; thresholds are values that rows have too."""
    nodes: list[list[float]] = []

    def grow(depth: int) -> int:
        place = len(nodes)
        nodes.append([LEAF, 0.0, LEAF, LEAF, draw(st.floats(-3, 3))])
        if depth and draw(st.booleans()):
            asked, limit = draw(st.integers(0, 1)), draw(st.sampled_from([0.0, 0.1, 1.5, -7.25]))
            nodes[place] = [asked, limit, grow(depth - 1), grow(depth - 1), 0.0]
        return place

    roots = [grow(3) for _ in range(draw(st.integers(1, 3)))]
    features, thresholds, lefts, rights, values = (tuple(column) for column in zip(*nodes, strict=True))
    whole = [tuple(int(value) for value in column) for column in (features, lefts, rights)]
    weights = tuple(draw(st.floats(0.1, 2)) for _ in roots)
    return Forest(
        "log_odds", tuple(roots), weights, whole[0], thresholds, whole[1], whole[2], values, (0.5, -1.0), (1.0, 1.0)
    )


def walked(forest: Forest, row: list[float]) -> float:
    """One borrower down each tree, as one would with a finger."""
    told = [value if math.isfinite(value) else fill for value, fill in zip(row, forest.fills, strict=True)]
    total = 0.0
    for root, weight in zip(forest.roots, forest.weights, strict=True):
        node = root
        while forest.features[node] != LEAF:
            below = told[forest.features[node]] <= forest.thresholds[node]
            node = forest.lefts[node] if below else forest.rights[node]
        total += weight * forest.values[node]
    return 1 / (1 + math.exp(-total))


@given(forests(), st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=8))
def test_every_row_comes_to_the_leaf_that_its_values_lead_to(forest: Forest, rows: list[list[float]]) -> None:
    single = [[float(np.float32(value)) for value in row] for row in rows]
    assert forest.estimates(matrix(*rows)) == pytest.approx([walked(forest, row) for row in single], abs=1e-12)


def test_a_threshold_that_float32_cannot_hold_is_compared_in_full() -> None:
    # float32(0.1) is a little above 0.1, so the row goes right, as it does in MLlib.
    assert STUMPS.estimates(matrix([0.0, 0.1]))[0] == pytest.approx(0.5 * 0.2 + 0.5 * 0.6)


def test_rows_in_many_steps_score_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(6).normal(size=(101, 2)).astype(np.float32)
    whole = STUMPS.estimates(rows)
    monkeypatch.setattr("arrears.scoring.scorers.forest._CELLS", 20)
    assert STUMPS.estimates(rows).tolist() == whole.tolist()
    assert STUMPS.estimates(rows[:0]).tolist() == []


@given(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=6))
def test_a_borrower_scores_the_same_bits_alone_and_in_company(rows: list[list[float]]) -> None:
    for model in MODELS:
        inputs = matrix(*rows)[:, : 2 if model in (STUMPS, BAYES) else 3]
        together = model.estimates(inputs).tolist()
        assert together == [model.estimates(inputs[place : place + 1])[0] for place in range(len(rows))]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_model_is_the_same_after_its_file_was_written_and_read(model: Any) -> None:
    loaded = load_scorer("tables", written(model))
    assert loaded == model
    assert sum(loaded.importance()) == pytest.approx(100)


def test_xgboost_scores_from_its_file_as_xgboost_does(booster: Booster, some_rows: Any) -> None:
    loaded = load_scorer("xgboost", bytes(booster.save_raw("ubj")))
    scores = loaded.estimates(some_rows)
    parts = loaded.contributions(some_rows)
    assert scores == pytest.approx(booster.predict(DMatrix(some_rows)), abs=1e-6)
    assert scores.tolist() == XGBoostTrees(booster).estimates(some_rows).tolist()
    assert parts is not None
    assert parts.sum(axis=1) == pytest.approx(np.log(scores / (1 - scores)), abs=1e-5)
    assert sum(loaded.importance()) == pytest.approx(100)
    assert loaded.importance()[0] > 50


def test_xgboost_explains_rows_with_an_infinite_input(booster: Booster) -> None:
    model = XGBoostTrees(booster)
    rows = matrix([INFINITY, 0.0, 1.0], [-INFINITY, 0.0, 1.0], [NAN, INFINITY, NAN])
    scores = model.estimates(rows)
    assert model.contributions(rows).sum(axis=1) == pytest.approx(np.log(scores / (1 - scores)), abs=1e-5)


def broken_files(whole: bytes) -> list[bytes]:
    return [b"", b"no model at all", whole[: len(whole) // 2], b"{}", b"[1, 2]", b'{"learner": {}}']


def test_a_broken_file_is_told_in_one_sentence(booster: Booster) -> None:
    files = {"xgboost": bytes(booster.save_raw("ubj")), "catboost": b"CBM1" + bytes(60), "tables": written(STUMPS)}
    for model_format, whole in files.items():
        for content in broken_files(whole):
            with pytest.raises(BadInput, match=r"is (broken|empty)") as told:
                load_scorer(model_format, content)
            assert len(told.value.problems) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("features", [0, 5, -1, 1, -1, -1]), ("lefts", [0, -1, -1, 4, -1, -1]), ("values", [1.0]), ("of_trees", "odds")],
)
def test_trees_whose_nodes_do_not_fit_together_are_refused(name: str, value: Any) -> None:
    content = json.dumps({**json.loads(written(STUMPS)), name: value}).encode()
    with pytest.raises(BadInput, match="is broken"):
        load_scorer("tables", content)


def test_an_unknown_format_or_kind_names_what_it_is() -> None:
    with pytest.raises(BadInput, match="format 'pickle' is unknown"):
        load_scorer("pickle", b"x")
    with pytest.raises(BadInput, match="kind 'neural', which is unknown"):
        load_scorer("tables", b'{"kind": "neural"}')


def test_more_or_fewer_inputs_than_the_model_has_are_refused(booster: Booster) -> None:
    models: list[Scorer] = [*MODELS, XGBoostTrees(booster)]
    for model in models:
        with pytest.raises(BadInput, match="inputs a row, but was given 7"):
            model.estimates(np.zeros((2, 7), dtype=np.float32))
