"""Which tests run beside which, where pytest has several processes.

The tests on the shared stack are one after the other the longest chain, and use little more than one of two cores: the
others run on what they leave. So they begin first, and all else is given out beside them.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# These files share one stack: each of its own would be another start, another demo and two gigabytes.
ON_THE_STACK = "tests/e2e/test_pipeline"


class OneStackScheduling(LoadFileScheduling):
    """A file's tests go to one process, and those of all files on the shared stack too."""

    def _split_scope(self, nodeid: str) -> str:
        return ON_THE_STACK if nodeid.startswith(ON_THE_STACK) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneStackScheduling | None:
    """Replaces xdist's ``--dist loadfile``."""
    return OneStackScheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the longest chain first where there is something to run beside it; alone, fast tests come first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(ON_THE_STACK))
