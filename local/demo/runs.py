"""The four DAGs for one business date: run what is missing, follow it to its mail, leave alone what is whole."""

from __future__ import annotations

import time
from dataclasses import dataclass

from arrears.contracts.errors import UpstreamNotReady
from include.outcome_fact_reader import latest_outcomes
from local.demo.airflow_client import AirflowClient, RunState
from local.demo.demo_checks import Evidence
from local.demo.mails import Mail, Mailbox
from local.demo.notes import Notes
from local.demo.run_progress import RunProgress

# Each pair is a DAG and the one that its asset starts.
CHAINS = (("generate_data", "training"), ("new_data", "inference"))
# Consumers first: Airflow drops the events for a DAG that is paused.
UNPAUSED = ("training", "inference", "generate_data", "new_data")
START_SECONDS = 120.0  # the scheduler took up to 12 to turn an event into a run
QUEUE_SECONDS = 3600.0  # runs of one DAG go one after the other
POLL = 1.0


class RunFailed(Exception):
    """A run of the demo failed. The message says which task, why, and where its log is."""


@dataclass(frozen=True)
class Finished:
    """One DAG's run whose work and mail are there, and whether this demo had to run it."""

    dag_id: str
    run_id: str
    mail: Mail
    ran_now: bool


@dataclass(frozen=True)
class Pipeline:
    """The whole way from source to scores, through the interfaces that a person has too."""

    airflow: AirflowClient
    mailbox: Mailbox
    evidence: Evidence
    notes: Notes
    progress: RunProgress

    def complete(self, *, force: bool) -> list[Finished]:
        """Leave all four DAGs done for the business date. With `force`, run all of them again.

        Raises RunFailed for the first run that fails, UpstreamNotReady where a run or a mail does not come.
        """
        self.airflow.wait_for_dags(UNPAUSED)
        for dag_id in UNPAUSED:
            self.airflow.set_paused(dag_id, paused=False)
        return [finished for chain in CHAINS for finished in self._chain(*chain, force=force)]

    def _chain(self, producer: str, consumer: str, *, force: bool) -> list[Finished]:
        intact = None if force else self._intact(producer)
        if intact is None:
            return self._run_both(producer, consumer)
        return [intact, self._intact(consumer) or self._run_alone(producer, intact.run_id, consumer)]

    def _run_both(self, producer: str, consumer: str) -> list[Finished]:
        conf = {"as_of": self.evidence.as_of, "dataset": self.evidence.dataset}
        rescoring = consumer == "inference" and self._scored_by_another()
        if rescoring:  # the run that the asset starts would refuse, rightly: only a person may force it
            self.airflow.set_paused(consumer, paused=True)
        try:
            left_going = self._unfinished(producer, self.notes.run_id(producer))
            run_id = left_going or self.airflow.trigger(producer, conf=conf)
            first = self._follow(producer, run_id)
        finally:
            if rescoring:
                self.airflow.set_paused(consumer, paused=False)
        if rescoring:
            return [first, self._run_alone(producer, run_id, consumer)]
        return [first, self._follow(consumer, self._wait_for_caused(producer, run_id, consumer))]

    def _run_alone(self, producer: str, producer_run: str, consumer: str) -> Finished:
        caused = self.airflow.caused(producer, producer_run, consumer)
        run_id = self._unfinished(consumer, self.notes.run_id(consumer)) or self._unfinished(consumer, caused)
        if run_id is None:
            conf: dict[str, object] = {"dataset": self.evidence.dataset}
            if consumer == "inference" and self._scored_by_another():
                conf["force"] = True
            run_id = self.airflow.trigger(consumer, conf=conf, partition_key=self.evidence.as_of)
        return self._follow(consumer, run_id)

    def _scored_by_another(self) -> bool:
        return self.evidence.scored_by() not in (None, self.evidence.champion())

    def _intact(self, dag_id: str) -> Finished | None:
        """The noted run where it, its data and its mail are whole. Says what is not."""
        run_id = self.notes.run_id(dag_id)
        run = self.airflow.run(dag_id, run_id) if run_id else None
        mail = self.mailbox.report_of(dag_id, run.run_id) if run else None
        if run and not run.ended:
            self.progress.say(dag_id, "is still under way")
            return None
        problems = self.evidence.missing_results(dag_id)
        if run is None or run.state != "success":
            problems.append("this demo has no finished run of it")
        elif mail is None:
            problems.append("its report mail is gone")
        if problems or run is None or mail is None:
            self.progress.say(dag_id, f"has to run: {problems[0]}" + (" …" if len(problems) > 1 else ""))
            return None
        self.progress.say(dag_id, "is intact: its run, what it wrote and its mail are there")
        return Finished(dag_id, run.run_id, mail, ran_now=False)

    def _unfinished(self, dag_id: str, run_id: str | None) -> str | None:
        """This run, where an interrupted demo left it going."""
        run = self.airflow.run(dag_id, run_id) if run_id else None
        return run.run_id if run and not run.ended else None

    def _wait_for_caused(self, producer: str, run_id: str, consumer: str) -> str:
        self.progress.say(consumer, f"is started by the asset that {producer} published")
        began = time.monotonic()
        while True:
            caused = self.airflow.caused(producer, run_id, consumer)
            if caused:
                return caused
            queued = self.airflow.waiting(consumer, self.evidence.as_of)
            if time.monotonic() - began > (QUEUE_SECONDS if queued else START_SECONDS):
                raise UpstreamNotReady(f"{producer} ended well, but Airflow started no run of {consumer} for it")
            time.sleep(POLL)

    def _follow(self, dag_id: str, run_id: str) -> Finished:
        self.notes.keep(dag_id, run_id)
        while True:
            run = self.airflow.run(dag_id, run_id)
            if run is None:
                raise UpstreamNotReady(f"Airflow has lost run {run_id} of {dag_id}: run the demo again")
            self.progress.show(run)
            if run.ended:
                break
            time.sleep(POLL)
        if run.state != "success":
            raise RunFailed(self._failure(run))
        return Finished(dag_id, run_id, self.mailbox.wait_for_report(dag_id, run_id), ran_now=True)

    def _failure(self, run: RunState) -> str:
        facts = latest_outcomes(self.evidence.addresses, run.dag_id, run.run_id)
        lines = [f"{run.dag_id} failed (run {run.run_id})"]
        for task in run.tasks:
            if task.state != "failed":
                continue
            fact = facts.get(task.task_id)
            error = self.airflow.last_error(run.dag_id, run.run_id, task) or "its log says why"
            reason = f"{fact.who_acts} must act: {fact.first_line}" if fact else f"it left no outcome fact; {error}"
            lines += [f"  {task.task_id}: {reason}"]
            lines += [f"  log: {self.airflow.log_address(run.dag_id, run.run_id, task.task_id)}"]
        return "\n".join(lines)
