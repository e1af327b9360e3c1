"""The mail that asks an approver: as good as the others, with the report and what each answer does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from arrears.contracts.outcome_facts import JobResult
from include.mail.approval_mail import Question
from include.mail.send import Attachment, compose
from tests.unit.include.made_up_run import a_fact, a_report, a_task

PAGE = "http://airflow/dags/training/runs/r1/tasks/approve_model/required_actions"
REPORT = Attachment("report.html", b"<p>page</p>", "0.report.html@arrears.invalid")
PLOT = Attachment("roc_curve.png", b"\x89PNG", "1.roc_curve.png@arrears.invalid")


def a_question(unmet: str = "1", **given: Any) -> Question:
    rules = JobResult(
        {"awaits approval": "pd_loans version 7", "rule auc > 0.7": "NOT MET: auc 0.65 <b>"}, {"unmet_rules": unmet}
    )
    measured = JobResult({"AUC": 0.65}, attachments=("s3://arrears/report/report.html",))
    run = a_report(
        a_task(fact=a_fact(result=measured), task_id="evaluate_model"),
        a_task(fact=a_fact(result=rules), task_id="propose_model"),
    )
    asked = Question(run, "Shall the new model of loans become champion?", PAGE, timedelta(days=4))
    return replace(asked, **given)


def body(question: Question, kind: str) -> str:
    message = compose(question, [REPORT, PLOT], template="question")
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_approver_reads_question_rules_figures_and_where_to_answer(kind: str) -> None:
    text = body(a_question(), kind)
    told = (
        "Shall the new model of loans become champion?", "1 rule of the gate is not met", PAGE, "within 4 days",
        "rule AUC &gt; 0.7" if kind == "html" else "rule AUC > 0.7", "pd_loans version 7", "0.6500", "2026-03-14",
        "attached as report.html",
    )  # fmt: skip
    assert [part for part in told if part not in text] == []
    assert text.index("pd_loans version 7") < text.index("0.6500")
    assert ("<b>" in text) is (kind == "plain")


def test_report_and_plots_come_with_the_question() -> None:
    message = compose(a_question(), [REPORT, PLOT], template="question")
    assert {part.get_filename() for part in message.walk() if part.get_filename()} == {"report.html", "roc_curve.png"}
    assert f"cid:{PLOT.content_id}" in body(a_question(), "html")


@pytest.mark.parametrize(
    ("unmet", "told"), [("0", "Approve makes it the champion"), ("2", "2 rules of the gate are not")]
)
def test_what_each_answer_does_is_said(unmet: str, told: str) -> None:
    assert told in a_question(unmet).stands


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_repeated_question_and_the_override_of_the_form_stand_out(kind: str) -> None:
    text = body(a_question(again="The answer of Ada decided nothing.", override="a pilot of fifty loans"), kind)
    assert text.index("The answer of Ada decided nothing.") < text.index("1 rule of the gate")
    assert text.index("a pilot of fifty loans") < text.index("1 rule of the gate")
