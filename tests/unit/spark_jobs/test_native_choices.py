"""What ``native`` means follows from what an engine can take; what the analyst chose is kept."""

from __future__ import annotations

from typing import Any

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.training.learnt_preparation import suited_to

WORDS = DatasetDescription(name="d", target="is_default", numeric=("income",), categorical=("state",))
NUMBERS = DatasetDescription(name="d", target="is_default", numeric=("income",))


def made_out(engine: str, description: DatasetDescription = WORDS, **chosen: Any) -> tuple[str, str]:
    config = TrainModelConfig(root="file:///nowhere", dataset="d", dataset_version="v", engine=engine, **chosen)
    suited = suited_to(engine_named(engine), config, description)
    return suited.encoding, suited.missing


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("catboost", ("native", "native")),
        ("xgboost", ("one_hot", "native")),
        ("logistic_regression", ("one_hot", "fill")),
        ("random_forest", ("one_hot", "fill")),
        ("gbt", ("one_hot", "fill")),
        ("naive_bayes", ("one_hot", "fill")),
        ("scorecard", ("woe", "native")),
    ],
)
def test_native_becomes_what_the_engine_can_take(engine: str, expected: tuple[str, str]) -> None:
    assert made_out(engine) == expected


@pytest.mark.parametrize(
    ("engine", "chosen", "flags"),
    [
        ("catboost", {}, "none"),
        ("xgboost", {}, "none"),
        ("scorecard", {}, "none"),
        *((engine, {}, "add") for engine in ("logistic_regression", "random_forest", "gbt", "naive_bayes")),
        ("logistic_regression", {"encoding": "woe"}, "none"),
        ("logistic_regression", {"missing_flags": "none"}, "none"),
        ("catboost", {"missing_flags": "add"}, "add"),
    ],
)
def test_that_a_value_is_missing_is_flagged_where_the_engine_takes_none(
    engine: str, chosen: dict[str, Any], flags: str
) -> None:
    config = TrainModelConfig(root="file:///nowhere", dataset="d", dataset_version="v", engine=engine, **chosen)
    assert suited_to(engine_named(engine), config, WORDS).missing_flags == flags


def test_without_categories_there_is_nothing_to_encode() -> None:
    assert made_out("xgboost", NUMBERS) == ("native", "native")
    assert made_out("gbt", NUMBERS) == ("native", "fill")
    assert made_out("scorecard", NUMBERS) == ("woe", "native")


def test_what_the_analyst_chose_is_kept() -> None:
    assert made_out("gbt", encoding="index", missing="constant") == ("index", "constant")
    assert made_out("catboost", encoding="woe") == ("woe", "native")


def test_weights_of_evidence_hold_missing_values_already() -> None:
    assert made_out("logistic_regression", encoding="woe") == ("woe", "native")


def test_a_scorecard_refuses_any_other_encoding() -> None:
    with pytest.raises(BadConfiguration, match="leave out --encoding one_hot"):
        made_out("scorecard", encoding="one_hot")
