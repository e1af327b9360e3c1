"""Does a service of the stack really answer? Each check returns what is missing, or an empty text."""

from __future__ import annotations

import json
import socket
from datetime import datetime

from local.http import request, request_json
from local.stack_settings import HOST, Ports

AIRFLOW_FIELDS = {
    "airflow-scheduler": "scheduler",
    "airflow-dag-processor": "dag_processor",
    "airflow-triggerer": "triggerer",
}


def missing(name: str, ports: Ports, started_at: float) -> str:
    """Return what keeps a service from being healthy, empty where nothing does.

    `started_at` (seconds since 1970) is when its process began: a heartbeat from before is not its own.
    """
    try:
        if name == "s3":
            return _status(ports.s3, "/health")
        if name == "mlflow":
            return _status(ports.mlflow, "/health")
        if name == "mail":
            socket.create_connection((HOST, ports.smtp), timeout=5).close()
            return _status(ports.mail, "/readyz")
        if name == "spark-master":
            return "" if _master(ports).get("status") == "ALIVE" else "the master is not alive yet"
        if name.startswith("spark-worker-"):
            page = ports.spark_worker_1 if name == "spark-worker-1" else ports.spark_worker_2
            return _worker(ports, page)
        return _airflow(name, ports, started_at)
    except (OSError, ValueError) as refused:
        return f"no answer yet ({type(refused).__name__})"


def _status(port: int, path: str) -> str:
    status, _ = request(port, path)
    return "" if status == 200 else f"{path} answers {status}"


def _master(ports: Ports) -> dict[str, object]:
    _, body = request(ports.spark_ui, "/json/")
    document = json.loads(body)
    return document if isinstance(document, dict) else {}


def _worker(ports: Ports, page: int) -> str:
    workers = _master(ports).get("workers")
    for worker in workers if isinstance(workers, list) else []:
        if worker.get("state") == "ALIVE" and str(worker.get("webuiaddress", "")).rstrip("/").endswith(f":{page}"):
            return ""
    return "the master does not see this worker yet"


def _airflow(name: str, ports: Ports, started_at: float) -> str:
    status, health = request_json(ports.airflow, "/api/v2/monitor/health")
    if status != 200 or not isinstance(health, dict):
        return f"/api/v2/monitor/health answers {status}"
    if name == "airflow-api-server":
        return "" if health["metadatabase"]["status"] == "healthy" else "its database is not healthy"
    field = AIRFLOW_FIELDS[name]
    heartbeat = health[field].get(f"latest_{field}_heartbeat")
    if health[field]["status"] != "healthy" or not heartbeat:
        return f"its state is {health[field]['status'] or 'unknown'}"
    return "" if datetime.fromisoformat(heartbeat).timestamp() >= started_at else "no heartbeat since it started"
