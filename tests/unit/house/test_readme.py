"""What the README says is what the repository does: commands, DAGs, figures; and it stays short."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

REPOSITORY = Path(__file__).resolve().parents[3]
README = (REPOSITORY / "README.md").read_text()
MOST_LINES = 200


def between(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", README, re.DOTALL)
    assert found, f"README has no block {name}"
    return found.group(1)


def commands(block: str) -> list[str]:
    return [line for line in block.splitlines() if line and not line.startswith("```")]


def rows_below(heading: str) -> list[list[str]]:
    """Cells of the first table under a heading, without its head."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_ci_runs_the_test_command_of_the_readme() -> None:
    (command,) = commands(between("test command"))
    called = [line.split("<")[0].split("||")[0].strip() for line in (REPOSITORY / ".ci/run").read_text().splitlines()]
    assert called.count(command) == 1


def test_output_of_measured_runs_has_its_place() -> None:
    for name in ("demo output", "test output"):
        assert commands(between(name))


def test_the_dag_table_names_every_dag_and_its_tasks() -> None:
    told = {row[0].strip("`"): re.findall(r"`(\w+)`", row[3]) for row in rows_below("DAGs")}
    texts = {file.stem: file.read_text() for file in (REPOSITORY / "dags").glob("*.py")}
    assert told == {name: re.findall(r'spark_task\(\s*"(\w+)"', text) for name, text in texts.items()}


def test_the_map_of_the_docs_leads_to_every_page_of_the_manual() -> None:
    mapped = {row_link for row in rows_below("Map of the docs") for row_link in re.findall(r"\]\(([^)#]+)\)", row[1])}
    pages = {page.relative_to(REPOSITORY).as_posix() for page in (REPOSITORY / "docs").glob("*/*.md")}
    pages = {page for page in pages if not re.match(r"docs/adr/\d{4}-", page)}
    assert mapped == pages | {"CONTRIBUTING.md"}


def test_the_picture_describes_itself_and_fetches_nothing() -> None:
    picture = ET.parse(REPOSITORY / "docs/flow.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert picture.findtext(f"{space}title")
    assert "generate_data" in (picture.findtext(f"{space}desc") or "")
    text = (REPOSITORY / "docs/flow.svg").read_text()
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme: dark" in text
