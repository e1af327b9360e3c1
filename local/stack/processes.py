"""Find, weigh and end the processes of one stack, also those that left their parent's group."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

# Every process of the stack inherits this variable; a job submitted by hand does not, so that a shell
# which has read the stack's environment is never taken for a service of it.
MARK = "ARREARS_STACK_MEMBER"
SPARK_DRIVER = "org.apache.spark.deploy.SparkSubmit"
TERM_SECONDS = 8.0
KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Ended:
    """A process that was still there and had to be ended."""

    pid: int
    what: str


def marking(state: str) -> dict[str, str]:
    """Return the variables that make a process, and all that it starts, a member of this stack."""
    # Airflow writes titles over its processes' environment, mark and all, unless it is told not to.
    return {MARK: state, "SPT_NOENV": "1"}


def members(state: str) -> Iterator[psutil.Process]:
    """Yield the living processes of the stack whose state folder this is, the caller and its parents excepted.

    Spark jobs that a person submitted to this stack by hand count too: without their cluster they would
    wait for ever.
    """
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        if process.pid not in own and _belongs(process, state):
            yield process


def reap(state: str) -> list[Ended]:
    """End every process of this stack that is left: first politely, after some seconds by force."""
    ended: dict[int, Ended] = {}
    for ask, patience in (("terminate", TERM_SECONDS), ("kill", KILL_SECONDS)):
        left = list(members(state))
        for process in left:
            with contextlib.suppress(psutil.Error):
                ended.setdefault(process.pid, Ended(process.pid, _title(process)))
                getattr(process, ask)()
        if left:
            psutil.wait_procs(left, timeout=patience)
    return list(ended.values())


def memory(pid: int) -> int:
    """Return the memory in bytes of a process with all its descendants.

    Shared pages are counted by share (PSS) on Linux. Elsewhere this is the resident size, which is larger.
    """
    total = 0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += _own_memory(process)
    return total


def listener(port: int) -> str | None:
    """Say who listens on a TCP port, as far as this user may know: pid and command, or None."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:  # macOS shows other processes' sockets to root alone
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            with contextlib.suppress(psutil.Error):
                return f"pid {connection.pid}, {_title(psutil.Process(connection.pid))}"
    return None


def _own_memory(process: psutil.Process) -> int:
    detail = process.memory_full_info()
    return int(getattr(detail, "pss", 0) or detail.rss)


def _belongs(process: psutil.Process, state: str) -> bool:
    try:
        environ = process.environ()
        if environ.get(MARK) == state:
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        return environ.get("ARREARS_STATE") == state and _is_spark_job(process)
    except (psutil.Error, OSError):
        return False


def _is_spark_job(process: psutil.Process) -> bool:
    lineage = (process, *process.parents())
    return any(SPARK_DRIVER in relative.cmdline() for relative in lineage)


def _title(process: psutil.Process) -> str:
    """A command without its arguments' values: enough to know it, nothing that could be a secret."""
    command = process.cmdline()
    if not command:
        return str(process.name())
    words = [os.path.basename(command[0])]  # noqa: PTH119 - a command, not always a path
    if words[0].startswith("python") and "-m" in command[:-1]:
        words.append(command[command.index("-m") + 1])
    words += [word.rpartition(".")[2] for word in command[1:] if word.startswith("org.apache.spark.")][:1]
    return " ".join(words)
