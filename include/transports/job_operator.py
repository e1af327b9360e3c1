"""A task that runs one Spark job: the job's outcome fact decides what later tasks get, and whether to try again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from arrears.contracts.errors import EXIT_USAGE, BadConfiguration, BadInput
from arrears.contracts.outcome_facts import OutcomeFact
from include.form_checks import form_problems
from include.mail.airflow_failures import JobFailed, JobRefused, last_word
from include.outcome_fact_reader import read_outcome

# What cannot heal by itself, where a job ended before it could write its fact.
_FINAL_EXIT_CODES = (EXIT_USAGE, BadInput.exit_code, BadConfiguration.exit_code)


class JobOperator(BaseOperator):
    """Runs one Spark job, then lets its outcome fact decide: what later tasks get, and whether to try again.

    Subclasses say how the job is submitted. The task's XCom is one flat object: the job's figures and values.
    """

    outcome: str

    @abstractmethod
    def submit_job(self, context: Any) -> Any:
        """Runs the job to its end, and raises where it did not end well."""

    @property
    @abstractmethod
    def exit_code(self) -> int | None:
        """How the job's process ended. None where nobody knows."""

    def result(self, name: str) -> str:
        """The expression by which a later task takes one value of this task, such as a version."""
        return f"{{{{ ti.xcom_pull(task_ids='{self.task_id}')['{name}'] }}}}"

    def execute(self, context: Any) -> dict[str, Any]:
        """Runs the job and returns its figures and values, by name.

        Raises:
            AirflowFailException: the run was given what its form does not have, it overrides a check without a
                reason, or the job says that another try cannot help (its data or its configuration are wrong).
            AirflowException: it failed otherwise, or it ended well without leaving its fact.
        """
        problems = form_problems(context["params"], self.dag.params)
        if problems:
            raise AirflowFailException("; ".join(problems))
        try:
            self.submit_job(context)
        except AirflowFailException:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a transport raises, the job's own fact explains it better
            raise self._explained(error) from None
        fact = read_outcome(self.outcome)
        if fact is None:
            raise AirflowException(
                f"{self.task_id} ended without error but left no outcome fact at {self.outcome}: "
                "do Airflow and the cluster use the same S3 server and bucket?"
            )
        if fact.outcome != "success":
            raise _failure(fact)
        return {**fact.result.figures, **fact.result.values}

    def _explained(self, error: Exception) -> Exception:
        fact = self._outcome_after_failure()
        if fact is not None and fact.outcome == "failed":
            return _failure(fact)
        if self.exit_code in _FINAL_EXIT_CODES:
            reason = last_word(str(error)) or "its last lines in the log say what is wrong"
            return AirflowFailException(
                f"{self.task_id} refused its arguments or configuration (exit status {self.exit_code}): {reason}"
            )
        return error

    def _outcome_after_failure(self) -> OutcomeFact | None:
        try:
            return read_outcome(self.outcome)
        except Exception:
            # Where S3 itself is what failed, the job's own error is the one to show.
            self.log.warning("the outcome fact at %s could not be read", self.outcome, exc_info=True)
            return None


def _failure(fact: OutcomeFact) -> JobFailed:
    return JobFailed(fact) if fact.may_retry else JobRefused(fact)


def with_outcome(fields: Sequence[str]) -> tuple[str, ...]:
    """An operator's template fields and the address of its outcome fact."""
    return (*fields, "outcome")


def require_package(package: str) -> None:
    """Ends a task at once when the zip of the jobs' code is missing."""
    if "://" not in package and not Path(package).is_file():
        raise AirflowFailException(f"the jobs' package {package} is missing: build it with `make package`")
