"""Stop the stack and leave no process of it behind, however it came to its end."""

from __future__ import annotations

import contextlib
import time

import psutil

from local.progress import Progress
from local.stack.processes import members, reap
from local.stack.supervisor import STOP_SECONDS, Supervisor
from local.stack_settings import StackSettings

POLL = 0.2
STOPPED = ("STOPPED", "EXITED", "FATAL")


def take_down(settings: StackSettings, progress: Progress) -> None:
    """Stop every service, the supervisor and whatever else belongs to this stack. Say what was stopped."""
    supervisor = Supervisor(settings)
    stopped: list[str] = []
    if supervisor.is_running():
        stopped = _stop_parts(supervisor)
        _stop_supervisor(supervisor)
        progress.say(f"stopped {', '.join(stopped)}" if stopped else "no part was running")
    left = reap(str(settings.state))
    for ended in left:
        progress.say(f"ended {ended.what} (pid {ended.pid}), which had outlived its part")
    if not stopped and not left:
        progress.say("nothing was running")
    settings.socket.unlink(missing_ok=True)
    still = [process.pid for process in members(str(settings.state))]
    progress.say(f"these processes would not end: {still}" if still else "no process is left")


def _stop_parts(supervisor: Supervisor) -> list[str]:
    running = [service.name for service in supervisor.services().values() if service.state not in STOPPED]
    for name in running:
        supervisor.stop(name, wait=False)
    deadline = time.monotonic() + STOP_SECONDS + 3
    with contextlib.suppress(OSError):  # the supervisor may die meanwhile: the reaper comes next
        while time.monotonic() < deadline:
            if all(service.state in STOPPED for service in supervisor.services().values()):
                break
            time.sleep(POLL)
    return running


def _stop_supervisor(supervisor: Supervisor) -> None:
    """Wait for the process itself: it closes its socket some seconds before it ends."""
    pid = supervisor.pid()
    supervisor.shutdown()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and psutil.pid_exists(pid):
        time.sleep(POLL)
