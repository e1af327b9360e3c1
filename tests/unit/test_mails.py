"""What the mail says, and that nothing in it is run as a template or lost on the way."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from arrears.contracts.facts import JobResult, OutcomeFact
from include import mails
from include.mails import Attachment, addresses_of, compose, deliver, fetch
from include.outcomes import latest_outcomes
from include.reports import NO_FACT, RunReport, TaskReport, gather, shown
from include.settings import Settings

STARTED, ENDED = "2026-03-14T02:06:00+00:00", "2026-03-14T02:08:05+00:00"
LOG = "http://airflow/dags/training/runs/r1/tasks/train_model"
PNG = Attachment("roc.png", b"\x89PNG-picture", "0.roc.png@arrears.invalid")
PAGE = Attachment("report.html", b"<p>page</p>", "1.report.html@arrears.invalid")


def a_fact(**given: Any) -> OutcomeFact:
    return OutcomeFact(**{"job": "train_model", "outcome": "success", "started_at": STARTED, "ended_at": ENDED} | given)


def a_failure(**given: Any) -> OutcomeFact:
    wrong = {"outcome": "failed", "error_class": "BadInput", "who_acts": "data owner", "first_line": "column x is text"}
    return a_fact(**(wrong | given))


def a_report(*tasks: TaskReport) -> RunReport:
    return RunReport("training", "r1", "2026-03-14", "http://airflow/dags/training/runs/r1", tasks)


def a_task(state: str = "success", fact: OutcomeFact | None = None, **given: Any) -> TaskReport:
    return TaskReport(**{"task_id": "train_model", "state": state, "log_url": LOG, "fact": fact} | given)


def decided(decision: str) -> RunReport:
    values = {"decision": decision, "model_version": "7"}
    return a_report(a_task(fact=a_fact(result=JobResult(values=values))))


def received(message: EmailMessage) -> EmailMessage:
    """The mail as another program reads it from the wire."""
    parsed = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text(message: EmailMessage, kind: str = "plain") -> str:
    body = received(message).get_body((kind,))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize(
    ("report", "subject"),
    [
        (a_report(a_task()), "[Arrears] training 2026-03-14: succeeded"),
        (a_report(a_task("failed", a_failure())), "[Arrears] training 2026-03-14: FAILED"),
        (a_report(a_task("upstream_failed")), "[Arrears] training 2026-03-14: FAILED"),
        (decided("promoted"), "[Arrears] training 2026-03-14: new champion"),
        (decided("kept"), "[Arrears] training 2026-03-14: kept champion"),
        (decided("refused"), "[Arrears] training 2026-03-14: refused"),
        (decided("rejected"), "[Arrears] training 2026-03-14: rejected"),
        (decided("rolled back"), "[Arrears] training 2026-03-14: rolled back"),
    ],
)
def test_subject_ends_in_the_outcome(report: RunReport, subject: str) -> None:
    assert received(compose(report))["Subject"] == subject


def test_promotion_is_the_headline_with_its_version() -> None:
    assert decided("promoted").headline == "Model version 7 is the new champion."


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_failure_names_task_error_who_must_act_and_log(kind: str) -> None:
    body = text(
        compose(a_report(a_task("failed", a_failure()), a_task("upstream_failed", task_id="evaluate_model"))), kind
    )
    for part in ("train_model failed. Who must act: data owner.", "column x is text", "data owner", LOG):
        assert part in body
    assert "evaluate_model failed" not in body


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_every_problem_of_a_failure_is_listed(kind: str) -> None:
    body = text(
        compose(a_report(a_task("failed", a_failure(problems=("column a is missing", "column b is text"))))), kind
    )
    assert "column a is missing" in body
    assert "column b is text" in body


def test_failure_without_a_fact_says_so_and_links_the_log() -> None:
    body = text(compose(a_report(a_task("failed"))))
    assert NO_FACT in body
    assert LOG in body


def test_failure_after_a_successful_fact_does_not_repeat_the_success() -> None:
    assert a_task("failed", a_fact()).error == NO_FACT


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_error_text_is_never_run_as_a_template(kind: str) -> None:
    body = text(compose(a_report(a_task("failed", a_failure(first_line="bad {{ 7 * 7 }} {% raw %}")))), kind)
    assert "bad {{ 7 * 7 }} {% raw %}" in body


def test_error_text_is_escaped_in_html_and_plain_in_text() -> None:
    message = compose(a_report(a_task("failed", a_failure(first_line="limit is < 3 <script>"))))
    assert "limit is &lt; 3 &lt;script&gt;" in text(message, "html")
    assert "limit is < 3 <script>" in text(message)


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_figures_links_and_durations_are_shown(kind: str) -> None:
    result = JobResult(
        figures={"rows_train": 6900, "auc": 0.74561},
        links={"MLflow run": "http://mlflow/#/runs/1", "Report": "s3://arrears/artifacts/report.html"},
    )
    body = text(compose(a_report(a_task(fact=a_fact(result=result), seconds=125.4))), kind)
    for part in ("rows train", "6,900", "0.7456", "http://mlflow/#/runs/1", "s3://arrears/artifacts/report.html"):
        assert part in body
    assert "2 min 5 s" in body
    assert "http://airflow/dags/training/runs/r1" in body


def test_address_that_is_no_web_page_is_shown_but_not_linked() -> None:
    body = text(
        compose(a_report(a_task(fact=a_fact(result=JobResult(links={"Report": "javascript:alert(1)"}))))), "html"
    )
    assert "javascript:alert(1)" in body
    assert 'href="javascript' not in body


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), ("kept", "kept"), (1234567, "1,234,567"), (0.74561, "0.7456"), (12.0, "12"), (45678.123, "45,678.1")],
)
def test_figure_is_shown_as_a_person_reads_it(value: Any, text: str) -> None:
    assert shown(value) == text


def test_figure_that_is_not_a_number_is_shown_as_such() -> None:
    assert (shown(float("nan")), shown(float("inf"))) == ("nan", "inf")


def test_plot_is_shown_in_the_page_and_attached() -> None:
    message = received(compose(a_report(a_task()), [PNG, PAGE]))
    assert f'src="cid:{PNG.content_id}"' in text(compose(a_report(a_task()), [PNG]), "html")
    files = {part.get_filename(): part for part in message.walk() if part.get_filename()}
    assert set(files) == {"roc.png", "report.html"}
    assert all(part.get_content_disposition() == "attachment" for part in files.values())
    assert files["roc.png"]["Content-ID"] == f"<{PNG.content_id}>"
    assert files["roc.png"].get_content_type() == "image/png"
    assert files["roc.png"].get_content() == PNG.content


def test_attachments_are_fetched_and_missing_or_large_ones_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "roc.png").write_bytes(b"12345")
    (tmp_path / "huge.png").write_bytes(b"123456789")
    monkeypatch.setattr(mails, "_MOST_BYTES", 10)
    addresses = [(tmp_path / name).as_uri() for name in ("roc.png", "missing.png", "huge.png")]
    attachments, left_out = fetch(addresses)
    assert [(each.name, each.content) for each in attachments] == [("roc.png", b"12345")]
    assert left_out == addresses[1:]
    assert addresses[1] in text(compose(a_report(a_task()), attachments, left_out))


class Mailbox:
    """Stands for Airflow's SMTP hook and keeps what it is given."""

    def __init__(self, extra: dict[str, Any]) -> None:
        self.conn = SimpleNamespace(extra_dejson=extra)
        self.from_email = extra.get("from_email")
        self.sent: list[EmailMessage] = []
        self._smtp_client = SimpleNamespace(send_message=self.sent.append)

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(self, *given: object) -> None:
        return None


