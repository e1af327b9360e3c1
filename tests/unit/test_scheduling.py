"""Which tests run beside which: those on the shared stack in one process, and first; short ones last."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scheduling import turn

pytest_plugins = ["pytester"]

REPOSITORY = Path(__file__).resolve().parents[2]
CONFTEST = "from tests.scheduling import pytest_collection_modifyitems, pytest_xdist_make_scheduler\n"
TEST = """
import os
from pathlib import Path

import pytest

@pytest.mark.parametrize("number", range(3))
def test_it(number):
    with Path({log!r}).open("a") as log:
        log.write(os.environ["PYTEST_XDIST_WORKER"] + " {name}\\n")
"""


def test_stack_is_shared_by_its_files_in_one_process_which_begins_with_them(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    pytester.makeconftest(CONFTEST)
    log = pytester.path / "ran"
    names = (
        "spark/test_s",
        "jobs/test_j",
        "e2e/test_pipeline",
        "e2e/test_pipeline_stops",
        "unit/test_u",
        "unit/test_v",
    )
    for name in names:
        file = pytester.path / f"tests/{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEST.format(log=str(log), name=name))

    options = ("--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--import-mode", "importlib")
    run = pytester.runpytest_subprocess(*options)

    run.assert_outcomes(passed=3 * len(names))
    ran = [line.split() for line in log.read_text().splitlines()]
    workers = {name: {worker for worker, other in ran if other == name} for name in names}
    assert all(len(each) == 1 for each in workers.values())  # a file's tests share what they made
    assert workers["e2e/test_pipeline"] == workers["e2e/test_pipeline_stops"] != workers["unit/test_u"]
    (stack,) = workers["e2e/test_pipeline"]
    assert [name for worker, name in ran if worker == stack][:6] == [*(names[2],) * 3, *(names[3],) * 3]


def test_plain_mistakes_show_at_once_and_short_files_fill_up_the_end() -> None:
    files = ["spark/test_s", "jobs/test_j", "e2e/test_pipeline", "e2e/test_ssh", "unit/test_u", "dags/test_d"]
    assert [file.split("/")[0] for file in sorted(files, key=lambda file: turn(f"tests/{file}.py"))] == [
        "e2e", "unit", "dags", "jobs", "e2e", "spark"
    ]  # fmt: skip
