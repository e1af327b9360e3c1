"""The whole pipeline on a real stack: S3, Spark, MLflow, mail and Airflow's own scheduler.

The tests run in the order of this file: the first demo makes what the others look at, the last one ends the stack.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import psutil
import pyspark
import pytest
from mlflow.types import DataType

from arrears.contracts.addresses import Table, registered_model
from arrears.contracts.errors import UpstreamNotReady
from arrears.contracts.tables.descriptions import ID, LABEL
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from local.demo.notes import Notes
from local.stack.processes import members
from local.stack.supervisor import Supervisor
from tests.e2e.approvals_by_api import Question
from tests.e2e.pages_in_browser import AirflowPages
from tests.e2e.running_stack import AS_OF, RunningStack, eventually
from tests.e2e.ssh_server import SshServer, sshd  # noqa: F401  # a fixture
from tests.e2e.trainings import Training, executors_at_work, mentions, reads_archive

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]

BACKFILLED = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")
LENDING_CLUB_ROWS = 9857
DAGS = ("generate_data", "training", "new_data", "inference")
Demo = subprocess.CompletedProcess[str]


def run_of(stack: RunningStack, dag_id: str) -> str:
    """The run of a DAG that the demo followed."""
    run_id = Notes(stack.settings.state / "demo" / "runs.json", AS_OF).run_id(dag_id)
    assert run_id
    return run_id


def version_in_force(stack: RunningStack) -> str:
    record = Objects().get_json(f"{stack.addresses.activations('lending_club')}/{AS_OF}.json")
    return str(record["dataset_version"])


def figures(output: str) -> list[str]:
    """The part of a demo's output that a second demo must repeat: rows, champion, mails."""
    begin, end = output.index("prefix "), output.index("address", output.index("Mails received"))
    return [line for line in output[begin:end].splitlines() if not line.startswith("artifacts")]


def test_demo_ends_with_the_rows_the_champion_and_four_mails(stack: RunningStack, first_demo: Demo) -> None:
    told = first_demo.stdout
    version = version_in_force(stack)
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


def test_train_and_test_are_the_real_borrowers_each_in_one_of_them(stack: RunningStack, first_demo: Demo) -> None:
    version = version_in_force(stack)
    train, held_out = stack.rows(Table.TRAIN, version), stack.rows(Table.TEST, version)

    assert len(train) == stack.manifest(Table.TRAIN, version)["rows"]
    assert len(held_out) == stack.manifest(Table.TEST, version)["rows"]
    assert len({*train[ID], *held_out[ID]}) == len(train) + len(held_out) == LENDING_CLUB_ROWS
    assert abs(train[LABEL].mean() - held_out[LABEL].mean()) < 0.001


def test_new_data_are_held_out_borrowers_without_their_label(stack: RunningStack, first_demo: Demo) -> None:
    sample = stack.rows(Table.TEST_SAMPLE, AS_OF)
    held_out = stack.rows(Table.TEST, version_in_force(stack))

    assert LABEL not in sample
    assert set(sample[ID]) <= set(held_out[ID])
    assert len(sample) == round(0.1 * len(held_out))


def test_every_row_of_the_sample_has_exactly_one_score(stack: RunningStack, first_demo: Demo) -> None:
    sample, scores = stack.rows(Table.TEST_SAMPLE, AS_OF), stack.rows(Table.TEST_SAMPLE_INFERENCE, AS_OF)

    assert sorted(scores["sample_id"]) == sorted(sample["sample_id"])
    assert scores["sample_id"].is_unique
    assert scores["default_probability"].between(0, 1).all()
    assert set(scores["risk_category"]) == {"LOW", "MEDIUM", "HIGH"}


