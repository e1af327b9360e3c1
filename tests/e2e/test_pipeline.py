"""The whole pipeline on a real stack: S3, Spark, MLflow, mail and Airflow's own scheduler.

All files `test_pipeline*` share one stack, in the order of their names, and the tests of a file run in its order: the
first demo makes what the others look at, `test_pipeline_stops` ends the stack.
"""

from __future__ import annotations

import re
from pathlib import Path

import mlflow
import pytest
from mlflow.types import DataType

from arrears.contracts.addresses import Table, registered_model
from arrears.contracts.tables.column_names import ID, LABEL
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from local.demo.notes import Notes
from tests.e2e.running_stack import AS_OF, Done, RunningStack, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]

ONE_DATE = ("2026-03-01",)
FOUR_DATES = ("2026-03-11", "2026-03-12", "2026-03-13", "2026-03-14")
LENDING_CLUB_ROWS = 9857
DAGS = ("generate_data", "training", "new_data", "inference")


def run_of(stack: RunningStack, dag_id: str) -> str:
    """The run of a DAG that the demo followed."""
    run_id = Notes(stack.settings.state / "demo" / "runs.json", AS_OF).run_id(dag_id)
    assert run_id
    return run_id


def figures(output: str) -> list[str]:
    """The part of a demo's output that a second demo must repeat: rows, champion, mails."""
    begin, end = output.index("prefix "), output.index("address", output.index("Mails received"))
    return [line for line in output[begin:end].splitlines() if not line.startswith("artifacts")]


def test_demo_ends_with_the_rows_the_champion_and_four_mails(stack: RunningStack, first_demo: Done) -> None:
    told = first_demo.stdout
    version = stack.version_in_force
    for table, partition in (
        (Table.TRAIN, version),
        (Table.TEST, version),
        (Table.TEST_SAMPLE, AS_OF),
        (Table.TEST_SAMPLE_INFERENCE, AS_OF),
    ):
        assert re.search(rf"^{table.value} +{stack.manifest(table, partition)['rows']:,} rows", told, re.MULTILINE)
    assert "version 1 (promoted by the demo's training)" in told
    assert "Mails received: 4" in told
    assert (stack.settings.state / "demo" / "report.html").read_text().startswith("<!")


def test_train_and_test_are_the_real_borrowers_each_in_one_of_them(stack: RunningStack, first_demo: Done) -> None:
    version = stack.version_in_force
    train, held_out = stack.rows(Table.TRAIN, version), stack.rows(Table.TEST, version)

    assert len(train) == stack.manifest(Table.TRAIN, version)["rows"]
    assert len(held_out) == stack.manifest(Table.TEST, version)["rows"]
    assert len({*train[ID], *held_out[ID]}) == len(train) + len(held_out) == LENDING_CLUB_ROWS
    assert abs(train[LABEL].mean() - held_out[LABEL].mean()) < 0.001


def test_new_data_are_held_out_borrowers_without_their_label(stack: RunningStack, first_demo: Done) -> None:
    sample = stack.rows(Table.TEST_SAMPLE, AS_OF)
    held_out = stack.rows(Table.TEST, stack.version_in_force)

    assert LABEL not in sample
    assert set(sample[ID]) <= set(held_out[ID])
    assert len(sample) == round(0.1 * len(held_out))


def test_every_row_of_the_sample_has_exactly_one_score(stack: RunningStack, first_demo: Done) -> None:
    sample, scores = stack.rows(Table.TEST_SAMPLE, AS_OF), stack.rows(Table.TEST_SAMPLE_INFERENCE, AS_OF)

    assert sorted(scores["sample_id"]) == sorted(sample["sample_id"])
    assert scores["sample_id"].is_unique
    assert scores["default_probability"].between(0, 1).all()
    assert set(scores["risk_category"]) == {"LOW", "MEDIUM", "HIGH"}


def test_champion_from_the_registry_scores_as_the_batch_did(stack: RunningStack, first_demo: Done) -> None:
    name = registered_model("lending_club")
    assert Models().champion(name) == "1"
    champion = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    sample = stack.rows(Table.TEST_SAMPLE, AS_OF).set_index("sample_id")
    scores = stack.rows(Table.TEST_SAMPLE_INFERENCE, AS_OF).set_index("sample_id")["default_probability"]

    # MLflow takes no whole number where the signature says double.
    expected = champion.metadata.get_input_schema().input_types_dict()
    numbers = {name: "float64" for name, kind in expected.items() if kind == DataType.double}
    again = champion.predict(sample[list(expected)].astype(numbers))["default_probability"].to_numpy()

    assert abs(again - scores.loc[sample.index].to_numpy()).max() < 1e-12


