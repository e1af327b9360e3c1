"""The trigger form says what the jobs say: same defaults, same limits."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError

from arrears.contracts.arguments import parse
from arrears.contracts.jobs import JOBS, TrainModelConfig
from include.forms import business_date, param


def entries(dags: dict[str, Any]) -> list[tuple[str, str, Any]]:
    return [(dag_id, name, dag.params.get_param(name)) for dag_id, dag in dags.items() for name in dag.params]


def job_of(dag: Any, name: str) -> Any:
    configs = [JOBS[task.task_id] for task in dag.tasks if task.task_id in JOBS]
    return next(config for config in reversed(configs) if name in config.__dataclass_fields__)


def test_every_entry_of_a_form_is_a_field_of_its_dags_jobs_with_the_same_default(dags: dict[str, Any]) -> None:
    for dag_id, name, entry in entries(dags):
        if name != "as_of":
            field = job_of(dags[dag_id], name).__dataclass_fields__[name]
            must_be_filled_in = field.default is dataclasses.MISSING
            shown = ",".join(field.default) if isinstance(field.default, tuple) else field.default
            assert (not entry.has_value) if must_be_filled_in else entry.value == shown, (dag_id, name)


def test_every_entry_has_a_title_and_says_what_it_is(dags: dict[str, Any]) -> None:
    assert not [name for _, name, entry in entries(dags) if not (entry.schema.get("title") and entry.description)]


def test_every_limit_of_a_job_is_a_limit_of_the_form(dags: dict[str, Any]) -> None:
    for dag_id, name, entry in entries(dags):
        if name != "as_of":
            metadata = job_of(dags[dag_id], name).__dataclass_fields__[name].metadata
            assert entry.schema.get("minimum") == metadata["minimum"], (dag_id, name)
            assert entry.schema.get("maximum") == metadata["maximum"], (dag_id, name)


@pytest.mark.parametrize("depth", [0, 17, "six", 2.5, None])
def test_form_and_job_refuse_the_same_depth(depth: Any) -> None:
    with pytest.raises(ParamValidationError):
        param(TrainModelConfig, "depth").resolve(value=depth)
    with pytest.raises(SystemExit):
        parse(TrainModelConfig, ["--dataset-version", "1", "--depth", str(depth)])


@pytest.mark.parametrize("learning_rate", [None, 0.1, 1])
def test_learning_rate_may_be_left_to_the_engine(learning_rate: Any) -> None:
    assert param(TrainModelConfig, "learning_rate").resolve(value=learning_rate) == learning_rate


def test_engine_is_chosen_from_those_there_are() -> None:
    engines = param(TrainModelConfig, "engine").schema["enum"]
    assert engines[0] == "catboost"
    assert {"xgboost", "logistic_regression", "scorecard"} < set(engines)


def test_experiment_is_chosen_from_those_that_come_with_arrears(dags: dict[str, Any]) -> None:
    entry = copy.copy(dags["experiment"].params.get_param("experiment"))  # a Param keeps what it resolved
    assert entry.resolve(value="sampling_study") == "sampling_study"
    with pytest.raises(ParamValidationError):
        entry.resolve(value="another")


@pytest.mark.parametrize(("given", "accepted"), [(None, True), ("2026-01-31", True), ("31.1.2026", False), ("", False)])
def test_business_date_is_a_date_or_nothing(given: Any, accepted: bool) -> None:
    if accepted:
        assert business_date().resolve(value=given) == given
    else:
        with pytest.raises(ParamValidationError):
            business_date().resolve(value=given)
