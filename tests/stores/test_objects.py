"""Objects behave alike on a real S3 server and in a local folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import boto3
import botocore.exceptions
import pytest

from arrears.contracts.errors import BadConfiguration, Unreachable, UpstreamNotReady
from arrears.stores.objects import Objects


@pytest.fixture(params=["s3", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.getfixturevalue("folder")) if request.param == "s3" else (tmp_path / "folder").as_uri()


@pytest.fixture
def objects() -> Objects:
    return Objects()


def test_what_was_put_is_read_back(objects: Objects, place: str) -> None:
    objects.put_json(f"{place}/a b/x.json", {"é": 1})
    assert objects.get_json(f"{place}/a b/x.json") == {"é": 1}
    assert objects.exists(f"{place}/a b/x.json")


def test_a_missing_object_is_said_to_be_missing(objects: Objects, place: str) -> None:
    assert not objects.exists(f"{place}/x")
    assert objects.size(f"{place}/x") is None
    with pytest.raises(UpstreamNotReady, match="does not exist"):
        objects.get(f"{place}/x")


def test_a_folder_lists_what_is_below_it_and_nothing_beside_it(objects: Objects, place: str) -> None:
    for name in ("in/b", "in/deep/a", "inside/c"):
        objects.put(f"{place}/{name}", b"12")
    found = objects.list(f"{place}/in")
    assert [(item.uri.removeprefix(place), item.size) for item in found] == [("/in/b", 2), ("/in/deep/a", 2)]


def test_only_the_first_of_many_writers_creates_an_object(objects: Objects, place: str) -> None:
    assert objects.exists(f"{place}/warm-up") is False  # the client is made once, before the threads
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: objects.create(f"{place}/x", str(number).encode()), range(16)))
    assert won.count(True) == 1
    assert objects.get(f"{place}/x") == str(won.index(True)).encode()


def test_an_object_that_has_changed_is_not_replaced(objects: Objects, place: str) -> None:
    objects.put(f"{place}/x", b"1")
    _, etag = objects.get_with_etag(f"{place}/x")
    assert objects.replace(f"{place}/x", b"2", etag=etag)
    assert not objects.replace(f"{place}/x", b"3", etag=etag)
    assert objects.get(f"{place}/x") == b"2"


def test_removing_twice_is_no_error(objects: Objects, place: str) -> None:
    objects.put(f"{place}/x", b"1")
    objects.delete(f"{place}/x")
    objects.delete(f"{place}/x")
    assert not objects.exists(f"{place}/x")


def test_an_object_and_a_folder_weigh_what_they_hold(objects: Objects, place: str) -> None:
    objects.put(f"{place}/folder/a.csv", b"12345")
    objects.put(f"{place}/folder/b.csv", b"123")
    weights = [objects.stored_bytes(f"{place}/{name}") for name in ("folder", "folder/a.csv", "nothing")]
    assert weights == [8, 5, 0]


def test_other_credentials_of_the_environment_are_seen(s3: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    assert s3.list("s3://bucket/nothing") == []
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(BadConfiguration, match=r"does not accept the keys of this process \(SignatureDoesNotMatch\)"):
        Objects().list("s3://bucket/nothing")


def test_a_bucket_that_is_not_there_is_named_whatever_is_asked_of_it(s3: Objects) -> None:
    for ask in (s3.list, s3.get, lambda uri: s3.put(uri, b"x"), lambda uri: s3.create(uri, b"x")):
        with pytest.raises(BadConfiguration, match="bucket no-such-bucket-4711 does not exist on http"):
            ask("s3://no-such-bucket-4711/x")


def test_a_server_that_is_away_is_no_object_that_is_missing(s3: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    with pytest.raises(Unreachable, match="does not answer"):
        Objects().exists("s3://bucket/x")
    assert not issubclass(Unreachable, UpstreamNotReady)  # which callers take for absence


def test_keys_that_nobody_has_given_are_asked_for(s3: Objects, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(BadConfiguration, match="this process has no keys of http"):
        Objects().list("s3://bucket/x")


def test_wrong_keys_are_refused(s3_environment: dict[str, str]) -> None:
    stranger = boto3.client(
        "s3",
        endpoint_url=s3_environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=s3_environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="wrong",
        region_name="us-east-1",
    )
    with pytest.raises(botocore.exceptions.ClientError, match="SignatureDoesNotMatch"):
        stranger.list_objects_v2(Bucket="bucket")


def test_a_server_that_is_none_of_s3_is_told(s3: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b"<html><p>Welcome</html>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(BadConfiguration, match="is no S3 server, by its answer"):
            Objects().list("s3://bucket/x")
        server.shutdown()
