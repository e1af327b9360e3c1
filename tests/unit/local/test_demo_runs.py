"""Which runs a demo starts, which it follows, and which it leaves alone."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from arrears.contracts.addresses import Addresses
from arrears.contracts.outcome_facts import OutcomeFact
from arrears.stores.objects import Objects
from local.demo.airflow_client import AirflowClient, RunState, TaskState
from local.demo.demo_checks import Evidence
from local.demo.mails import Mail, Mailbox
from local.demo.notes import Notes
from local.demo.run_progress import RunProgress
from local.demo.runs import Pipeline, RunFailed

AS_OF = "2026-01-31"
CONSUMER = {"generate_data": "training", "new_data": "inference"}


@dataclass
class FakeAirflow:
    """Every run that is started succeeds at once and starts its consumer, unless that is paused or told to fail."""

    fails: tuple[str, ...] = ()
    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    caused_runs: dict[str, str] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    looks: int = 0

    def wait_for_dags(self, dag_ids: Any) -> None:
        """Knows every DAG."""

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        (self.paused.add if paused else self.paused.discard)(dag_id)
        if paused:
            self.asked.append(f"hold {dag_id}")

    def trigger(self, dag_id: str, *, conf: dict[str, Any], partition_key: str | None = None) -> str:
        words = [
            f"run {dag_id}",
            *(["forced"] if conf.get("force") else []),
            *([partition_key] if partition_key else []),
        ]
        self.asked.append(" ".join(words))
        run_id = f"{dag_id}-{len(self.asked)}"
        self.runs[dag_id, run_id] = "failed" if dag_id in self.fails else "success"
        consumer = CONSUMER.get(dag_id)
        if consumer and consumer not in self.paused:
            self.caused_runs[run_id] = f"{consumer}-of-{run_id}"
            self.runs[consumer, f"{consumer}-of-{run_id}"] = "success"
        return run_id

    def run(self, dag_id: str, run_id: str) -> RunState | None:
        state = self.runs.get((dag_id, run_id))
        if state is None:
            return None
        if state == "running":  # it ends while the demo looks on
            self.looks += 1
            self.runs[dag_id, run_id] = "running" if self.looks < 4 else "success"
        task = TaskState(dag_id, "failed" if state == "failed" else "success", 1, 1.0)
        return RunState(dag_id, run_id, state, (task,))

    def caused(self, dag_id: str, run_id: str, consumer: str) -> str | None:
        return self.caused_runs.get(run_id)

    def last_error(self, dag_id: str, run_id: str, task: TaskState) -> str:
        return "ValueError: no fact was left"

    def log_address(self, dag_id: str, run_id: str, task_id: str) -> str:
        return f"http://airflow/{dag_id}/{run_id}/{task_id}"


class FullMailbox:
    """Has the report of every run."""

    def report_of(self, dag_id: str, run_id: str) -> Mail | None:
        return Mail("1", f"[Arrears] {dag_id} lending_club {AS_OF}: succeeded")

    wait_for_report = report_of


class Registry:
    """A registry with one champion."""

    def champion(self, name: str) -> str:
        return "2"


class FakeEvidence(Evidence):
    """Evidence in which only some DAGs' work is missing."""

    missing: tuple[str, ...] = ()
    model: str | None = "2"

    def missing_results(self, dag_id: str) -> list[str]:
        return [f"{dag_id} has lost a file"] if dag_id in self.missing else []

    def scored_by(self) -> str | None:
        return self.model


