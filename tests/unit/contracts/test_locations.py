"""A path or address is checked once, and is spelt for each library so that it finds the very file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.locations import Location
from arrears.stores.objects import Objects


@pytest.mark.parametrize(
    ("place", "uri"),
    [
        ("S3://arrears/in/x.csv", "s3://arrears/in/x.csv"),
        ("s3a://arrears/in/Kredite März 50%#1.csv", "s3://arrears/in/Kredite März 50%#1.csv"),
        ("hdfs://node/data", "hdfs://node/data"),
        ("hdfs:/data", "hdfs:/data"),
        ("file:/data/a%20b", "file:///data/a%20b"),
        ("FILE:///data/a b", "file:///data/a%20b"),
        ("/data/loans [final].csv", "file:///data/loans%20%5Bfinal%5D.csv"),
        ("/data/2026:01/x", "file:///data/2026%3A01/x"),
    ],
)
def test_a_place_has_one_address(place: str, uri: str) -> None:
    assert Location.of(place).uri == Location.of(uri).uri == uri


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("s3:/arrears/x.csv", "has not two slashes: an address looks like s3://bucket"),
        ("gs:/bucket/x.csv", "has not two slashes: an address looks like gs://bucket"),
        ("s3:///x.csv", "names no bucket"),
        ("s3://", "names no bucket"),
        ("https://bank.example/x.csv", "is a web address: download it"),
        ("s3://risk_team/x.csv", r"bucket risk_team: Spark .* can address only names of letters"),
        ("s3://loans.2026/x.csv", r"bucket loans.2026: Spark"),
        ("s3://-loans/x.csv", "bucket -loans: Spark"),
        ("file://node/x.csv", "is no path of this machine"),
        ("/data/M\udce4rz.csv", r"/data/M\?rz.csv has letters that are no UTF-8"),
        ("/data/M\ufffdrz.csv", "has letters that are no UTF-8"),
        ("C:\\loans\\x.csv", "is a path of Windows"),
    ],
)
def test_what_is_no_place_is_told_in_one_sentence(place: str, told: str) -> None:
    with pytest.raises(BadConfiguration, match=told) as caught:
        Location.of(place)
    assert len(caught.value.problems) == 1


def test_spark_gets_no_escapes_of_an_address_and_no_pattern() -> None:
    place = Location.of("/data/März [1] {v2} 50%20?*.csv")
    assert place.in_spark == "file:///data/März [1] {v2} 50%20?*.csv"
    assert place.as_pattern == r"file:///data/März \[1\] \{v2\} 50%20\?\*.csv"
    assert Location.of("s3://b/x [1].csv").as_pattern == r"s3a://b/x \[1\].csv"


def test_a_name_in_which_hadoop_loses_its_way_is_told() -> None:
    assert Location.of("hdfs://node:9000/a [b]").as_pattern == r"hdfs://node:9000/a \[b\]"
    assert Location.of("/data/12:30/x.csv").as_pattern == "file:///data/12:30/x.csv"
    assert Location.of("s3://b/12:30.csv").as_pattern == "s3a://b/12:30.csv"
    with pytest.raises(BadConfiguration, match="no local file whose name holds a colon"):
        _ = Location.of("/data/12:30.csv").as_pattern
    with pytest.raises(BadConfiguration, match="both a colon and one of"):
        _ = Location.of("s3://b/12:30 [a].csv").as_pattern


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\ufffd"), min_size=1, max_size=20))
def test_every_name_is_found_again_by_its_address(name: str) -> None:
    place = Location.of(f"/data/folder/{name}/x")
    if name not in (".", ".."):
        assert place.in_spark == f"file:///data/folder/{name}/x"
        assert Location.of(place.uri) == place


def test_objects_find_a_file_of_any_name_by_its_path(tmp_path: Path) -> None:
    for name in ("Kredite März.csv", "loans [final].csv", "50%20.csv", "a#b?.csv", "_x{1}.csv"):
        (tmp_path / name).write_text(name)
        place = Location.of(str(tmp_path / name))
        assert (Objects().get(place.uri).decode(), place.name) == (name, name)
        assert place.is_hidden is (name[0] == "_")
