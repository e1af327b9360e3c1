"""A delivery is told to be whole by its files' names alone, on a real S3 server and in a local folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arrears.stores import delivered_files
from arrears.stores.delivered_files import fingerprint, is_in_table, what_is_missing
from arrears.stores.objects import Objects


@pytest.fixture(params=["s3", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    root = str(request.getfixturevalue("folder")) if request.param == "s3" else (tmp_path / "in").as_uri()
    return f"{root}/as_of=2026-03-14"


def test_a_folder_is_a_delivery_when_it_holds_a_file_of_data(place: str) -> None:
    objects = Objects()
    assert what_is_missing(place, None, objects) == f"no delivery at {place} yet"
    objects.put(f"{place}/_SUCCESS", b"")
    objects.put(f"{place}/.part-0.parquet.crc", b"1")
    assert what_is_missing(place, None, objects) == f"no delivery at {place} yet"
    objects.put(f"{place}/part-0.parquet", b"1")
    assert what_is_missing(f"{place}/", None, objects) == ""


@pytest.mark.parametrize("name", ["_temporary/0/part-1.parquet", "part-1.parquet.tmp", "part-1.csv.PART"])
def test_a_folder_that_a_writer_has_not_left_is_still_being_written(place: str, name: str) -> None:
    objects = Objects()
    objects.put(f"{place}/part-0.parquet", b"1")
    objects.put(f"{place}/{name}", b"1")
    assert what_is_missing(place, None, objects) == f"the delivery at {place} is still being written"


def test_what_a_writer_of_delta_has_left_beside_its_commits_is_no_matter(place: str) -> None:
    objects = Objects()
    objects.put(f"{place}/_delta_log/{0:020d}.json", b"{}")
    objects.put(f"{place}/_delta_log/{1:020d}.json.tmp", b"{}")
    objects.put(f"{place}/part-0.parquet", b"1")
    assert what_is_missing(place, None, objects) == ""


def test_a_marker_lies_in_the_folder_or_beside_the_file(place: str) -> None:
    objects, file = Objects(), f"{place}/loans.csv"
    objects.put(file, b"loan\n")
    for address in (place, file):
        assert "its file done is not there" in what_is_missing(address, "done", objects)
    objects.put(f"{place}/done", b"")
    assert what_is_missing(place, "done", objects) == what_is_missing(file, "done", objects) == ""


def test_another_file_and_another_content_change_the_fingerprint(place: str) -> None:
    objects = Objects()
    assert fingerprint(place, objects) == ""
    objects.put(f"{place}/a.csv", b"1")
    first = fingerprint(place, objects)
    assert first == fingerprint(place, objects) != ""
    objects.put(f"{place}/b.csv", b"1")
    second = fingerprint(place, objects)
    objects.put(f"{place}/b.csv", b"22")
    assert len({first, second, fingerprint(place, objects)}) == 3


def test_a_day_is_in_a_table_when_a_commit_has_added_a_file_that_may_hold_it(place: str) -> None:
    objects = Objects()
    assert is_in_table(place, "day", "2026-03-14", objects)  # no Delta table: only the rows tell
    days = {0: "2026-03-12", 1: "2026-03-13"}
    for number, day in days.items():
        add = {"add": {"path": f"{number}.parquet", "partitionValues": {"day": day}}}
        objects.put(f"{place}/_delta_log/{number:020d}.json", json.dumps(add).encode())
    found = {day: is_in_table(place, "day", day, objects) for day in ("2026-03-12", "2026-03-13", "2026-03-14")}
    assert found == {"2026-03-12": True, "2026-03-13": True, "2026-03-14": False}


def test_a_day_that_older_commits_may_hold_is_left_to_the_job(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects()
    for number, day in enumerate(("2026-03-12", "2026-03-13")):
        add = {"add": {"path": f"{number}.parquet", "partitionValues": {"day": day}}}
        objects.put(f"{place}/_delta_log/{number:020d}.json", json.dumps(add).encode())
    monkeypatch.setattr(delivered_files, "_COMMITS_READ", 1)
    assert is_in_table(place, "day", "2026-03-12", objects)
    assert not is_in_table(place, "day", "2999-01-01", objects)


def test_where_only_spark_can_look_the_job_decides() -> None:
    objects = Objects()
    assert what_is_missing("hdfs://node/in", "done", objects) == fingerprint("hdfs://node/in", objects) == ""
    assert is_in_table("hdfs://node/in", "day", "2026-03-14", objects)
