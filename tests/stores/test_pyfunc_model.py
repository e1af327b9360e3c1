"""A borrower scores alone as among others: through MLflow's own load and predict, for every form of model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier, Pool
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils.proto_json_utils import dataframe_from_parsed_json
from xgboost import DMatrix, train

from arrears.contracts.errors import BadInput
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.scoring.batch import prepared_input
from arrears.scoring.document import LevelRates, ModelDocument
from arrears.scoring.preparation import Preparation
from arrears.scoring.pyfunc_model import ArrearsModel
from arrears.scoring.scorers import load_scorer
from arrears.scoring.scorers.forest import LEAF, Forest
from arrears.scoring.scorers.linear import LinearModel
from arrears.scoring.scorers.plain_tables import written
from arrears.scoring.scorers.scorecard_points import PointScale, Scorecard, points_rows
from arrears.scoring.woe import evidence_table
from arrears.stores.models import Models
from spark_jobs.engines.interface import FittedModel
from spark_jobs.training.log_model import keep_model
from tests.jobs.models.model_world import local_registry

RATED = ModelDocument("loans", "v1", "made up", ("income", "age"), (), (LevelRates("state", {"NY": 0.6, "TX": 0.4}),))
NATIVE = ModelDocument("loans", "v1", "catboost", ("income", "age"), ("state",))
EVIDENCE = (
    evidence_table("income", [(30, 12), (50, 8)], edges=[0.5], missing=(5, 5)),
    evidence_table("state", [(60, 4), (20, 21)], levels=[("NY", "TX"), ("CA",)], missing=(5, 0)),
)
LINEAR = LinearModel((0.5, -0.1, 2.0), -1.0, (1.0, 40.0, 0.5), (2.0, 10.0, 0.2))
FOREST = Forest(
    of_trees="probability",
    roots=(0,),
    weights=(1.0,),
    features=(0, LEAF, LEAF),
    thresholds=(1.5, 0.0, 0.0),
    lefts=(1, LEAF, LEAF),
    rights=(2, LEAF, LEAF),
    values=(0.0, 0.2, 0.8),
    fills=(1.0, 40.0, 0.5),
    input_importance=(1.0, 0.0, 0.0),
)
CARD_FORMULA = LinearModel((-0.9, -1.1), -1.2, (0.0, 0.0), (0.4, 0.6))

# As they come: whole numbers in a column of fractions, what is missing as None or NaN, levels that no training row had.
VALUES = {
    "income": st.one_of(st.none(), st.just(float("nan")), st.integers(-5, 5), st.floats(-5, 5)),
    "age": st.one_of(st.none(), st.integers(18, 90)),
    "state": st.one_of(st.none(), st.just(float("nan")), st.sampled_from(["NY", "TX", "é", ""])),
}
BORROWERS = st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=6)


def some_rows() -> Any:
    import pyarrow as pa

    random = np.random.default_rng(3)
    income = random.normal(size=200)
    return pa.table({"income": income, "age": random.integers(18, 90, 200), "state": ["NY", "TX"] * 100}), income > 0


def catboost_bytes(tmp: Any) -> bytes:
    rows, labels = some_rows()
    inputs = prepared_input(rows, Preparation(), NATIVE.numeric, NATIVE.categorical)
    fitted = CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False, thread_count=1)
    fitted.fit(Pool(inputs, labels.astype(int))).save_model(str(tmp / "model.cbm"))
    return bytes((tmp / "model.cbm").read_bytes())


def xgboost_bytes() -> bytes:
    rows, labels = some_rows()
    inputs = prepared_input(rows, Preparation(), RATED.numeric, (), RATED.encoded)
    booster = train({"objective": "binary:logistic", "nthread": 1}, DMatrix(inputs, labels.astype(int)), 5)
    return bytes(booster.save_raw("ubj"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[ModelDocument, bytes]]:
    """One of every form, all of the same three features."""
    from dataclasses import replace

    card_document = replace(
        NATIVE, preparation=Preparation(evidence=EVIDENCE), numeric=("income",), categorical=("state",)
    )
    card = Scorecard(
        CARD_FORMULA,
        PointScale(600.0, 50.0, 20.0),
        points_rows(CARD_FORMULA, EVIDENCE, PointScale(600.0, 50.0, 20.0)),
        (),
    )
    tables = {"linear": (RATED, LINEAR), "forest": (RATED, FOREST), "scorecard": (card_document, card)}
    return {
        "catboost": (NATIVE, catboost_bytes(tmp_path_factory.mktemp("catboost"))),
        "xgboost": (replace(RATED, model_format="xgboost"), xgboost_bytes()),
        **{name: (replace(d, model_format="tables"), written(m)) for name, (d, m) in tables.items()},
    }


@pytest.fixture(scope="module")
def served(models: dict[str, tuple[ModelDocument, bytes]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The model of native categories as MLflow loads it."""
    document, content = models["catboost"]
    with local_registry(tmp_path_factory.mktemp("mlflow")):
        kept = Models()
        config = TrainModelConfig(dataset="loans", dataset_version="v1")
        with kept.run("arrears/loans", "r", parameters={}, tags={}) as run_id:
            keep_model(kept, run_id, config, FittedModel(content, "catboost", {}, {"income": 1.0}), document)
        yield mlflow.pyfunc.load_model(f"runs:/{run_id}/model")


