"""The person between a measured model and production: what is asked, who may answer, and what the answer is worth.

See docs/adr/0033.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from arrears.contracts.job_configs.jobs import PromoteModelConfig
from include.approval_operator import ModelApproval
from include.forms import param
from include.mail.approval_mail import AskByMail
from include.settings import Settings

# Over a long weekend. No answer is a no: the champion stays.
PATIENCE = timedelta(days=4)

_SUBJECT = "Shall the new model of {{ params.dataset }} become champion?"
_BODY = (
    "{{ (ti.xcom_pull(task_ids='propose_model') or {}).get('summary', '') }}\n\n"
    "Report: {{ addresses.run_folder(dag.dag_id, run_id) }}/report/report.html\n\n"
    "{% if params.gate_override %}"
    "Whoever started the run overrides unmet rules: {{ params.override_reason }}{% endif %}"
)


def model_approval(settings: Settings) -> ModelApproval:
    """The task that waits for a person where the form asks for one. It skips itself where it does not."""
    return ModelApproval(
        task_id="approve_model",
        subject=_SUBJECT,
        body=_BODY,
        patience=PATIENCE,
        assigned_users=[{"id": name, "name": name} for name in settings.approvers] or None,
        notifiers=[AskByMail(settings, PATIENCE)],
        pre_execute=unless_automatic,
        trigger_rule="none_failed",
    )


def approval_param(settings: Settings) -> Param:
    """The form's choice between `auto` and `human`. Where operations demand a human there is nothing to choose."""
    entry = param(PromoteModelConfig, "approval", default=settings.approval)
    if settings.approval == "human":
        entry.schema["enum"] = ["human"]
    return entry


def unless_automatic(context: Any) -> None:
    """Skips a task that only a human approval needs."""
    if context["params"]["approval"] == "auto":
        raise AirflowSkipException("the approval is automatic: nobody is asked")


def answers() -> dict[str, Any]:
    """Arguments of promote_model: what the person was shown and said. All are empty where nobody was asked."""
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
