"""What the docs say is what the repository does: settings, commands, ports, tables, messages, links, paths."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from arrears.contracts.addresses import Table
from arrears.contracts.job_configs.jobs import JOBS
from arrears.stores.description_files import shipped_descriptions
from include.settings import Settings, markdown_table
from local.stack_settings import Ports
from local.tools.java import INSTALL_HINT
from spark_jobs import launch

REPOSITORY = Path(__file__).resolve().parents[3]
DOCS = REPOSITORY / "docs"
DECISIONS = sorted((DOCS / "adr").glob("[0-9]*.md"))
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
# A decision tells of the day it was made; all other pages tell of today.
MANUAL = {page.relative_to(REPOSITORY).as_posix(): page.read_text() for page in PAGES if page not in DECISIONS}
ALL_TEXT = "\n".join(MANUAL.values())
ROOMS = ("arrears", "bench", "dags", "deploy", "descriptions", "docs", "experiments", "include", "local", "notebooks")
ROOMS += ("ops", "plugins", "spark_jobs", "tests")
MADE = {"deploy/.env"}  # by a command, and kept out of git


def rows_of(page: str) -> list[list[str]]:
    """Cells of the first table of a page, without its head."""
    lines = [line for line in MANUAL[page].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def source_files() -> list[Path]:
    folders = ("arrears", "include", "spark_jobs", "dags", "local", "ops", "bench")
    return [file for folder in folders for file in (REPOSITORY / folder).rglob("*.py")]


def anchors(page: Path) -> set[str]:
    """The anchors that git hosts and the site make of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_settings_table_is_what_the_settings_print() -> None:
    found = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", MANUAL["docs/reference/settings.md"], re.DOTALL)
    assert found
    assert found.group(1) == markdown_table()


def test_every_setting_has_a_meaning() -> None:
    assert all(field.metadata["meaning"] for field in dataclasses.fields(Settings))


def test_every_make_target_of_the_docs_exists() -> None:
    targets = re.findall(r"^([a-z-]+):.* ## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", ALL_TEXT, re.MULTILINE))
    assert {"demo", "test", "up", "down", "submit", "docs"} <= named <= set(targets)


def test_every_variable_of_the_docs_is_read_somewhere() -> None:
    ours = set(re.findall(r"\bARREARS_[A-Z0-9_]+", ALL_TEXT))
    readers = [*source_files(), *(REPOSITORY / "tests/dags").glob("*.py")]
    read = {name for file in readers for name in re.findall(r"\bARREARS_[A-Z0-9_]+", file.read_text())}
    ports = {Ports.variable(field.name) for field in dataclasses.fields(Ports)}
    assert ours - ports - read == set()


def test_the_pages_table_has_the_ports_of_the_stack() -> None:
    pairs: list[tuple[str, str]] = []
    for _, address, variables in rows_of("docs/operate/web-pages.md"):
        numbers = re.findall(r"127\.0\.0\.1:(\d+)", address)
        pairs += zip(re.findall(r"ARREARS_\w+", variables), numbers, strict=True)
    text = MANUAL["docs/operate/web-pages.md"]
    pairs += [(name, number) for number, name in re.findall(r"\((\d+), `(ARREARS_PORT_\w+)`\)", text)]
    ports = dataclasses.asdict(Ports())
    assert sorted(pairs) == sorted((Ports.variable(name), str(port)) for name, port in ports.items())


def test_the_table_of_addresses_has_the_tables_that_are_written() -> None:
    text = MANUAL["docs/guide/data.md"]
    told = dict(re.findall(r"^\| `(\w+)/<dataset>` \|.*?\| `(\w+)` \|", text, re.MULTILINE))
    written = {table for table in Table if table.value != "train_sup"}
    assert told == {table.value: table.partition_column for table in written}


def test_the_description_that_serves_as_example_ships_with_arrears() -> None:
    assert "descriptions/lending_club.yaml" in MANUAL["docs/guide/data.md"]
    assert "lending_club" in shipped_descriptions()


def test_the_jobs_that_are_submitted_by_hand_exist() -> None:
    named = re.findall(r"JOB=(\w+)", ALL_TEXT) + re.findall(r"spark_jobs/jobs/(\w+)\.py", ALL_TEXT)
    assert named
    assert set(named) <= set(JOBS)


def test_exit_codes_are_those_of_the_launcher() -> None:
    told = rows_of("docs/reference/command-lines.md")
    codes = set(re.findall(r"\b(\d+) ", (launch.__doc__ or "").split("Exit codes:")[1]))
    assert {row[0] for row in told} == codes


def test_the_example_of_an_ssh_node_has_the_fields_that_are_read() -> None:
    example = MANUAL["docs/operate/transports.md"].split("export AIRFLOW_CONN_ARREARS_SSH='")[1].split("'\n```")[0]
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
    assert words in MANUAL["docs/operate/troubleshooting.md"]
    assert any(words in file.read_text() for file in scripts) or words in INSTALL_HINT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    """As a git host shows the pages; the site's own links are checked while it is built."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        if "://" not in link and (not file.is_file() or (anchor and anchor not in anchors(file))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", sorted(MANUAL))
def test_every_path_that_the_docs_name_is_there(page: str) -> None:
    named = set(re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w./-]+)`(?!, new)", MANUAL[page])) - MADE
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_decisions_have_a_number_each_and_their_four_parts() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for page in DECISIONS:
        parts = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
        assert parts == ["Status", "Context", "Decision", "Consequences"], page.name


def test_the_index_of_decisions_has_each_under_one_of_six_subjects_by_its_title() -> None:
    index = MANUAL["docs/adr/index.md"]
    told = {
        file: f"{number}. {title}" for number, title, file in re.findall(r"^\* (\d+): \[(.+)\]\((.+)\)", index, re.M)
    }
    assert told == {page.name: page.read_text().splitlines()[0].removeprefix("# ") for page in DECISIONS}
    assert index.count("\n* ") == len(DECISIONS)
    assert len(re.findall(r"^## ", index, re.MULTILINE)) == 6
