"""What a training asks is checked before any Spark work, and shards come of rows, features and memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.job_configs.jobs import TrainModelConfig
from arrears.contracts.tables.descriptions import DatasetDescription
from arrears.contracts.tables.feature_catalogue import FeatureLine
from spark_jobs.engines.catboost.engine import ENGINE
from spark_jobs.engines.interface import Engine
from spark_jobs.engines.options import parsed_options
from spark_jobs.training.sharding import RowCounts, chosen_shards
from spark_jobs.training.training_plan import TrainingPlan, check_engine, monotone, training_plan

BANK = DatasetDescription("bank", target="bad", numeric=tuple(f"n{n}" for n in range(100)))
PLAIN = Engine("plain", ENGINE.fit)
MILLIONS = RowCounts(20_000_000, 1_800_000)


def a_plan(description: DatasetDescription = BANK, **choices: Any) -> TrainingPlan:
    return training_plan(TrainModelConfig(dataset_version="v", **choices), description)


def test_options_are_json_where_they_can_be() -> None:
    given = [
        "boosting_type=Ordered",
        "l2_leaf_reg=5",
        'per_float_feature_quantization=["0:border_count=1024"]',
        "a=b=c",
    ]
    assert parsed_options(given) == {
        "boosting_type": "Ordered",
        "l2_leaf_reg": 5,
        "per_float_feature_quantization": ["0:border_count=1024"],
        "a": "b=c",
    }


def test_few_rows_are_one_exact_model_and_many_as_many_shards_as_memory_asks(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        assert chosen_shards(a_plan(), lambda: RowCounts(100_000, 9_000)) == 1
    assert "80000 training rows, 20000 for validation, 100 inputs: about" in caplog.text
    shards = chosen_shards(a_plan(), lambda: MILLIONS)
    assert shards > 1
    assert chosen_shards(a_plan(task_memory_mb=64_000), lambda: MILLIONS) < shards


@pytest.mark.parametrize(
    ("choices", "inputs"),
    [
        ({"encoding": "native"}, 103),
        ({"encoding": "index"}, 103),
        ({"encoding": "one_hot"}, 100 + 250),
        ({"encoding": "woe"}, 103),
        ({"missing_flags": "add"}, 103 + 103),
        ({"outliers": "flag"}, 103 + 100),
        ({"outliers": "clip"}, 103),
        ({"deciles": ("n1",), "interactions": ("n1*n2", "n1/n3")}, 103 + 3),
    ],
)
def test_memory_is_asked_for_the_inputs_that_a_preparation_makes(
    choices: dict[str, Any], inputs: int, caplog: pytest.LogCaptureFixture
) -> None:
    bank = replace(BANK, categorical=("a", "b", "c"))
    with caplog.at_level("INFO"):
        chosen_shards(a_plan(bank, **choices), lambda: RowCounts(1_000, 90, one_hot_columns=250))
    assert f"{inputs} inputs: about" in caplog.text


@pytest.mark.parametrize(
    ("sampling", "factor", "rows"),
    [("class_weights", 5.0, 800), ("over", 0.0, 1440), ("over", 3.0, 960), ("under", 3.0, 320), ("under", 0.0, 160)],
)
def test_memory_is_asked_for_the_rows_that_resampling_leaves(
    sampling: Any, factor: float, rows: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        chosen_shards(a_plan(sampling=sampling, sampling_factor=factor), lambda: RowCounts(1_000, 100))
    assert f"{rows} training rows, 200 for validation" in caplog.text


def test_shards_that_are_asked_for_are_not_counted_out() -> None:
    def never() -> RowCounts:
        raise AssertionError

    assert chosen_shards(a_plan(shards=3), never) == 3
    assert chosen_shards(replace(a_plan(), engine=PLAIN), never) == 1


def test_rows_that_must_stay_whole_and_do_not_fit_are_refused_with_what_to_do() -> None:
    plan = a_plan(engine_options=("simple_ctr=Borders",))
    with pytest.raises(BadConfiguration, match=r"simple_ctr keep the model in one task.*raise the memory of executors"):
        chosen_shards(plan, lambda: MILLIONS)


def test_rows_whose_validation_slice_alone_is_too_large_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="a task has 256"):
        chosen_shards(a_plan(task_memory_mb=256), lambda: MILLIONS)


def test_everything_that_an_engine_cannot_do_is_told_together() -> None:
    options = {"nonsense": 1, "one_hot_max_size": 9}
    with pytest.raises(BadConfiguration) as refused:
        check_engine(ENGINE, options, 2, replace(BANK, text=("letter",)))
    assert refused.value.problems == (
        "engine_options: CatBoost has no nonsense",
        "engine_options one_hot_max_size cannot be merged from 2 shards: ask for --shards 1",
        "text feature letter cannot be merged from 2 shards: ask for --shards 1",
    )


def test_an_engine_that_does_not_read_text_says_so() -> None:
    with pytest.raises(BadConfiguration, match="plain does not read the text feature letter"):
        check_engine(PLAIN, {}, None, replace(BANK, text=("letter",)))


def test_directions_come_from_the_catalogue_and_an_engine_without_them_warns(caplog: pytest.LogCaptureFixture) -> None:
    lines = {
        name: FeatureLine(name, "m", "numeric", "EUR", "s", "", "o", monotone=direction)
        for name, direction in (("income", "falling"), ("debt", "rising"), ("age", ""))
    }
    bank = DatasetDescription("bank", target="bad", numeric=("income", "debt", "age"), catalogue=tuple(lines.values()))
    assert monotone(bank) == {"income": -1, "debt": 1}
    check_engine(ENGINE, {}, None, bank)
    assert not caplog.text
    check_engine(PLAIN, {}, None, bank)
    assert "plain leaves the declared directions of debt, income aside" in caplog.text


@pytest.mark.parametrize(("kind", "direction"), [("numeric", "up"), ("categorical", "rising")])
def test_a_direction_is_rising_or_falling_and_of_a_number(kind: str, direction: str) -> None:
    with pytest.raises(BadConfiguration, match="monotone"):
        FeatureLine("f", "m", kind, "u", "s", "", "o", monotone=direction)


def test_a_description_with_text_reads_back_and_one_without_keeps_its_name() -> None:
    assert "text" not in BANK.to_dict()
    letters = replace(BANK, text=("letter",))
    assert DatasetDescription.from_dict(letters.to_dict()) == letters
    assert letters.features[-1] == "letter"
    with pytest.raises(BadConfiguration, match="column n0 has two roles: numeric, text"):
        replace(BANK, text=("n0",))
