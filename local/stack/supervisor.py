"""One well-kept supervisor runs every service of the stack: start it, ask it, stop it."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shlex
import socket
import subprocess
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from local.stack_settings import StackSettings

ALREADY_STARTED, NOT_RUNNING, NO_SUCH_PROCESS, SHUTTING_DOWN = 60, 70, 10, 6  # fault codes of supervisor's interface
STOP_SECONDS = 12  # the scheduler waits for running tasks without limit; after this it is killed


@dataclass(frozen=True)
class ServiceState:
    """What the supervisor knows of one service. `started_at` is in seconds since 1970."""

    name: str
    state: str
    pid: int
    started_at: float
    now: float
    exit_note: str


class Supervisor:
    """The supervisor of one state folder, reached over its unix socket."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(settings.socket))

    @property
    def log(self) -> Path:
        """The supervisor's own log: every start, crash and stop."""
        return self._settings.logs / "supervisor.log"

    def is_running(self) -> bool:
        """Whether a supervisor answers on the socket."""
        try:
            self.pid()
        except OSError:
            return False
        return True

    def pid(self) -> int:
        """Return the supervisor's process id. Raises OSError where none runs."""
        return cast("int", self._call("getPID"))

    def launch(self, names: Iterable[str], python: Path, environ: Mapping[str, str]) -> None:
        """Start the supervisor in the background with no service running yet. Its crash counts begin anew."""
        self._settings.socket.unlink(missing_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".previous.log"))
        configuration = self._settings.state / "supervisor.conf"
        configuration.write_text(supervisor_configuration(self._settings, names, python))
        command = [str(python), "-m", "supervisor.supervisord", "-c", str(configuration)]
        subprocess.run(command, env=dict(environ), cwd=self._settings.state, check=True, capture_output=True, text=True)

    def services(self) -> dict[str, ServiceState]:
        """Return the state of every service by name. Raises OSError where no supervisor runs."""
        answer = cast("list[dict[str, Any]]", self._call("getAllProcessInfo"))
        return {
            info["name"]: ServiceState(
                info["name"], info["statename"], info["pid"], info["start"], info["now"], info["spawnerr"]
            )
            for info in answer
        }

    def start(self, name: str) -> None:
        """Ask for one service to be started. Returns at once."""
        with _tolerating(ALREADY_STARTED):
            self._call("startProcess", name, False)

    def stop(self, name: str, *, wait: bool) -> None:
        """Ask for one service to be stopped. A service that does not run is left alone."""
        with _tolerating(NOT_RUNNING, NO_SUCH_PROCESS):
            self._call("stopProcess", name, wait)

    def shutdown(self) -> None:
        """End the supervisor. It stops first whatever still runs."""
        with contextlib.suppress(OSError):
            self._call("shutdown")

    def crashes(self) -> dict[str, int]:
        """Count, by service, the unrequested exits since this supervisor began."""
        counts: dict[str, int] = {}
        with contextlib.suppress(FileNotFoundError):
            for name in re.findall(r" exited: (\S+) \(", self.log.read_text(errors="replace")):
                counts[name] = counts.get(name, 0) + 1
        return counts

    def _call(self, method: str, *arguments: object) -> object:
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except http.client.HTTPException as broken:  # the supervisor died while it answered
            raise ConnectionError(str(broken)) from broken
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != SHUTTING_DOWN:
                raise
            # It refuses every question while it ends its services: whoever asks must take it for gone.
            raise ConnectionError("the supervisor is shutting down") from fault


def supervisor_configuration(settings: StackSettings, names: Iterable[str], python: Path) -> str:
    """Return the supervisor's configuration file: one program a service, no secret in it."""
    quiet = "user=root\n" if os.geteuid() == 0 else ""  # unset, supervisor warns root at every start
    head = (
        f"[unix_http_server]\nfile={_escaped(settings.socket)}\nchmod=0700\n\n"
        f"[supervisord]\nlogfile={_escaped(settings.logs / 'supervisor.log')}\nlogfile_maxbytes=0\n"
        f"pidfile={_escaped(settings.state / 'supervisor.pid')}\nchildlogdir={_escaped(settings.logs)}\n"
        f"identifier=arrears\numask=077\nnocleanup=true\n{quiet}\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
    )
    return head + "".join(_program(settings, name, python) for name in names)


def _program(settings: StackSettings, name: str, python: Path) -> str:
    launcher = Path(__file__).with_name("launch_service.py")
    command = shlex.join([str(python), str(launcher), str(settings.state), name])
    return (
        f"\n[program:{name}]\ncommand={_escaped(command)}\nautostart=false\nautorestart=true\n"
        f"startsecs=2\nstartretries=5\nstopasgroup=true\nkillasgroup=true\nstopwaitsecs={STOP_SECONDS}\n"
        f"redirect_stderr=true\nstdout_logfile={_escaped(settings.logs / f'{name}.log')}\n"
        "stdout_logfile_maxbytes=20MB\nstdout_logfile_backups=1\n"
    )


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


@contextlib.contextmanager
def _tolerating(*codes: int) -> Any:
    try:
        yield
    except xmlrpc.client.Fault as fault:
        if fault.faultCode not in codes:
            raise


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
