"""What `up` and `status` show: who runs, since when, how heavy, where its page is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local.credentials import Credentials
from local.environment import ADMIN
from local.stack.processes import members, memory
from local.stack.services import SERVICE_NAMES
from local.stack.supervisor import ServiceState, Supervisor
from local.stack_settings import HOST, Ports, StackSettings

MIB = 1024 * 1024


@dataclass(frozen=True)
class Status:
    """The state of the whole stack as a table, and whether all of it runs."""

    text: str
    all_running: bool


def pages(ports: Ports) -> dict[str, str]:
    """Return the address of each service that has one, by the service's name."""
    return {
        "s3": f"http://{HOST}:{ports.s3}",
        "mlflow": f"http://{HOST}:{ports.mlflow}",
        "mail": f"http://{HOST}:{ports.mail}",
        "spark-master": f"http://{HOST}:{ports.spark_ui}",
        "spark-worker-1": f"http://{HOST}:{ports.spark_worker_1}",
        "spark-worker-2": f"http://{HOST}:{ports.spark_worker_2}",
        "airflow-api-server": f"http://{HOST}:{ports.airflow}",
    }


def welcome(settings: StackSettings, credentials: Credentials) -> str:
    """Return the table of web pages with which `up` ends."""
    ports = settings.ports
    page = pages(ports)
    rows = [
        ("Airflow", page["airflow-api-server"], f"user {ADMIN}, password {credentials.airflow_password}"),
        ("MLflow", page["mlflow"], f"user {ADMIN}, password {credentials.mlflow_password}"),
        ("Spark", page["spark-master"], f"spark://{HOST}:{ports.spark_master}"),
        ("Mails", page["mail"], f"SMTP at {HOST}:{ports.smtp}"),
        ("S3", page["s3"], f"keys in {settings.state / 'stack.env'}"),
    ]
    return table(("", "address", ""), rows)


def status(settings: StackSettings) -> Status:
    """Return the state of every service: running, restarts since `up`, memory, address."""
    supervisor, address = Supervisor(settings), pages(settings.ports)
    try:
        states, crashes = supervisor.services(), supervisor.crashes()
    except OSError:
        states, crashes = {}, {}
    rows, total = [], 0
    for name in SERVICE_NAMES:
        service = states.get(name)
        weight = memory(service.pid) if service and service.pid else 0
        total += weight
        rows.append(_row(name, service, crashes.get(name, 0), weight, address.get(name, "")))
    running = [name for name in SERVICE_NAMES if name in states and states[name].state == "RUNNING"]
    head = ("part", "state", "pid", "up", "restarts", "memory", "address")
    text = (
        table(head, rows)
        + f"total memory {total / MIB:,.0f} MiB, {len(running)} of {len(SERVICE_NAMES)} parts running\n"
    )
    if not states:
        left = sum(1 for _ in members(str(settings.state)))
        text += "no supervisor runs: `make up` starts the stack\n"
        text += f"{left} processes of an earlier stack are left: `make down` ends them\n" if left else ""
    return Status(text, len(running) == len(SERVICE_NAMES))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out text in columns as wide as their widest cell."""
    lines = [row for row in (head, *rows) if any(row)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def duration(seconds: float) -> str:
    """Write a time span the way a person says it: 42 s, 5 min 3 s, 2 h 10 min."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _row(name: str, service: ServiceState | None, crashes: int, weight: int, address: str) -> tuple[str, ...]:
    if service is None:
        return (name, "STOPPED", "", "", "", "", address)
    alive = service.pid > 0
    return (
        name,
        service.state,
        str(service.pid) if alive else "",
        duration(service.now - service.started_at) if alive else "",
        str(crashes),
        f"{weight / MIB:,.0f} MiB" if alive else "",
        address,
    )
