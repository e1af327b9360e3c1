"""Wait until the stack's Spark cluster can take one more application, and say meanwhile what it is busy with."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arrears.contracts.errors import UpstreamNotReady
from local.http import request
from local.progress import Progress
from local.stack.status import duration
from local.stack_settings import Ports

LOOK_SECONDS = 2.0
SAY_SECONDS = 15.0
_MEGABYTES = {"m": 1, "g": 1024, "t": 1024 * 1024}


@dataclass(frozen=True)
class ExecutorSize:
    """What one executor of an application needs: cores, and memory in MB."""

    cores: int
    memory_mb: int


def executor_size(command: Sequence[str]) -> ExecutorSize | None:
    """What a spark-submit command asks for. None where its job opens no session."""
    settings = dict(part.split("=", 1) for part in command if part.startswith("spark.executor.") and "=" in part)
    memory = re.fullmatch(r"(\d+)([mgt])b?", settings.get("spark.executor.memory", ""), re.IGNORECASE)
    if "spark.executor.cores" not in settings or memory is None:
        return None
    return ExecutorSize(int(settings["spark.executor.cores"]), int(memory[1]) * _MEGABYTES[memory[2].lower()])


def wait_for_slot(size: ExecutorSize, look: Callable[[], Mapping[str, Any]], progress: Progress) -> None:
    """Returns when a worker has room for one executor.

    Args:
        look: asks for the master's page, which is JSON.

    Raises:
        UpstreamNotReady: no worker will ever have so much, or nobody answers.
    """
    said = -SAY_SECONDS
    while True:
        page = look()
        workers = [worker for worker in page.get("workers", ()) if worker["state"] == "ALIVE"]
        if not any(_fits(size, worker, "") for worker in workers):
            raise UpstreamNotReady(
                f"no Spark worker has {size.cores} cores and {size.memory_mb} MB: `make status` shows the workers"
            )
        if any(_fits(size, worker, "free") for worker in workers):
            return
        if progress.elapsed - said >= SAY_SECONDS:
            said = progress.elapsed
            progress.say(f"waiting for {size.cores} cores of Spark (Ctrl-C ends); running: {_running(page)}")
        time.sleep(LOOK_SECONDS)


def master_page(ports: Ports) -> Mapping[str, Any]:
    """What the stack's Spark master says of its workers and applications.

    Raises UpstreamNotReady where none answers.
    """
    try:
        return dict(json.loads(request(ports.spark_ui, "/json/")[1]))
    except (OSError, ValueError):
        raise UpstreamNotReady("the Spark master does not answer: `make up` starts the stack") from None


def _fits(size: ExecutorSize, worker: Mapping[str, Any], which: str) -> bool:
    return bool(worker[f"cores{which}"] >= size.cores and worker[f"memory{which}"] >= size.memory_mb)


def _running(page: Mapping[str, Any]) -> str:
    applications = [
        f"{app['name']} ({app['cores']} cores, for {duration(app['duration'] / 1000)})"
        for app in page.get("activeapps", ())
    ]
    return ", ".join(applications) or "nothing, but workers are busy ending"
