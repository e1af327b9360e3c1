"""The person between a measured model and production: what is asked, who may answer, and what the answer is worth."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import BaseNotifier, Param
from airflow.sdk.exceptions import AirflowSkipException

from arrears.contracts.gate_rules import OVERRIDE_WORDS
from arrears.contracts.jobs import PromoteModelConfig
from include.forms import param
from include.mails import deliver, mail_about
from include.reports import airflow_url
from include.settings import Settings

log = logging.getLogger(__name__)

# Over a long weekend. No answer is a no: the champion stays.
PATIENCE = timedelta(days=4)

_SUBJECT = "Shall the new model of {{ params.dataset }} become champion?"
_BODY = (
    "{{ (ti.xcom_pull(task_ids='propose_model') or {}).get('summary', '') }}\n\n"
    "Report: {{ catalogue.run_folder(dag.dag_id, run_id) }}/report/report.html\n\n"
    "{% if params.gate_override %}"
    "Whoever started the run overrides unmet rules: {{ params.override_reason }}{% endif %}"
)


class ModelApproval(ApprovalOperator):
    """Asks a person to approve or reject a model; its XCom says what was answered, by whom, when and why.

    A rejection skips nothing: promote_model writes it into the log of decisions.
    """

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, str]:
        """Turns Airflow's answer into the fields of promote_model."""
        # Not the parent's: it would skip what follows a rejection.
        given = HITLOperator.execute_complete(self, context, event)
        return answer_of(given)


class AskByMail(BaseNotifier):
    """Tells the readers of the report mails that a model waits for them, with the page where they answer."""

    def __init__(self, smtp_connection: str) -> None:
        super().__init__()
        self.smtp_connection = smtp_connection

    def notify(self, context: Any) -> None:
        """Sends the mail; a mail server that is down does not stop the question."""
        task = context["task"]
        try:
            message = mail_about(f"[Arrears] {task.subject}")
            page = task.generate_link_to_ui(task_instance=context["ti"], base_url=airflow_url())
            message.set_content(f"{task.body}\n\nAnswer within {PATIENCE.days} days: {page}\n")
            deliver(message, self.smtp_connection)
        except Exception:  # the question stands on Airflow's page of required actions
            log.warning("nobody could be told by mail that a model waits for approval", exc_info=True)


def model_approval(settings: Settings) -> ModelApproval:
    """The task that waits for a person where the form asks for one; it skips itself where it does not."""
    return ModelApproval(
        task_id="approve_model",
        subject=_SUBJECT,
        body=_BODY,
        params={
            "reason": Param("", type="string", title="Why", description="Kept in the log of decisions.", source="task"),
            "override": Param(
                False,
                type="boolean",
                title="Override unmet rules",
                description="Without it a model that misses a rule is refused in spite of an approval.",
                source="task",
            ),
            "override_reason": Param(
                "",
                type="string",
                title="Why those rules do not matter here",
                description=f"At least {OVERRIDE_WORDS} words; needed with the override, empty without it.",
                source="task",
            ),
        },
        assigned_users=[{"id": name, "name": name} for name in settings.approvers] or None,
        defaults=ApprovalOperator.REJECT,
        response_timeout=PATIENCE,
        notifiers=[AskByMail(settings.smtp_connection)],
        pre_execute=unless_automatic,
        trigger_rule="none_failed",
    )


def approval_param(settings: Settings) -> Param:
    """The form's choice between `auto` and `human`; where operations demand a human there is nothing to choose."""
    entry = param(PromoteModelConfig, "approval", default=settings.approval)
    if settings.approval == "human":
        entry.schema["enum"] = ["human"]
    return entry


def unless_automatic(context: Any) -> None:
    """Skips a task that only a human approval needs."""
    if context["params"]["approval"] == "auto":
        raise AirflowSkipException("the approval is automatic: nobody is asked")


def answers() -> dict[str, Any]:
    """Arguments of promote_model: what the person was shown and said; all empty where nobody was asked."""
    said = "ti.xcom_pull(task_ids='approve_model') or {}"
    shown = "ti.xcom_pull(task_ids='propose_model') or {}"
    parts = ("answer", "approver", "answered_at", "approval_reason")
    # The approver's own words first, then those of whoever started the run.
    whose = f"(({said}) if ({said}).get('gate_override') else params)"
    return {
        "judged": f"{{{{ text(({shown}).get('judged')) }}}}",
        **{part: f"{{{{ text({whose}.{part}) }}}}" for part in ("gate_override", "override_reason")},
        **{part: f"{{{{ text(({said}).get('{part}')) }}}}" for part in parts},
    }


def answer_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The answer as flat text: `approver` is empty where nobody answered in time."""
    user = given["responded_by_user"] or {}
    return {
        "answer": given["chosen_options"][0],
        "approver": str(user.get("name") or user.get("id") or "").strip(),
        "answered_at": given["responded_at"].isoformat(),
        "approval_reason": str(given["params_input"].get("reason") or "").strip(),
        "gate_override": "true" if given["params_input"].get("override") else "",
        "override_reason": str(given["params_input"].get("override_reason") or "").strip(),
    }
