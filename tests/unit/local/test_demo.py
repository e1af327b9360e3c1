"""What the demo believes, shows, and asks of Airflow."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.errors import BadConfiguration
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from local.demo.airflow_client import AirflowClient, RunState, TaskState
from local.demo.demo_checks import Evidence
from local.demo.notes import Notes
from local.demo.run_progress import RunProgress, described

PROJECT = Path(__file__).resolve().parents[3]
AS_OF, VERSION = "2026-01-31", "0123456789ab"


class ChampionOne:
    """A registry whose champion is version 1."""

    def champion(self, name: str) -> str | None:
        return "1" if name == "pd_lending_club" else None


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """All that four good runs leave, in a folder."""
    addresses, objects = Addresses(f"file://{tmp_path}/root"), Objects()
    evidence = Evidence(addresses, "lending_club", AS_OF, objects, cast(Models, ChampionOne()))
    objects.put_json(f"{addresses.activations('lending_club')}/{AS_OF}.json", {"dataset_version": VERSION})
    for table in (Table.TRAIN, Table.TEST, Table.TEST_SAMPLE, Table.TEST_SAMPLE_INFERENCE):
        uri = f"{addresses.table(table, 'lending_club')}/part-0.parquet"
        objects.put(uri, b"12345")
        manifest = {"rows": 7, "files": [{"uri": uri, "size": 5}], "dataset_version": VERSION, "model_version": "1"}
        objects.put_json(addresses.partition_manifest(table, "lending_club", evidence.partition(table)), manifest)
    return evidence


DAG_OF = {
    Table.TRAIN: "generate_data",
    Table.TEST: "generate_data",
    Table.TEST_SAMPLE: "new_data",
    Table.TEST_SAMPLE_INFERENCE: "inference",
}


def change(evidence: Evidence, table: Table, **changes: Any) -> None:
    address = evidence.addresses.partition_manifest(table, "lending_club", evidence.partition(table))
    evidence.objects.put_json(address, {**evidence.manifest(table), **changes})


def test_nothing_is_missing_when_every_file_of_the_manifests_is_there(evidence: Evidence) -> None:
    assert {dag: evidence.missing_results(dag) for dag in (*DAG_OF.values(), "training")} == {
        dag: [] for dag in (*DAG_OF.values(), "training")
    }


@pytest.mark.parametrize(("table", "dag_id"), DAG_OF.items())
def test_a_deleted_file_is_named_as_missing(evidence: Evidence, table: Table, dag_id: str) -> None:
    uri = f"{evidence.addresses.table(table, 'lending_club')}/part-0.parquet"
    evidence.objects.delete(uri)
    assert evidence.missing_results(dag_id) == [f"{uri} is missing"]


def test_a_file_of_another_size_is_named(evidence: Evidence) -> None:
    uri = f"{evidence.addresses.table(Table.TEST_SAMPLE, 'lending_club')}/part-0.parquet"
    evidence.objects.put(uri, b"123")
    assert evidence.missing_results("new_data") == [f"{uri} has another size"]


def test_a_manifest_without_files_is_not_taken_for_whole(evidence: Evidence) -> None:
    change(evidence, Table.TRAIN, files=[])
    assert evidence.missing_results("generate_data") == ["the manifest of train names no file"]


def test_scores_of_fewer_rows_than_the_sample_count_as_missing(evidence: Evidence) -> None:
    change(evidence, Table.TEST_SAMPLE_INFERENCE, rows=6)
    assert evidence.missing_results("inference") == ["6 of 7 rows are scored"]


def test_a_sample_of_an_earlier_dataset_version_is_drawn_again(evidence: Evidence) -> None:
    change(evidence, Table.TEST_SAMPLE, dataset_version="old")
    assert evidence.missing_results("new_data") == ["it was drawn from version old"]


def test_a_date_that_was_never_run_lacks_its_first_record(evidence: Evidence, tmp_path: Path) -> None:
    other = Evidence(evidence.addresses, "lending_club", "2026-02-28", Objects(), evidence.models)
    assert "activations/lending_club/2026-02-28.json does not exist" in other.missing_results("generate_data")[0]
    assert other.scored_by() is None


def test_a_registry_without_champion_counts_as_missing(evidence: Evidence) -> None:
    other = Evidence(evidence.addresses, "taiwan", AS_OF, Objects(), evidence.models)
    assert other.missing_results("training") == ["pd_taiwan has no champion"]


def test_notes_of_one_date_do_not_answer_for_another(tmp_path: Path) -> None:
    Notes(tmp_path / "demo" / "runs.json", AS_OF).keep("training", "run-1")
    assert Notes(tmp_path / "demo" / "runs.json", AS_OF).run_id("training") == "run-1"
    assert Notes(tmp_path / "demo" / "runs.json", "2026-02-28").run_id("training") is None


@pytest.mark.parametrize("content", ["", "[1]", '{"2026-01-31": 3}', "{"])
def test_damaged_notes_count_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "runs.json").write_text(content)
    assert Notes(tmp_path / "runs.json", AS_OF).run_id("training") is None


def a_run(state: str, *tasks: tuple[str, str]) -> RunState:
    return RunState("training", "r", state, tuple(TaskState(name, now, 1, 100.0) for name, now in tasks))


def test_a_run_is_told_by_its_active_task_and_how_many_are_done() -> None:
    run = a_run("running", ("resolve_versions", "success"), ("train_model", "running"), ("send_report", "waiting"))
    assert described(run, 161.0) == "train_model running 1:01 (1 of 3 tasks done)"


def test_the_same_news_is_printed_once_where_lines_cannot_be_renewed() -> None:
    out = io.StringIO()
    progress = RunProgress(0, out)
    for _ in range(3):
        progress.show(a_run("running", ("train_model", "running")))
    progress.show(a_run("success", ("train_model", "success")))
    assert [line.split("training")[1].strip() for line in out.getvalue().splitlines()] == [
        "train_model running (0 of 1 tasks done)",
        "succeeded",
    ]


def test_a_line_is_renewed_on_a_terminal_until_the_run_has_ended() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    progress = RunProgress(0, out)
    progress.show(a_run("running", ("train_model", "running")))
    progress.show(a_run("running", ("train_model", "running")))
    assert out.getvalue().count("\r\x1b[2K") == 2
    assert "\n" not in out.getvalue()
    progress.show(a_run("success"))
    assert out.getvalue().endswith("succeeded\n")


class FakeAirflow(ThreadingHTTPServer):
    """Answers each address with what was prepared for it, one after the other; the last answer stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, Any]]] = {"POST /auth/token": [(201, {"access_token": "t"})]}
        super().__init__(("127.0.0.1", 0), _Prepared)

    @property
    def client(self) -> AirflowClient:
        return AirflowClient(self.server_port, "password")


