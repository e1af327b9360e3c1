"""Contributions come back to the features that a borrower brings, and lose nothing on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from arrears.contracts.errors import BadInput
from arrears.model.metrics.explanations import Explanation
from arrears.scoring.contributions import LEADING, POINTS, explanation, feature_contributions, feature_importance
from arrears.scoring.document import LevelRates, ModelDocument
from arrears.scoring.permutation import auc_losses
from arrears.scoring.preparation import Deciles, Interaction, LevelNumbers, OutlierLimits, Preparation
from arrears.scoring.scorers import Numbers
from arrears.scoring.scorers.linear import LinearModel
from arrears.scoring.woe import evidence_table

ROWS = pa.table(
    {
        "income": [1.0, 2.0, None, 9.0],
        "debt": [3.0, 1.0, 4.0, 1.0],
        "state": ["NY", None, "TX", "NY"],
        "job": ["a", "b", "a", None],
    }
)
NOTHING = ModelDocument("loans", "v1", "by hand", ("income", "debt"), ("state",), (LevelRates("job", {"a": 0.7}),))
PREPARED = replace(
    NOTHING,
    preparation=Preparation(
        missing_flags=("income",),
        outliers=(OutlierLimits("income", 0.0, 5.0, "flag"),),
        interactions=(Interaction("income", "debt", "product"),),
        deciles=(Deciles("debt", (1.5, 3.5)),),
        levels=(LevelNumbers("state", ("NY", "TX")),),
    ),
)
WEIGHED = ModelDocument(
    "loans",
    "v1",
    "by hand",
    ("income",),
    ("state",),
    preparation=Preparation(
        evidence=(
            evidence_table("income", [(5, 1), (5, 3)], edges=(1.5,), missing=(2, 1)),
            evidence_table("state", [(5, 1), (5, 3)], levels=[["NY"], ["TX"]]),
        )
    ),
)


@dataclass(frozen=True)
class Additive:
    """A model whose log-odds are a weighted sum: each input's contribution is its weight times its value."""

    weights: tuple[float, ...]
    exact: bool = True

    def estimates(self, inputs: Any) -> Numbers:
        raise NotImplementedError

    def contributions(self, inputs: Any) -> Numbers | None:
        if not self.exact:
            return None
        numbers = np.nan_to_num(inputs) if isinstance(inputs, np.ndarray) else _of_catboost(inputs)
        return np.column_stack((numbers * np.array(self.weights), np.full(len(numbers), 0.25)))

    def importance(self) -> tuple[float, ...]:
        return tuple(100 / len(self.weights) for _ in self.weights)


def _of_catboost(inputs: Any) -> Numbers:
    levels = [[float(len(level)) for level in row] for row in inputs.cat_feature_data]
    numbers: Numbers = np.nan_to_num(np.column_stack((inputs.num_feature_data, levels)))
    return numbers


def a_model(document: ModelDocument) -> Additive:
    return Additive(tuple(float(2**n) for n in range(len(document.inputs))))


@pytest.mark.parametrize("document", [NOTHING, PREPARED, WEIGHED], ids=["raw", "prepared", "weights of evidence"])
def test_contributions_of_features_add_up_to_those_of_the_inputs(document: ModelDocument) -> None:
    from arrears.scoring.batch import model_input

    model = a_model(document)
    found, inputs = feature_contributions(ROWS, model, document), model.contributions(model_input(ROWS, document))
    assert found is not None
    assert inputs is not None
    assert found.shape == (4, len(document.features) + 1)
    assert found.sum(axis=1) == pytest.approx(inputs.sum(axis=1))
    assert found[:, -1].tolist() == [0.25] * 4


def test_what_was_made_of_a_feature_counts_for_it_and_an_interaction_for_both() -> None:
    names = PREPARED.inputs
    weights = dict.fromkeys(names, 0.0)
    for made, features in {
        "income_missing": {"income": 1.0},
        "income_outlier": {"income": 1.0},
        "debt_decile": {"debt": 1.0},
        "state=NY": {"state": 1.0},
        "income_times_debt": {"income": 0.5, "debt": 0.5},
    }.items():
        model = Additive(tuple((weights | {made: 1.0}).values()))
        found = feature_contributions(ROWS, model, PREPARED)
        assert found is not None
        sizes = dict(zip(PREPARED.features, np.abs(found[:, :-1]).sum(axis=0), strict=True))
        total = sum(sizes.values())
        assert total > 0, made
        assert {name: size / total for name, size in sizes.items() if size} == pytest.approx(features), made


