"""The person between a measured model and production: asked only where a person is wanted, and never misunderstood."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import AirflowSkipException, ParamValidationError, TaskAwaitingInput

from arrears.contracts.job_configs.arguments import parse
from arrears.contracts.job_configs.jobs import JOBS, PromoteModelConfig
from include import approval_operator
from include.approval import AskByMail, approval_param, model_approval, unless_automatic
from include.mail import approval_mail, send
from include.settings import Settings
from tests.dags.rendering import rendered, spark_submit_argv
from tests.unit.include.made_up_run import decided

ADA = {"id": "ada", "name": "Ada Lovelace"}
A_PILOT = "a pilot of fifty loans"
ANSWERED_AT = datetime(2026, 3, 14, 12, tzinfo=UTC)


def answer(task: Any, option: str, user: dict[str, str] | None = ADA, **said: Any) -> dict[str, str]:
    """What the task leaves for promote_model after Airflow has resumed it."""
    event = {
        "chosen_options": [option],
        "params_input": {"reason": None, **said},
        "responded_at": ANSWERED_AT,
        "responded_by_user": user,
    }
    return dict(task.execute_complete({}, event))


def promotion(dags: dict[str, Any], left: dict[str, Any], **form: Any) -> PromoteModelConfig:
    """What promote_model is told when the tasks before it left these values."""
    task = dags["training"].get_task("promote_model")
    argv = spark_submit_argv(rendered(task, form, results=left))
    start = next(number for number, part in enumerate(argv) if part.endswith("promote_model.py"))
    return parse(JOBS["promote_model"], argv[start + 1 :])  # type: ignore[return-value]


def test_nobody_is_asked_where_the_approval_is_automatic(dags: dict[str, Any]) -> None:
    with pytest.raises(AirflowSkipException):
        unless_automatic({"params": {"approval": "auto"}})
    unless_automatic({"params": {"approval": "human"}})
    tasks = [dags["training"].get_task(name) for name in ("propose_model", "approve_model", "promote_model")]
    assert [task._pre_execute_hook for task in tasks] == [unless_automatic, unless_automatic, None]
    # A task that skipped itself must not skip the promotion.
    assert [task.trigger_rule for task in tasks] == ["all_success", "none_failed", "none_failed"]


def test_silence_is_a_no_and_comes_before_the_run_times_out(dags: dict[str, Any]) -> None:
    task = dags["training"].get_task("approve_model")
    assert task.defaults == ["Reject"]
    assert task.response_timeout < dags["training"].dagrun_timeout


def test_approval_and_rejection_need_no_word(dags: dict[str, Any]) -> None:
    task = dags["training"].get_task("approve_model")
    assert task.options == ["Approve", "Reject", "Override unmet rules"]
    # Airflow's page greys every button while a field that may not be null is empty.
    assert [param["schema"]["type"] for param in task.serialized_params.values()] == [["null", "string"]]
    assert {param["source"] for param in task.serialized_params.values()} == {"task"}
    for option in ("Approve", "Reject"):
        config = promotion(dags, answer(task, option), approval="human")
        assert (config.answer, config.approval_reason, config.gate_override) == (option, "", False)


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_answer_reaches_the_promotion_with_who_when_and_why(dags: dict[str, Any], option: str) -> None:
    task = dags["training"].get_task("approve_model")
    said = answer(task, option, reason="as agreed; $(reboot) {{ 7 * 7 }} for a pilot")
    config = promotion(dags, said, approval="human")
    assert (config.approval, config.answer, config.approver) == ("human", option, "Ada Lovelace")
    assert config.answered_at == "2026-03-14T12:00:00+00:00"
    assert config.approval_reason == "as agreed; $(reboot) {{ 7 * 7 }} for a pilot"
    # However long, a reason overrides nothing: that is an answer of its own.
    assert (config.gate_override, config.override_reason) == (False, "")


def test_override_is_an_approval_that_sets_unmet_rules_aside_and_says_why(dags: dict[str, Any]) -> None:
    said = answer(dags["training"].get_task("approve_model"), "Override unmet rules", reason=f" {A_PILOT}\n")
    config = promotion(dags, said, approval="human")
    assert (config.answer, config.approver, config.approval_reason) == ("Approve", "Ada Lovelace", A_PILOT)
    assert (config.gate_override, config.override_reason) == (True, A_PILOT)


@pytest.mark.parametrize("reason", [None, "", "none", "none none none none none", "only four words here"])
def test_override_without_a_reason_that_counts_is_asked_again_until_the_time_is_over(
    dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, reason: str | None
) -> None:
    asked, told = [], []
    for place in (hitl, approval_operator):
        monkeypatch.setattr(place, "upsert_hitl_detail", lambda **question: asked.append(question))
    monkeypatch.setattr(AskByMail, "__call__", lambda self, context: told.append(context["task"].body))
    task = rendered(dags["training"].get_task("approve_model"))
    context = {"task_instance": SimpleNamespace(id="ti"), "task": task}
    with pytest.raises(TaskAwaitingInput) as first:
        task.execute(context)
    event = {
        "chosen_options": ["Override unmet rules"],
        "params_input": {"reason": reason},
        "responded_at": ANSWERED_AT,
        "responded_by_user": ADA,
    }
    with pytest.raises(TaskAwaitingInput) as again:
        task.resume_execution(first.value.method_name, {**first.value.kwargs, "event": event}, context)
    assert [question["options"] for question in asked] == [task.options] * 2
    assert again.value.kwargs == first.value.kwargs
    assert again.value.timeout < first.value.timeout == task.response_timeout
    assert "The answer of Ada Lovelace decided nothing: Override unmet rules needs its reason" in told[-1]
    assert task.why_again in told[-1]


def test_override_that_is_off_of_the_approver_leaves_that_of_whoever_started_the_run(dags: dict[str, Any]) -> None:
    said = answer(dags["training"].get_task("approve_model"), "Approve", reason=" \n")
    config = promotion(dags, said, approval="human", gate_override=True, override_reason=A_PILOT)
    assert (config.approval_reason, config.gate_override, config.override_reason) == ("", True, A_PILOT)


def test_answer_of_nobody_names_nobody(dags: dict[str, Any]) -> None:
    said = answer(dags["training"].get_task("approve_model"), "Reject", user=None)
    assert promotion(dags, said, approval="human").approver == ""


def test_promotion_without_question_knows_of_no_answer(dags: dict[str, Any]) -> None:
    form = {"gate_override": True, "override_reason": A_PILOT}
    config = promotion(dags, None, **form)  # type: ignore[arg-type]  # as after a skipped task
    assert (config.approval, config.answer, config.approver, config.judged) == ("auto", "", "", "")
    assert (config.gate_override, config.override_reason) == (True, A_PILOT)
    assert promotion(dags, None).gate_override is False  # type: ignore[arg-type]


def test_question_shows_rules_report_and_override(dags: dict[str, Any]) -> None:
    task = rendered(dags["training"].get_task("approve_model"), {"gate_override": True, "override_reason": A_PILOT})
    assert task.subject == "Shall the new model of lending_club become champion?"
    assert "**version 4** asks to become champion" in task.body
    assert "s3://arrears/artifacts/runs/training/scheduled__2026-03-14T02-06-00-00-00/report/report.html" in task.body
    assert task.body.endswith("overrides unmet rules: a pilot of fifty loans")


def test_approvers_may_be_named_by_operations() -> None:
    assert model_approval(Settings.from_env({})).assigned_users is None
    named = model_approval(Settings.from_env({"ARREARS_APPROVERS": "ada, grace"}))
    assert named.assigned_users == [{"id": "ada", "name": "ada"}, {"id": "grace", "name": "grace"}]


def test_form_offers_no_way_round_a_human_where_operations_demand_one() -> None:
    assert approval_param(Settings.from_env({})).resolve(value="human") == "human"
    entry = approval_param(Settings.from_env({"ARREARS_APPROVAL": "human"}))
    assert entry.value == "human"
    with pytest.raises(ParamValidationError):
        entry.resolve(value="auto")


def test_mail_server_that_is_down_does_not_stop_the_question(
    dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[tuple[Any, str]] = []
    found = decided("", unmet_rules="2")
    monkeypatch.setattr(approval_mail, "gather", lambda context, settings: found)
    monkeypatch.setattr(send, "deliver", lambda message, connection, to, smaller: sent.append((message, connection)))
    task = rendered(dags["training"].get_task("approve_model"))
    context = {
        "task": task,
        "ti": SimpleNamespace(dag_id="training", run_id="r1", task_id="approve_model", map_index=-1),
        "params": {"gate_override": False},
    }
    (asking,) = task.notifiers
    asking.notify(context)
    ((message, connection),) = sent
    assert message["Subject"] == "[Arrears] approval loans 2026-03-14: a model waits for an answer"
    assert connection == "smtp_default"
    assert task.subject in message.get_body(("plain",)).get_content()
    for kind in ("plain", "html"):
        body = message.get_body((kind,)).get_content()
        assert "/dags/training/runs/r1/tasks/approve_model/required_actions" in body
        assert "2 rules of the gate are not met" in body

    def down(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr(send, "deliver", down)
    asking.notify(context)
    assert "nobody could be told by mail" in caplog.text