class _Prepared(BaseHTTPRequestHandler):
    server: FakeAirflow

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        prepared = self.server.answers[f"{self.command} {self.path.partition('?')[0]}"]
        status, document = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815  # the library's names

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAirflow]:
    monkeypatch.setattr("local.demo.airflow_client.POLL", 0.01)
    server = FakeAirflow()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_question_is_asked_again_while_the_server_is_busy(airflow: FakeAirflow) -> None:
    airflow.answers["GET /api/v2/version"] = [(500, None), (503, None), (200, {"version": "3.3.2"})]
    assert airflow.client.ask("GET", "/api/v2/version") == {"version": "3.3.2"}


def test_a_new_token_is_fetched_when_the_old_one_is_refused(airflow: FakeAirflow) -> None:
    airflow.answers["GET /api/v2/version"] = [(401, None), (200, {"version": "3.3.2"})]
    assert airflow.client.ask("GET", "/api/v2/version") == {"version": "3.3.2"}


def test_a_value_that_the_form_refuses_is_told_in_airflows_words(airflow: FakeAirflow) -> None:
    airflow.answers["POST /api/v2/dags/training/dagRuns"] = [(400, {"detail": "depth: 99 is above 16"})]
    with pytest.raises(BadConfiguration, match="depth: 99 is above 16"):
        airflow.client.trigger("training", conf={"depth": 99})


def test_a_trigger_that_was_heard_twice_starts_one_run(airflow: FakeAirflow) -> None:
    airflow.answers["POST /api/v2/dags/training/dagRuns"] = [(500, None), (409, {"detail": "is there already"})]
    assert airflow.client.trigger("training", conf={}).startswith("demo__")


def test_only_the_consumers_own_run_counts_as_caused(airflow: FakeAirflow) -> None:
    events = {"asset_events": [{"created_dagruns": [{"dag_id": "other", "run_id": "a"}]}]}
    mine = {"asset_events": [{"created_dagruns": [{"dag_id": "training", "run_id": "b"}]}]}
    airflow.answers["GET /api/v2/assets/events"] = [(500, None), (200, events), (200, mine)]
    found = [airflow.client.caused("generate_data", "r", "training") for _ in range(3)]
    assert found == [None, None, "b"]


def find_python(folder: Path, **versions: str) -> subprocess.CompletedProcess[str]:
    """Looks for a Python on a machine that has only these."""
    for tool in ("head", "cat"):
        (folder / tool).symlink_to(shutil.which(tool) or "")
    for name, version in versions.items():
        fake = folder / name.replace("_", ".")
        seen = tuple(int(part) for part in version.split("."))
        fake.write_text(
            f'#!/bin/sh\n[ "$1" = --version ] && echo "Python {version}.0" && exit 0\n'
            f'exec {sys.executable} -c "import sys; sys.version_info = {seen}; $2"\n'
        )
        fake.chmod(0o755)
    command = ["/bin/sh", str(PROJECT / "local" / "find_python.sh"), "python3"]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def test_a_newer_name_is_found_when_python3_is_too_old(tmp_path: Path) -> None:
    found = find_python(tmp_path, python3="3.9", python3_12="3.12")
    assert (found.returncode, found.stdout.strip()) == (0, str(tmp_path / "python3.12"))


def test_one_message_says_what_was_seen_and_what_to_install_when_no_python_fits(tmp_path: Path) -> None:
    found = find_python(tmp_path, python3="3.14")
    assert found.returncode == 1
    assert "python3 (Python 3.14.0)" in found.stderr
    for advice in ("apt-get install", "dnf install", "brew install"):
        assert advice in found.stderr
