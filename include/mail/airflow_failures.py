"""What Airflow itself says of a failure, kept for the mail: a job that was never started can leave no outcome fact."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import ArrearsError, BadConfiguration, UpstreamNotReady
from arrears.contracts.outcome_facts import OutcomeFact

log = logging.getLogger(__name__)

# XComs of a task: they need no S3, which may be the very thing that failed.
FAILURE = "failure"
ATTEMPT = "attempt"

# The line of a program's output that says what ended it: of a traceback, of Java, of argparse, of the remote runner.
_LAST_WORD = re.compile(r"^(\w+\.)*\w*(Error|Exception|Interrupt)\b.*|.*\berror: .*|the node cannot start .*")
_SUBMIT = "Cannot execute: "  # of the provider: the whole command follows, then the last lines of its output


class JobFailed(AirflowException):
    """A job failed and has said why. Another try may help."""

    def __init__(self, fact: OutcomeFact) -> None:
        super().__init__(f"{fact.error_class} ({fact.who_acts} must act): {fact.first_line}")
        self.fact = fact


class JobRefused(JobFailed, AirflowFailException):
    """A job failed and has said why. Another try cannot help."""


def note_attempt(context: Any) -> None:
    """Keeps the number of the attempt that begins: a killed one leaves nothing else."""
    context["ti"].xcom_push(key=ATTEMPT, value=context["ti"].try_number)


def noted_failure(addresses: Addresses) -> Callable[[Any], None]:
    """A callback of failed and retried tasks: keeps what the exception says where no job has said it."""

    def note(context: Any) -> None:
        # Airflow's DAG processor calls this too, for a task that vanished: it has no exception, and XComs hang there.
        exception = context.get("exception")
        if not isinstance(exception, BaseException):
            return
        ti = context["ti"]
        fact = told_by(exception, ti.task_id, ti.start_date)
        ti.xcom_push(key=FAILURE, value=fact.to_json())
        if not isinstance(exception, JobFailed):
            _keep(fact, addresses.outcome(ti.dag_id, ti.run_id, ti.task_id, ti.try_number))

    return note


def told_by(exception: BaseException, task_id: str, started: datetime | None = None) -> OutcomeFact:
    """An exception of Airflow's side as an outcome fact, or the job's own fact where the exception holds it."""
    if isinstance(exception, JobFailed):
        return exception.fact
    who, problems = BadConfiguration.who_acts, tuple[str, ...]()
    if isinstance(exception, ArrearsError):
        who, problems = exception.who_acts, exception.problems
    elif isinstance(exception, (ConnectionError, OSError)):
        who = UpstreamNotReady.who_acts
    now = datetime.now(UTC)
    return OutcomeFact(
        job=task_id,
        outcome="failed",
        started_at=(started or now).isoformat(timespec="seconds"),
        ended_at=now.isoformat(timespec="seconds"),
        error_class=type(exception).__name__,
        who_acts=who,
        first_line=_sentence(exception),
        problems=problems,
    )


def last_word(output: str) -> str:
    """The last line of a program's output that names an error. Empty where none does."""
    lines = [line.strip() for line in output.splitlines()]
    return next((line for line in reversed(lines) if _LAST_WORD.match(line)), "")


def _sentence(exception: BaseException) -> str:
    kind, text = type(exception).__name__, str(exception).strip()
    if isinstance(exception, AirflowTaskTimeout):
        return "it ran longer than the time that the DAG gives it (execution_timeout) and was ended"
    if text.startswith(_SUBMIT):
        status = re.search(r"Error code is: (-?\d+)", text)
        # Not the command itself: it is 14 kB long.
        told = last_word(text) or "its output names no error"
        return f"spark-submit ended with exit status {status[1] if status else 'unknown'}: {told}"
    if not text:
        return kind
    first = last_word(text) or text.splitlines()[0]
    return first if kind.startswith("Airflow") or isinstance(exception, ArrearsError) else f"{kind}: {first}"


def _keep(fact: OutcomeFact, address: str) -> None:
    """Leaves the fact where the job would have left its own. A job that did is not talked over."""
    from arrears.stores.objects import Objects

    try:
        Objects().create(address, fact.to_json().encode())
    except Exception:  # the XCom tells it
        log.warning("the failure could not be kept at %s", address, exc_info=True)
