"""What the suite costs: each file's time, slowest first, printed at the end of ``make test``; never a reason to fail.

A file's processor time is that of pytest, of all it started, and of its stacks, whose servers are nobody's children.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from local.stack.processes import members

SLOWEST = 15
LIMIT_MINUTES = 40
# A setup that takes so long has made something that other tests share: a Spark session, a model, a stack.
SHARED_SECONDS = 1.0
# States of the stacks that these tests have started.
STACKS: set[str] = set()


@dataclass
class FileCost:
    """What one file of tests took: seconds on the clock, those of them for shared fixtures, and of the processor."""

    name: str
    tests: int = 0
    seconds: float = 0.0
    shared_seconds: float = 0.0
    processor_seconds: float = 0.0


class SuiteCost:
    """Collects the costs of one call of pytest, in each of its processes, and tells them at its end."""

    def __init__(self, config: pytest.Config, begun: float) -> None:
        self._config, self._begun = config, begun
        self._costs: dict[str, FileCost] = {}
        self._is_worker = hasattr(config, "workerinput")
        self._runs_tests = self._is_worker or not getattr(config.option, "numprocesses", None)
        self._file, self._processor = "", 0.0

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Takes the processor's time where a file ends and the next one begins."""
        if self._runs_tests and self._file != (file := file_of(nodeid)):
            self._close_file()
            self._file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds one phase of one test."""
        if self._is_worker:
            return  # the process that started the workers hears it too
        cost = self._cost(file_of(report.nodeid))
        cost.tests += report.when == "call"
        cost.seconds += report.duration
        if report.when == "setup" and report.duration >= SHARED_SECONDS:
            cost.shared_seconds += report.duration

    def pytest_sessionfinish(self) -> None:
        """Hands a worker's processor times to the process that started it."""
        if self._runs_tests:
            self._close_file()
        if self._is_worker:
            self._config.workeroutput["suite_cost"] = {name: c.processor_seconds for name, c in self._costs.items()}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes a worker's processor times; a worker that broke down has none."""
        for name, seconds in getattr(node, "workeroutput", {}).get("suite_cost", {}).items():
            self._cost(name).processor_seconds += seconds

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints the costs."""
        if self._is_worker:
            return
        terminalreporter.section("what the suite costs")
        for line in told(self._costs.values(), time.time() - self._begun):
            terminalreporter.write_line(line)

    def _cost(self, name: str) -> FileCost:
        return self._costs.setdefault(name, FileCost(name))

    def _close_file(self) -> None:
        now = processor_seconds()
        if self._file:
            self._cost(self._file).processor_seconds += max(0.0, now - self._processor)
        self._processor = now


def told(files: Iterable[FileCost], whole_seconds: float) -> Iterator[str]:
    """The lines to print: the slowest files, the sums, and a loud line where the whole took too long."""
    ordered = sorted(files, key=lambda cost: -cost.seconds)
    yield f"{'seconds':>8} {'shared':>7} {'processor':>9} {'tests':>6}  file"
    for cost in ordered[:SLOWEST]:
        yield _line(cost)
    if others := ordered[SLOWEST:]:
        yield _line(_sum(others, f"{len(others)} other files"))
    yield _line(_sum(ordered, "all, as if one after the other"))
    yield "shared: setups of a second and more, which make what other tests use too; what is not processor is waiting"
    yield f"on the clock: {whole_seconds / 60:.1f} min, with what was installed before the tests"
    if whole_seconds > LIMIT_MINUTES * 60:
        yield f"!!! THE SUITE TOOK MORE THAN {LIMIT_MINUTES} MINUTES: see `What the suite costs` in CONTRIBUTING.md !!!"


def file_of(nodeid: str) -> str:
    """The file of a test, by pytest's name for the test."""
    return nodeid.partition("::")[0]


def processor_seconds() -> float:
    """Processor time so far of this process, of what it started and of its stacks, of all that has ended included."""
    own = psutil.Process()
    counted = {own, *own.children(recursive=True), *(process for state in STACKS for process in members(state))}
    return sum(_process_seconds(process) for process in counted)


def _process_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _sum(costs: list[FileCost], name: str) -> FileCost:
    return FileCost(
        name,
        sum(cost.tests for cost in costs),
        sum(cost.seconds for cost in costs),
        sum(cost.shared_seconds for cost in costs),
        sum(cost.processor_seconds for cost in costs),
    )


def _line(cost: FileCost) -> str:
    return f"{cost.seconds:8.1f} {cost.shared_seconds:7.1f} {cost.processor_seconds:9.1f} {cost.tests:6d}  {cost.name}"
