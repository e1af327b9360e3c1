"""Which tests run beside which, where pytest has several processes.

The tests on the shared stack are one after the other the longest chain, and use little more than one of two cores: the
others run on what they leave. So they begin first, and all else is given out beside them: fast tests, so that a plain
mistake shows at once, then the long files, and short ones last, so that the processes end together.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# These files share one stack: each of its own would be another start, another demo and two gigabytes.
ON_THE_STACK = "tests/e2e/test_pipeline"

FAST = ("tests/unit", "tests/dags", "tests/stores")
SHORT = "tests/spark"


class OneStackScheduling(LoadFileScheduling):
    """A file's tests go to one process, and those of all files on the shared stack too."""

    def _split_scope(self, nodeid: str) -> str:
        return ON_THE_STACK if nodeid.startswith(ON_THE_STACK) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneStackScheduling | None:
    """Replaces xdist's ``--dist loadfile``."""
    return OneStackScheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Orders what several processes share; alone, the tests stay in the order of their folders."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: turn(item.nodeid))


def turn(nodeid: str) -> int:
    """A test's place among the others, the earliest first."""
    if nodeid.startswith(ON_THE_STACK):
        return 0
    return 1 if nodeid.startswith(FAST) else 3 if nodeid.startswith(SHORT) else 2