@pytest.mark.parametrize(
    ("dag_id", "outcome", "plots"),
    [
        ("generate_data", "succeeded", 0),
        ("training", "new champion", 2),
        ("new_data", "succeeded", 0),
        ("inference", "succeeded", 1),
    ],
)
def test_each_run_mails_both_bodies_and_its_plots(
    stack: RunningStack, first_demo: Done, dag_id: str, outcome: str, plots: int
) -> None:
    mail, message = stack.report_of(dag_id, run_of(stack, dag_id))

    assert mail.subject == f"[Arrears] {dag_id} lending_club {AS_OF}: {outcome}"
    assert message["To"] == [{"Name": "", "Address": "risk@example.com"}]
    assert f"/dags/{dag_id}/runs/" in message["Text"]
    assert f"/dags/{dag_id}/runs/" in message["HTML"]
    pictures = [part for part in message["Attachments"] + message["Inline"] if part["ContentType"] == "image/png"]
    assert len(pictures) >= plots
    assert all(part["Size"] > 1000 for part in pictures)


def test_second_demo_runs_nothing_again_and_shows_the_same_figures(stack: RunningStack, first_demo: Done) -> None:
    second = stack.command("local.demo")

    assert second.returncode == 0, second.stdout
    assert second.stdout.count("is intact") == len(DAGS), second.stdout
    assert figures(second.stdout) == figures(first_demo.stdout)


def test_demo_runs_again_what_has_lost_a_file(stack: RunningStack, first_demo: Done) -> None:
    lost = stack.manifest(Table.TEST_SAMPLE_INFERENCE, AS_OF)["files"][0]["uri"]
    Objects().delete(lost)

    healed = stack.command("local.demo")

    assert healed.returncode == 0, healed.stdout
    assert f"inference      has to run: {lost} is missing" in healed.stdout
    assert healed.stdout.count("is intact") == len(DAGS) - 1
    assert len(stack.rows(Table.TEST_SAMPLE_INFERENCE, AS_OF)) == len(stack.rows(Table.TEST_SAMPLE, AS_OF))


@pytest.fixture(scope="module")
def contradiction(stack: RunningStack, first_demo: Done) -> str:
    """A run whose date and partition key are not the same; it fails while another test waits for another run."""
    return stack.airflow.trigger("inference", conf={"as_of": "2026-01-30"}, partition_key=AS_OF)


def test_unknown_target_fails_the_run_is_mailed_and_writes_nothing(
    stack: RunningStack, contradiction: str, tmp_path: Path
) -> None:
    source = tmp_path / "borrowers.csv"
    source.write_text("id,income,bad\n" + "".join(f"{i},{i * 10},{i % 2}\n" for i in range(40)))
    conf = {"as_of": AS_OF, "dataset": "broken", "source": str(source), "target": "no_such_column"}

    run_id = stack.airflow.trigger("generate_data", conf=conf)
    run = stack.ended_run("generate_data", run_id)

    assert run.state == "failed"
    assert {task.task_id: task.state for task in run.tasks} == {
        "generate_data": "failed", "explore_data": "upstream_failed", "send_report": "success"
    }  # fmt: skip
    assert {task.attempt for task in run.tasks if task.task_id == "generate_data"} == {1}  # not tried again
    mail, message = stack.report_of("generate_data", run_id)
    assert mail.subject == f"[Arrears] generate_data broken {AS_OF}: FAILED"
    assert "no_such_column" in message["Text"]
    assert "no_such_column" in message["HTML"]
    written = [each.uri for each in Objects().list(stack.addresses.root) if "/broken/" in each.uri]
    assert written == []


def test_what_only_airflow_could_say_is_mailed(stack: RunningStack, contradiction: str) -> None:
    run = stack.ended_run("inference", contradiction)

    assert run.state == "failed"
    mail, message = stack.report_of("inference", contradiction)
    assert mail.subject == f"[Arrears] inference lending_club 2026-01-30 or {AS_OF}: FAILED"
    assert f"as_of 2026-01-30 contradicts the run's partition key {AS_OF}" in message["Text"]


@pytest.mark.parametrize("dates", [ONE_DATE, pytest.param(FOUR_DATES, marks=pytest.mark.full)], ids=len)
def test_backfill_scores_a_partition_for_each_date(
    stack: RunningStack, first_demo: Done, dates: tuple[str, ...]
) -> None:
    failed_before = {dag_id: stack.runs(dag_id, "failed") for dag_id in ("new_data", "inference")}
    first, last = f"{dates[0]}T00:00:00Z", f"{dates[-1]}T23:59:00Z"
    asked = {"dag_id": "new_data", "from_date": first, "to_date": last, "max_active_runs": 2}
    stack.airflow.ask("POST", "/api/v2/backfills", asked)

    def scored() -> bool:
        assert {dag_id: stack.runs(dag_id, "failed") for dag_id in failed_before} == failed_before
        addresses = [
            stack.addresses.partition_manifest(Table.TEST_SAMPLE_INFERENCE, "lending_club", date) for date in dates
        ]
        return all(Objects().exists(address) for address in addresses)

    eventually(scored, f"{len(dates)} scored partitions", seconds=1200)
    samples = {date: stack.rows(Table.TEST_SAMPLE, date) for date in (*dates, AS_OF)}
    for date, sample in samples.items():
        assert sorted(stack.rows(Table.TEST_SAMPLE_INFERENCE, date)["sample_id"]) == sorted(sample["sample_id"])
    assert len({tuple(sorted(sample[ID])) for sample in samples.values()}) == len(samples)
