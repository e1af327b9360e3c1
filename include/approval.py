"""The person between a measured model and production: what is asked, who may answer, and what the answer is worth."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseNotifier, Param
from airflow.sdk.exceptions import AirflowSkipException

from arrears.contracts.jobs import PromoteModelConfig
from include.approval_operator import ModelApproval
from include.forms import param
from include.gathering import airflow_url
from include.mails import deliver, mail_about
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
        patience=PATIENCE,
        assigned_users=[{"id": name, "name": name} for name in settings.approvers] or None,
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
