"""The services of the stack: for each one its command, its environment, its port and what it waits for."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.credentials import Credentials, write_private
from local.environment import ADMIN, BUCKET, REGION, SPARK_CONF, Toolchain, stack_environment, without_proxy
from local.stack.processes import marking
from local.stack_settings import HOST, StackSettings
from local.tools.versitygw import binary

WORKER_CORES, WORKER_MEMORY = 2, "2g"  # two such workers oversubscribe a machine of two cores on purpose
AIRFLOW_SERVICES = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
SERVICE_NAMES = ("s3", "mlflow", "mail", "spark-master", "spark-worker-1", "spark-worker-2", *AIRFLOW_SERVICES)


@dataclass(frozen=True)
class Service:
    """One supervised program.

    `environment` comes on top of what the supervisor runs in. `ports` are fields of Ports. `needs` are services
    that must answer before this one is started, `prepared` the preparations that must be done.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    ports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    prepared: tuple[str, ...] = ()
    url: str = ""

    def record(self) -> str:
        """Return what `launch_service` needs to become this service."""
        return json.dumps(self._content(), indent=1, sort_keys=True)

    def record_path(self, settings: StackSettings) -> Path:
        """Return where the record is kept."""
        return settings.state / "parts" / f"{self.name}.json"

    def changes(self, settings: StackSettings) -> set[str]:
        """Return what is not as it was recorded: names of variables, or `command`. Empty where nothing changed.

        The search path does not count: it differs between two terminals of the same person.
        """
        path = self.record_path(settings)
        if not path.exists():
            return {"command"}
        recorded, current = json.loads(path.read_text()), self._content()
        before, now = recorded.pop("environment"), current.pop("environment")
        names = {name for name in {*before, *now} if before.get(name) != now.get(name)}
        return names - {"PATH"} | ({"command"} if recorded != current else set())

    def write_record(self, settings: StackSettings) -> None:
        """Record this service for its launch. The file holds secrets and is private."""
        write_private(self.record_path(settings), self.record())

    def _content(self) -> dict[str, Any]:
        return {"argv": list(self.argv), "environment": dict(self.environment), "folder": str(self.folder)}


