"""The table of engines tells the truth: what it names can be imported, and what it says is all that is said."""

from __future__ import annotations

import typing

import pytest

from arrears.contracts.engines import ENGINES, FORMATS, EngineEntry, engines_of
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.objectives import DEFAULT, PREFIXES, ObjectiveName
from arrears.scoring.scorers import scorer_reader
from spark_jobs.engines.engine_registry import engine_for
from spark_jobs.engines.interface import Engine


@pytest.mark.parametrize("entry", ENGINES, ids=lambda entry: f"{entry.objective}-{entry.name}")
def test_every_engine_of_the_table_is_there_and_its_models_can_be_read(entry: EngineEntry) -> None:
    try:
        engine = engine_for(entry.objective, entry.name)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("spark_jobs"):
            raise
        pytest.skip(f"{missing.name} is not installed")
    assert callable(engine.fit if entry.objective == DEFAULT else engine)
    if entry.objective == DEFAULT:
        assert isinstance(engine, Engine)
        assert engine.name == entry.name
    assert entry.model_format in FORMATS


@pytest.mark.parametrize("model_format", FORMATS)
def test_every_format_of_the_table_has_its_reader_and_its_engines(model_format: str) -> None:
    assert callable(scorer_reader(model_format))
    assert model_format in {entry.model_format for entry in ENGINES}


def test_no_engine_stands_twice_for_one_objective_and_every_objective_has_one() -> None:
    rows = [(entry.objective, entry.name) for entry in ENGINES]
    assert len(set(rows)) == len(rows)
    assert {objective for objective, _ in rows} == set(typing.get_args(ObjectiveName)) == set(PREFIXES)


def test_the_command_line_offers_the_engines_of_the_table() -> None:
    offered = typing.get_args(typing.get_type_hints(TrainModelConfig)["engine"])
    assert offered == (
        *("catboost", "catboost-spark", "xgboost", "logistic_regression", "random_forest", "gbt", "naive_bayes"),
        *("scorecard", "linear", "glm", "kmeans", "bisecting_kmeans", "gaussian_mixture", "als"),
    )


def test_an_engine_that_does_not_learn_an_objective_is_refused_with_those_that_do() -> None:
    for task in PREFIXES:
        engine = engines_of(task)[-1]
        assert TrainModelConfig(dataset_version="v", task=task, engine=engine).engine == engine  # type: ignore[arg-type]
    with pytest.raises(BadConfiguration, match="choose --engine als"):
        TrainModelConfig(dataset_version="v", task="next_product")
    with pytest.raises(BadConfiguration, match="choose --engine kmeans or bisecting_kmeans or gaussian_mixture"):
        TrainModelConfig(dataset_version="v", task="segments")
    with pytest.raises(BadConfiguration, match="engine kmeans cannot do task default"):
        TrainModelConfig(dataset_version="v", engine="kmeans")