@dataclass
class Scene:
    """A pipeline over doubles."""

    folder: Path
    airflow: FakeAirflow = field(default_factory=FakeAirflow)

    def __post_init__(self) -> None:
        addresses = Addresses(f"file://{self.folder}/root")
        self.evidence = FakeEvidence(addresses, "lending_club", AS_OF, Objects(), cast(Any, Registry()))
        self.notes = Notes(self.folder / "runs.json", AS_OF)

    def missing_results(self, *dag_ids: str, scored_by: str | None = "2") -> None:
        object.__setattr__(self.evidence, "missing", dag_ids)
        object.__setattr__(self.evidence, "model", scored_by)

    def noted(self, state: str = "success", **runs: str) -> None:
        for dag_id, run_id in runs.items():
            self.notes.keep(dag_id, run_id)
            self.airflow.runs[dag_id, run_id] = state

    def complete(self, *, force: bool = False) -> list[str]:
        airflow, mailbox = cast(AirflowClient, self.airflow), cast(Mailbox, FullMailbox())
        pipeline = Pipeline(airflow, mailbox, self.evidence, self.notes, RunProgress(0, io.StringIO()))
        return [run.run_id for run in pipeline.complete(force=force)]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A scene in which an earlier demo has done everything."""
    monkeypatch.setattr("local.demo.runs.POLL", 0.0)
    scene = Scene(tmp_path)
    scene.noted(generate_data="g", training="t", new_data="n", inference="i")
    return scene


def test_nothing_runs_when_all_is_intact(scene: Scene) -> None:
    assert scene.complete() == ["g", "t", "n", "i"]
    assert scene.airflow.asked == []


def test_everything_runs_when_it_is_forced(scene: Scene) -> None:
    assert scene.complete(force=True) == [
        "generate_data-1",
        "training-of-generate_data-1",
        "new_data-2",
        "inference-of-new_data-2",
    ]
    assert scene.airflow.asked == ["run generate_data", "run new_data"]


def test_only_the_consumer_runs_when_only_its_work_is_missing(scene: Scene) -> None:
    scene.missing_results("inference")
    assert scene.complete()[:3] == ["g", "t", "n"]
    assert scene.airflow.asked == [f"run inference {AS_OF}"]


def test_a_note_of_a_run_that_airflow_does_not_know_is_not_believed(scene: Scene) -> None:
    del scene.airflow.runs["new_data", "n"]
    scene.complete()
    assert scene.airflow.asked == ["run new_data"]


def test_a_noted_run_that_failed_runs_again(scene: Scene) -> None:
    scene.noted("failed", training="t")
    scene.complete()
    assert scene.airflow.asked == [f"run training {AS_OF}"]


def test_a_run_that_an_interrupted_demo_left_going_is_followed_and_not_started_twice(scene: Scene) -> None:
    scene.noted("running", training="t")
    assert scene.complete() == ["g", "t", "n", "i"]
    assert scene.airflow.asked == []


def test_a_caused_run_that_was_never_noted_is_followed(scene: Scene) -> None:
    scene.noted("failed", inference="i")
    scene.airflow.caused_runs["n"] = "i2"
    scene.airflow.runs["inference", "i2"] = "running"
    assert scene.complete()[3] == "i2"
    assert scene.airflow.asked == []


def test_a_date_that_another_champion_scored_is_scored_by_force_once(scene: Scene) -> None:
    scene.missing_results(scored_by="1")
    scene.complete(force=True)
    assert scene.airflow.asked == [
        "run generate_data",
        "hold inference",
        "run new_data",
        f"run inference forced {AS_OF}",
    ]
    assert scene.airflow.paused == set()


def test_inference_is_let_go_again_when_new_data_fails(scene: Scene) -> None:
    scene.missing_results("new_data", scored_by="1")
    scene.airflow.fails = ("new_data",)
    with pytest.raises(RunFailed):
        scene.complete()
    assert scene.airflow.paused == set()


def test_a_failed_run_is_told_by_its_task_who_must_act_and_its_log(scene: Scene) -> None:
    scene.missing_results("new_data")
    scene.airflow.fails = ("new_data",)
    with pytest.raises(RunFailed) as without_fact:
        scene.complete()
    assert "new_data: it left no outcome fact; ValueError: no fact was left" in str(without_fact.value)
    assert "http://airflow/new_data/new_data-1/new_data" in str(without_fact.value)


def test_a_failed_run_is_told_by_the_first_line_of_its_fact(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    fact = OutcomeFact("new_data", "failed", "", "", "BadInput", "data owner", False, "column age is missing")
    monkeypatch.setattr("local.demo.runs.latest_outcomes", lambda *_: {"new_data": fact})
    scene.missing_results("new_data")
    scene.airflow.fails = ("new_data",)
    with pytest.raises(RunFailed, match="new_data: data owner must act: column age is missing"):
        scene.complete()
