"""The stack's processes: crashes are healed and counted, and nothing is left when it is taken down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local.progress import Progress
from local.stack import restart
from local.stack.__main__ import main
from local.stack.down import take_down
from local.stack.processes import MARK, marking, members, memory, reap
from local.stack.status import duration, status, table
from local.stack.supervisor import Supervisor
from local.stack_settings import StackSettings

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
TITLED = "import setproctitle, time; setproctitle.setproctitle('t' * 4000); print(flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


def until(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[StackSettings]:
    made = StackSettings.from_env({"ARREARS_STATE": str(tmp_path / "state"), "ARREARS_TOOLS": str(tmp_path / "tools")})
    for name in ("logs", "parts"):
        (made.state / name).mkdir(parents=True)
    yield made
    reap(str(made.state))


def a_member(state: str, command: list[str] = SLEEP) -> subprocess.Popen[bytes]:
    environ = {**os.environ, **marking(state)}
    return subprocess.Popen(command, env=environ, start_new_session=True, stdout=subprocess.PIPE)


def a_running_service(settings: StackSettings, name: str = "probe") -> Supervisor:
    record = {"argv": SLEEP, "environment": {"OWN": "1"}, "folder": str(settings.state)}
    (settings.state / "parts" / f"{name}.json").write_text(json.dumps(record))
    supervisor = Supervisor(settings)
    supervisor.launch([name], Path(sys.executable), {**os.environ, **marking(str(settings.state))})
    supervisor.start(name)
    assert until(lambda: supervisor.services()[name].state == "RUNNING")
    return supervisor


def test_killed_part_is_restarted_and_its_crash_is_counted(settings: StackSettings) -> None:
    supervisor = a_running_service(settings)
    first = supervisor.services()["probe"].pid
    os.kill(first, signal.SIGKILL)
    assert until(lambda: supervisor.services()["probe"].pid not in (0, first))
    assert until(lambda: supervisor.crashes() == {"probe": 1})


def test_asked_for_stop_is_no_crash(settings: StackSettings) -> None:
    supervisor = a_running_service(settings)
    supervisor.stop("probe", wait=True)
    supervisor.stop("probe", wait=True)
    assert supervisor.crashes() == {}


def test_part_runs_in_its_recorded_environment(settings: StackSettings) -> None:
    process = psutil.Process(a_running_service(settings).services()["probe"].pid)
    assert until(lambda: process.environ().get("OWN") == "1")
    assert process.environ()[MARK] == str(settings.state)
    assert [name for name in process.environ() if name.startswith("SUPERVISOR_")] == []


def test_no_process_is_left_when_the_stack_is_taken_down(
    settings: StackSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    a_running_service(settings)
    stray = a_member(str(settings.state))
    take_down(settings, Progress())
    assert list(members(str(settings.state))) == []
    assert not psutil.pid_exists(stray.pid)
    assert "stopped probe" in capsys.readouterr().out


def test_no_process_is_left_when_the_supervisor_had_been_killed(settings: StackSettings) -> None:
    supervisor = a_running_service(settings)
    os.kill(supervisor.pid(), signal.SIGKILL)
    assert until(lambda: not supervisor.is_running())
    assert list(members(str(settings.state))) != []
    take_down(settings, Progress())
    assert list(members(str(settings.state))) == []


def test_process_that_ignores_the_polite_request_is_killed(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.stack.processes.TERM_SECONDS", 0.5)
    stubborn = a_member(str(settings.state), [sys.executable, "-c", STUBBORN])
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    assert [ended.pid for ended in reap(str(settings.state))] == [stubborn.pid]
    assert not psutil.pid_exists(stubborn.pid)


def test_process_that_gave_itself_a_title_is_still_found(settings: StackSettings) -> None:
    titled = a_member(str(settings.state), [sys.executable, "-c", TITLED])
    assert titled.stdout is not None
    titled.stdout.readline()
    assert [ended.pid for ended in reap(str(settings.state))] == [titled.pid]


def test_process_of_another_stack_is_left_alone(settings: StackSettings) -> None:
    other = a_member(f"{settings.state}-other")
    assert reap(str(settings.state)) == []
    assert other.poll() is None
    other.kill()
    other.wait()


def test_shell_that_has_read_the_stacks_environment_is_left_alone(settings: StackSettings) -> None:
    environ = {**os.environ, "ARREARS_STATE": str(settings.state)}
    shell = subprocess.Popen(SLEEP, env=environ)
    assert reap(str(settings.state)) == []
    assert shell.poll() is None
    shell.kill()
    shell.wait()


def test_spark_job_submitted_by_hand_is_ended_with_its_cluster(settings: StackSettings) -> None:
    environ = {**os.environ, "ARREARS_STATE": str(settings.state)}
    job = subprocess.Popen([*SLEEP, "org.apache.spark.deploy.SparkSubmit"], env=environ)
    assert [ended.pid for ended in reap(str(settings.state))] == [job.pid]
    assert not psutil.pid_exists(job.pid)


def test_memory_counts_descendants_too() -> None:
    parent = subprocess.Popen(
        ["sh", "-c", f"{sys.executable} -c 'import time; x = b\"1\" * 40_000_000; time.sleep(600)'; :"]
    )
    assert until(lambda: memory(parent.pid) > 40_000_000)
    assert memory(psutil.Process(parent.pid).children()[0].pid) > 40_000_000
    for process in (*psutil.Process(parent.pid).children(), parent):
        process.kill()
    parent.wait()


def test_status_fails_and_says_what_to_do_when_nothing_runs(settings: StackSettings) -> None:
    now = status(settings)
    assert not now.all_running
    assert "make up" in now.text


def test_status_tells_of_processes_whose_supervisor_is_gone(settings: StackSettings) -> None:
    stray = a_member(str(settings.state))
    assert "1 processes of an earlier stack are left: `make down`" in status(settings).text
    stray.kill()
    stray.wait()


def test_environment_is_refused_with_advice_when_no_stack_was_brought_up(
    settings: StackSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["env"], {"ARREARS_STATE": str(settings.state)}) == 78
    assert "make up" in capsys.readouterr().err


def test_unknown_part_is_refused_with_the_known_ones(
    settings: StackSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "sparc"], {"ARREARS_STATE": str(settings.state)}) == 78
    assert "spark-master" in capsys.readouterr().err


def test_last_lines_of_a_log_are_shown(settings: StackSettings, capsys: pytest.CaptureFixture[str]) -> None:
    (settings.logs / "mail.log").write_text("one\ntwo\nthree\n")
    assert main(["logs", "mail", "-n", "2"], {"ARREARS_STATE": str(settings.state)}) == 0
    assert capsys.readouterr().out == "two\nthree\n"


def test_logs_without_a_part_are_one_line_a_part_and_say_how_to_see_more(
    settings: StackSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings.logs / "mail.log").write_text("one\n" * 5000 + "newest\n\n")
    (settings.logs / "s3.log").write_text("x" * 400 + "\n")
    assert main(["logs"], {"ARREARS_STATE": str(settings.state)}) == 0
    head, *rows, empty, advice = capsys.readouterr().out.splitlines()
    assert (head.split(), empty) == (["part", "written", "newest", "line"], "")
    assert {row.split()[0]: row.split()[-1] for row in rows} == {"mail": "newest", "s3": "x" * 100}
    assert advice == "more of one: make logs PART=name, FOLLOW=1 goes on"


def test_one_part_is_restarted_and_answers_again(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor = a_running_service(settings, "mail")
    before = supervisor.services()["mail"]
    monkeypatch.setattr(restart, "missing", lambda name, ports, started_at: "")
    assert main(["restart", "mail"], {"ARREARS_STATE": str(settings.state)}) == 0
    after = supervisor.services()["mail"]
    assert (after.state, after.pid != before.pid) == ("RUNNING", True)
    assert supervisor.crashes() == {}
    assert "mail is ready" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (["restart"], 78, "say which part: make restart PART=name; there are: s3, mlflow"),
        (["restart", "sparc"], 78, "there is no part 'sparc'; there are: s3, mlflow"),
        (["restart", "mlflow"], 75, "the stack is not running: make up starts it"),
    ],
)
def test_restart_says_what_it_lacks(
    settings: StackSettings, capsys: pytest.CaptureFixture[str], asked: list[str], code: int, told: str
) -> None:
    assert main(asked, {"ARREARS_STATE": str(settings.state)}) == code
    assert told in capsys.readouterr().err


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table(("a", "b"), [("long", "x")]) == "a     b\nlong  x\n"


@pytest.mark.parametrize(("seconds", "said"), [(42.9, "42 s"), (303, "5 min 3 s"), (7800, "2 h 10 min")])
def test_time_is_said_the_way_a_person_says_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said
