"""A real OpenSSH server on loopback, with a key of its own, as the node of the ssh transport."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

import psutil
import pytest

START_SECONDS = 20.0


@dataclass
class SshServer:
    """A running server and what it takes to log in: address, the user's key, the host's public key."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def host_key(self) -> str:
        """Type and data of the host's public key, as a connection pins it."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    def connection(self, **extra: Any) -> str:
        """An Airflow connection to this server, for an AIRFLOW_CONN_… variable; `extra` is added to its extra."""
        given = {"key_file": str(self.folder / "user_key"), "host_key": self.host_key, "look_for_keys": False, **extra}
        fields = {"conn_type": "ssh", "host": "127.0.0.1", "port": self.port, "login": getuser(), "extra": given}
        return json.dumps(fields)

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        command = [_sshd(), "-D", "-f", str(self.folder / "config"), "-E", str(self.folder / "log")]
        self.process = subprocess.Popen(command)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"sshd did not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends the server and every session it holds."""
        if self.process is None:
            return
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        for process in family:
            if process.is_running():
                process.kill()
        self.process = None

    def change_host_key(self) -> None:
        """Restarts the server with another host key, as an impostor or a node built anew would show."""
        self.stop()
        _make_key(self.folder / "host_key")
        self.start()


def _sshd() -> str:
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/usr/bin")
    return found or ""


def _make_key(path: Path) -> None:
    path.unlink(missing_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, stdin=subprocess.DEVNULL
    )


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connected:
            return connected.recv(4) == b"SSH-"
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _prepared(folder: Path) -> SshServer:
    server = SshServer(folder, _free_port())
    for name in ("host_key", "user_key"):
        _make_key(folder / name)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    options = {
        "Port": server.port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host_key",
        "PidFile": folder / "pid",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "UsePAM": "no",
        "StrictModes": "no",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    return server


@pytest.fixture
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A running OpenSSH server; the test is skipped where this machine has none."""
    if not _sshd() or not shutil.which("ssh-keygen"):
        pytest.skip("no OpenSSH server on this machine: install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd started by root locks itself in before login
    server = _prepared(tmp_path_factory.mktemp("sshd"))
    server.start()
    yield server
    server.stop()
