"""What the mail says, and that nothing in it is run as a template or lost on the way."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from arrears.contracts.errors import BadInput
from arrears.contracts.outcome_facts import JobResult
from include.mail import send
from include.mail.delivery import addresses_of, deliver
from include.mail.run_report import RunReport
from include.mail.send import Attachment, compose, fetch
from include.mail.task_report import NO_FACT
from tests.unit.include.made_up_run import LOG, a_fact, a_failure, a_report, a_task, decided

PNG = Attachment("roc.png", b"\x89PNG-picture", "0.roc.png@arrears.invalid")
PAGE = Attachment("report.html", b"<p>page</p>", "1.report.html@arrears.invalid")


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
        (a_report(a_task()), "[Arrears] training loans 2026-03-14: succeeded"),
        (a_report(a_task("failed", a_failure())), "[Arrears] training loans 2026-03-14: FAILED"),
        (a_report(a_task("upstream_failed")), "[Arrears] training loans 2026-03-14: FAILED"),
        (decided("promoted"), "[Arrears] training loans 2026-03-14: new champion"),
        (decided("kept"), "[Arrears] training loans 2026-03-14: kept champion"),
        (decided("refused"), "[Arrears] training loans 2026-03-14: refused"),
        (decided("rejected"), "[Arrears] training loans 2026-03-14: rejected"),
        (decided("rolled back"), "[Arrears] training loans 2026-03-14: rolled back"),
    ],
)
def test_subject_ends_in_the_outcome(report: RunReport, subject: str) -> None:
    assert received(compose(report))["Subject"] == subject


def test_promotion_is_the_headline_with_its_version() -> None:
    assert decided("promoted").headline == "Model version 7 is the new champion of loans."


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_override_comes_first_in_subject_headline_and_body(kind: str) -> None:
    aside = {"set_aside": "auc >= 0.7; better"}
    fact = a_fact(result=JobResult({"gate overridden": "a pilot", "auc": 0.61}, {"decision": "promoted", **aside}))
    report = a_report(a_task(fact=fact, task_id="promote_model"))
    message = compose(report)
    assert received(message)["Subject"] == (
        "[Arrears] BY OVERRIDE of AUC >= 0.7; better: training loans 2026-03-14: new champion"
    )
    body = text(message, kind).replace("&gt;", ">")
    headline, reason, figure = (body.rindex(part) for part in ("model version ?", "a pilot", "0.6100"))
    assert headline < reason < figure
    assert body.count("a pilot") == 1


def test_override_without_effect_is_not_told_as_one() -> None:
    assert decided("promoted", set_aside="").subject == "[Arrears] training loans 2026-03-14: new champion"


def test_failed_run_names_its_data_set_however_early_it_failed() -> None:
    report = a_report(a_task("failed", task_id="resolve_versions"))
    assert report.headline.startswith("training of loans failed in resolve_versions. ")


def test_name_of_five_thousand_letters_bursts_no_subject() -> None:
    report = replace(a_report(a_task()), dataset="x" * 5000)
    assert len(report.subject) < 120
    assert report.subject.isprintable()


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_failure_names_task_error_who_must_act_and_log(kind: str) -> None:
    body = text(
        compose(a_report(a_task("failed", a_failure()), a_task("upstream_failed", task_id="evaluate_model"))), kind
    )
    for part in (
        "training of loans failed in train_model. Who must act: the owner of the data.",
        "column x is text",
        LOG,
        "Mend the data or its description",
    ):
        assert part in body
    assert "evaluate_model failed" not in body


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_every_problem_of_a_failure_is_listed(kind: str) -> None:
    body = text(
        compose(a_report(a_task("failed", a_failure(problems=("column a is missing", "column b is text"))))), kind
    )
    assert body.count("column a is missing") == body.count("column b is text") == 1


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("problems", [("column a is missing",), ("column a is missing", "column b is text")])
def test_advice_stands_once_and_is_no_problem(kind: str, problems: tuple[str, ...]) -> None:
    error = BadInput(*problems, advice="declare it anew")
    failure = a_failure(first_line=str(error), problems=error.problems, advice=error.advice)

    body = text(compose(a_report(a_task("failed", failure))), kind)

    assert body.count("Declare it anew.") == body.count("column a is missing") == 1
    assert "3 problems" not in body


def test_failure_without_a_fact_says_so_and_links_the_log() -> None:
    body = text(compose(a_report(a_task("failed"))))
    assert NO_FACT in body
    assert LOG in body


def test_failure_after_a_successful_fact_does_not_repeat_the_success() -> None:
    assert a_task("failed", a_fact()).error == NO_FACT


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_attempts_before_the_last_one_are_told(kind: str) -> None:
    facts = {1: a_failure(error_class="UpstreamNotReady", first_line="MLflow does not answer"), 3: a_fact()}
    body = text(compose(a_report(a_task(attempt=3, facts=facts))), kind)
    assert "attempt 1: UpstreamNotReady: MLflow does not answer" in body
    assert "attempt 2: ended without a word, killed perhaps" in body
    assert "attempt 3" not in body


def test_killed_attempt_is_not_told_by_the_words_of_the_one_before() -> None:
    task = a_task("failed", attempt=2, facts={1: a_failure(first_line="MLflow does not answer")})
    assert task.error == NO_FACT
    assert task.earlier == ["attempt 1: BadInput: MLflow does not answer"]


def test_what_airflow_kept_is_told_where_the_job_said_nothing() -> None:
    assert a_task("failed", failure=a_failure(first_line="no business date")).error == "no business date"
    # The job ended well, and what Airflow did after it failed.
    assert a_task("failed", a_fact(), failure=a_failure(first_line="asset lost")).error == "asset lost"


def test_job_has_the_word_before_airflow() -> None:
    assert a_task("failed", a_failure(), failure=a_failure(first_line="exit status 65")).error == "column x is text"


def test_run_that_somebody_ended_has_not_done_its_work() -> None:
    report = a_report(a_task("running"), a_task("skipped", task_id="promote_model"))
    assert report.subject == "[Arrears] training loans 2026-03-14: ENDED EARLY"
    assert report.headline == "training of loans was ended in Airflow before its work was done."
    skipping = a_report(a_task("skipped", task_id="approve_model"), a_task(task_id="promote_model"))
    assert skipping.outcome == "succeeded"


@pytest.mark.parametrize("state", ["not started", "running", "skipped", "upstream_failed"])
def test_what_a_cleared_task_once_said_is_not_told(state: str) -> None:
    once = a_task(state, a_fact(result=JobResult({"decision": "kept"}, {"decision": "kept"})), task_id="promote_model")
    report = a_report(a_task(), once)
    assert report.figures == {}
    assert report.values == {}


def test_decision_stands_before_what_led_to_it_and_the_machine_comes_last() -> None:
    first = a_task(fact=a_fact(result=JobResult({"trees": 100, "read_seconds": 3.0})))
    last = a_task(fact=a_fact(result=JobResult({"decision": "kept"})), task_id="promote_model")
    report = a_report(first, last)
    assert list(report.figures) == ["Decision", "Training"]
    assert report.internals == {"Training": [("read time", "3.0 s")]}


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
        figures={"rows_train": 6900, "auc": 0.74561, "train_seconds": 1.7652, "default rate": 0.0524},
        links={"MLflow run": "http://mlflow/#/runs/1", "Report": "s3://arrears/artifacts/report.html"},
    )
    body = text(compose(a_report(a_task(fact=a_fact(result=result), seconds=125.4))), kind)
    for part in (
        "rows train",
        "6,900",
        "0.7456",
        "5.24 %",
        "train time",
        "1.8 s",
        "http://mlflow/#/runs/1",
        "s3://arrears/artifacts/report.html",
    ):
        assert part in body
    assert "2 min 5 s" in body
    assert "http://airflow/dags/training/runs/r1" in body


def test_address_that_is_no_web_page_is_shown_but_not_linked() -> None:
    body = text(
        compose(a_report(a_task(fact=a_fact(result=JobResult(links={"Report": "javascript:alert(1)"}))))), "html"
    )
    assert "javascript:alert(1)" in body
    assert 'href="javascript' not in body


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
    monkeypatch.setattr(send, "_MOST_BYTES", 10)
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
        self._smtp_client = SimpleNamespace(
            send_message=self.sent.append, ehlo_or_helo_if_needed=lambda: None, esmtp_features={}
        )

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


def test_mail_goes_to_a_data_sets_own_recipients_where_it_has_any(monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = a_mailbox(monkeypatch, to="risk@bank.example", from_email="arrears@bank.example")
    deliver(compose(a_report(a_task())), "smtp_default", ("cards@bank.example", "ops@bank.example"))
    assert mailbox.sent[0]["To"] == "cards@bank.example, ops@bank.example"


@pytest.mark.parametrize("extra", [{"from_email": "a@b"}, {"to": "a@b"}, {"to": [], "from_email": "a@b"}, {}])
def test_connection_without_addresses_is_refused_for_good(monkeypatch: pytest.MonkeyPatch, extra: Any) -> None:
    mailbox = a_mailbox(monkeypatch, **extra)
    with pytest.raises(AirflowFailException, match="the extra of the Airflow connection smtp_default needs"):
        deliver(compose(a_report(a_task())), "smtp_default")
    assert mailbox.sent == []


@pytest.mark.parametrize("given", ["a@b, c@d", "a@b;c@d", ["a@b", " c@d "]])
def test_addresses_may_be_text_or_a_list(given: Any) -> None:
    assert addresses_of(given) == ["a@b", "c@d"]
