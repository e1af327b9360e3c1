"""What is wrong with a node is told in one sentence, by what a real SSH server does."""

from __future__ import annotations

from pathlib import Path

import paramiko
import pytest
from airflow.sdk.exceptions import AirflowFailException

from arrears.contracts.errors import Unreachable
from include.transports.ssh_node import connect, opened_sftp
from tests.e2e.ssh_server import SshServer, sshd  # noqa: F401  # a fixture


@pytest.fixture
def node(sshd: SshServer, monkeypatch: pytest.MonkeyPatch) -> SshServer:  # noqa: F811
    monkeypatch.setenv("AIRFLOW_CONN_NODE", sshd.connection())
    return sshd


def restarted(server: SshServer, subsystem: str) -> None:
    config = server.folder / "config"
    config.write_text(config.read_text().replace("Subsystem sftp internal-sftp\n", subsystem))
    server.stop()
    server.start()


def test_login_scripts_that_print_are_told_as_the_cause(node: SshServer, tmp_path: Path) -> None:
    # sshd runs an external SFTP server through the user's shell, which reads ~/.bashrc first.
    noisy = tmp_path / "noisy"
    noisy.write_text("#!/bin/sh\necho 'Welcome to node 7'\nexec cat\n")
    noisy.chmod(0o755)
    restarted(node, f"Subsystem sftp {noisy}\n")
    client = connect("node")
    told = r"print text, which breaks SFTP: make ~/.bashrc"
    with pytest.raises(AirflowFailException, match=told), opened_sftp(client, "node"):
        pass
    client.close()


def test_a_node_without_sftp_is_told(node: SshServer) -> None:
    restarted(node, "")
    client = connect("node")
    with pytest.raises(AirflowFailException, match="offers no SFTP"), opened_sftp(client, "node"):
        pass
    client.close()


def test_a_folder_that_may_not_be_written_is_told(node: SshServer) -> None:
    client = connect("node")
    with pytest.raises(AirflowFailException, match="may not write to its remote_folder"), opened_sftp(client, "node"):
        raise PermissionError(13, "Permission denied")
    with pytest.raises(Unreachable, match="is its disk, or the user's quota, full"), opened_sftp(client, "node"):
        raise OSError("Failure")
    with opened_sftp(client, "node") as sftp:
        assert isinstance(sftp, paramiko.SFTPClient)
    client.close()


def test_a_user_whom_the_node_does_not_know_is_told(node: SshServer) -> None:
    (node.folder / "authorized_keys").write_text("")
    with pytest.raises(AirflowFailException, match=r"127.0.0.1 does not let the user .* in"):
        connect("node")


def test_a_node_that_is_away_is_tried_again(node: SshServer) -> None:
    node.stop()
    with pytest.raises(Unreachable, match=r"node 127.0.0.1:\d+ of the Airflow connection node does not answer"):
        connect("node")
