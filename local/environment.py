"""The environment variables that every program of the stack, and a job submitted by hand, runs with."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from include.cluster_sizes import TRAINING
from local.credentials import Credentials
from local.stack_settings import HOST, StackSettings

REGION = "us-east-1"
BUCKET = "arrears"
ROOT = f"s3://{BUCKET}"
ADMIN = "admin"
RECIPIENT = "risk@example.com"

# A person's own settings of these tools must not leak into the stack: AWS_PROFILE alone would turn every
# job to another account.
OWN_PREFIXES = ("ARREARS_", "AIRFLOW", "AWS_", "MLFLOW_", "SPARK_", "PYSPARK_", "HADOOP_")
# On a laptop most of a short job is the JVM compiling itself: its first tier of compilation is enough for small data.
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SPARK_CONF = "ARREARS_SPARK_CONF"
NEAR = f"{HOST},localhost"
OWN_NAMES = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "JAVA_HOME", "VIRTUAL_ENV", "SUPERVISOR_ENABLED")


@dataclass(frozen=True)
class Toolchain:
    """What was found or built on this machine: paths, jars, the package and the commit it came from."""

    python: Path
    spark_home: Path
    java_home: Path
    path: str
    jars: tuple[Path, ...]
    package: Path
    source_digest: str
    git_commit: str
    class_archive: Path | None = None
    cores: int = TRAINING.cores_max


def stack_environment(settings: StackSettings, credentials: Credentials, toolchain: Toolchain) -> dict[str, str]:
    """Return the variables by name. Pure: the same arguments give the same variables."""
    return {
        "ARREARS_STATE": str(settings.state),
        "ARREARS_ROOT": ROOT,
        "ARREARS_PACKAGE": str(toolchain.package),
        "ARREARS_SOURCE_DIGEST": toolchain.source_digest,
        "ARREARS_GIT_COMMIT": toolchain.git_commit,
        "ARREARS_SPARK_JARS": ",".join(f"local:{jar}" for jar in toolchain.jars),
        "PATH": f"{toolchain.python.parent}:{toolchain.path}",
        "PYTHONPATH": str(settings.repository),
        "PYTHONUNBUFFERED": "1",
        "JAVA_HOME": str(toolchain.java_home),
        # Java would read arguments and names of files as ASCII under a plain C locale.
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": NEAR,
        "no_proxy": NEAR,
        **_stores(settings, credentials),
        **_spark(settings, toolchain),
        **_airflow(settings, credentials),
        **_connections(settings),
    }


def without_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """The hosts that are asked without a proxy: this machine, and those that the person has named."""
    named = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    hosts = ",".join(dict.fromkeys(filter(None, map(str.strip, f"{NEAR},{named}".split(",")))))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


def class_path(jars: Iterable[Path]) -> str:
    """The jars in front of Spark's own, where the archive of classes expects them."""
    return os.pathsep.join(map(str, jars))


def _stores(settings: StackSettings, credentials: Credentials) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": credentials.s3_key,
        "AWS_SECRET_ACCESS_KEY": credentials.s3_secret,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": f"http://{HOST}:{settings.ports.s3}",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MLFLOW_TRACKING_URI": f"http://{HOST}:{settings.ports.mlflow}",
        "MLFLOW_TRACKING_USERNAME": ADMIN,
        "MLFLOW_TRACKING_PASSWORD": credentials.mlflow_password,
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def _spark(settings: StackSettings, toolchain: Toolchain) -> dict[str, str]:
    return {
        "SPARK_HOME": str(toolchain.spark_home),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_PUBLIC_DNS": HOST,
        "SPARK_LOCAL_DIRS": str(settings.state / "spark" / "scratch"),
        "PYSPARK_PYTHON": str(toolchain.python),
        SPARK_CONF: "; ".join(f"{name}={value}" for name, value in _spark_conf(toolchain).items()),
    }


def _spark_conf(toolchain: Toolchain) -> dict[str, str]:
    conf = {"spark.log.level": "WARN", "spark.ui.showConsoleProgress": "false"}
    if toolchain.cores < TRAINING.cores_max:
        # A training's two executors on two cores would be two JVMs that warm up for the work of one.
        conf["spark.cores.max"] = str(max(TRAINING.executor_cores, toolchain.cores))
    for process in ("driver", "executor"):
        conf[f"spark.{process}.extraJavaOptions"] = QUICK_START
        if toolchain.class_archive:
            conf[f"spark.{process}.extraJavaOptions"] += f' "-XX:SharedArchiveFile={toolchain.class_archive}"'
            conf[f"spark.{process}.extraClassPath"] = class_path(toolchain.jars)
    return conf


def _airflow(settings: StackSettings, credentials: Credentials) -> dict[str, str]:
    home, url = settings.airflow_home, f"http://{HOST}:{settings.ports.airflow}"
    options = {
        "CORE__DAGS_FOLDER": str(settings.repository / "dags"),
        "CORE__PLUGINS_FOLDER": str(settings.repository / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__FERNET_KEY": credentials.airflow_fernet_key,
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        # The default asks DNS for a full name, which takes seconds on a laptop without network.
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "API__HOST": HOST,
        "API__PORT": str(settings.ports.airflow),
        "API__BASE_URL": url,
        "API__SECRET_KEY": credentials.airflow_session_key,
        "API_AUTH__JWT_SECRET": credentials.airflow_jwt_secret,
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "LOGGING__COLORED_CONSOLE_LOG": "False",
        # A changed DAG file shows within seconds; those that did not change are parsed every five minutes,
        # because parsing competes with Spark for two cores.
        "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "90",
        # A task waits for two or three rounds of the scheduler until it runs: by default each is a second long.
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    return {"AIRFLOW_HOME": str(home), **{f"AIRFLOW__{name}": value for name, value in options.items()}}


def _connections(settings: StackSettings) -> dict[str, str]:
    spark = {
        "conn_type": "spark",
        "host": f"spark://{HOST}",
        "port": settings.ports.spark_master,
        "extra": {"deploy-mode": "client"},
    }
    smtp = {
        "conn_type": "smtp",
        "host": HOST,
        "port": settings.ports.smtp,
        "extra": {
            "disable_ssl": True,
            "disable_tls": True,
            "from_email": "arrears@localhost",
            "to": RECIPIENT,
            "timeout": 30,
            "retry_limit": 2,
        },
    }
    return {"AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(spark), "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(smtp)}


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """Drop from a person's environment all that would steer Spark, Airflow, MLflow or the AWS libraries."""
    return {k: v for k, v in environ.items() if not k.startswith(OWN_PREFIXES) and k not in OWN_NAMES}


def personal(environ: Mapping[str, str]) -> dict[str, str]:
    """Keep of a person's environment what is meant for the DAGs: their settings, more Airflow connections."""
    meant = ("ARREARS_", "AIRFLOW_CONN_", "AIRFLOW_VAR_")
    stacks_own = ("ARREARS_PORT_", "ARREARS_TOOLS", "ARREARS_STACK_")
    return {k: v for k, v in environ.items() if k.startswith(meant) and not k.startswith(stacks_own)}


def shell_lines(environment: Mapping[str, str]) -> str:
    """Write variables as lines that a POSIX shell reads: export NAME='value'."""
    return "".join(f"export {name}={_quoted(value)}\n" for name, value in sorted(environment.items()))


def _quoted(value: str) -> str:
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{value}'"
