"""Bringing the stack up: what starts, and by which plan."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

from local.credentials import load_or_generate
from local.environment import Toolchain
from local.progress import Progress
from local.stack.services import PART_NAMES, Part, Plan
from local.stack.up import _Rise
from local.stack_settings import StackSettings


class SeveralParts:
    """A supervisor that knows every part."""

    def parts(self) -> dict[str, Any]:
        return dict.fromkeys(PART_NAMES)


def done() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(())
    return future


def test_airflow_never_starts_by_a_plan_without_jars_that_came_meanwhile(tmp_path: Path) -> None:
    settings = StackSettings.from_env({"ARREARS_STATE": str(tmp_path / "state")}, repository=tmp_path)
    (settings.state / "s3").mkdir(parents=True)
    toolchain = Toolchain(tmp_path / "python", tmp_path, tmp_path, "/bin", (), tmp_path, "", "")
    plan = Plan(settings, load_or_generate(settings.state / "secrets.json"), toolchain, {}, {})
    jars: Future[Any] = Future()
    started: dict[str, str] = {}

    class Rise(_Rise):
        def _advance(self, part: Part, state: Any) -> None:
            started[part.name] = part.environment.get("ARREARS_SPARK_JARS", "")
            if not jars.done():
                jars.set_result((tmp_path / "delta.jar",))

    rise: Any = Rise(plan, Progress())
    rise.supervisor = SeveralParts()
    rise.preparations = {"versitygw": done(), "airflow database": done(), "jars": jars, "class archive": Future()}
    needs = {need for part in plan.parts() for need in part.needs}
    rise.healthy = {need for need in needs if need.startswith("airflow")}

    rise._step()
    assert [name for name in started if name.startswith("airflow")] == []
    rise._step()
    told = {jars for name, jars in started.items() if name.startswith("airflow")}
    assert told == {f"local:{tmp_path}/delta.jar"}
