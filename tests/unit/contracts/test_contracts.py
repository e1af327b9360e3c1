"""Addresses, facts, descriptions and errors keep their promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.contracts.addresses import Addresses, Table, bucket_and_key, in_key, registered_model
from arrears.contracts.errors import BadConfiguration, BadInput, Contended, UpstreamNotReady
from arrears.contracts.outcome_facts import JobResult, OutcomeFact
from arrears.contracts.tables.descriptions import DatasetDescription

ADDRESSES = Addresses("s3://arrears")


def test_each_data_set_has_its_own_folder_in_each_table() -> None:
    assert ADDRESSES.table(Table.TEST_SAMPLE, "lending_club") == "s3://arrears/test_sample/lending_club"


@pytest.mark.parametrize("root", ["arrears", "s3://", "s3://arrears/", "http://arrears", "s3://arrears//x"])
def test_a_root_that_is_no_address_is_refused(root: str) -> None:
    with pytest.raises(BadConfiguration, match="must look like"):
        Addresses(root)


@pytest.mark.parametrize("dataset", ["", "Lending", "a-b", "../up", "1st", "a" * 64])
def test_a_data_set_name_that_could_leave_its_folder_is_refused(dataset: str) -> None:
    with pytest.raises(BadConfiguration, match="dataset name"):
        registered_model(dataset)


@given(st.text())
def test_a_name_in_a_key_holds_nothing_that_an_address_could_misread(name: str) -> None:
    assert set(in_key(name)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


def test_an_outcome_lies_under_its_run_task_and_attempt() -> None:
    address = ADDRESSES.outcome("training", "manual__2026-01-31T02:06:00+00:00", "train_model", 2)
    assert address == "s3://arrears/artifacts/runs/training/manual__2026-01-31T02-06-00-00-00/train_model/2.json"


def test_both_spellings_of_an_address_name_the_same_object() -> None:
    assert bucket_and_key("s3://b/k/x") == bucket_and_key("s3a://b/k/x") == ("b", "k/x")


def test_an_address_elsewhere_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="is not an S3 address"):
        bucket_and_key("https://b/k")


def test_a_fact_is_the_same_after_it_was_stored() -> None:
    fact = OutcomeFact(
        "train_model",
        "failed",
        "2026-01-31T00:00:00+00:00",
        "2026-01-31T00:01:00+00:00",
        "BadInput",
        "data owner",
        False,
        "two problems",
        ("one", "two"),
        JobResult({"auc": 0.75}, {"mlflow_run_id": "1"}, ("s3://a/b.png",), {"MLflow run": "http://x"}),
        "mend both",
    )
    assert OutcomeFact.from_json(fact.to_json()) == fact


def test_figures_keep_their_order() -> None:
    fact = OutcomeFact("x", "success", "", "", result=JobResult({"rows": 1, "AUC": 0.7}))
    assert list(OutcomeFact.from_json(fact.to_json()).result.figures) == ["rows", "AUC"]


def test_a_fact_of_a_later_version_still_reads() -> None:
    stored = '{"job": "x", "outcome": "success", "started_at": "", "ended_at": "", "colour": "green"}'
    assert OutcomeFact.from_json(stored).job == "x"


def test_an_error_lists_everything_wrong_at_once() -> None:
    assert str(BadInput("no id", "no target")) == "2 problems: no id; no target"
    advised = BadInput("no id", "no target", advice="declare them")
    assert advised.problems == ("no id", "no target")
    assert str(advised) == "2 problems: no id; no target. What to do: declare them"
    assert str(BadInput("no id")) == "no id"


def test_only_what_can_heal_may_be_retried() -> None:
    retried = {kind: kind.may_retry for kind in (BadInput, BadConfiguration, UpstreamNotReady, Contended)}
    assert retried == {BadInput: False, BadConfiguration: False, UpstreamNotReady: True, Contended: True}


def test_each_kind_of_failure_has_its_own_exit_code() -> None:
    codes = [kind.exit_code for kind in (BadInput, BadConfiguration, UpstreamNotReady, Contended)]
    assert len({0, 1, 2, 70, *codes}) == 4 + len(codes)


def test_a_column_with_two_roles_is_named_with_both() -> None:
    with pytest.raises(BadConfiguration, match="column age has two roles: numeric, categorical"):
        DatasetDescription(name="x", target="y", numeric=("age",), categorical=("age",))


def test_a_loss_may_be_the_target_and_be_kept_as_severity() -> None:
    description = DatasetDescription(name="x", target="loss", bad_when="> 0", kept=("loss",))
    assert (description.bad.sign, description.bad.limit) == (">", 0.0)


def test_a_description_names_every_unknown_and_missing_key() -> None:
    with pytest.raises(BadConfiguration) as error:
        DatasetDescription.from_dict({"name": "x", "colour": 1})
    assert [problem.split(";")[0] for problem in error.value.problems] == [
        "dataset description has no key 'colour'",
        "dataset description needs target",
    ]


def test_a_description_is_the_same_after_it_was_stored() -> None:
    description = DatasetDescription(name="x", target="y", numeric=("a",), categorical=("b",), floors={"auc_low": 0.6})
    assert DatasetDescription.from_dict(description.to_dict()) == description
