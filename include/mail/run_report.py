"""What a run's mail tells, of Airflow's task states and the jobs' outcome facts: in which words, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from arrears.contracts.metric_names import in_words
from arrears.contracts.outcome_facts import OutcomeFact
from include.mail.mailed_figures import (
    NOTHING,
    duration,
    is_internal,
    is_warning,
    label_of,
    place_of,
    section_of,
    shown,
)
from include.mail.next_steps import after_failure, after_success, person

FAILED_STATES = ("failed", "upstream_failed")
NO_FACT = (
    "nobody said why: the task was killed, somebody marked it as failed in Airflow, or it broke while its code was"
    " loaded"
)
_SUBJECT_LETTERS = 60  # of a part that people can make as long as they like
_ERROR_LETTERS = 1000
_HEADLINES = {
    "promoted": ("new champion", "Model version {model_version} is the new champion of {about}."),
    "kept": ("kept champion", "The champion of {about} stays: the new model does not beat it."),
    "refused": ("refused", "The new model of {about} does not meet the rules of its data set: no new champion."),
    "rejected": ("rejected", "Model version {model_version} of {about} was not approved: the champion stays."),
    "rolled back": ("rolled back", "Model version {model_version} is champion of {about} again."),
}
_SET_ASIDE = "BY OVERRIDE of {set_aside}: model version {model_version} is the new champion of {about}."

Figures = dict[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class TaskReport:
    """One task as the mail shows it.

    Attributes:
        attempt: the number of its last attempt; None: Airflow never began one.
        facts: how each attempt ended, by its number; an attempt that was killed has none.
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
        """How the last attempt ended, in the job's own words, else in Airflow's; None where nobody said it."""
        if self.state not in ("success", "failed"):
            return None  # it was cleared: what is kept is of an earlier life of the run
        own = self.facts.get(self._last)
        if own is not None and not (self.failed and own.outcome == "success"):
            return own
        return self.failure if self.failed else None

    @property
    def error(self) -> str:
        """What went wrong in one line; of several problems their number alone, for the mail lists them."""
        if self.fact is None:
            return NO_FACT
        told = self.fact.problems or (self.fact.first_line,)
        return _cut(told[0], _ERROR_LETTERS) if len(told) == 1 else f"{len(told)} problems"

    @property
    def problems(self) -> tuple[str, ...]:
        """All that is wrong, where it is more than one thing."""
        told = () if self.fact is None else self.fact.problems
        return tuple(_cut(problem, _ERROR_LETTERS) for problem in told) if len(told) > 1 else ()

    @property
    def who_acts(self) -> str:
        """Who must act on the failure; where nobody said why, whoever reads the log."""
        return person("operator" if self.fact is None else self.fact.who_acts or "operator")

    @property
    def next_step(self) -> str:
        """What that person should do."""
        return after_failure(self.fact)

    @property
    def earlier(self) -> list[str]:
        """How the attempts before the last one ended, one line each; empty where the first one was the only one."""
        return [f"attempt {number}: {self._told(self.facts.get(number))}" for number in range(1, self._last)]

    @property
    def duration(self) -> str:
        """How long its last attempt took."""
        return NOTHING if self.seconds is None else duration(self.seconds)

    @property
    def _last(self) -> int:
        return self.attempt or max(self.facts, default=1)

    @staticmethod
    def _told(fact: OutcomeFact | None) -> str:
        if fact is None:
            return "ended without a word, killed perhaps"
        if fact.outcome == "success":
            return "ended well, and was repeated"
        return f"{fact.error_class}: {_cut(fact.first_line, _ERROR_LETTERS)}"


