"""The stack that the end-to-end tests share, and what is shown of it when one of them fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.e2e.pages_in_browser import AirflowPages, chromium
from tests.e2e.running_stack import Done, RunningStack

# What boto3 and MLflow read in the test's own process.
CLIENT_VARIABLES = ("AWS_", "MLFLOW_")


@pytest.fixture(scope="session")
def one_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A running stack in a temporary folder, one for all tests; whatever happens, it is taken down at the end."""
    stack = RunningStack(tmp_path_factory.mktemp("stack") / "state")
    try:
        stack.up()
        yield stack
    finally:
        stack.command("local.stack", "down")


@pytest.fixture(scope="module")
def stack(one_stack: RunningStack) -> Iterator[RunningStack]:
    """The running stack, for the tests of a file, whose process reads and writes as its programs do."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in one_stack.variables.items():
            if name.startswith(CLIENT_VARIABLES):
                patch.setenv(name, value)
        yield one_stack


@pytest.fixture(scope="session")
def first_demo(one_stack: RunningStack) -> Done:
    """The first `make demo` on this stack, ended."""
    done = one_stack.command("local.demo", seconds=1800)
    assert done.returncode == 0, done.stdout
    return done


@pytest.fixture(scope="module")
def pages(stack: RunningStack) -> Iterator[AirflowPages]:
    """The stack's Airflow in a browser; skips where there is none."""
    with chromium() as chrome:
        yield AirflowPages(chrome, stack.airflow.address, stack.credentials.airflow_password)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Adds the stack's logs to the report of a test that failed on it."""
    report = (yield).get_result()
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, RunningStack):
        report.sections.append(("the stack", stack.told()))
    pages = getattr(item, "funcargs", {}).get("pages")
    if report.failed and isinstance(pages, AirflowPages):
        report.sections.append(("the page", pages.text))
