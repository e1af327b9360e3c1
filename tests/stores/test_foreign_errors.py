"""What libraries raise is told as what is wrong, where, and who must act; what they quote is not told."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from mlflow.exceptions import MlflowException
from py4j.protocol import Py4JError
from pyarrow import fs

from arrears.contracts.errors import BadConfiguration, BadInput, Unreachable, UpstreamNotReady
from arrears.contracts.s3_server import S3Server
from arrears.stores.description_files import read_description
from arrears.stores.foreign_errors import cause_of
from arrears.stores.objects import Objects

JAVA = "An error occurred while calling o71.parquet.\n: "


@pytest.fixture
def arrow(s3: Objects, s3_environment: dict[str, str]) -> Iterator[Any]:
    def system(**given: str) -> fs.S3FileSystem:
        keys = {
            "access_key": s3_environment["AWS_ACCESS_KEY_ID"],
            "secret_key": s3_environment["AWS_SECRET_ACCESS_KEY"],
        }
        server = S3Server(s3_environment["AWS_ENDPOINT_URL"]).for_pyarrow()
        return fs.S3FileSystem(**server | keys | {"retry_strategy": fs.AwsStandardS3RetryStrategy(1)} | given)

    return system


def test_an_error_of_pyarrow_names_the_bucket_or_the_keys(arrow: Any) -> None:
    for given, told in (
        ({}, "no-such-bucket/x went away while it was read"),
        ({"secret_key": "wrong"}, r"no permission to use no-such-bucket|does not accept"),
        ({"endpoint_override": "127.0.0.1:9"}, "does not answer"),
    ):
        with pytest.raises(OSError, match="no-such-bucket") as caught:
            pq.ParquetFile("no-such-bucket/x", filesystem=arrow(**given))
        with pytest.raises((BadConfiguration, UpstreamNotReady, Unreachable), match=told):
            raise cause_of(caught.value) or caught.value


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        (
            "java.nio.file.AccessDeniedException: s3a://b/x: getFileStatus on s3a://b/x",
            BadConfiguration,
            "use s3://b/x:",
        ),
        (
            "org.apache.hadoop.fs.s3a.UnknownStoreException: `s3a://b/x': getFileStatus",
            BadConfiguration,
            "bucket b does",
        ),
        (
            'o.a.h.fs.UnsupportedFileSystemException: No FileSystem for scheme "gs"',
            BadConfiguration,
            "connector for gs://",
        ),
        ("java.net.UnknownHostException: s3.corp.example", Unreachable, "s3.corp.example does not answer"),
        ("java.net.ConnectException: Connection refused to node7:9000", Unreachable, "node7:9000 does not answer"),
        ("java.io.IOException: No space left on device", BadConfiguration, "no space is left"),
        ("java.lang.OutOfMemoryError: Java heap space", BadConfiguration, "ran out of memory"),
        (
            "o.a.s.SparkException: Job aborted: ExecutorLostFailure (executor 3 exited)",
            Unreachable,
            "lost executors",
        ),
        ("Illegal Parquet type: INT64 (TIME(MICROS,false))", BadInput, r"INT64 \(TIME\(MICROS,false\)\)"),
    ],
)
def test_an_error_of_java_is_told_by_its_names(text: str, kind: type[Exception], told: str) -> None:
    cause = cause_of(Py4JError(JAVA + text + "\n\tat java.base/Smith"))
    assert isinstance(cause, kind)
    with pytest.raises(kind, match=told):
        raise cause
    assert "Smith" not in str(cause)


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        (
            "API request to endpoint /x failed with error code 401 != 200. Response body: 'no'",
            BadConfiguration,
            "USERNAME",
        ),
        ("PERMISSION_DENIED: Permission denied", BadConfiguration, "MLflow does not let this process in"),
        ("API request to endpoint /x failed with error code 413 != 200.", Unreachable, "did not take the request"),
        ("API request to endpoint /x failed with error code 404 != 200.", BadConfiguration, "names no MLflow server"),
        ("Cannot set a deleted experiment 'x' as the active experiment.", BadConfiguration, "was deleted: restore it"),
    ],
)
def test_an_error_of_mlflow_is_told(text: str, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        raise cause_of(MlflowException(text)) or AssertionError


def test_an_error_of_the_system_names_the_file() -> None:
    for number, told in (
        (errno.ENOSPC, "no space is left"),
        (errno.EACCES, "no permission"),
        (errno.EISDIR, "is no file"),
    ):
        with pytest.raises(BadConfiguration, match=told) as caught:
            raise cause_of(OSError(number, "so", "/data/x")) or AssertionError
        assert "/data/x" in str(caught.value)
    assert "memory" in str(cause_of(MemoryError()))


def test_a_file_cut_short_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and no more than that")
    with pytest.raises(Exception, match="magic") as caught:  # a library's own
        pq.read_table(tmp_path / "x.parquet")
    assert isinstance(cause_of(caught.value), BadInput)


def test_a_bug_stays_one_whatever_it_says() -> None:
    assert cause_of(ValueError("AccessDeniedException: s3a://b/x")) is None
    assert cause_of(RuntimeError("java.lang.OutOfMemoryError")) is None
    bug = KeyError("x")
    bug.__context__ = Py4JError("No space left on device")
    assert cause_of(bug) is None
    bug.__cause__ = Py4JError("No space left on device")
    assert isinstance(cause_of(bug), BadConfiguration)


def test_a_description_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_bytes("target: überfällig".encode("cp1252"))
    with pytest.raises(BadConfiguration, match=r"bank.yaml is not text in UTF-8"):
        read_description(str(tmp_path / "bank.yaml"), Objects())
