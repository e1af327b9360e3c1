"""The task that waits for a person: three answers, of which one sets unmet rules aside and must say why.

See docs/adr/0039.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from arrears.contracts.gate_rules import OVERRIDE_WORDS, reason_problems

APPROVE = "Approve"
REJECT = "Reject"
OVERRIDE = "Override unmet rules"

# Airflow's page greys its buttons while a text that may not be null is empty: this one may.
_REASON = Param(
    None,
    type=["null", "string"],
    format="multiline",
    title="Reason",
    description=f"May stay empty with {APPROVE} and {REJECT}. {OVERRIDE} approves although a rule is not met: it needs"
    f" the reason why the rule does not matter here, in at least {OVERRIDE_WORDS} different words. With fewer nothing"
    " is decided, and the question is asked again. The reason is kept in the log of decisions.",
    source="task",
)


class ModelApproval(HITLOperator):
    """Asks a person to approve, reject, or override. Its XCom says what was answered, by whom, when and why.

    A rejection skips nothing: promote_model writes it into the log of decisions. Airflow's page cannot hold an answer
    back, so an override without a reason that counts is asked again here, until the first question's time is over.
    """

    def __init__(self, *, patience: timedelta, **kwargs: Any) -> None:
        fixed = {
            "options": [APPROVE, REJECT, OVERRIDE],
            "defaults": REJECT,
            "params": {"reason": _REASON},
            "response_timeout": patience,
        }
        # Airflow has put the DAG's own params among the arguments; none of them belongs to the question.
        super().__init__(**kwargs | fixed)
        self._patience = patience
        self.why_again = ""  # for the mail that asks

    def execute(self, context: Any) -> None:
        """Asks, and remembers until when."""
        try:
            super().execute(context)
        except TaskAwaitingInput as waiting:
            waiting.kwargs = {"until": (datetime.now(UTC) + self._patience).isoformat()}
            raise

    def execute_complete(self, context: Any, event: dict[str, Any], until: str = "") -> dict[str, str]:
        """Turns Airflow's answer into the fields of promote_model, or asks again."""
        answer = answer_of(super().execute_complete(context, event))
        problems = reason_problems(bool(answer["gate_override"]), answer["override_reason"], OVERRIDE)
        if problems:
            self._ask_again(context, f"The answer of {answer['approver']} decided nothing: {problems[0]}.", until)
        return answer

    def _ask_again(self, context: Any, why: str, until: str) -> None:
        self.log.warning(why)
        # Airflow keeps the text of a question that is there and drops the answer to it: the mail alone tells why.
        self.why_again = why
        self.body = f"**{why}**\n\n{self.body}"
        upsert_hitl_detail(
            ti_id=context["task_instance"].id,
            options=self.options,
            subject=self.subject,
            body=self.body,
            defaults=self.defaults,
            multiple=self.multiple,
            params=self.serialized_params,
            assigned_users=self.assigned_users,
        )
        for notifier in self.notifiers:
            notifier(context)
        left = datetime.fromisoformat(until) - datetime.now(UTC) if until else self._patience
        raise TaskAwaitingInput(
            method_name="execute_complete", timeout=max(left, timedelta(seconds=1)), kwargs={"until": until}
        )


def answer_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The answer as flat text: `approver` is empty where nobody answered in time."""
    user, reason = given["responded_by_user"] or {}, str(given["params_input"].get("reason") or "").strip()
    overrides = given["chosen_options"][0] == OVERRIDE
    return {
        "answer": APPROVE if overrides else given["chosen_options"][0],
        "approver": str(user.get("name") or user.get("id") or "").strip(),
        "answered_at": given["responded_at"].isoformat(),
        "approval_reason": reason,
        "gate_override": "true" if overrides else "",
        "override_reason": reason if overrides else "",
    }
