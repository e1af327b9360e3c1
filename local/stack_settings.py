"""Where the embedded stack keeps its state and on which ports it listens, read once from the environment."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from arrears.contracts.errors import BadConfiguration

HOST = "127.0.0.1"
REPOSITORY = Path(__file__).resolve().parent.parent
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108 bytes on Linux and 104 on macOS


@dataclass(frozen=True)
class Ports:
    """The loopback ports of the stack. Each can be set by ARREARS_PORT_ and the field's name in capitals."""

    s3: int = 7070
    mlflow: int = 5500
    spark_master: int = 7077
    spark_ui: int = 8090
    spark_worker_1: int = 8091
    spark_worker_2: int = 8092
    smtp: int = 1025
    mail: int = 8025
    airflow: int = 8080

    @staticmethod
    def variable(field: str) -> str:
        """Return the environment variable that sets this port."""
        return f"ARREARS_PORT_{field.upper()}"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Ports:
        """Read every port. Raises BadConfiguration naming all that are wrong or equal to another.

        The pages of the workers follow the master's page unless they are set themselves.
        """
        given, problems = {}, []
        for field in fields(cls):
            text = environ.get(cls.variable(field.name), "").strip()
            if not text:
                continue
            if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
                given[field.name] = int(text)
            else:
                problems.append(f"{cls.variable(field.name)} must be a port from 1 to 65535, not {text!r}")
        page = given.get("spark_ui", cls.spark_ui)
        ports = cls(**{"spark_worker_1": page + 1, "spark_worker_2": page + 2, **given})
        problems += _clashes(ports)
        if problems:
            raise BadConfiguration(*problems)
        return ports


@dataclass(frozen=True)
class StackSettings:
    """Everything about the stack that differs between two machines or two test runs.

    `state` holds all that the stack writes. `tools` holds what is slow to build and may be shared by
    several states (the S3 server, Spark's extra jars).
    """

    state: Path
    tools: Path
    repository: Path
    ports: Ports

    @classmethod
    def from_env(cls, environ: Mapping[str, str], repository: Path = REPOSITORY) -> StackSettings:
        """Read ARREARS_STATE, ARREARS_TOOLS and the ports. Raises BadConfiguration listing all that is wrong."""
        home = repository / ".arrears"
        return cls(
            state=Path(environ.get("ARREARS_STATE") or home).expanduser().resolve(),
            tools=Path(environ.get("ARREARS_TOOLS") or home / "tools").expanduser().resolve(),
            repository=repository,
            ports=Ports.from_env(environ),
        )

    @property
    def logs(self) -> Path:
        """The folder with one log file a part."""
        return self.state / "logs"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder: its database, its task logs."""
        return self.state / "airflow"

    @property
    def socket(self) -> Path:
        """The supervisor's unix socket. It is in the temporary folder where the state's path is too long for one."""
        wished = self.state / "supervisor.sock"
        if len(str(wished)) <= LONGEST_SOCKET_PATH:
            return wished
        digest = hashlib.sha256(str(self.state).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"arrears-{digest}.sock"


def _clashes(ports: Ports) -> list[str]:
    users: dict[int, list[str]] = {}
    for name, port in asdict(ports).items():
        users.setdefault(port, []).append(Ports.variable(name))
    return [f"{' and '.join(names)} are both {port}" for port, names in users.items() if len(names) > 1]
