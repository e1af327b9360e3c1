"""The end of the stack that the tests shared."""

from __future__ import annotations

import psutil
import pytest

from arrears.contracts.errors import UpstreamNotReady
from local.stack.processes import members
from tests.e2e.running_stack import Done, RunningStack
from tests.e2e.trainings import mentions

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]


def test_down_leaves_no_process_and_a_demo_then_says_what_to_do(stack: RunningStack, first_demo: Done) -> None:
    state = str(stack.settings.state)
    assert list(members(state))

    down = stack.command("local.stack", "down")

    assert down.returncode == 0, down.stdout
    left = [process for process in psutil.process_iter() if mentions(process, state)]
    assert left == []
    refused = stack.command("local.demo")
    assert refused.returncode == UpstreamNotReady.exit_code
    assert refused.stdout.strip() == f"no stack runs in {state}: run `make demo`, or `make up` first"
