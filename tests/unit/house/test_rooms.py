"""The house stays one that a stranger finds his way in: small rooms, and one name for one module."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
HOUSE = ("arrears", "spark_jobs", "include", "dags", "plugins", "local", "ops", "deploy", "bench", "tests")
MOST_MODULES = 20
# What a package has by Python's own rules, and pytest's.
EVERYWHERE = {"__init__", "__main__", "conftest"}


def modules() -> list[Path]:
    files = (file for room in HOUSE for file in (REPOSITORY / room).rglob("*.py"))
    return [file.relative_to(REPOSITORY) for file in files if file.stem not in EVERYWHERE]


def rooms_of(files: list[Path]) -> dict[str, list[Path]]:
    rooms: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        rooms[file.parent.as_posix()].append(file)
    return rooms


def same_names(files: list[Path]) -> list[list[str]]:
    by_stem: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_stem[file.stem].append(file.as_posix())
    return [sorted(paths) for paths in by_stem.values() if len(paths) > 1]


def is_dag_of_job(paths: list[str]) -> bool:
    """A DAG that runs one job is called as the job is."""
    return [str(Path(path).parent) for path in paths] == ["dags", "spark_jobs/jobs"]


def test_no_room_holds_more_modules_than_one_sees_at_a_glance() -> None:
    crowded = {room: len(files) for room, files in rooms_of(modules()).items() if len(files) > MOST_MODULES}
    assert crowded == {}


def test_a_modules_name_is_unique_in_the_whole_tree() -> None:
    assert [paths for paths in same_names(modules()) if not is_dag_of_job(paths)] == []


def test_these_tests_would_see_a_crowded_room_and_a_name_given_twice() -> None:
    twins = [Path("arrears/model/leaks.py"), Path("spark_jobs/leaks.py")]
    assert same_names(twins) == [["arrears/model/leaks.py", "spark_jobs/leaks.py"]]
    assert not is_dag_of_job(same_names(twins)[0])
    assert len(modules()) > 400
