"""Whatever Airflow's side says of a failure reaches the mail, whether or not a job was ever started."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadConfiguration
from arrears.contracts.outcome_facts import OutcomeFact
from include.mail.airflow_failures import ATTEMPT, FAILURE, JobRefused, last_word, note_attempt, noted_failure, told_by
from tests.unit.include.made_up_run import a_fact, a_failure

SUBMIT = "Cannot execute: spark-submit --jars a.jar train_model.py. Error code is: 1.\n"


def a_ti() -> Any:
    xcoms: dict[str, Any] = {}
    return SimpleNamespace(
        dag_id="training", run_id="r1", task_id="train_model", try_number=2, start_date=None, xcoms=xcoms,
        xcom_push=lambda key, value: xcoms.update({key: value}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("exception", "text"),
    [
        (
            AirflowFailException("this run has no business date: fill in as_of"),
            "this run has no business date: fill in as_of",
        ),
        (BadConfiguration("a", "b"), "2 problems: a; b"),
        (KeyError("dataset_version"), "KeyError: 'dataset_version'"),
        (RuntimeError(), "RuntimeError"),
        (
            AirflowTaskTimeout("Timeout, PID: 7"),
            "it ran longer than the time that the DAG gives it (execution_timeout) and was ended",
        ),
        (
            AirflowException(
                SUBMIT + "Traceback:\n  import catboost\nModuleNotFoundError: No module named 'catboost'\nbye"
            ),
            "spark-submit ended with exit status 1: ModuleNotFoundError: No module named 'catboost'",
        ),
        (AirflowException(SUBMIT), "spark-submit ended with exit status 1: its output names no error"),
        (
            AirflowException(
                "train failed on the node: exit status 78. Last lines:\nthe node cannot start the job: no file"
            ),
            "the node cannot start the job: no file",
        ),
    ],
)
def test_exception_becomes_one_line(exception: BaseException, text: str) -> None:
    told = told_by(exception, "train_model")
    assert (told.first_line, told.outcome, told.job) == (text, "failed", "train_model")
    assert "--jars" not in told.to_json()


def test_problems_of_a_configuration_are_kept_one_by_one() -> None:
    assert told_by(BadConfiguration("a", "b"), "train_model").problems == ("a", "b")


def test_last_word_is_the_last_line_that_names_an_error() -> None:
    assert (
        last_word("x.py: error: argument --depth: 99 is above 16\nend")
        == "x.py: error: argument --depth: 99 is above 16"
    )
    assert last_word("java.net.ConnectException: refused\n  at Main\n") == "java.net.ConnectException: refused"
    assert last_word("all is well") == ""


def test_failure_is_kept_beside_the_task_and_where_the_job_would_have_left_its_own(tmp_path: Path) -> None:
    ti, addresses = a_ti(), Addresses(tmp_path.as_uri())
    noted_failure(addresses)({"ti": ti, "exception": AirflowFailException("no business date")})
    (left,) = tmp_path.rglob("2.json")
    for text in (ti.xcoms[FAILURE], left.read_text()):
        assert OutcomeFact.from_json(text).first_line == "no business date"


def test_word_of_the_job_is_never_written_over(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path.as_uri())
    ti, address = a_ti(), tmp_path / "artifacts/runs/training/r1/train_model/2.json"
    noted_failure(addresses)({"ti": ti, "exception": JobRefused(a_failure())})
    assert OutcomeFact.from_json(ti.xcoms[FAILURE]) == a_failure()
    assert not address.exists()
    address.parent.mkdir(parents=True)
    address.write_text(a_fact().to_json())
    noted_failure(addresses)({"ti": ti, "exception": AirflowException("the asset was lost")})
    assert OutcomeFact.from_json(address.read_text()) == a_fact()


def test_failure_is_kept_where_s3_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from arrears.stores.objects import Objects

    def away(*_: object) -> bool:
        raise ConnectionError("no route")

    monkeypatch.setattr(Objects, "create", away)
    ti = a_ti()
    noted_failure(Addresses("s3://arrears"))({"ti": ti, "exception": AirflowFailException("no package")})
    assert OutcomeFact.from_json(ti.xcoms[FAILURE]).first_line == "no package"


def test_nothing_is_asked_of_airflow_where_its_dag_processor_reports_a_vanished_task() -> None:
    noted_failure(Addresses("s3://arrears"))({"ti": object()})


def test_attempt_that_begins_is_noted() -> None:
    ti = a_ti()
    note_attempt({"ti": ti})
    assert ti.xcoms == {ATTEMPT: 2}
