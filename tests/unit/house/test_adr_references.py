"""Where source code looks odd it names the decision behind it, and that decision is there to be read."""

from __future__ import annotations

import re

from tests.conftest import REPOSITORY

ROOMS = ("arrears", "spark_jobs", "include", "dags", "local", "ops", "deploy", "bench")


def test_every_decision_that_the_source_names_exists() -> None:
    files = (file for room in ROOMS for file in (REPOSITORY / room).rglob("*.py"))
    named = {(file.name, number) for file in files for number in re.findall(r"docs/adr/(\d{4})", file.read_text())}
    assert len(named) > 20
    known = {path.name[:4] for path in (REPOSITORY / "docs/adr").glob("[0-9]*.md")}
    assert [(file, number) for file, number in sorted(named) if number not in known] == []
