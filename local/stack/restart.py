"""Start one part of the stack anew, such as one whose settings of its own are to be read again."""

from __future__ import annotations

import time

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from local.progress import Progress
from local.stack.health import missing
from local.stack.services import PART_NAMES
from local.stack.supervisor import Supervisor
from local.stack_settings import StackSettings

PATIENCE = 300.0
POLL = 0.4


def restart(settings: StackSettings, part: str | None, progress: Progress) -> None:
    """Stop a part, start it, and wait until it answers; it starts with the settings that it had.

    Raises BadConfiguration for a part that there is not, UpstreamNotReady where it does not come back.
    """
    if part not in PART_NAMES:
        asked = f"there is no part {part!r}" if part else "say which part: make restart PART=name"
        raise BadConfiguration(f"{asked}; there are: {', '.join(PART_NAMES)}")
    supervisor = Supervisor(settings)
    if not supervisor.is_running():
        raise UpstreamNotReady("the stack is not running: make up starts it")
    supervisor.stop(part, wait=True)
    progress.say(f"{part} is stopped")
    supervisor.start(part)
    deadline = time.monotonic() + PATIENCE
    while lacking := _lacking(supervisor, settings, part):
        if time.monotonic() > deadline:
            raise UpstreamNotReady(f"{part} did not come back: {lacking}", f"see `make logs PART={part}`")
        time.sleep(POLL)
    progress.say(f"{part} is ready")


def _lacking(supervisor: Supervisor, settings: StackSettings, part: str) -> str:
    state = supervisor.parts()[part]
    return missing(part, settings.ports, state.started_at) if state.state == "RUNNING" else state.state
