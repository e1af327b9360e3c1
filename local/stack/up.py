"""Bring the stack up: prepare what is missing, start what does not run, wait until every part answers."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from local.credentials import Credentials, load_or_generate, write_private
from local.environment import inherited, personal, shell_lines
from local.file_lock import exclusive
from local.progress import Progress
from local.stack import prerequisites, provisioning
from local.stack.health import missing
from local.stack.ports import refuse_taken_ports
from local.stack.processes import reap
from local.stack.services import PART_NAMES, Part, Plan
from local.stack.supervisor import PartState, Supervisor
from local.stack_settings import StackSettings
from local.tools.class_archive import ensure_class_archive, with_jars
from local.tools.jars import ensure_jars
from local.tools.versitygw import ensure_versitygw

PATIENCE = 300.0  # seconds a part may take to answer: MLflow took 130 on two very busy cores
POLL = 0.4
LAST_LINES = 15
PROVENANCE = {"ARREARS_SOURCE_DIGEST", "ARREARS_GIT_COMMIT"}
ALIVE = ("RUNNING", "STARTING", "BACKOFF")


def bring_up(settings: StackSettings, environ: Mapping[str, str], progress: Progress) -> Plan:
    """Leave every part running and healthy, whatever state the stack was in, and return the plan of it.

    Raises BadConfiguration for what a person must set right, UpstreamNotReady for a part that will not come.
    """
    prerequisites.make_folders(settings)
    with exclusive(settings.state / "up.lock", lambda: progress.say("waiting for another `up` to end")):
        credentials = load_or_generate(settings.state / "secrets.json")
        prerequisites.write_service_files(settings, credentials)
        toolchain = prerequisites.inspect_machine(settings, environ)
        plan = Plan(settings, credentials, toolchain, inherited(environ), personal(environ))
        return _Rise(plan, progress).run()


class _Rise:
    """One `up` from its first check to the last healthy part."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.plan, self.progress = plan, progress
        self.settings = plan.settings
        self.supervisor = Supervisor(plan.settings)
        self.preparations: dict[str, Future[Any]] = {}
        self.healthy: set[str] = set()
        self.asked: dict[str, float] = {}
        self.furnish: dict[str, Callable[[Any, Credentials], None]] = {
            "s3": provisioning.ensure_bucket,
            "airflow-api-server": provisioning.ensure_pool,
        }

    def run(self) -> Plan:
        self._ensure_supervisor()
        with ThreadPoolExecutor(max_workers=4) as pool:
            self.preparations = self._prepare(pool)
            try:
                while len(self.healthy) < len(PART_NAMES):
                    self._step()
                    time.sleep(POLL)
                return self._settled_plan()
            finally:
                for future in self.preparations.values():
                    future.cancel()

    def _ensure_supervisor(self) -> None:
        if self.supervisor.is_running():
            return
        left = reap(str(self.settings.state))
        if left:
            self.progress.say(f"ended {len(left)} processes that an earlier stack left behind")
        wanted = {
            field: (part.name, getattr(self.settings.ports, field))
            for part in self.plan.parts()
            for field in part.ports
        }
        refuse_taken_ports(wanted)
        self.supervisor.launch(PART_NAMES, self.plan.toolchain.python, self.plan.marked)

    def _prepare(self, pool: ThreadPoolExecutor) -> dict[str, Future[Any]]:
        environment = {**self.plan.marked, **self.plan.environment}
        tools, say = self.settings.tools, self.progress
        jars = pool.submit(ensure_jars, tools, environment, say)
        return {
            "versitygw": pool.submit(ensure_versitygw, tools, say),
            "jars": jars,
            "class archive": pool.submit(self._archive_classes, jars, environment),
            "airflow database": pool.submit(prerequisites.ensure_airflow_database, self.settings, environment, say),
        }

    def _archive_classes(self, jars: Future[tuple[Path, ...]], environment: Mapping[str, str]) -> None:
        toolchain = with_jars(self.plan.toolchain, jars.result(), self.settings.tools)
        ensure_class_archive(toolchain, environment, self.progress)

    def _step(self) -> None:
        for future in self.preparations.values():
            if future.done():
                future.result()
        # Before the plan: jars that come while the parts are looked at must not start Airflow by a plan without them.
        prepared = {name for name, future in self.preparations.items() if future.done()}
        states = self.supervisor.parts()
        for part in self._settled_plan().parts():
            startable = prepared.issuperset(part.prepared) and self.healthy.issuperset(part.needs)
            if part.name not in self.healthy and startable:
                self._advance(part, states[part.name])

    def _advance(self, part: Part, state: PartState) -> None:
        if part.name not in self.asked:
            self.asked[part.name] = time.monotonic()
            self._start(part, state)
            return
        lacking = missing(part.name, self.settings.ports, state.started_at) if state.state == "RUNNING" else state.state
        if not lacking:
            if part.name in self.furnish:
                self.furnish[part.name](self.settings.ports, self.plan.credentials)
            self.healthy.add(part.name)
            self.progress.say(f"{part.name} is ready")
        elif state.state == "FATAL" or time.monotonic() - self.asked[part.name] > PATIENCE:
            raise self._gave_up(part, lacking)

    def _start(self, part: Part, state: PartState) -> None:
        if state.state in ALIVE:
            changes = part.changes(self.settings)
            if not changes:
                return
            if changes <= PROVENANCE and prerequisites.running_tasks(self.settings):
                self.progress.say(f"{part.name} learns of the changed sources at the next `up`: tasks are running")
                return
            self.progress.say(f"restarting {part.name}: {', '.join(sorted(changes))} changed")
            self.supervisor.stop(part.name, wait=True)
        refuse_taken_ports({field: (part.name, getattr(self.settings.ports, field)) for field in part.ports})
        part.write_record(self.settings)
        self.supervisor.start(part.name)

    def _settled_plan(self) -> Plan:
        """Return the plan with the jars in it as soon as they are known."""
        fetched = self.preparations["jars"]
        if not self.plan.toolchain.jars and fetched.done():
            jars: tuple[Path, ...] = fetched.result()
            self.plan = dataclasses.replace(
                self.plan, toolchain=with_jars(self.plan.toolchain, jars, self.settings.tools)
            )
            write_private(self.settings.state / "stack.env", shell_lines(self.plan.environment))
        return self.plan

    def _gave_up(self, part: Part, lacking: str) -> Exception:
        log = self.settings.logs / f"{part.name}.log"
        lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:] if log.exists() else []
        return UpstreamNotReady(
            f"{part.name} did not come up: {lacking}",
            "the end of its log:\n" + "\n".join(f"    {line}" for line in lines),
            f"see `make logs PART={part.name}`; `make up` tries again, `make down` stops what runs already",
        )


def refuse_without_state(settings: StackSettings) -> None:
    """Raise BadConfiguration where no stack was ever brought up in this state folder."""
    if not (settings.state / "stack.env").exists():
        raise BadConfiguration(f"no stack has been brought up in {settings.state} yet: run `make up` first")
