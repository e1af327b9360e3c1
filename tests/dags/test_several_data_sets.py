"""Several data sets on one installation: each has DAGs, assets, a schedule, mails and limits of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arrears.contracts.errors import BadConfiguration
from include.scheduled import scheduled
from tests.dags.rendering import ENVIRONMENT, parsed, rendered, spark_submit_argv

CARDS = """
name: cards
target: bad
numeric: [income]
operation:
  new_data_cron: 17 5 * * 1-5
  recipients: [cards@bank.example]
  risk_limits: [0.1, 0.3]
  approval: human
  approvers: [ada]
  applicants:
    source: "s3://bank/cards/as_of={{as_of}}/"
    marker: _SUCCESS
    fewest: 20
    wait_hours: 3
"""
OF_EACH = {"generate_data", "training", "new_data", "inference", "rollback", "maintenance", "outcomes"}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("descriptions") / "cards.yaml"
    file.write_text(CARDS)
    return file


@pytest.fixture(scope="module")
def both(described: Path) -> dict[str, Any]:
    return parsed(ENVIRONMENT | {"ARREARS_DATASETS": str(described)})


def test_a_second_data_set_adds_dags_of_its_own_and_changes_none(both: dict[str, Any], dags: dict[str, Any]) -> None:
    assert set(both) - set(dags) == {f"{dag_id}.cards" for dag_id in OF_EACH}
    for dag_id, dag in dags.items():
        assert dict(both[dag_id].params.dump()) == dict(dag.params.dump())
        assert vars(both[dag_id].timetable) == vars(dag.timetable)


@pytest.mark.parametrize(("producer", "consumer"), [("generate_data", "training"), ("new_data", "inference")])
def test_each_data_set_starts_its_own_consumer_alone(both: dict[str, Any], producer: str, consumer: str) -> None:
    for suffix in ("", ".cards"):
        published = [outlet for task in both[producer + suffix].tasks for outlet in task.outlets]
        assert [both[consumer + suffix].timetable.asset_condition] == published
    uris = {outlet.uri for dag in both.values() for task in dag.tasks for outlet in task.outlets}
    names = {outlet.name for dag in both.values() for task in dag.tasks for outlet in task.outlets}
    assert len(uris) == len(names) == 10
    assert "test_sample.cards" in names
    assert "s3://arrears/test_sample/cards" in uris


def test_schedule_form_limits_and_approval_are_those_of_the_description(both: dict[str, Any]) -> None:
    new_data, training = both["new_data.cards"], both["training.cards"]
    assert new_data.timetable.expression == "17 5 * * 1-5"
    params = new_data.params.dump()
    assert (params["dataset"], params["source"]) == ("cards", "s3://bank/cards/as_of={{as_of}}/")
    assert (params["marker"], params["fewest"]) == ("_SUCCESS", 20)
    argv = spark_submit_argv(rendered(both["inference.cards"].get_task("score_borrowers")))
    assert argv[argv.index("--risk-limits") + 1] == "0.1,0.3"
    assert training.params.dump()["approval"] == "human"
    assert training.get_task("approve_model").assigned_users == [{"id": "ada", "name": "ada"}]


def test_mails_of_a_data_set_go_to_its_own_recipients(described: Path) -> None:
    first, cards = scheduled({"ARREARS_DATASETS": str(described)})
    assert (first.recipients, cards.recipients) == ((), ("cards@bank.example",))
    everybody = scheduled({"ARREARS_RECIPIENTS": "risk@bank.example, ops@bank.example"})[0]
    assert everybody.recipients == ("risk@bank.example", "ops@bank.example")


def test_the_first_data_set_may_be_described_too_and_keeps_the_plain_names(described: Path) -> None:
    (only,) = scheduled({"ARREARS_DATASETS": str(described), "ARREARS_DATASET": "cards"})
    assert only.own("new_data") == "new_data"
    assert (only.new_data_cron, only.description) == ("17 5 * * 1-5", str(described))


def test_everything_wrong_with_every_description_is_named_at_once(tmp_path: Path) -> None:
    files = {
        "a": "name: a\noperation: {new_data_cron: daily, recipents: [x@y]}",
        "b": "name: b\noperation: {new_data_cron: daily}",
        "c": "name: c\noperation: {risk_limits: [0.7, 0.4], applicants: {source: s3://bank/c, wait_hours: 100}}",
        "d": "target: bad",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    places = [str(tmp_path / f"{name}.yaml") for name in files]
    with pytest.raises(BadConfiguration) as refused:
        scheduled({"ARREARS_DATASETS": ",".join([*places, "s3://bank/d.yaml", str(tmp_path / "none.yaml")])})
    told = "\n".join(refused.value.problems)
    for part in (
        "operation has no key recipents",
        "operation.new_data_cron: 'daily' is no cron expression",
        "operation.applicants: wait_hours 100 is not from 0 to 72",
        "the description needs name",
        "must be a file on Airflow's machine",
        "none.yaml",
    ):
        assert part in told


def test_data_set_that_is_described_twice_is_refused(described: Path, tmp_path: Path) -> None:
    (tmp_path / "again.yaml").write_text("name: cards")
    with pytest.raises(BadConfiguration, match="data set cards is described already"):
        scheduled({"ARREARS_DATASETS": f"{described},{tmp_path / 'again.yaml'}"})
