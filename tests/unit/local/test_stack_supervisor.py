"""What the stack's commands make of a supervisor that is on its way out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

import pytest

from local.stack.supervisor import SHUTTING_DOWN, Supervisor
from local.stack_settings import Ports, StackSettings


class _Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/RPC2",)
    disable_nagle_algorithm = False  # a unix socket has none


class RefusingSupervisor(SimpleXMLRPCServer):
    """Refuses every question with one fault, as supervisord does while it ends its parts."""

    address_family = socket.AF_UNIX

    def __init__(self, path: Path, fault: int) -> None:
        super().__init__(str(path), _Handler, logRequests=False)  # type: ignore[arg-type]  # a path, not host and port
        self._fault = fault

    def _dispatch(self, method: str, params: object) -> None:
        raise Fault(self._fault, "REFUSED")


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path, tmp_path, tmp_path, Ports())


@pytest.fixture
def refusing(settings: StackSettings, request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    server = RefusingSupervisor(settings.socket, request.param)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield Supervisor(settings)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("refusing", [SHUTTING_DOWN], indirect=True)
def test_a_supervisor_that_is_shutting_down_counts_as_gone(refusing: Supervisor) -> None:
    assert not refusing.is_running()
    with pytest.raises(OSError, match="shutting down"):
        refusing.services()


@pytest.mark.parametrize("refusing", [30], indirect=True)
def test_any_other_refusal_of_the_supervisor_is_not_hidden(refusing: Supervisor) -> None:
    with pytest.raises(Fault):
        refusing.is_running()