def answers(predict: Any, frame: pd.DataFrame) -> list[float]:
    return [float(answer) for answer in predict(frame)["default_probability"]]


def alone_and_among(predict: Any, borrowers: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(borrowers)
    together = answers(predict, frame)
    assert [answers(predict, pd.DataFrame([one]))[0] for one in borrowers] == together
    assert [answers(predict, frame.iloc[[place]])[0] for place in range(len(frame))] == together


@settings(max_examples=25, deadline=None)
@given(borrowers=BORROWERS)
def test_mlflow_scores_a_borrower_alone_as_among_others(served: Any, borrowers: list[dict[str, Any]]) -> None:
    alone_and_among(served.predict, borrowers)


@pytest.mark.parametrize("form", ["catboost", "xgboost", "linear", "forest", "scorecard"])
@settings(max_examples=25, deadline=None)
@given(borrowers=BORROWERS)
def test_every_form_of_model_scores_a_borrower_alone_as_among_others(
    models: dict[str, tuple[ModelDocument, bytes]], form: str, borrowers: list[dict[str, Any]]
) -> None:
    document, content = models[form]
    model = ArrearsModel()
    model._document, model._scorer = document, load_scorer(document.model_format, content)

    alone_and_among(lambda frame: model.predict(None, frame), borrowers)


def test_the_signature_names_the_features_and_the_model_says_what_they_hold(served: Any) -> None:
    assert served.metadata.get_input_schema().input_names() == ["income", "age", "state"]
    assert served.metadata.metadata == {"features": {"income": "number", "age": "number", "state": "text"}}
    assert served.metadata.get_output_schema().input_names() == ["default_probability"]


def test_a_borrower_may_come_as_json(served: Any) -> None:
    # As MLflow's REST server reads a request.
    sent = [{"income": None, "age": 40, "state": None}, {"income": 2, "age": None, "state": "NY"}]
    schema = served.metadata.get_input_schema()
    together = answers(served.predict, dataframe_from_parsed_json(sent, "records", schema))
    alone = [answers(served.predict, dataframe_from_parsed_json([one], "records", schema))[0] for one in sent]
    assert alone == together


def test_what_does_not_fit_is_named_all_at_once(served: Any) -> None:
    wrong = pd.DataFrame([{"income": "much", "age": 30, "state": 5}])
    with pytest.raises(BadInput) as refused:
        served.predict(wrong)
    assert refused.value.problems == (
        "feature income is string, the model needs a number",
        "feature state is int64, the model needs text",
    )
    with pytest.raises(MlflowException, match="age"):
        served.predict(wrong.drop(columns="age"))
