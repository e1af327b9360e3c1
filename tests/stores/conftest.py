"""A real S3 server for the tests of what we keep in S3."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator

import pytest

from arrears.stores.objects import Objects
from local.progress import Progress
from local.stack_settings import StackSettings
from local.tools.versitygw import ensure_versitygw

START_SECONDS = 30


@pytest.fixture(scope="session")
def s3_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """versitygw on a free port with one bucket; yields what its clients need in their environment."""
    tools = StackSettings.from_env(os.environ).tools
    tools.mkdir(parents=True, exist_ok=True)
    program = ensure_versitygw(tools, Progress())
    folder = tmp_path_factory.mktemp("s3")
    (folder / "bucket").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    keys = {"ROOT_ACCESS_KEY": "tester", "ROOT_SECRET_KEY": uuid.uuid4().hex}
    endpoint = f"http://127.0.0.1:{port}"
    command = [str(program), "--quiet", "--port", endpoint.removeprefix("http://"), "--health", "/health", "posix"]
    server = subprocess.Popen([*command, str(folder)], env={**os.environ, **keys}, stdout=subprocess.DEVNULL)
    try:
        _wait(f"{endpoint}/health", server)
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": keys["ROOT_ACCESS_KEY"],
            "AWS_SECRET_ACCESS_KEY": keys["ROOT_SECRET_KEY"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def s3(s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Objects:
    """Objects on the real server."""
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    return Objects()


@pytest.fixture
def folder(s3: Objects) -> str:
    """A fresh folder address on the server."""
    return f"s3://bucket/{uuid.uuid4().hex}"


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, OSError):
            continue
        return
    raise RuntimeError("the S3 server did not start")
