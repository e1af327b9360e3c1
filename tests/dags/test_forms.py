"""The trigger form says what the jobs say: same defaults, same limits."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.exceptions import ParamValidationError

from arrears.contracts.job_configs.arguments import parse, to_argv
from arrears.contracts.job_configs.jobs import JOBS, GenerateDataConfig, TrainModelConfig
from include.forms import business_date, param
from include.settings import Settings


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
            shown = None if shown == "" else shown
            assert (not entry.has_value) if must_be_filled_in else entry.value == shown, (dag_id, name)


def test_every_entry_has_a_title_and_says_what_it_is(dags: dict[str, Any]) -> None:
    assert not [name for _, name, entry in entries(dags) if not (entry.schema.get("title") and entry.description)]


def test_form_can_be_sent_as_it_opens_but_for_what_only_the_person_knows(dags: dict[str, Any]) -> None:
    # As Airflow's page does: what may not be null and has no value makes the button grey.
    empty = {
        (dag_id, name)
        for dag_id, name, entry in entries(dags)
        if "null" not in entry.schema["type"] and entry.value in (NOTSET, None, "")
    }
    assert empty == {("rollback", "reason"), ("replay", "dataset_version"), ("outcomes", "source")}


def test_text_left_empty_is_a_value_not_given(dags: dict[str, Any]) -> None:
    for dag_id, name, entry in entries(dags):
        if name != "as_of" and entry.schema["type"] == ["null", "string"]:
            config, field = job_of(dags[dag_id], name), job_of(dags[dag_id], name).__dataclass_fields__[name]
            nothing = None if field.default is None or "None" in str(field.type) else field.default
            needed = [f.name for f in dataclasses.fields(config) if f.default is dataclasses.MISSING]
            known = {
                "as_of": "2026-01-31",
                "scored_at": "2026-01-31T00:00:00+00:00",
                "report_folder": "s3://a/b",
                "source": "s3://a/{{as_of}}",
            }
            given = {each: known.get(each, "1") for each in needed}
            assert getattr(parse(config, to_argv(config, given | {name: ""})), name) == nothing, (dag_id, name)


def test_what_is_changed_first_stands_first_and_the_rest_is_folded_into_sections(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        schemas = [dag.params.get_param(name).schema for name in dag.params]
        assert "section" not in schemas[0], dag_id
        assert sum("section" not in schema for schema in schemas) <= 9, dag_id
        sections = [schema["section"] for schema in schemas if "section" in schema]
        assert sections == [each for section in dict.fromkeys(sections) for each in sections if each == section], dag_id


@pytest.mark.parametrize("given", ["../evil", "x'; DROP TABLE", "my loans", "a" * 5000, ""])
def test_name_of_a_data_set_that_no_job_takes_is_refused_by_the_form(dags: dict[str, Any], given: str) -> None:
    for dag in dags.values():
        with pytest.raises(ParamValidationError):
            copy.copy(dag.params.get_param("dataset")).resolve(value=given)


def test_entry_is_described_in_the_jobs_own_words_as_a_person_writes_them() -> None:
    assert param(TrainModelConfig, "depth").description == "Tree depth."
    assert param(TrainModelConfig, "deciles").description.endswith(" Several: with commas between them.")
    # A value is written as it is typed, also at the beginning.
    assert param(GenerateDataConfig, "source").description.startswith("lending_club, synthetic, ")
    assert param(GenerateDataConfig, "split").description.startswith("random: by borrower; ")
    assert param(GenerateDataConfig, "source").schema["examples"][0] == "lending_club"
    assert param(TrainModelConfig, "task_memory_mb").schema["title"] == "Memory of a training task (MB)"


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
        assert business_date(Settings.from_env({})).resolve(value=given) == given
    else:
        with pytest.raises(ParamValidationError):
            business_date(Settings.from_env({})).resolve(value=given)
