"""The environment of the running stack, for programs that work against it from outside."""

from __future__ import annotations

from include.transports.ssh_remote_runner import read_environment
from local.stack.up import refuse_without_state
from local.stack_settings import StackSettings


def stack_variables(settings: StackSettings) -> dict[str, str]:
    """The variables that `up` wrote. Raises BadConfiguration where no stack was brought up."""
    refuse_without_state(settings)
    return read_environment(str(settings.state / "stack.env"))