def test_champion_from_the_registry_scores_as_the_batch_did(stack: RunningStack, first_demo: Demo) -> None:
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
    stack: RunningStack, first_demo: Demo, dag_id: str, outcome: str, plots: int
) -> None:
    mail, message = stack.report_of(dag_id, run_of(stack, dag_id))

    assert mail.subject == f"[Arrears] {dag_id} lending_club {AS_OF}: {outcome}"
    assert message["To"] == [{"Name": "", "Address": "risk@example.com"}]
    assert f"/dags/{dag_id}/runs/" in message["Text"]
    assert f"/dags/{dag_id}/runs/" in message["HTML"]
    pictures = [part for part in message["Attachments"] + message["Inline"] if part["ContentType"] == "image/png"]
    assert len(pictures) >= plots
    assert all(part["Size"] > 1000 for part in pictures)


def test_second_demo_runs_nothing_again_and_shows_the_same_figures(stack: RunningStack, first_demo: Demo) -> None:
    second = stack.command("local.demo")

    assert second.returncode == 0, second.stdout
    assert second.stdout.count("is intact") == len(DAGS), second.stdout
    assert figures(second.stdout) == figures(first_demo.stdout)


def test_demo_runs_again_what_has_lost_a_file(stack: RunningStack, first_demo: Demo) -> None:
    lost = stack.manifest(Table.TEST_SAMPLE_INFERENCE, AS_OF)["files"][0]["uri"]
    Objects().delete(lost)

    healed = stack.command("local.demo")

    assert healed.returncode == 0, healed.stdout
    assert f"inference      has to run: {lost} is missing" in healed.stdout
    assert healed.stdout.count("is intact") == len(DAGS) - 1
    assert len(stack.rows(Table.TEST_SAMPLE_INFERENCE, AS_OF)) == len(stack.rows(Table.TEST_SAMPLE, AS_OF))