def a_mailbox(monkeypatch: pytest.MonkeyPatch, **extra: Any) -> Mailbox:
    mailbox = Mailbox(extra)
    monkeypatch.setattr("airflow.providers.smtp.hooks.smtp.SmtpHook", lambda connection: mailbox)
    return mailbox


def test_mail_goes_to_the_addresses_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = a_mailbox(monkeypatch, to="risk@bank.example; ops@bank.example", from_email="arrears@bank.example")
    deliver(compose(a_report(a_task())), "smtp_default")
    (message,) = mailbox.sent
    assert (message["To"], message["From"]) == ("risk@bank.example, ops@bank.example", "arrears@bank.example")


@pytest.mark.parametrize("extra", [{"from_email": "a@b"}, {"to": "a@b"}, {"to": [], "from_email": "a@b"}, {}])
def test_connection_without_addresses_is_refused_for_good(monkeypatch: pytest.MonkeyPatch, extra: Any) -> None:
    mailbox = a_mailbox(monkeypatch, **extra)
    with pytest.raises(AirflowFailException, match="the extra of the Airflow connection smtp_default needs"):
        deliver(compose(a_report(a_task())), "smtp_default")
    assert mailbox.sent == []


@pytest.mark.parametrize("given", ["a@b, c@d", "a@b;c@d", ["a@b", " c@d "]])
def test_addresses_may_be_text_or_a_list(given: Any) -> None:
    assert addresses_of(given) == ["a@b", "c@d"]