@dataclass(frozen=True)
class Stack:
    """All services of one stack, made from what is known of the machine."""

    settings: StackSettings
    credentials: Credentials
    toolchain: Toolchain
    inherited: Mapping[str, str]
    personal: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every service and of jobs submitted by hand.

        A person's settings of the DAGs and their own Airflow connections reach Airflow too. Of Spark's
        configuration they set what they name.
        """
        stack = stack_environment(self.settings, self.credentials, self.toolchain)
        wished = filter(None, (stack[SPARK_CONF], self.personal.get(SPARK_CONF)))
        return {**self.personal, **stack, **without_proxy(self.inherited), SPARK_CONF: "; ".join(wished)}

    @property
    def marked(self) -> dict[str, str]:
        """What the supervisor runs in: the person's environment, with the mark by which members are found."""
        state = str(self.settings.state)
        return {**self.inherited, **marking(state), "ARREARS_STATE": state}

    def services(self) -> tuple[Service, ...]:
        """Return every service, in the order in which they are shown."""
        airflow = self.environment
        # Spark and MLflow do without Airflow's secrets, and Spark's workers without the repository on
        # their path: a module that is missing from the package must be missing there too.
        plain = {k: v for k, v in airflow.items() if not k.startswith(("AIRFLOW", "ARREARS"))}
        spark = {k: v for k, v in plain.items() if k != "PYTHONPATH"} | _spark_daemon_environment()
        master, first, second = self._spark(spark)
        return (self._s3(), self._mlflow(plain), self._mail(), master, first, second, *self._airflow(airflow))

    def _s3(self) -> Service:
        state, port = self.settings.state, self.settings.ports.s3
        argv = [str(binary(self.settings.tools)), "--quiet", "--port", f"{HOST}:{port}", "--region", REGION]
        argv += ["--health", "/health", "--iam-dir", str(state / "s3" / "accounts"), "posix"]
        argv += [
            "--versioning-dir",
            str(state / "s3" / "versions"),
            *_sidecar(state / "s3"),
            str(state / "s3" / "data"),
        ]
        root = {
            "ROOT_ACCESS_KEY": self.credentials.s3_root_key,
            "ROOT_SECRET_KEY": self.credentials.s3_root_secret,
        }
        return Service(
            "s3",
            tuple(argv),
            root,
            state / "run",
            ports=("s3",),
            prepared=("versitygw",),
            url=f"http://{HOST}:{port}",
        )

    def _mlflow(self, environment: Mapping[str, str]) -> Service:
        folder, port = self.settings.state / "mlflow", self.settings.ports.mlflow
        argv = [str(self.toolchain.python), "-m", "mlflow", "server", "--app-name", "basic-auth", "--host", HOST]
        argv += ["--port", str(port), "--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
        argv += ["--serve-artifacts", "--artifacts-destination", f"s3://{BUCKET}/artifacts/mlflow"]
        own = {
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "basic_auth.ini"),
            "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN,
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.credentials.mlflow_password,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": self.credentials.mlflow_session_key,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # it costs 0.9 GB and serves features we do not use
            "MALLOC_ARENA_MAX": "2",
        }
        clients = ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
        server = {k: v for k, v in environment.items() if k not in clients}
        url = f"http://{HOST}:{port}"
        return Service("mlflow", tuple(argv), {**server, **own}, folder, ports=("mlflow",), url=url)

    def _mail(self) -> Service:
        ports = self.settings.ports
        argv = [str(self.toolchain.python), "-m", "local.mail.catcher", "--smtp-port", str(ports.smtp)]
        argv += ["--http-port", str(ports.mail), "--folder", str(self.settings.state / "mail")]
        environment = {"PYTHONPATH": str(self.settings.repository), "PYTHONUNBUFFERED": "1"}
        url = f"http://{HOST}:{ports.mail}"
        return Service("mail", tuple(argv), environment, self.settings.state / "run", ports=("smtp", "mail"), url=url)

    def _spark(self, environment: Mapping[str, str]) -> tuple[Service, Service, Service]:
        ports, spark_class = self.settings.ports, str(self.toolchain.spark_home / "bin" / "spark-class")
        folder, package = self.settings.state / "spark", "org.apache.spark.deploy"

        def worker(number: int, page: int) -> Service:
            argv = [spark_class, f"{package}.worker.Worker", f"spark://{HOST}:{ports.spark_master}", "--host", HOST]
            argv += ["-c", str(WORKER_CORES), "-m", WORKER_MEMORY, "-d", str(folder / f"worker-{number}")]
            name = f"spark-worker-{number}"
            return Service(
                name,
                (*argv, "--webui-port", str(page)),
                environment,
                folder,
                ports=(f"spark_worker_{number}",),
                needs=("spark-master",),
                url=f"http://{HOST}:{page}",
            )

        argv = [spark_class, f"{package}.master.Master", "--host", HOST, "--port", str(ports.spark_master)]
        master = Service(
            "spark-master",
            (*argv, "--webui-port", str(ports.spark_ui)),
            environment,
            folder,
            ports=("spark_master", "spark_ui"),
            url=f"http://{HOST}:{ports.spark_ui}",
        )
        return master, worker(1, ports.spark_worker_1), worker(2, ports.spark_worker_2)

    def _airflow(self, environment: Mapping[str, str]) -> tuple[Service, ...]:
        # The log servers of scheduler and triggerer listen on every interface. The API server reads the
        # same files from disk.
        arguments = {"airflow-scheduler": ("--skip-serve-logs",), "airflow-triggerer": ("--skip-serve-logs",)}
        url = f"http://{HOST}:{self.settings.ports.airflow}"

        def service(name: str) -> Service:
            command = name.removeprefix("airflow-")
            is_server = command == "api-server"
            return Service(
                name,
                (str(self.toolchain.python), "-m", "airflow", command, *arguments.get(name, ())),
                {**environment, "MALLOC_ARENA_MAX": "2"},
                self.settings.airflow_home,
                ports=("airflow",) if is_server else (),
                prepared=("airflow database", "jars"),
                url=url if is_server else "",
            )

        return tuple(service(name) for name in AIRFLOW_SERVICES)


def _spark_daemon_environment() -> dict[str, str]:
    cleanup = "-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.interval=900"
    return {
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC",
        "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
        "SPARK_WORKER_OPTS": f"{cleanup} -Dspark.worker.cleanup.appDataTtl=86400",
    }


def _sidecar(folder: Path) -> tuple[str, ...]:
    """Keep object metadata in a folder of its own where the file system has no extended attributes."""
    if not hasattr(os, "setxattr"):
        return ()
    with tempfile.NamedTemporaryFile(dir=folder) as probe:
        try:
            os.setxattr(probe.name, b"user.arrears", b"1")
        except OSError:
            return ("--sidecar", str(folder / "metadata"))
    return ()