def test_unknown_target_fails_the_run_is_mailed_and_writes_nothing(
    stack: RunningStack, first_demo: Demo, tmp_path: Path
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


def test_what_only_airflow_could_say_is_mailed(stack: RunningStack, first_demo: Demo) -> None:
    run_id = stack.airflow.trigger("inference", conf={"as_of": "2026-01-30"}, partition_key=AS_OF)

    run = stack.ended_run("inference", run_id)

    assert run.state == "failed"
    mail, message = stack.report_of("inference", run_id)
    assert mail.subject == f"[Arrears] inference lending_club 2026-01-30 or {AS_OF}: FAILED"
    assert f"as_of 2026-01-30 contradicts the run's partition key {AS_OF}" in message["Text"]


def test_backfill_of_four_dates_scores_four_partitions(stack: RunningStack, first_demo: Demo) -> None:
    failed_before = {dag_id: stack.runs(dag_id, "failed") for dag_id in ("new_data", "inference")}
    first, last = f"{BACKFILLED[0]}T00:00:00Z", f"{BACKFILLED[-1]}T23:59:00Z"
    asked = {"dag_id": "new_data", "from_date": first, "to_date": last, "max_active_runs": 2}
    stack.airflow.ask("POST", "/api/v2/backfills", asked)

    def scored() -> bool:
        assert {dag_id: stack.runs(dag_id, "failed") for dag_id in failed_before} == failed_before
        addresses = [
            stack.addresses.partition_manifest(Table.TEST_SAMPLE_INFERENCE, "lending_club", date) for date in BACKFILLED
        ]
        return all(Objects().exists(address) for address in addresses)

    eventually(scored, "four scored partitions", seconds=1200)
    samples = {date: stack.rows(Table.TEST_SAMPLE, date) for date in BACKFILLED}
    for date, sample in samples.items():
        assert sorted(stack.rows(Table.TEST_SAMPLE_INFERENCE, date)["sample_id"]) == sorted(sample["sample_id"])
    assert len({tuple(sorted(sample[ID])) for sample in samples.values()}) == len(BACKFILLED)


def test_training_starts_from_the_form_as_it_opens(stack: RunningStack, first_demo: Demo, pages: AirflowPages) -> None:
    form = pages.form("training")
    assert form.sections[0] == "Run Parameters"
    assert {"Cut-off", "Override of the gate", "Override of the leak check"} < set(form.sections)
    assert form.can_be_sent()
    run_id = form.send()

    def trains() -> bool:
        run = stack.airflow.run("training", run_id)
        assert run is None or not run.ended, stack.task_log("training", run_id, "resolve_versions")
        return run is not None and any(t.task_id == "train_model" and t.started_at for t in run.tasks)

    eventually(trains, "a task that trains")
    stack.stop_run("training", run_id)  # that it trains well has been seen before
    mail, _ = stack.report_of("training", run_id)
    assert f" {datetime.now(UTC):%Y-%m-%d}: " in mail.subject


def test_override_without_reason_is_refused_before_anything_is_trained(
    stack: RunningStack, first_demo: Demo, pages: AirflowPages
) -> None:
    form = pages.form("training")
    form.unfold("Override of the gate")
    form.switch_on("Override unmet rules")
    run_id = form.send()

    sentence = "needs its reason, in at least 5 different words, not ''"
    assert '"Override unmet rules"' in pages.log("training", run_id, "resolve_versions", until=sentence)
    run = stack.ended_run("training", run_id)
    states = {task.task_id: (task.state, task.attempt) for task in run.tasks}
    assert states["resolve_versions"] == ("failed", 1)  # another try cannot help
    assert states["train_model"][0] == "upstream_failed"


def test_person_rejects_approves_and_overrides_and_a_rollback_brings_the_better_model_back(
    stack: RunningStack, first_demo: Demo, pages: AirflowPages
) -> None:
    name = registered_model("lending_club")
    form = pages.form("training")
    form.fill("Business date (as_of)", AS_OF)
    form.fill("Trees or steps, at most", "5")
    form.fill("Approval", "human")
    run_id = form.send()
    question = Question(stack, run_id)
    asked = question.asked()
    assert re.search(r"\| auc_difference_low > 0 \| -?0\.\d+ \| \*\*NOT MET\*\* \|", asked), asked
    assert re.search(r"it is (worse beyond chance|not shown to be better)", asked), asked

    decided = []
    for option in ("Reject", "Approve"):  # with nothing typed
        pages.question(run_id).answer(option)
        decided.append(question.decided())
        question.ask_anew()
    assert decided == ["rejected", "kept champion"]
    assert Models().champion(name) == "1"

    pages.question(run_id).answer("Override unmet rules", reason="it is fine")
    question.asked_again_because("needs its reason, in at least 5 different words, not 'it is fine'")
    pages.question(run_id).answer("Override unmet rules", reason="to see a rollback of this champion")
    assert question.decided() == "new champion"
    assert Models().champion(name) == "2"
    mail, message = stack.report_of("training", run_id)
    assert mail.subject.startswith("[Arrears] BY OVERRIDE of ")
    assert "to see a rollback" in message["Text"]

    form = pages.form("rollback")
    assert not form.can_be_sent()  # only the person knows why
    form.fill("Reason", "the trial is over")
    back = form.send()
    assert stack.ended_run("rollback", back).state == "success", stack.task_log("rollback", back, "rollback_model")
    assert Models().champion(name) == "1"

    proven = stack.command("ops.verify_decisions", name)
    assert proven.returncode == 0, proven.stdout
    kinds = re.findall(r"^ *\d+ +\S+ +(promoted|rejected|approved|kept|rolled back)", proven.stdout, re.MULTILINE)
    said = ["rejected", "approved", "kept", "approved", "promoted"]
    assert kinds == ["promoted", *said, "rolled back"], proven.stdout
    assert "OVERRIDE: to see a rollback" in proven.stdout


def test_executor_killed_in_the_middle_of_a_training_costs_its_task_alone(
    stack: RunningStack, first_demo: Demo
) -> None:
    undisturbed = Training(stack, "undisturbed", version_in_force(stack))
    assert undisturbed.ended() == 0, undisturbed.told

    disturbed = Training(stack, "disturbed", version_in_force(stack))
    disturbed.says("training 1 shard(s)")
    for executor in eventually(lambda: executors_at_work(stack), "a task that trains", seconds=60):
        assert reads_archive(executor)
        executor.kill()

    assert disturbed.ended() == 0, disturbed.told
    assert re.search(r"Lost (task|executor)", disturbed.told), disturbed.told
    assert disturbed.scores() == undisturbed.scores()


def test_training_waits_while_mlflow_is_away_and_logs_one_run(stack: RunningStack, first_demo: Demo) -> None:
    supervisor = Supervisor(stack.settings)
    training = Training(stack, "patient", version_in_force(stack))
    training.says("training 1 shard(s)")
    supervisor.stop("mlflow", wait=True)
    try:
        for _ in range(3):
            training.says("Retrying")
    finally:
        stack.up()

    assert training.ended() == 0, training.told
    assert len(training.scores()) == len(stack.rows(Table.TEST_SAMPLE, AS_OF))


def test_killed_part_is_restarted_and_shown(stack: RunningStack, first_demo: Demo) -> None:
    before = stack.part("s3")
    assert "  0  " in next(line for line in stack.command("local.stack", "status").stdout.splitlines() if "s3 " in line)

    os.kill(before.pid, signal.SIGKILL)

    def restarted() -> bool:
        part = stack.part("s3")
        return part.state == "RUNNING" and part.pid != before.pid

    eventually(restarted, "a new S3 server", seconds=30)
    shown = stack.command("local.stack", "status")
    assert shown.returncode == 0, shown.stdout
    assert re.search(r"^s3 +RUNNING +\d+ +\d+ s +1 ", shown.stdout, re.MULTILINE)
    assert len(stack.rows(Table.TEST_SAMPLE, AS_OF)) == stack.manifest(Table.TEST_SAMPLE, AS_OF)["rows"]


def test_inference_over_ssh_gives_the_same_scores(
    stack: RunningStack,
    first_demo: Demo,
    sshd: SshServer,  # noqa: F811  # the fixture
    tmp_path: Path,
) -> None:
    before = stack.rows(Table.TEST_SAMPLE_INFERENCE, AS_OF).set_index("sample_id")
    connection = sshd.connection(
        spark_submit=str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        master=f"spark://127.0.0.1:{stack.settings.ports.spark_master}",
        env_file=str(stack.settings.state / "stack.env"),
        python=sys.executable,
        remote_folder=str(tmp_path / "node"),
    )
    stack.up(ARREARS_TRANSPORT="ssh", AIRFLOW_CONN_ARREARS_SSH=connection)

    run_id = stack.airflow.trigger("inference", conf={}, partition_key=AS_OF)
    run = stack.ended_run("inference", run_id)

    assert run.state == "success", stack.task_log("inference", run_id, "score_borrowers")
    assert "runs on the node in" in stack.task_log("inference", run_id, "score_borrowers")
    after = stack.rows(Table.TEST_SAMPLE_INFERENCE, AS_OF).set_index("sample_id")
    assert after["default_probability"].to_dict() == before["default_probability"].to_dict()
    assert (after["scored_at"] > before["scored_at"].max()).all()
    assert list((tmp_path / "node").iterdir()) == []


def test_down_leaves_no_process_and_a_demo_then_says_what_to_do(stack: RunningStack, first_demo: Demo) -> None:
    state = str(stack.settings.state)
    assert list(members(state))

    down = stack.command("local.stack", "down")

    assert down.returncode == 0, down.stdout
    left = [process for process in psutil.process_iter() if mentions(process, state)]
    assert left == []
    refused = stack.command("local.demo")
    assert refused.returncode == UpstreamNotReady.exit_code
    assert refused.stdout.strip() == f"no stack runs in {state}: run `make demo`, or `make up` first"
