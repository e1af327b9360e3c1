"""What Airflow itself lets through is refused before anything runs: unknown names, and overrides without a reason."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from arrears.contracts.job_configs.jobs import JOBS
from tests.dags.rendering import FILLED_IN, rendered

A_PILOT = "a pilot of fifty loans"
PAIRS = [("gate_override", "override_reason"), ("leak_override", "leak_override_reason")]


class Submitted(BaseException):
    """The job would run now; no error, or the task would look for the job's own."""


def first_task(dags: dict[str, Any], dag_id: str, monkeypatch: pytest.MonkeyPatch, **form: Any) -> None:
    """Runs a DAG's first task up to where it submits its job."""

    def submit(self: Any, context: Any) -> None:
        raise Submitted

    task = rendered(dags[dag_id].tasks[0], form)
    monkeypatch.setattr(type(task), "submit_job", submit)
    params = {**task.dag.params.dump(), **FILLED_IN.get(dag_id, {}), **form}
    task.execute({"params": params})


@pytest.mark.parametrize(("switch", "reason"), PAIRS)
@pytest.mark.parametrize(
    ("on", "why", "sentence"),
    [
        (True, None, "needs its reason, in at least 5 different words"),
        (True, "none", "needs its reason, in at least 5 different words, not 'none'"),
        (False, A_PILOT, "is off, yet there is a reason for it"),
    ],
)
def test_half_an_override_is_refused_by_the_first_task(
    dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, switch: str, reason: str, on: bool, why: Any, sentence: str
) -> None:
    for dag_id in [dag_id for dag_id, dag in dags.items() if switch in dag.params]:
        with pytest.raises(AirflowFailException, match=sentence) as refused:
            first_task(dags, dag_id, monkeypatch, **{switch: on, reason: why})
        assert f"({switch})" in str(refused.value)


@pytest.mark.parametrize(("switch", "reason"), PAIRS)
@pytest.mark.parametrize(("on", "why"), [(True, A_PILOT), (False, None), (False, ""), (None, None)])
def test_whole_override_and_none_run(
    dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, switch: str, reason: str, on: bool, why: Any
) -> None:
    for dag_id in [dag_id for dag_id, dag in dags.items() if switch in dag.params]:
        with pytest.raises(Submitted):
            first_task(dags, dag_id, monkeypatch, **{switch: on, reason: why})


def test_name_that_no_form_has_is_refused_by_the_first_task(
    dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for dag_id in dags:
        with pytest.raises(AirflowFailException, match=r"^as_off is no field of the form: as_of is$"):
            first_task(dags, dag_id, monkeypatch, as_off="2026-01-31")


def test_every_switch_of_a_form_that_overrides_is_off_folded_away_and_checked(dags: dict[str, Any]) -> None:
    switches = {name for dag in dags.values() for name in dag.params if name.endswith("override")}
    assert switches == {switch for switch, _ in PAIRS}
    for dag in dags.values():
        for switch, reason in PAIRS:
            if switch in dag.params:
                entries = [dag.params.get_param(name) for name in (switch, reason)]
                assert [entry.value for entry in entries] == [False, None]
                assert len({entry.schema["section"] for entry in entries}) == 1
                # Airflow's page marks what may not be null with a star, which people obey.
                assert entries[0].schema["type"] == ["null", "boolean"]
                section = entries[0].schema["section"]
                others = [n for n in dag.params if dag.params.get_param(n).schema.get("section") == section]
                assert others == [switch, reason]


def test_override_fields_of_every_job_are_the_known_ones() -> None:
    fields = {name for config in JOBS.values() for name in config.__dataclass_fields__ if "override" in name}
    assert fields == {name for pair in PAIRS for name in pair}
