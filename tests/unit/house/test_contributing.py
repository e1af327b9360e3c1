"""CONTRIBUTING leads to the right place: its map has every room, its recipes name what is there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text()
REQUESTS = [
    "Add an engine",
    "Add a feature of a new window",
    "Change the limits of PSI",
    "Tell Slack beside the mail",
    "Add a transport",
    "Change the mail's subject",
    "Add a column to test_sample_inference",
    "Mend a metric that is wrong",
    "Change when a lock expires",
    "Add a Param to the training form",
]
_FILES = r"`[\w./-]+`(?:, `[\w./-]+`)*"
_STEP = re.compile(rf"^\d+\. (?P<files>{_FILES})(?P<new>, new)?(?: \((?P<names>`\w+`(?:, `\w+`)*)\))?: ")


@dataclass(frozen=True)
class Step:
    """One step of a recipe."""

    files: list[Path]
    names: list[str]
    is_new: bool


def section(title: str, level: str = "##") -> str:
    return re.split(rf"^#{{2,{len(level)}}} ", CONTRIBUTING.split(f"\n{level} {title}\n")[1], flags=re.MULTILINE)[0]


def steps(request: str) -> list[Step]:
    lines = [line for line in section(request, "###").splitlines() if re.match(r"\d+\. ", line)]
    found = [_STEP.match(line) for line in lines]
    assert None not in found, f"a step of {request!r} does not begin with its file"
    return [
        Step(
            [REPOSITORY / name for name in re.findall(r"`([^`]+)`", match["files"])],
            re.findall(r"`(\w+)`", match["names"] or ""),
            match["new"] is not None,
        )
        for match in found
        if match
    ]


def defined(file: Path) -> set[str]:
    """What a module defines at its top, or a YAML file or a Makefile has as its keys."""
    text = file.read_text()
    if file.suffix != ".py":
        return set(re.findall(r"^(\w+):", text, re.MULTILINE))
    names: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {
            name.id for target in targets for name in ast.walk(target or ast.Pass()) if isinstance(name, ast.Name)
        }
    return names


def test_there_is_a_recipe_for_each_of_the_ten_requests() -> None:
    recipes = CONTRIBUTING.split("\n## Ten recipes\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (.+)$", recipes, re.MULTILINE) == REQUESTS


@pytest.mark.parametrize("request_", REQUESTS)
def test_every_file_of_a_recipe_is_there_or_has_its_room(request_: str) -> None:
    named = steps(request_)
    assert len(named) >= 3
    assert [file for step in named if not step.is_new for file in step.files if not file.is_file()] == []
    for step in named:
        assert all(file.parent.is_dir() for file in step.files)


@pytest.mark.parametrize("request_", REQUESTS)
def test_every_name_of_a_recipe_is_defined_in_the_file_it_is_said_to_be_in(request_: str) -> None:
    wrong = [(file.name, name) for step in steps(request_) for file in step.files for name in step.names
             if name not in defined(file)]  # fmt: skip
    assert wrong == []


def test_the_map_has_every_room_and_no_other() -> None:
    rows = [line for line in section("Where does my change go?").splitlines() if line.startswith("| ")][2:]
    places = {place for row in rows for place in re.findall(r"`([\w./-]+)`", row.split("|")[2])}
    assert [place for place in places if not (REPOSITORY / place).exists()] == []
    rooms = ("dags", "include", "arrears", "spark_jobs", "ops", "local", "deploy", "descriptions")
    with_code = {room for room in rooms for file in (REPOSITORY / room).rglob("*") if file.suffix in (".py", ".yaml")}
    assert {room for room in with_code if not any(place.startswith(room) for place in places)} == set()
    inner = {
        folder.relative_to(REPOSITORY).as_posix() + "/"
        for side in ("arrears", "spark_jobs", "include")
        for folder in (REPOSITORY / side).iterdir()
        if any(folder.glob("*.py"))
    }
    covered = {room for room in inner if any(place.startswith(room) or room.startswith(place) for place in places)}
    assert inner - covered == set()


def test_the_kinds_of_tests_are_the_folders_of_tests() -> None:
    told = re.findall(r"^\| `(tests/\w+)` \|", section("Tests by kind"), re.MULTILINE)
    folders = {f"tests/{folder.name}" for folder in (REPOSITORY / "tests").iterdir() if any(folder.rglob("test_*.py"))}
    assert set(told) == folders
