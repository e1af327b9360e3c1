"""What a run's mail tells of the run as a whole: its subject, its headline, its figures and their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from arrears.contracts.metric_names import in_words
from arrears.contracts.outcome_facts import OutcomeFact
from include.mail.figure_text import is_internal, is_warning, label_of, place_of, section_of, shown
from include.mail.next_steps import after_success
from include.mail.task_report import TaskReport, shortened

FAILED_STATES = ("failed", "upstream_failed")
_SUBJECT_LETTERS = 60  # of a part that people can make as long as they like
_HEADLINES = {
    "promoted": ("new champion", "Model version {model_version} is the new champion of {about}."),
    "kept": ("kept champion", "The champion of {about} stays: the new model does not beat it."),
    "refused": ("refused", "The new model of {about} does not meet the rules of its data set: no new champion."),
    "rejected": ("rejected", "Model version {model_version} of {about} was not approved: the champion stays."),
    "rolled back": ("rolled back", "Model version {model_version} is champion of {about} again."),
}
_SET_ASIDE = "BY OVERRIDE of {set_aside}: model version {model_version} is the new champion of {about}."

Figure = tuple[str, str, Any]
"""Task, name and value."""

Figures = dict[str, list[tuple[str, str]]]
"""Heading → name and text."""


@dataclass(frozen=True)
class RunReport:
    """One run as the mail shows it.

    Attributes:
        dataset: the data set or bank that the run is about. Empty where its form has none.
        silence: why the jobs' outcome facts could not be read. Empty where they were.
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
        return shortened(self.dataset, _SUBJECT_LETTERS)

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
        first = f"BY OVERRIDE of {shortened(self.set_aside, _SUBJECT_LETTERS)}: " if self.set_aside else ""
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
        """The rules of the gate that an override has set aside. Empty where none took effect."""
        return "" if self.failed else in_words(self.values.get("set_aside", ""))

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """Name and text of every figure that tells of a rule that somebody has set aside."""
        return [(label_of(name), shown(value, name)) for _, name, value in self._all_figures if is_warning(name)]

    @property
    def figures(self) -> Figures:
        """Heading → name and value with its unit: decisions first, what led to them after."""
        return _by_section(
            figure for figure in self._all_figures if not is_internal(figure[1]) and not is_warning(figure[1])
        )

    @property
    def internals(self) -> Figures:
        """The same of what only engineers ask for."""
        return _by_section(figure for figure in self._all_figures if is_internal(figure[1]))

    @property
    def next_step(self) -> str:
        """What a reader should do next. After a failure, each failed task says it."""
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
    def _all_figures(self) -> list[Figure]:
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


def _by_section(figures: Iterable[Figure]) -> Figures:
    sections: Figures = {}
    for task_id, name, value in figures:
        sections.setdefault(section_of(task_id), []).append((label_of(name), shown(value, name)))
    return sections
