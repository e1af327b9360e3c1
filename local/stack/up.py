"""Bring the stack up: prepare what is missing, start what does not run, wait until every service answers."""

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
from local.file_lock import file_lock
from local.progress import Progress
from local.stack import prerequisites, provisioning
from local.stack.health import missing
from local.stack.processes import reap
from local.stack.services import SERVICE_NAMES, Service, Stack
from local.stack.supervisor import ServiceState, Supervisor
from local.stack.taken_ports import refuse_taken_ports
from local.stack_settings import StackSettings
from local.tools.class_archive import begin_class_archive, with_jars
from local.tools.jars import ensure_jars
from local.tools.versitygw import ensure_versitygw

PATIENCE = 300.0  # seconds a service may take to answer: MLflow took 130 on two very busy cores
POLL = 0.4
LAST_LINES = 15
PROVENANCE = {"ARREARS_SOURCE_DIGEST", "ARREARS_GIT_COMMIT"}
ALIVE = ("RUNNING", "STARTING", "BACKOFF")


def bring_up(settings: StackSettings, environ: Mapping[str, str], progress: Progress) -> Stack:
    """Leave every service running and healthy, whatever state the stack was in, and return it.

    Raises BadConfiguration for what a person must set right, UpstreamNotReady for a service that will not come.
    """
    prerequisites.make_folders(settings)
    with file_lock(settings.state / "up.lock", lambda: progress.say("waiting for another `up` to end")):
        credentials = load_or_generate(settings.state / "secrets.json")
        prerequisites.write_service_files(settings, credentials)
        toolchain = prerequisites.inspect_machine(settings, environ)
        stack = Stack(settings, credentials, toolchain, inherited(environ), personal(environ))
        return _BringUp(stack, progress).run()


class _BringUp:
    """One `up` from its first check to the last healthy service."""

    def __init__(self, stack: Stack, progress: Progress) -> None:
        self.stack, self.progress = stack, progress
        self.settings = stack.settings
        self.supervisor = Supervisor(stack.settings)
        self.preparations: dict[str, Future[Any]] = {}
        self.healthy: set[str] = set()
        self.asked: dict[str, float] = {}
        self.provision: dict[str, Callable[[Any, Credentials], None]] = {
            "s3": provisioning.ensure_bucket,
            "airflow-api-server": provisioning.ensure_pool,
        }

    def run(self) -> Stack:
        self._ensure_supervisor()
        with ThreadPoolExecutor(max_workers=4) as pool:
            self.preparations = self._prepare(pool)
            try:
                while len(self.healthy) < len(SERVICE_NAMES):
                    self._step()
                    time.sleep(POLL)
                stack = self._settled_stack()
            finally:
                for future in self.preparations.values():
                    future.cancel()
        begin_class_archive(stack.toolchain, {**stack.marked, **stack.environment}, self.progress)
        return stack

    def _ensure_supervisor(self) -> None:
        if self.supervisor.is_running():
            return
        left = reap(str(self.settings.state))
        if left:
            self.progress.say(f"ended {len(left)} processes that an earlier stack left behind")
        wanted = {
            field: (service.name, getattr(self.settings.ports, field))
            for service in self.stack.services()
            for field in service.ports
        }
        refuse_taken_ports(wanted)
        self.supervisor.launch(SERVICE_NAMES, self.stack.toolchain.python, self.stack.marked)

    def _prepare(self, pool: ThreadPoolExecutor) -> dict[str, Future[Any]]:
        environment = {**self.stack.marked, **self.stack.environment}
        tools, say = self.settings.tools, self.progress
        return {
            "versitygw": pool.submit(ensure_versitygw, tools, say),
            "jars": pool.submit(ensure_jars, tools, environment, say),
            "airflow database": pool.submit(prerequisites.ensure_airflow_database, self.settings, environment, say),
        }

    def _step(self) -> None:
        for future in self.preparations.values():
            if future.done():
                future.result()
        # Asked first: jars that come while the services are looked at must not start Airflow without them.
        prepared = {name for name, future in self.preparations.items() if future.done()}
        states = self.supervisor.services()
        for service in self._settled_stack().services():
            startable = prepared.issuperset(service.prepared) and self.healthy.issuperset(service.needs)
            if service.name not in self.healthy and startable:
                self._advance(service, states[service.name])

    def _advance(self, service: Service, state: ServiceState) -> None:
        if service.name not in self.asked:
            self.asked[service.name] = time.monotonic()
            self._start(service, state)
            return
        problem = (
            missing(service.name, self.settings.ports, state.started_at) if state.state == "RUNNING" else state.state
        )
        if not problem:
            if service.name in self.provision:
                self.provision[service.name](self.settings.ports, self.stack.credentials)
            self.healthy.add(service.name)
            self.progress.say(f"{service.name} is ready")
        elif state.state == "FATAL" or time.monotonic() - self.asked[service.name] > PATIENCE:
            raise self._gave_up(service, problem)

    def _start(self, service: Service, state: ServiceState) -> None:
        if state.state in ALIVE:
            changes = service.changes(self.settings)
            if not changes:
                return
            if changes <= PROVENANCE and prerequisites.running_tasks(self.settings):
                self.progress.say(f"{service.name} learns of the changed sources at the next `up`: tasks are running")
                return
            self.progress.say(f"restarting {service.name}: {', '.join(sorted(changes))} changed")
            self.supervisor.stop(service.name, wait=True)
        refuse_taken_ports({field: (service.name, getattr(self.settings.ports, field)) for field in service.ports})
        service.write_record(self.settings)
        self.supervisor.start(service.name)

    def _settled_stack(self) -> Stack:
        """Return the stack with the jars in it as soon as they are known."""
        fetched = self.preparations["jars"]
        if not self.stack.toolchain.jars and fetched.done():
            jars: tuple[Path, ...] = fetched.result()
            self.stack = dataclasses.replace(
                self.stack, toolchain=with_jars(self.stack.toolchain, jars, self.settings.tools)
            )
            write_private(self.settings.state / "stack.env", shell_lines(self.stack.environment))
        return self.stack

    def _gave_up(self, service: Service, problem: str) -> Exception:
        log = self.settings.logs / f"{service.name}.log"
        lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:] if log.exists() else []
        return UpstreamNotReady(
            f"{service.name} did not come up: {problem}",
            "the end of its log:\n" + "\n".join(f"    {line}" for line in lines),
            f"see `make logs PART={service.name}`; `make up` tries again, `make down` stops what runs already",
        )


def refuse_without_state(settings: StackSettings) -> None:
    """Raise BadConfiguration where no stack was ever brought up in this state folder."""
    if not (settings.state / "stack.env").exists():
        raise BadConfiguration(f"no stack has been brought up in {settings.state} yet: run `make up` first")
