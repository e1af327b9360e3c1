"""What the suite costs is told at its end, and loudly where it is too much."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.suite_cost import LIMIT_MINUTES, SLOWEST, FileCost, told

pytest_plugins = ["pytester"]

REPOSITORY = Path(__file__).resolve().parents[2]
CONFTEST = "from tests.conftest import pytest_addoption, pytest_configure\n"
SLOW = """
import time
import pytest

@pytest.fixture(scope="module")
def world():
    time.sleep(1.1)

def test_one(world):
    end = time.process_time() + 0.6
    while time.process_time() < end:
        pass

def test_other(world):
    pass
"""


def test_slowest_files_come_first_and_the_others_in_one_line() -> None:
    files = [FileCost(f"test_{number}.py", 1, float(number), 0.5, 0.25) for number in range(SLOWEST + 3)]

    heading, *lines = told(files, 155.0)

    assert heading.split() == ["seconds", "shared", "processor", "tests", "file"]
    assert [line.split()[-1] for line in lines[:SLOWEST]] == [f"test_{n}.py" for n in range(SLOWEST + 2, 2, -1)]
    assert lines[SLOWEST].split() == ["3.0", "1.5", "0.8", "3", "3", "other", "files"]
    assert lines[SLOWEST + 1].split()[:4] == ["153.0", "9.0", "4.5", "18"]
    assert lines[-1] == "on the clock: 2.6 min, with what was installed before the tests"


@pytest.mark.parametrize(("minutes", "is_loud"), [(LIMIT_MINUTES - 0.1, False), (LIMIT_MINUTES + 0.1, True)])
def test_only_a_suite_above_the_limit_is_told_loudly(minutes: float, is_loud: bool) -> None:
    *_, last = told([FileCost("test_a.py", 1, 1.0)], minutes * 60)

    assert last.startswith("!!! THE SUITE TOOK MORE THAN 40 MINUTES") == is_loud


def test_costs_of_all_processes_are_printed_and_change_no_outcome(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_slow=SLOW, test_quick="def test_it(): pass")
    begun = f"--suite-begun={time.time() - 60 * LIMIT_MINUTES}"

    whole = pytester.runpytest_subprocess("-n", "2", "--dist", "loadfile", begun)
    alone = pytester.runpytest_subprocess("test_quick.py")

    assert (whole.ret, alone.ret) == (0, 0)
    (slow,) = (line.split() for line in whole.outlines if line.endswith("test_slow.py"))
    seconds, shared, processor, tests = map(float, slow[:4])
    assert tests == 2
    assert 1.1 <= shared < seconds
    assert 0.5 < processor < seconds + 1
    assert any(line.endswith(" test_quick.py") for line in whole.outlines)
    assert any(line.startswith("!!! THE SUITE TOOK MORE") for line in whole.outlines)
    assert "what the suite costs" not in alone.stdout.str()
