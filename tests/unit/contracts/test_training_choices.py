"""Whatever is wrong with the choices of a training is told at once, before any row is read."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import types as T

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from spark_jobs.engines.engine_registry import engine_named
from spark_jobs.training.training_plan import training_plan

BANK = DatasetDescription("bank", target="bad", numeric=("income", "age"), categorical=("state",))
COLUMNS = T.StructType(
    [
        T.StructField("income", T.DoubleType()),
        T.StructField("age", T.LongType()),
        T.StructField("state", T.StringType()),
    ]
)


def problems_of(**choices: Any) -> tuple[str, ...]:
    config = TrainModelConfig(root="file:///nowhere", dataset="bank", dataset_version="v", **choices)
    try:
        training_plan(config, BANK, COLUMNS)
    except BadConfiguration as refused:
        return refused.problems
    return ()


def test_choices_of_every_kind_are_refused_together() -> None:
    found = problems_of(
        features=("income", "no_such"),
        deciles=("state",),
        interactions=("income*nothing",),
        engine_options=("l2_leaf_reg=abc", "nonsense=1", "grow_policy=Tall"),
        margin=0.1,
        lgd=0.4,
        exposure="state",
        segment_by=("income", "country"),
    )
    beginnings = (
        "features: bank declares no feature no_such",
        "deciles: state is no numeric feature",
        "interactions: income*nothing is not a*b or a/b",
        "engine_options: CatBoost has no nonsense",
        'engine_options: l2_leaf_reg=abc: Can\'t parse parameter "l2_leaf_reg"',
        "engine_options: grow_policy=Tall: Key 'Tall' not found",
        "segment_by: the training set has no column country",
        "exposure: state is no number",
    )
    assert len(found) == len(beginnings)
    for told, beginning in zip(found, beginnings, strict=True):
        assert told.startswith(beginning), told


def test_choices_that_fit_pass() -> None:
    given = ("grow_policy=Lossguide", "max_leaves=20", "bootstrap_type=Bernoulli", "subsample=0.5", "reg_lambda=5")
    assert problems_of(engine_options=given, deciles=("age",), segment_by=("state",)) == ()
    assert problems_of(exposure="age", margin=0.1, lgd=0.4, features=("income",)) == ()


def test_a_value_is_named_beside_those_that_give_it_a_meaning() -> None:
    assert [told.partition(":")[2] for told in problems_of(engine_options=("max_leaves=20", "l2_leaf_reg=-1"))][1:] == [
        " l2_leaf_reg=-1: L2LeafRegularizer should be >= 0, current value: -1"
    ]
    beside = problems_of(engine_options=("grow_policy=Lossguide", "max_leaves=20", "l2_leaf_reg=-1"))
    assert len(beside) == 1


@pytest.mark.parametrize(
    ("engine", "options", "named"),
    [
        ("xgboost", ("gamma=x", "subsample=7", "nothing=1"), ("nothing", "gamma=x", "subsample=7")),
        ("logistic_regression", ("regParam=x", "tol=y", "nothing=1"), ("regParam", "tol", "nothing")),
    ],
)
def test_every_engine_names_all_its_wrong_options(
    engine: str, options: tuple[str, ...], named: tuple[str, ...]
) -> None:
    given = dict(option.split("=") for option in options)
    told = engine_named(engine).option_problems(given)
    assert len(told) == len(named)
    assert all(any(name in problem for problem in told) for name in named)