@dataclass(frozen=True)
class RunReport:
    """One run as the mail shows it.

    Attributes:
        dataset: the data set or bank that the run is about; empty where its form has none.
        silence: why the jobs' outcome facts could not be read; empty where they were.
    """

    dag_id: str
    run_id: str
    as_of: str
    run_url: str
    tasks: tuple[TaskReport, ...]
    dataset: str = ""
    silence: str = ""

    @property
    def failed(self) -> bool:
        """Whether any of the run's work failed."""
        return any(task.state in FAILED_STATES for task in self.tasks)

    @property
    def ended_early(self) -> bool:
        """Whether somebody ended the run in Airflow before its last task had done its work."""
        return not self.failed and bool(self.tasks) and self.tasks[-1].state != "success"

    @property
    def about(self) -> str:
        """What the run is about, at most as long as a subject bears."""
        return _cut(self.dataset, _SUBJECT_LETTERS)

    @property
    def outcome(self) -> str:
        """The last words of the subject."""
        if self.failed:
            return "FAILED"
        if self.ended_early:
            return "ENDED EARLY"
        return _HEADLINES[self._decision][0] if self._decision in _HEADLINES else "succeeded"

    @property
    def subject(self) -> str:
        """The mail's subject, one line: first that a rule was set aside, then run, data set, date and outcome."""
        first = f"BY OVERRIDE of {_cut(self.set_aside, _SUBJECT_LETTERS)}: " if self.set_aside else ""
        named = " ".join(part for part in (self.dag_id, self.about, self.as_of) if part)
        return " ".join(f"[Arrears] {first}{named}: {self.outcome}".split())

    @property
    def headline(self) -> str:
        """The sentence that a reader in a hurry needs."""
        of = f" of {self.about}" if self.about else ""
        broken = [task for task in self.tasks if task.failed]
        if broken:
            where = "" if broken[0].task_id == self.dag_id else f" in {broken[0].task_id}"
            return f"{self.dag_id}{of} failed{where}. Who must act: {broken[0].who_acts}."
        if self.failed:
            return f"{self.dag_id}{of} failed before its work began."
        if self.ended_early:
            return f"{self.dag_id}{of} was ended in Airflow before its work was done."
        if self._decision in _HEADLINES:
            words = _SET_ASIDE if self.set_aside else _HEADLINES[self._decision][1]
            return words.format_map(
                {
                    "model_version": "?",
                    **self.values,
                    "set_aside": self.set_aside,
                    "about": self.about or "its data set",
                }
            )
        return f"{self.dag_id}{of} has done its work for {self.as_of}."

    @property
    def set_aside(self) -> str:
        """The rules of the gate that an override has set aside; empty where none took effect."""
        return "" if self.failed else in_words(self.values.get("set_aside", ""))

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """Name and text of every figure that tells of a rule that somebody has set aside."""
        return [(label_of(name), shown(value, name)) for _, name, value in self._told if is_warning(name)]

    @property
    def figures(self) -> Figures:
        """Heading → name and value with its unit: decisions first, what led to them after."""
        return _by_section(told for told in self._told if not is_internal(told[1]) and not is_warning(told[1]))

    @property
    def internals(self) -> Figures:
        """The same of what only engineers ask for."""
        return _by_section(told for told in self._told if is_internal(told[1]))

    @property
    def next_step(self) -> str:
        """What a reader should do next; of a failure, each failed task says it."""
        if self.ended_early:
            return "If nobody meant that, clear the run in Airflow: it does again what it has not done."
        return "" if self.failed else after_success(self.dag_id, self._decision)

    @property
    def links(self) -> dict[str, str]:
        """Label and address: the run itself, then what the jobs name (their MLflow run, their report)."""
        named = {label: address for fact in self._done for label, address in fact.result.links.items()}
        return {"Airflow run": self.run_url, **named}

    @property
    def attachments(self) -> list[str]:
        """Addresses of the plots and pages of the jobs."""
        return [address for fact in self._done for address in fact.result.attachments]

    @property
    def _done(self) -> list[OutcomeFact]:
        return [task.fact for task in self.tasks if task.fact is not None]

    @property
    def _told(self) -> list[tuple[str, str, Any]]:
        """Task, name and value of every figure, the deciding tasks first."""
        done = [(task.task_id, task.fact) for task in self.tasks if task.fact is not None]
        if self._decision:  # it tells every rule that the proposal told
            done = [each for each in done if each[0] != "propose_model"]
        return [
            (task_id, name, value)
            for task_id, fact in sorted(done, key=lambda each: place_of(each[0]))
            for name, value in fact.result.figures.items()
        ]

    @property
    def values(self) -> dict[str, str]:
        """What the tasks left for each other, by name."""
        return {name: value for fact in self._done for name, value in fact.result.values.items()}

    @property
    def _decision(self) -> str:
        return self.values.get("decision", "")


def _by_section(told: Any) -> Figures:
    found: Figures = {}
    for task_id, name, value in told:
        found.setdefault(section_of(task_id), []).append((label_of(name), shown(value, name)))
    return found


def _cut(text: str, letters: int) -> str:
    """A text of bounded length: an analyst may have typed five thousand letters."""
    return text if len(text) <= letters else text[: letters - 1] + "…"