def test_model_without_contributions_is_explained_by_its_own_importance() -> None:
    model = replace(a_model(PREPARED), exact=False)
    found = explanation(ROWS, model, PREPARED)
    assert (found.kind, found.dependence, found.rows) == ("engine", (), 0)
    assert found.importance == feature_importance(model, PREPARED)
    assert sum(found.importance.values()) == pytest.approx(100)
    assert list(found.importance.values()) == sorted(found.importance.values(), reverse=True)


def test_importance_is_the_mean_size_of_the_contributions_and_leads_the_dependence() -> None:
    found = explanation(ROWS, Additive((0.0, 1.0, 0.1, 0.0)), NOTHING)
    assert found.kind == "shap"
    assert found.importance == pytest.approx({"debt": 2.25, "job": 0.035, "income": 0.0, "state": 0.0})
    assert list(found.importance) == ["debt", "job", "income", "state"]
    debt, job = found.dependence
    assert (debt.values, debt.contributions) == ((1.0, 1.0, 3.0, 4.0), (1.0, 1.0, 3.0, 4.0))
    assert (debt.is_number, job.is_number) == (True, False)
    assert job.values == ("other levels", "other levels", "other levels", None)


def test_points_are_few_whatever_the_sample_and_survive_json() -> None:
    names = tuple(f"f{n}" for n in range(LEADING + 3))
    rows = pa.table({name: np.arange(2.0 * POINTS) + n for n, name in enumerate(names)})
    found = explanation(rows, Additive((1.0,) * len(names)), ModelDocument("d", "v", "e", names, ()))
    assert [len(each.values) for each in found.dependence] == [POINTS] * LEADING
    assert LEADING * POINTS < 2_000
    assert found.rows == 2 * POINTS
    assert Explanation.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_rare_levels_are_shown_as_one_and_free_text_not_at_all() -> None:
    levels = ["common"] * 5 + ["rare"] * 4 + [None]
    rows = pa.table({"age": np.arange(10.0), "job": levels, "remark": ["private"] * 10})
    document = ModelDocument("d", "v", "e", ("age",), (), (LevelRates("job", {"common": 0.5, "rare": 0.4}),))
    seen = {each.feature: each.values for each in explanation(rows, Additive((0.1, 1.0)), document).dependence}
    assert seen["job"] == ("common",) * 5 + ("other levels",) * 4 + (None,)
    with_text = replace(document, text=("remark",))

    class Reader(Additive):
        def contributions(self, inputs: Any) -> Numbers:
            return np.ones((10, 4))

    found = explanation(rows, Reader(()), with_text)
    assert found.importance["remark"] == 1.0
    assert "remark" not in {each.feature for each in found.dependence}


def test_missing_feature_is_named() -> None:
    with pytest.raises(BadInput, match="feature debt is missing"):
        feature_contributions(ROWS.drop_columns(["debt"]), a_model(NOTHING), NOTHING)


def test_a_fee_that_only_defaulters_pay_carries_more_of_the_auc_than_honest_features_do() -> None:
    random = np.random.default_rng(5)
    income, noise = random.normal(size=(2, 2000))
    default = (random.random(2000) < 1 / (1 + np.exp(income + 2))).astype(float)
    fee = np.where(random.random(2000) < 0.7, default, 0.0)
    rows = pa.table({"income": income, "fee": fee, "noise": pa.array(noise, mask=noise > 1)})
    document = ModelDocument("loans", "v1", "by hand", ("income", "fee", "noise"), ())
    model = LinearModel((-0.5, 5.0, 0.0), -2.0, (0.0, 0.0, 0.0), (0.5, 0.1, 0.0))

    lost = auc_losses(rows, default, model, document, features=document.features, seed=1)

    assert list(lost) == ["fee", "income", "noise"]
    assert lost["noise"] == 0.0
    shuffled = np.asarray(fee, np.float32)[np.random.default_rng(1).permutation(2000)]
    own, without = (-0.5 * np.float32(income) + 5.0 * paid for paid in (np.float32(fee), shuffled))
    assert lost["fee"] == pytest.approx(roc_auc_score(default, own) - roc_auc_score(default, without), abs=1e-4)
    # Rows without a known outcome, and of one class alone, tell nothing.
    assert auc_losses(rows, np.where(default == 1, np.nan, 0), model, document, features=["fee"], seed=1) == {}


def test_an_explanation_of_before_auc_losses_still_reads() -> None:
    found = Explanation("shap", {"income": 0.5}, (), 3, {"income": 0.02})
    assert Explanation.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    older = {name: value for name, value in found.to_dict().items() if name != "auc_losses"}
    assert Explanation.from_dict(older).auc_losses == {}
