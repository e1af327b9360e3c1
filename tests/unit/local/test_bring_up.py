"""Bringing the stack up: what starts, and by which plan."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

from local.credentials import load_or_generate
from local.environment import Toolchain
from local.progress import Progress
from local.stack.services import SERVICE_NAMES, Service, Stack
from local.stack.up import _BringUp
from local.stack_settings import StackSettings


class SeveralParts:
    """A supervisor that knows every part."""

    def services(self) -> dict[str, Any]:
        return dict.fromkeys(SERVICE_NAMES)


def done() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(())
    return future


def test_airflow_never_starts_by_a_plan_without_jars_that_came_meanwhile(tmp_path: Path) -> None:
    settings = StackSettings.from_env({"ARREARS_STATE": str(tmp_path / "state")}, repository=tmp_path)
    (settings.state / "s3").mkdir(parents=True)
    toolchain = Toolchain(tmp_path / "python", tmp_path, tmp_path, "/bin", (), tmp_path, "", "")
    stack = Stack(settings, load_or_generate(settings.state / "secrets.json"), toolchain, {}, {})
    jars: Future[Any] = Future()
    started: dict[str, str] = {}

    class BringUp(_BringUp):
        def _advance(self, service: Service, state: Any) -> None:
            started[service.name] = service.environment.get("ARREARS_SPARK_JARS", "")
            if not jars.done():
                jars.set_result((tmp_path / "delta.jar",))

    bring: Any = BringUp(stack, Progress())
    bring.supervisor = SeveralParts()
    bring.preparations = {"versitygw": done(), "airflow database": done(), "jars": jars}
    needs = {need for service in stack.services() for need in service.needs}
    bring.healthy = {need for need in needs if need.startswith("airflow")}

    bring._step()
    assert [name for name in started if name.startswith("airflow")] == []
    bring._step()
    told = {jars for name, jars in started.items() if name.startswith("airflow")}
    assert told == {f"local:{tmp_path}/delta.jar"}
