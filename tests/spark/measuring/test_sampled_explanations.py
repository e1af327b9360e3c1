"""A model is explained on the same borrowers however they lie in partitions, and only aggregates leave the tasks."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from arrears.contracts.errors import BadInput
from arrears.scoring.document import ModelDocument
from spark_jobs.scoring import sampled_explanations
from spark_jobs.scoring.sampled_explanations import explained

ROWS = 700
DOCUMENT = ModelDocument("loans", "v1", "by hand", ("income", "debt"), ("state",))


def borrowers() -> pd.DataFrame:
    random = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "borrower_id": [f"b{number}" for number in range(ROWS)],
            "income": random.normal(size=ROWS).astype(np.float32),
            "debt": random.normal(size=ROWS).astype(np.float32),
            "state": random.choice(["NY", "TX"], ROWS),
            "is_default": 0,
        }
    )


@pytest.fixture(scope="module")
def model() -> bytes:
    """Trees on income and state alone."""
    from catboost import CatBoostClassifier

    rows = borrowers()
    outcome = (rows.income - (rows.state == "NY") > 0.2).astype(int)
    trained = CatBoostClassifier(
        iterations=12, depth=3, random_seed=1, thread_count=1, verbose=False, allow_writing_files=False
    )
    trained.fit(rows[["income", "debt", "state"]], outcome, cat_features=["state"])
    return bytes(trained._serialize_model())


def test_sample_is_the_same_on_any_partitions_and_follows_the_seed(
    spark: SparkSession, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled_explanations, "SAMPLED_ROWS", 200)
    rows = spark.createDataFrame(borrowers())
    found = explained(rows.repartition(5), model, DOCUMENT, seed=1)
    assert explained(rows.coalesce(1), model, DOCUMENT, seed=1) == found
    assert explained(rows, model, DOCUMENT, seed=2) != found
    assert (found.kind, found.rows) == ("shap", 200)
    assert found.importance["income"] > found.importance["state"] > found.importance["debt"]
    assert not any(borrower in json.dumps(found.to_dict()) for borrower in ("b1", "b2", "b3"))


def test_no_borrower_is_an_error_that_says_so(spark: SparkSession, model: bytes) -> None:
    with pytest.raises(BadInput, match="no held-out rows to explain"):
        explained(spark.createDataFrame(borrowers()).limit(0), model, DOCUMENT, seed=1)
