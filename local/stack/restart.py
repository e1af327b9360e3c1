"""Start one service of the stack anew, such as one whose settings of its own are to be read again."""

from __future__ import annotations

import time

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from local.progress import Progress
from local.stack.health import missing
from local.stack.services import SERVICE_NAMES
from local.stack.supervisor import Supervisor
from local.stack.up import PATIENCE, POLL
from local.stack_settings import StackSettings


def restart(settings: StackSettings, service: str | None, progress: Progress) -> None:
    """Stop a service, start it, and wait until it answers. It starts with the settings that it had.

    Raises BadConfiguration for a service that there is not, UpstreamNotReady where it does not come back.
    """
    if service not in SERVICE_NAMES:
        complaint = f"there is no part {service!r}" if service else "say which part: make restart PART=name"
        raise BadConfiguration(f"{complaint}; there are: {', '.join(SERVICE_NAMES)}")
    supervisor = Supervisor(settings)
    if not supervisor.is_running():
        raise UpstreamNotReady("the stack is not running: make up starts it")
    supervisor.stop(service, wait=True)
    progress.say(f"{service} is stopped")
    supervisor.start(service)
    deadline = time.monotonic() + PATIENCE
    while problem := _problem(supervisor, settings, service):
        if time.monotonic() > deadline:
            raise UpstreamNotReady(f"{service} did not come back: {problem}", f"see `make logs PART={service}`")
        time.sleep(POLL)
    progress.say(f"{service} is ready")


def _problem(supervisor: Supervisor, settings: StackSettings, service: str) -> str:
    state = supervisor.services()[service]
    return missing(service, settings.ports, state.started_at) if state.state == "RUNNING" else state.state
