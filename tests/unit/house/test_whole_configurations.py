"""A function says which of a training's choices it reads: few take the whole configuration."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
ROOMS = ("spark_jobs", "arrears")
MOST_PLACES = 15


def takes_all(function: ast.FunctionDef) -> bool:
    given = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return any("TrainModelConfig" in ast.unparse(each.annotation) for each in given if each.annotation)


def places(code: str) -> Iterator[str]:
    return (each.name for each in ast.walk(ast.parse(code)) if isinstance(each, ast.FunctionDef) and takes_all(each))


def test_a_trainings_configuration_is_handed_on_whole_in_few_places() -> None:
    files = [file for room in ROOMS for file in (REPOSITORY / room).rglob("*.py")]
    found = [f"{file.stem}.{name}" for file in files for name in places(file.read_text(encoding="utf-8"))]
    assert "train_model.run" in found
    assert len(found) <= MOST_PLACES, found


def test_this_test_sees_whole_configurations_however_they_are_handed_on() -> None:
    code = "def a(c: TrainModelConfig): ...\ndef b(*, c: TrainModelConfig | None): ...\ndef d(c: EngineChoices): ..."
    assert list(places(code)) == ["a", "b"]
