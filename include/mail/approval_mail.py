"""The mail that asks a person for an answer: like the mails of runs, with the report that the answer is about."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseNotifier

from include.airflow_pages import airflow_url
from include.mail.run_report import Figures, RunReport
from include.mail.run_state import gather
from include.mail.send import send_mail
from include.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """What an approver reads.

    Attributes:
        run: what the run has found so far.
        asked: the question, one sentence.
        page: where it is answered.
        patience: how long somebody may take.
        again: why it is asked again. Empty: it is asked for the first time.
        override: the reason with which whoever started the run sets unmet rules aside. Empty: nobody does.
    """

    run: RunReport
    asked: str
    page: str
    patience: timedelta
    again: str = ""
    override: str = ""

    @property
    def subject(self) -> str:
        """The mail's subject, one line."""
        return f"[Arrears] approval {self.run.about} {self.run.as_of}: a model waits for an answer"

    @property
    def headline(self) -> str:
        """The question itself."""
        return self.asked

    @property
    def stands(self) -> str:
        """What the rules of the gate say, and what each answer would do."""
        unmet = self.run.values.get("unmet_rules", "")
        if unmet == "0":
            return "Every rule of the gate is met: Approve makes it the champion."
        if not unmet:
            return "What the rules of the gate say could not be read: see Airflow's page."
        rules = "1 rule of the gate is" if unmet == "1" else f"{unmet} rules of the gate are"
        return (
            f"{rules} not met: Approve alone promotes nothing. Only Override unmet rules, with its reason, makes it the"
            " champion."
        )

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """What an approver must not overlook."""
        own = [
            ("Asked again", self.again),
            ("Whoever started the run overrides unmet rules", self.override),
        ]
        return [(name, text) for name, text in own if text] + self.run.warnings

    @property
    def deadline(self) -> str:
        """What happens without an answer."""
        return f"Without an answer within {self.patience.days} days the present champion stays."

    @property
    def has_report(self) -> bool:
        """Whether the report page comes with the mail."""
        return any(address.endswith("/report.html") for address in self.run.attachments)

    @property
    def dag_id(self) -> str:
        """The DAG that asks."""
        return self.run.dag_id

    @property
    def about(self) -> str:
        """The data set."""
        return self.run.about

    @property
    def as_of(self) -> str:
        """The business date."""
        return self.run.as_of

    @property
    def run_id(self) -> str:
        """The run that asks."""
        return self.run.run_id

    @property
    def figures(self) -> Figures:
        """The rules first, then what was measured."""
        return self.run.figures

    @property
    def links(self) -> dict[str, str]:
        """Where it is answered, then what the run names."""
        return {"Answer": self.page, **self.run.links}


class AskByMail(BaseNotifier):
    """Tells the readers of the report mails that a model waits for them, with the page where they answer."""

    def __init__(self, settings: Settings, patience: timedelta) -> None:
        super().__init__()
        self.settings, self.patience = settings, patience

    def notify(self, context: Any) -> None:
        """Sends the mail. A mail server that is down does not stop the question."""
        task, params = context["task"], context["params"]
        try:
            question = Question(
                run=gather(context, self.settings),
                asked=task.subject,
                page=task.generate_link_to_ui(task_instance=context["ti"], base_url=airflow_url()),
                patience=self.patience,
                again=getattr(task, "why_again", ""),
                override=str(params.get("override_reason") or "") if params.get("gate_override") else "",
            )
            send_mail(question, question.run.attachments, self.settings, template="question")
        except Exception:  # the question stands on Airflow's page of required actions
            log.warning("nobody could be told by mail that a model waits for approval", exc_info=True)
