"""What a run's mail tells of one task: how it ended, in the job's words or in Airflow's, and who must act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from arrears.contracts.outcome_facts import OutcomeFact
from include.mail.figure_text import NOTHING, duration
from include.mail.next_steps import after_failure, person

NO_FACT = (
    "nobody said why: the task was killed, somebody marked it as failed in Airflow, or it broke while its code was"
    " loaded"
)
_ERROR_LETTERS = 1000


@dataclass(frozen=True)
class TaskReport:
    """One task as the mail shows it.

    Attributes:
        attempt: the number of its last attempt. None: Airflow never began one.
        facts: how each attempt ended, by its number. An attempt that was killed has none.
        failure: what Airflow itself kept of the last attempt's exception.
    """

    task_id: str
    state: str
    log_url: str
    seconds: float | None = None
    attempt: int | None = None
    facts: Mapping[int, OutcomeFact] = field(default_factory=dict)
    failure: OutcomeFact | None = None

    @property
    def failed(self) -> bool:
        """Whether the task itself failed, not one before it."""
        return self.state == "failed"

    @property
    def fact(self) -> OutcomeFact | None:
        """How the last attempt ended, in the job's own words, else in Airflow's. None where nobody said it."""
        if self.state not in ("success", "failed"):
            return None  # it was cleared: what is kept is of an earlier life of the run
        own = self.facts.get(self._last)
        if own is not None and not (self.failed and own.outcome == "success"):
            return own
        return self.failure if self.failed else None

    @property
    def error(self) -> str:
        """What went wrong in one line. Of several problems it is their number alone, for the mail lists them."""
        if self.fact is None:
            return NO_FACT
        problems = self.fact.problems or (self.fact.first_line,)
        return shortened(problems[0], _ERROR_LETTERS) if len(problems) == 1 else f"{len(problems)} problems"

    @property
    def problems(self) -> tuple[str, ...]:
        """All that is wrong, where it is more than one thing."""
        problems = () if self.fact is None else self.fact.problems
        return tuple(shortened(problem, _ERROR_LETTERS) for problem in problems) if len(problems) > 1 else ()

    @property
    def who_acts(self) -> str:
        """Who must act on the failure. Where nobody said why, it is whoever reads the log."""
        return person("operator" if self.fact is None else self.fact.who_acts or "operator")

    @property
    def next_step(self) -> str:
        """What that person should do."""
        return after_failure(self.fact)

    @property
    def earlier(self) -> list[str]:
        """How the attempts before the last one ended, one line each. Empty where the first one was the only one."""
        return [f"attempt {number}: {self._ending(self.facts.get(number))}" for number in range(1, self._last)]

    @property
    def duration(self) -> str:
        """How long its last attempt took."""
        return NOTHING if self.seconds is None else duration(self.seconds)

    @property
    def _last(self) -> int:
        return self.attempt or max(self.facts, default=1)

    @staticmethod
    def _ending(fact: OutcomeFact | None) -> str:
        if fact is None:
            return "ended without a word, killed perhaps"
        if fact.outcome == "success":
            return "ended well, and was repeated"
        return f"{fact.error_class}: {shortened(fact.first_line, _ERROR_LETTERS)}"


def shortened(text: str, letters: int) -> str:
    """A text of bounded length: an analyst may have typed five thousand letters."""
    return text if len(text) <= letters else text[: letters - 1] + "…"
