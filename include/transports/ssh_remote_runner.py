"""Keeps one command on a cluster node: it lives only as long as the other end of this program's standard input.

The ssh transport uploads this file beside the job and runs it with the node's Python. It reads `command.json` in its
own folder, starts that command in a session of its own, and ends with the command's exit status. When standard input
closes (Airflow ended the task, or died, or lost the network), it ends every process of that session. It removes its
folder at the end. Standard library only, for any Python from 3.8.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

EXIT_CONFIGURATION = 78  # arrears.contracts.errors is not on the node before the job runs
GRACE_SECONDS = 10.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.1


def keep(folder: Path) -> int:
    """Runs the folder's command to its end, and returns the exit status a shell would."""
    command = json.loads((folder / "command.json").read_text())
    try:
        environ = {**os.environ, **read_environment(command["env_file"])}
        environ.update(utf8_locale(environ))
        job = subprocess.Popen(
            command["argv"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )
    except OSError as error:
        _say(f"the node cannot start the job: {error}")
        _say("check spark_submit and env_file in the extra of the Airflow connection")
        return EXIT_CONFIGURATION
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, _leave)
    threading.Thread(target=_end_when_abandoned, args=(job,), daemon=True).start()
    try:
        status = job.wait()
    finally:
        end_session(job)
    return status if status >= 0 else 128 - status


def read_environment(path: str | None) -> dict[str, str]:
    """Variables of a file of `NAME=value` or `export NAME='value'` lines. Quoting is a shell's, without expansion."""
    if not path:
        return {}
    pairs = {}
    for line in Path(path).expanduser().read_text().splitlines():
        for word in shlex.split(line, comments=True):
            name, equals, value = word.partition("=")
            if equals:
                pairs[name] = value
    return pairs


def utf8_locale(environ: dict[str, str]) -> dict[str, str]:
    """What lets Java read arguments and names of files as they are, where the locale would lose their umlauts."""
    used = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return {} if used.lower().replace("-", "").endswith("utf8") else {"LC_ALL": "C.UTF-8"}


def end_session(job: subprocess.Popen[bytes]) -> None:
    """Ends every process of the job's session: asks first, kills after ten seconds.

    A session holds what a process group does not: PySpark's daemons leave their group.
    """
    for demand, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        members = session_members(job)
        for pid in members:
            try:
                os.kill(pid, demand)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + patience
        while members and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            members = session_members(job)
        if not members:
            return


def session_members(job: subprocess.Popen[bytes]) -> list[int]:
    """Process ids of the session that the job leads, without the job itself once it has ended."""
    ended = job.poll() is not None
    return [pid for pid in _all_pids() if not (ended and pid == job.pid) and _session(pid) == job.pid]


def _all_pids() -> list[int]:
    if Path("/proc/self").exists():
        names = [entry.name for entry in Path("/proc").iterdir()]
    else:
        names = subprocess.run(
            ["/bin/ps", "-A", "-o", "pid="], stdout=subprocess.PIPE, text=True, check=True
        ).stdout.split()
    return [int(name) for name in names if name.isdigit()]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # it ended, or the system shows only one's own sessions
        return None


def _end_when_abandoned(job: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    if job.poll() is None:
        _say("the other end has gone: ending the job")
        end_session(job)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody may be listening any more
        print(line, flush=True)  # noqa: T201  # standard output is the task's log


def _leave(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)


def main() -> int:
    """Keeps the command of this file's folder, then removes the folder."""
    folder = Path(__file__).resolve().parent
    try:
        return keep(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
