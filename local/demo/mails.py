"""The report mails of runs, found through the catcher's interface."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from arrears.contracts.errors import UpstreamNotReady
from local.http import request_json

POLL = 0.5


@dataclass(frozen=True)
class Mail:
    """One kept mail: its id in the catcher and its subject."""

    id: str
    subject: str


class Mailbox:
    """Reads the mail catcher of the stack (or Mailpit, whose interface it has)."""

    def __init__(self, port: int) -> None:
        self._port = port

    def report_of(self, dag_id: str, run_id: str) -> Mail | None:
        """The newest report mail of one run. None where there is none."""
        for summary in self._get("/api/v1/messages?limit=500")["messages"]:
            # The first word but where an override is told before it.
            if summary["Subject"].startswith("[Arrears] ") and dag_id in summary["Subject"].split():
                mail = Mail(summary["ID"], summary["Subject"])
                if f"Run: {run_id}" in self.message(mail)["Text"].splitlines():
                    return mail
        return None

    def wait_for_report(self, dag_id: str, run_id: str, *, seconds: float = 60.0) -> Mail:
        """The report mail of a run that has ended. Raises UpstreamNotReady where none comes in time."""
        deadline = time.monotonic() + seconds
        while True:
            mail = self.report_of(dag_id, run_id)
            if mail is not None:
                return mail
            if time.monotonic() > deadline:
                raise UpstreamNotReady(
                    f"no report mail of {dag_id} came: see the log of its task send_report and `make logs PART=mail`"
                )
            time.sleep(POLL)

    def message(self, mail: Mail) -> dict[str, Any]:
        """The whole mail: headers, both bodies, its attachments by name and size."""
        return dict(self._get(f"/api/v1/message/{mail.id}"))

    def _get(self, path: str) -> Any:
        status, answer = request_json(self._port, path)
        if status != 200:
            raise UpstreamNotReady(f"the mail catcher answers {path} with {status}: see `make logs PART=mail`")
        return answer
