"""The cluster's node of the ssh transport: where it is, what is on it, and whether it is the right one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import paramiko
from airflow.providers.ssh.hooks.ssh import SSHHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from arrears.contracts.errors import Unreachable


@dataclass(frozen=True)
class Node:
    """What the extra of an SSH connection says about the cluster's node. All paths are the node's.

    Attributes:
        spark_submit: path of spark-submit.
        master: where it submits to, such as ``spark://host:7077`` or ``yarn``.
        env_file: file of `NAME=value` lines with JAVA_HOME and the credentials of S3 and MLflow.
        remote_folder: where each attempt makes its own folder, relative to the user's home.
        python: the Python of the remote runner, any from 3.8.
    """

    spark_submit: str = "spark-submit"
    master: str = ""
    env_file: str = ""
    remote_folder: str = ".arrears/jobs"
    python: str = "python3"

    @classmethod
    def of(cls, connection_id: str) -> Node:
        """Reads the connection's extra. AirflowFailException where the connection or its master is missing."""
        try:
            extra = BaseHook.get_connection(connection_id).extra_dejson
        except AirflowNotFoundException:
            raise AirflowFailException(f"the Airflow connection {connection_id} is missing") from None
        node = cls(**{name: str(extra[name]) for name in cls.__dataclass_fields__ if extra.get(name)})
        if not node.master:
            raise AirflowFailException(
                f'the extra of the Airflow connection {connection_id} needs "master", such as spark://host:7077 or yarn'
            )
        return node


def connect(connection_id: str) -> paramiko.SSHClient:
    """Connects to the node only if its host key is the one pinned in the connection, or else known to this system.

    Raises:
        AirflowFailException: the key is another, or nothing is pinned. A second try would not mend that.
    """
    hook = SSHHook(ssh_conn_id=connection_id, cmd_timeout=None, conn_retry_attempts=1)
    if hook.no_host_key_check or hook.allow_host_key_change:
        raise AirflowFailException(
            f"the Airflow connection {hook.ssh_conn_id} switches the host key check off: pin the node's key in host_key"
        )
    try:
        client = hook.get_conn()
    except paramiko.BadHostKeyException as error:
        raise _wrong_key(hook, error.key) from None
    except paramiko.AuthenticationException:
        raise AirflowFailException(
            f"{hook.remote_host} does not let the user {hook.username} in with the key or password of the Airflow"
            f" connection {hook.ssh_conn_id}"
        ) from None
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise AirflowFailException(
                f"{hook.remote_host} is unknown: pin its key in host_key of the connection {hook.ssh_conn_id}"
            ) from None
        raise
    except OSError as error:
        raise Unreachable(
            f"the node {hook.remote_host}:{hook.port} of the Airflow connection {hook.ssh_conn_id} does not answer:"
            f" {error.strerror or type(error).__name__}"
        ) from error
    # A known_hosts file of the system would win over the pinned key.
    transport = client.get_transport()
    key = None if transport is None else transport.get_remote_server_key()
    if hook.host_key is not None and key != hook.host_key:
        client.close()
        raise _wrong_key(hook, key)
    return client


@contextmanager
def opened_sftp(client: paramiko.SSHClient, connection_id: str) -> Iterator[paramiko.SFTPClient]:
    """SFTP on the node, for the length of the block.

    Raises:
        AirflowFailException: the node's login scripts print text, it offers no SFTP, or the user may not write there.
    """
    try:
        sftp = client.open_sftp()
    except paramiko.SFTPError as error:
        if "Garbage" not in str(error):
            raise
        raise AirflowFailException(
            f"the login scripts of the node of the Airflow connection {connection_id} print text, which breaks SFTP:"
            " make ~/.bashrc and what it reads silent in shells that are not interactive"
        ) from None
    except (paramiko.SSHException, EOFError):
        raise AirflowFailException(
            f"the node of the Airflow connection {connection_id} offers no SFTP: its sshd_config needs Subsystem sftp,"
            " and the user's login scripts must not end the shell"
        ) from None
    with sftp:
        try:
            yield sftp
        except PermissionError as error:
            raise AirflowFailException(
                f"the user of the Airflow connection {connection_id} may not write to its remote_folder: {error}"
            ) from None
        except OSError as error:
            raise Unreachable(
                f"the node of the Airflow connection {connection_id} did not keep the job's files ({error}): is its"
                " disk, or the user's quota, full?"
            ) from error


def _wrong_key(hook: SSHHook, shown: paramiko.PKey) -> AirflowFailException:
    return AirflowFailException(
        f"{hook.remote_host} shows another host key ({shown.get_name()} {shown.fingerprint}) than the pinned "
        "one: either someone is between Airflow and the node, or the node was built anew; in that case pin its "
        f"new key in host_key of the Airflow connection {hook.ssh_conn_id}"
    )
