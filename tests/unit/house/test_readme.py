"""What the README says is what the repository does: settings, commands, ports, DAGs, links."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import JOBS
from arrears.stores.description_files import shipped_descriptions
from include.settings import Settings, markdown_table
from local.stack_settings import Ports
from local.tools.java import INSTALL_HINT
from spark_jobs import launch

REPOSITORY = Path(__file__).resolve().parents[3]
README = (REPOSITORY / "README.md").read_text()
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


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


def source_files() -> list[Path]:
    folders = ("arrears", "include", "spark_jobs", "dags", "local", "bench")
    return [file for folder in folders for file in (REPOSITORY / folder).rglob("*.py")]


def test_the_settings_table_is_what_the_settings_print() -> None:
    assert between("settings") == markdown_table()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    (command,) = commands(between("test command"))
    called = [line.split("<")[0].split("||")[0].strip() for line in (REPOSITORY / ".ci/run").read_text().splitlines()]
    assert called.count(command) == 1


def test_output_of_measured_runs_has_its_place() -> None:
    for name in ("demo output", "test output"):
        assert commands(between(name))


def test_every_make_target_of_the_readme_exists() -> None:
    targets = re.findall(r"^([a-z-]+):.* ## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "test", "up", "down", "submit"} <= named <= set(targets)


def test_every_variable_of_the_readme_is_read_somewhere() -> None:
    ours = set(re.findall(r"\bARREARS_[A-Z0-9_]+", README))
    read = {name for file in source_files() for name in re.findall(r"\bARREARS_[A-Z0-9_]+", file.read_text())}
    ports = {Ports.variable(field.name) for field in dataclasses.fields(Ports)}
    assert ours - ports - read == set()


def test_the_pages_table_has_the_ports_of_the_stack() -> None:
    section = README.split("\n## Web pages\n")[1].split("\n## ")[0]
    pairs: list[tuple[str, str]] = []
    for _, address, variables in rows_below("Web pages"):
        numbers = re.findall(r"127\.0\.0\.1:(\d+)", address)
        pairs += zip(re.findall(r"ARREARS_\w+", variables), numbers, strict=True)
    pairs += [(name, number) for number, name in re.findall(r"\((\d+), `(ARREARS_PORT_\w+)`\)", section)]
    ports = dataclasses.asdict(Ports())
    assert sorted(pairs) == sorted((Ports.variable(name), str(port)) for name, port in ports.items())


def test_the_dag_table_names_every_dag_and_its_tasks() -> None:
    told = {row[0].strip("`"): re.findall(r"`(\w+)`", row[3]) for row in rows_below("DAGs")}
    texts = {file.stem: file.read_text() for file in (REPOSITORY / "dags").glob("*.py")}
    assert told == {name: re.findall(r'spark_task\(\s*"(\w+)"', text) for name, text in texts.items()}


def test_the_table_of_addresses_has_the_tables_that_part_one_writes() -> None:
    section = README.split("\n## Data\n")[1].split("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)/<dataset>` \|.*?\| `(\w+)` \|", section, re.MULTILINE))
    written = set(Table) - {Table.TRAIN_SUP}
    assert told == {table.value: table.partition_column for table in written}


def test_the_description_that_serves_as_example_ships_with_arrears() -> None:
    assert "descriptions/lending_club.yaml" in README
    assert "lending_club" in shipped_descriptions()


def test_the_jobs_that_are_submitted_by_hand_exist() -> None:
    named = re.findall(r"JOB=(\w+)", README) + re.findall(r"spark_jobs/jobs/(\w+)\.py", README)
    assert named
    assert set(named) <= set(JOBS)


def test_exit_codes_are_those_of_the_launcher() -> None:
    told = set(re.findall(r"Exit codes: (.+)\.", README)[0].replace("not ready yet", "ready").split(", "))
    codes = set(re.findall(r"\b(\d+) ", (launch.__doc__ or "").split("Exit codes:")[1]))
    assert {line.split()[0] for line in told} == codes


def test_the_example_of_an_ssh_node_has_the_fields_that_are_read() -> None:
    example = README.split("export AIRFLOW_CONN_ARREARS_SSH='")[1].split("'\n```")[0]
    fields = set(re.findall(r'"(\w+)":', example.split('"extra"')[1])) - {"key_file", "host_key"}
    read = re.findall(r"^    (\w+): str = ", (REPOSITORY / "include/transports/ssh_node.py").read_text(), re.MULTILINE)
    assert fields == set(read)


@pytest.mark.parametrize(
    "words",
    [
        "Spark needs Java 17 or 21",
        "Arrears needs Python 3.11, 3.12 or 3.13",
        "has no champion: run the training DAG first",
        "requirements.txt is stale: run make lock",
        "shows another host key",
        "is held by another writer",
        "Spark's jars could not be fetched",
        "gave no executor within",
        "may not enter a model",
        "has no line in the catalogue",
        "alone tells too much",
        "stand on both sides of the split",
        "cannot be built again as it was",
    ],
)
def test_messages_of_the_troubleshooting_table_are_those_that_appear(words: str) -> None:
    scripts = [REPOSITORY / "Makefile", REPOSITORY / "local/find_python.sh", *source_files()]
    assert words in README
    assert any(words in file.read_text() for file in scripts) or words in INSTALL_HINT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    targets = [link for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in link]
    assert [link for link in targets if not (page.parent / link.split("#")[0]).exists()] == []


def test_the_picture_describes_itself_and_fetches_nothing() -> None:
    picture = ET.parse(REPOSITORY / "docs/flow.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert picture.findtext(f"{space}title")
    assert "generate_data" in (picture.findtext(f"{space}desc") or "")
    text = (REPOSITORY / "docs/flow.svg").read_text()
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme: dark" in text


def test_decisions_are_numbered_without_a_gap_and_have_their_four_parts() -> None:
    decisions = sorted((REPOSITORY / "docs/adr").glob("*.md"))
    assert [int(page.name[:4]) for page in decisions] == list(range(1, len(decisions) + 1))
    for page in decisions:
        parts = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
        assert parts == ["Status", "Context", "Decision", "Consequences"], page.name


def test_every_setting_has_a_meaning() -> None:
    assert all(field.metadata["meaning"] for field in dataclasses.fields(Settings))