def leave(settings: Settings, task: str, attempt: int, fact: OutcomeFact) -> None:
    from arrears.stores.objects import Objects

    Objects().put(settings.catalogue.outcome("training", "r1", task, attempt), fact.to_json().encode())


def test_figures_keep_the_order_of_the_job(tmp_path: Path) -> None:
    settings = Settings.from_env({"ARREARS_ROOT": tmp_path.as_uri()})
    leave(settings, "train_model", 1, a_fact(result=JobResult(figures={"rows": 1, "auc": 0.7, "brier": 0.1})))
    facts = latest_outcomes(settings.catalogue, "training", "r1")
    assert list(facts["train_model"].result.figures) == ["rows", "auc", "brier"]


def test_latest_attempt_counts_and_other_files_of_the_run_do_not(tmp_path: Path) -> None:
    settings = Settings.from_env({"ARREARS_ROOT": tmp_path.as_uri()})
    for attempt in (1, 2, 10):
        leave(settings, "train_model", attempt, a_fact(first_line=f"try {attempt}"))
    folder = tmp_path / "artifacts/runs/training/r1"
    (folder / "resolved.json").write_text("{}")
    (folder / "report").mkdir()
    (folder / "report/roc.png").write_bytes(b"")
    facts = latest_outcomes(settings.catalogue, "training", "r1")
    assert {task: fact.first_line for task, fact in facts.items()} == {"train_model": "try 10"}


def test_report_has_every_task_of_the_dag_but_the_mail_itself(tmp_path: Path) -> None:
    settings = Settings.from_env({"ARREARS_ROOT": tmp_path.as_uri()})
    leave(settings, "train_model", 1, a_failure())
    tasks = [
        SimpleNamespace(task_id=name) for name in ("resolve_versions", "train_model", "promote_model", "send_report")
    ]
    ti = SimpleNamespace(
        dag_id="training",
        run_id="r1",
        task_id="send_report",
        get_task_states=lambda dag_id, run_ids: {"r1": {"resolve_versions": "success", "train_model": "failed"}},
        get_task_breadcrumbs=lambda dag_id, run_id: [{"task_id": "resolve_versions", "duration": 12.0}],
    )
    dag_run = SimpleNamespace(partition_key=None, logical_date=None)
    context = {"ti": ti, "dag": SimpleNamespace(tasks=tasks), "dag_run": dag_run, "params": {"as_of": "2026-03-14"}}
    report = gather(context, settings)
    assert [(task.task_id, task.state, task.duration) for task in report.tasks] == [
        ("resolve_versions", "success", "12 s"),
        ("train_model", "failed", "2 min 5 s"),
        ("promote_model", "not started", "-"),
    ]
    assert report.as_of == "2026-03-14"
    assert report.tasks[1].log_url.endswith("/dags/training/runs/r1/tasks/train_model")
    undated = gather({**context, "params": {}}, settings)
    assert undated.as_of == "without business date"
