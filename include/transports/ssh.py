"""The ssh transport: the package and the job go to a node of the cluster by SFTP, and spark-submit runs there.

Each attempt has a folder of its own there, and a remote runner (`include/transports/ssh_remote_runner.py`) that ends
the job when Airflow goes away.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import threading
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import paramiko  # type: ignore[import-untyped, unused-ignore]
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from arrears.contracts.addresses import in_key
from include.transports.job_operator import JobOperator, require_package, with_outcome
from include.transports.ssh_node import Node, connect, opened_sftp

_REMOTE_RUNNER = Path(__file__).with_name("ssh_remote_runner.py")
_LAST_LINES = 20
_LONGEST_LINE = 64 * 1024
# The remote runner asks for ten seconds, then kills for five.
_END_SECONDS = 20.0


class RemoteSparkJob(JobOperator):
    """A job that spark-submit runs on the node of an SSH connection, in client mode, watched from here."""

    template_fields: Sequence[str] = with_outcome(("application", "application_args", "name", "py_files", "conf"))

    def __init__(
        self,
        *,
        outcome: str,
        ssh_conn_id: str,
        application: str,
        application_args: list[str],
        name: str,
        py_files: str,
        conf: dict[str, str],
        jars: str | None = None,
        packages: str | None = None,
        exclude_packages: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.outcome = outcome
        self.ssh_conn_id = ssh_conn_id
        self.application = application
        self.application_args = application_args
        self.name = name
        self.py_files = py_files
        self.conf = conf
        self.jars = jars
        self.packages = packages
        self.exclude_packages = exclude_packages
        self._exit_code: int | None = None
        self._client: Any = None
        self._channel: Any = None

    @property
    def exit_code(self) -> int | None:
        """Exit status of the job on the node."""
        return self._exit_code

    def command(self, node: Node, folder: str) -> list[str]:
        """The spark-submit command as it runs on the node, the job's files being in `folder` there."""
        conf = [part for name, value in self.conf.items() for part in ("--conf", f"{name}={value}")]
        named = {
            "--jars": self.jars,
            "--packages": self.packages,
            "--exclude-packages": self.exclude_packages,
        }
        dependencies = [part for flag, value in named.items() if value for part in (flag, value)]
        return [
            node.spark_submit,
            "--master",
            node.master,
            *conf,
            "--py-files",
            f"{folder}/{Path(self.py_files).name}",
            *dependencies,
            "--name",
            self.name,
            "--deploy-mode",
            "client",
            f"{folder}/{Path(self.application).name}",
            *self.application_args,
        ]

    def submit_job(self, context: Any) -> None:
        """Uploads, runs and watches the job. Its output goes line by line into the task's log.

        Raises:
            AirflowFailException: the node's host key is not the pinned one, or the connection is incomplete.
            AirflowException: the job's exit status is not 0, or the connection was lost.
        """
        require_package(self.py_files)
        node = Node.of(self.ssh_conn_id)
        self._client = connect(self.ssh_conn_id)
        try:
            last = self._run(self._upload(node), node)
        except Exception:
            self._client.close()
            raise
        self._client.close()
        if self._exit_code != 0:
            status = "the connection was lost" if self._exit_code == -1 else f"exit status {self._exit_code}"
            raise AirflowException("\n".join([f"{self.name} failed on the node: {status}. Last lines:", *last]))

    def on_kill(self) -> None:
        """Ends the job on the node: the remote runner there ends everything when its standard input closes."""
        if self._client is None:
            return
        # In a thread of its own: this may run in a signal handler while the main thread holds paramiko's locks.
        ending = threading.Thread(target=self._end_remote, daemon=True)
        ending.start()
        ending.join(_END_SECONDS)
        # Closing the socket needs no lock, and has the same effect on the node.
        with contextlib.suppress(OSError, AttributeError):
            self._client.get_transport().sock.close()

    def _end_remote(self) -> None:
        if self._channel is None:
            return
        with contextlib.suppress(paramiko.SSHException, OSError):
            self._channel.shutdown_write()
        if not self._channel.status_event.wait(_END_SECONDS):
            self.log.warning("the node did not confirm the end of %s", self.name)

    def _upload(self, node: Node) -> str:
        """Makes the attempt's own folder on the node, readable by its user alone, and fills it."""
        with opened_sftp(self._client, self.ssh_conn_id) as sftp:
            parent = _made(sftp, node.remote_folder)
            folder = f"{parent}/{in_key(self.name)}-{uuid.uuid4().hex[:12]}"
            sftp.mkdir(folder, 0o700)
            try:
                for local in (self.py_files, self.application, str(_REMOTE_RUNNER)):
                    sftp.put(local, f"{folder}/{Path(local).name}")
                command = {"argv": self.command(node, folder), "env_file": node.env_file}
                with sftp.open(f"{folder}/command.json", "w") as target:
                    target.write(json.dumps(command))
            except BaseException:  # a timeout too: the runner, which removes the folder otherwise, never starts
                _remove(sftp, folder)
                raise
        return folder

    def _run(self, folder: str, node: Node) -> list[str]:
        """Runs the uploaded job to its end and returns its last lines."""
        self.log.info("%s runs on the node in %s", self.name, folder)
        self._channel = self._client.get_transport().open_session()
        self._channel.set_combine_stderr(True)
        self._channel.exec_command(f"{shlex.quote(node.python)} {shlex.quote(folder + '/ssh_remote_runner.py')}")
        last = deque(self._logged_lines(), maxlen=_LAST_LINES)
        self._exit_code = self._channel.recv_exit_status()
        return list(last)

    def _logged_lines(self) -> Iterator[str]:
        rest = b""
        while received := self._channel.recv(32 * 1024):
            *lines, rest = (rest + received).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                yield self._log_line(line)
        if rest:
            yield self._log_line(rest)

    def _log_line(self, line: bytes) -> str:
        text = line.decode(errors="replace").rstrip()
        self.log.info("%s", text)
        return text


def _made(sftp: paramiko.SFTPClient, folder: str) -> str:
    """The absolute path of a folder on the node, made with its parents where missing."""
    home = sftp.normalize(".")
    path = folder if folder.startswith("/") else f"{home}/{folder.removeprefix('~/')}"
    if ".." in Path(path).parts:
        raise AirflowFailException(f"remote_folder {folder!r} must not hold ..")
    for parent in [*reversed(Path(path).parents), Path(path)]:
        try:
            sftp.stat(str(parent))
        except FileNotFoundError:
            sftp.mkdir(str(parent), 0o700)
    return path


def _remove(sftp: paramiko.SFTPClient, folder: str) -> None:
    with contextlib.suppress(OSError):
        for name in sftp.listdir(folder):
            sftp.remove(f"{folder}/{name}")
        sftp.rmdir(folder)
