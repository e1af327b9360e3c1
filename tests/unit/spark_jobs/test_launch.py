"""Every way a job can end leaves an exit code that operators can tell apart, and a fact that the mail can quote."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JError

from arrears.contracts.errors import BadConfiguration, BadInput, Contended, UpstreamNotReady
from arrears.contracts.job_configs.jobs import PromoteModelConfig
from arrears.contracts.outcome_facts import JobResult, OutcomeFact
from spark_jobs.launch import _refuse_lost_letters, launch, launch_plain

FLAGS = ["--dataset-version", "v1", "--mlflow-run-id", "r1"]
ROW_VALUE = "Smith, 41,000 a year"


@pytest.fixture
def outcome(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "1.json"


def ended(outcome: Path, result: JobResult | Exception) -> tuple[object, OutcomeFact]:
    def run(config: PromoteModelConfig) -> JobResult:
        if isinstance(result, Exception):
            raise result
        return result

    with pytest.raises(SystemExit) as exit_:
        launch_plain(run, PromoteModelConfig, [*FLAGS, "--outcome", outcome.as_uri()])
    return exit_.value.code, OutcomeFact.from_json(outcome.read_text())


def test_a_job_that_is_done_leaves_its_figures(outcome: Path) -> None:
    result = JobResult({"auc": 0.75}, {"model_version": "3"})
    code, fact = ended(outcome, result)
    assert (code, fact.outcome, fact.result) == (0, "success", result)


def test_whoever_runs_a_job_by_hand_reads_what_the_next_one_needs(
    outcome: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="arrears"):
        ended(outcome, JobResult({"auc": 0.75}, {"mlflow_run_id": "abc"}))
    assert "mlflow_run_id = abc" in caplog.text
    assert "auc = 0.75" in caplog.text


@pytest.mark.parametrize(
    ("error", "code", "who", "may_retry"),
    [
        (BadInput("no rows", "no id"), 65, "data owner", False),
        (BadConfiguration("no server"), 78, "operator", False),
        (UpstreamNotReady("no champion"), 75, "upstream", True),
        (Contended("locked"), 76, "upstream", True),
    ],
)
def test_a_failure_says_who_must_act_and_whether_a_retry_can_help(
    outcome: Path, error: Exception, code: int, who: str, may_retry: bool
) -> None:
    found, fact = ended(outcome, error)
    assert (found, fact.outcome, fact.who_acts, fact.may_retry) == (code, "failed", who, may_retry)
    assert fact.first_line == str(error)
    assert fact.error_class == type(error).__name__


def test_a_bug_leaves_its_class_and_none_of_the_row_that_its_message_quotes(outcome: Path) -> None:
    code, fact = ended(outcome, ValueError(f"cannot cast {ROW_VALUE}"))
    assert (code, fact.error_class, fact.who_acts) == (70, "ValueError", "developers")
    assert ROW_VALUE not in outcome.read_text()


def test_an_error_of_a_library_ends_as_what_it_means_and_is_not_quoted(outcome: Path) -> None:
    said = f"java.nio.file.AccessDeniedException: s3a://bank/loans.csv: {ROW_VALUE}"
    code, fact = ended(outcome, Py4JError(said))
    assert (code, fact.error_class, fact.who_acts, fact.may_retry) == (78, "BadConfiguration", "operator", False)
    assert "s3://bank/loans.csv" in fact.first_line
    assert ROW_VALUE not in outcome.read_text()


def fact_that_cannot_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise UpstreamNotReady("the S3 server does not answer")

    monkeypatch.setattr("spark_jobs.launch.Objects.put", away)


def test_a_job_that_cannot_leave_its_fact_has_not_ended_well(monkeypatch: pytest.MonkeyPatch) -> None:
    fact_that_cannot_be_left(monkeypatch)
    with pytest.raises(SystemExit) as exit_:
        launch_plain(lambda config: JobResult(), PromoteModelConfig, [*FLAGS, "--outcome", "s3://arrears/1.json"])
    assert exit_.value.code == UpstreamNotReady.exit_code


def test_a_failure_keeps_its_exit_code_where_its_fact_cannot_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    fact_that_cannot_be_left(monkeypatch)

    def run(config: PromoteModelConfig) -> JobResult:
        raise BadInput("no rows")

    with pytest.raises(SystemExit) as exit_:
        launch_plain(run, PromoteModelConfig, [*FLAGS, "--outcome", "s3://arrears/1.json"])
    assert exit_.value.code == BadInput.exit_code


@pytest.mark.parametrize(
    ("charset", "argument", "is_refused"),
    [
        ("ANSI_X3.4-1968", "Kredite_M??rz.csv", True),
        ("ANSI_X3.4-1968", "loans.csv", False),
        ("UTF-8", "Kredite_März.csv", False),
        ("UTF-8", "loans?.csv", False),
    ],
)
def test_arguments_that_lost_their_umlauts_on_the_way_are_told(charset: str, argument: str, is_refused: bool) -> None:
    system = SimpleNamespace(getProperty=lambda name: charset)
    java = SimpleNamespace(_jvm=SimpleNamespace(java=SimpleNamespace(lang=SimpleNamespace(System=system))))
    refuses = pytest.raises(BadConfiguration, match=r"set LC_ALL=C\.UTF-8") if is_refused else contextlib.nullcontext()
    with refuses:
        _refuse_lost_letters(java, ["--source", argument])


@pytest.mark.parametrize(
    ("flags", "problems"),
    [
        ([], ("the following arguments are required: --dataset-version, --mlflow-run-id",)),
        ([*FLAGS, "--speed", "9"], ("unrecognized arguments: --speed 9",)),
        ([*FLAGS, "--dataset", "../evil"], ("dataset name '../evil' must be lower-case letters",)),
        (
            [*FLAGS, "--approval", "perhaps", "--task", "all"],
            ("argument --task: 'all' is not one of", "argument --approval: 'perhaps' is not one of"),
        ),
    ],
)
def test_wrong_flags_leave_a_fact_that_names_them_all(
    outcome: Path, flags: list[str], problems: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        launch_plain(lambda config: JobResult(), PromoteModelConfig, [*flags, "--outcome", outcome.as_uri()])
    fact = OutcomeFact.from_json(outcome.read_text())
    assert (exit_.value.code, fact.who_acts, fact.may_retry) == (2, "operator", False)
    assert len(fact.problems) == len(problems)
    said = capsys.readouterr().err
    for told, problem in zip(fact.problems, problems, strict=True):
        assert told.startswith(problem)
        assert problem in said


def test_wrong_flags_end_a_job_as_such_where_its_fact_cannot_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr("spark_jobs.launch.Objects.put", away)
    for flags in (["--outcome", "s3://arrears/1.json"], ["--outcome"], []):
        with pytest.raises(SystemExit) as exit_:
            launch_plain(lambda config: JobResult(), PromoteModelConfig, flags)
        assert exit_.value.code == 2


def test_a_log_has_neither_progress_bars_nor_where_each_client_found_its_keys(
    outcome: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "TQDM_DISABLE"):
        monkeypatch.setenv(name, "")
    ended(outcome, JobResult())
    assert (os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"], os.environ["TQDM_DISABLE"]) == ("false", "1")
    assert not logging.getLogger("botocore.credentials").isEnabledFor(logging.INFO)


def test_modules_that_a_job_comes_to_need_are_loaded_while_spark_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needed_later.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    deadline = time.monotonic() + 30

    def starting(*_: object) -> object:
        while "needed_later" not in sys.modules and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "needed_later" in sys.modules
        raise UpstreamNotReady("the cluster is away")

    monkeypatch.setattr("spark_jobs.io.session.spark_session", starting)
    with pytest.raises(SystemExit) as exit_:
        launch(lambda *_: JobResult(), PromoteModelConfig, FLAGS, imports=("needed_later",))
    assert exit_.value.code == UpstreamNotReady.exit_code
