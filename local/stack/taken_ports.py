"""Tell a person at once which of the stack's ports are taken, by whom, and what to set instead."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

from arrears.contracts.errors import BadConfiguration
from local.stack.processes import listener
from local.stack_settings import HOST, Ports


def refuse_taken_ports(listeners: Mapping[str, tuple[str, int]]) -> None:
    """Raise one BadConfiguration that names every taken port: its service, its holder, the variable to set.

    `listeners` gives, by the field's name in Ports, the service that listens there and the port.
    """
    problems = []
    for field, (service, port) in listeners.items():
        reason = _why_not_free(port)
        if reason:
            holder = listener(port)
            state = f"{reason} ({holder})" if holder else reason
            problems.append(f"port {port}, wanted by {service}, is {state}: stop it or set {Ports.variable(field)}")
    if problems:
        raise BadConfiguration(*problems)


def _why_not_free(port: int) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it a port whose last connection has just closed would count as taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as refused:
            return "taken" if refused.errno == errno.EADDRINUSE else f"refused by the system, {refused.strerror}"
    return None
