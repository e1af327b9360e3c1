"""A writer that sleeps at any point of its write takes nothing from another: its commit follows, or is refused."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from arrears.contracts.addresses import Addresses, Table
from arrears.contracts.errors import Contended
from arrears.contracts.s3_server import S3Server
from arrears.stores.objects import Objects
from spark_jobs.io.commits import actions_of, table_version
from spark_jobs.io.feature_store import merge_features
from spark_jobs.io.log_store import commit_by_conditional_put
from spark_jobs.io.tables import overwrite_partition, read_partition
from tests.stores.conftest import s3, s3_environment  # noqa: F401  # the fixtures

DATASET = "contended"
COLUMNS = "sample_id string, borrower_id string"


class Gateway(ThreadingHTTPServer):
    """Stands before the S3 server; at a chosen request it lets something else happen first, or loses the answer."""

    daemon_threads = True

    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), Forwarder)
        self.server_name_and_port = server.removeprefix("http://")
        self.at: Callable[[str, str], bool] = lambda method, path: False
        self.happens: Callable[[], None] = lambda: None
        self.loses_the_answer = False
        self.times = 0
        self.mutex = threading.Lock()

    def is_the_moment(self, method: str, path: str) -> bool:
        with self.mutex:
            self.times += self.at(method, path)
            return self.times == 1 and self.at(method, path)


class Forwarder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chosen = self.server.is_the_moment(self.command, self.path)
        if chosen:
            self.server.happens()
        answer, content = self.asked(body)
        if chosen and self.server.loses_the_answer:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response_only(answer.status)
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in ("transfer-encoding",)]
        for name, value in kept:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in kept}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def asked(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        upstream = HTTPConnection(self.server.server_name_and_port, timeout=60)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("expect", "connection"):
                upstream.putheader(name, value)
        upstream.endheaders(body)
        answer = upstream.getresponse()
        return answer, answer.read()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def gateway(delta_spark: SparkSession, s3: Objects, s3_environment: dict[str, str]) -> Iterator[Gateway]:  # noqa: F811
    server = Gateway(s3_environment["AWS_ENDPOINT_URL"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told = S3Server(f"http://127.0.0.1:{server.server_port}").for_session()
    settings = {name.removeprefix("spark.hadoop."): value for name, value in told.items() if "hadoop" in name}
    settings["fs.s3a.impl.disable.cache"] = "true"
    java: Any = delta_spark
    hadoop, system = java._jsc.hadoopConfiguration(), java._jvm.java.lang.System
    for name, value in settings.items():
        hadoop.set(name, value)
    keys = {"aws.accessKeyId": "AWS_ACCESS_KEY_ID", "aws.secretAccessKey": "AWS_SECRET_ACCESS_KEY"}
    for name, variable in keys.items():  # the JVM's environment is older than the server
        system.setProperty(name, s3_environment[variable])
    commit_by_conditional_put(delta_spark)
    yield server
    for name in settings:
        hadoop.unset(name)
    for name in keys:
        system.clearProperty(name)
    server.shutdown()
    server.server_close()


@pytest.fixture
def addresses(s3: Objects) -> Addresses:  # noqa: F811
    return Addresses(f"s3://bucket/{uuid.uuid4().hex}")


def write(spark: SparkSession, addresses: Addresses, partition: str, *ids: str) -> int:
    rows = spark.createDataFrame([(name, name) for name in ids], COLUMNS)
    return overwrite_partition(rows, addresses, Table.TEST_SAMPLE, DATASET, partition).delta_version


def ids(spark: SparkSession, addresses: Addresses, partition: str) -> list[str]:
    uri = addresses.table(Table.TEST_SAMPLE, DATASET)
    return sorted(row["sample_id"] for row in read_partition(spark, uri, {"as_of": partition}, what="").collect())


def rival(uri: str, partition: str) -> Callable[[], None]:
    """Another writer's commit, on another machine: it replaces a partition by the rows of version 0."""

    def commit() -> None:
        version = (table_version(uri) or 0) + 1
        (add,) = (action["add"] for action in actions_of(uri, 0) if "add" in action)
        name = f"as_of={partition}/rival-{uuid.uuid4().hex}.parquet"
        Objects().put(f"{uri}/{name}", Objects().get(f"{uri}/{add['path']}"))
        told = {"commitInfo": {"timestamp": int(time.time() * 1000), "operation": "WRITE", "isBlindAppend": False}}
        added = {"add": {**add, "path": name, "partitionValues": {"as_of": partition}}}
        lines = "\n".join(map(json.dumps, (told, added)))
        assert Objects().create(f"{uri}/_delta_log/{version:020d}.json", lines.encode())

    return commit


def reads(method: str, path: str) -> bool:
    return method == "GET" and "_delta_log" in path


def writes_data(method: str, path: str) -> bool:
    return method == "PUT" and ".parquet" in path and "checkpoint" not in path


def commits(method: str, path: str) -> bool:
    return method == "PUT" and "_delta_log" in path and path.endswith(".json")


@pytest.mark.parametrize("moment", [reads, writes_data, commits])
def test_a_writer_that_slept_keeps_the_commit_to_another_partition(
    delta_spark: SparkSession, gateway: Gateway, addresses: Addresses, moment: Callable[[str, str], bool]
) -> None:
    uri = addresses.table(Table.TEST_SAMPLE, DATASET)
    write(delta_spark, addresses, "a", "first")
    gateway.at, gateway.happens = moment, rival(uri, "b")
    assert write(delta_spark, addresses, "c", "third") == 2
    assert gateway.times >= 1
    assert {day: ids(delta_spark, addresses, day) for day in "abc"} == {"a": ["first"], "b": ["first"], "c": ["third"]}


@pytest.mark.parametrize("moment", [writes_data, commits])
def test_a_writer_that_slept_is_refused_where_another_wrote_its_partition(
    delta_spark: SparkSession, gateway: Gateway, addresses: Addresses, moment: Callable[[str, str], bool]
) -> None:
    uri = addresses.table(Table.TEST_SAMPLE, DATASET)
    write(delta_spark, addresses, "a", "first")
    gateway.at, gateway.happens = moment, rival(uri, "b")
    with pytest.raises(Contended, match=r"another writer has changed .* meanwhile"):
        write(delta_spark, addresses, "b", "second")
    assert table_version(uri) == 1
    assert ids(delta_spark, addresses, "b") == ["first"]


def test_dates_of_a_view_that_are_built_side_by_side_are_all_there(
    delta_spark: SparkSession, gateway: Gateway, addresses: Addresses
) -> None:
    view: Any = SimpleNamespace(name="payments", entity="loan_id")

    def merge(as_of: str, *loans: int) -> int:
        rows = delta_spark.createDataFrame(
            [(loan, as_of, "d") for loan in loans], "loan_id long, event_time string, row_digest string"
        )
        return merge_features(rows, addresses, "bank", view, as_of=as_of, allow_new_columns=False)

    uri = addresses.feature_table("bank", "payments")
    merge("2026-01-01", 1)
    gateway.at, gateway.happens = commits, rival(uri, "2026-01-02")
    assert merge("2026-01-03", 3, 4) == 2
    stored = delta_spark.read.format("delta").load(f"s3a://{uri.removeprefix('s3://')}").collect()
    assert sorted((row["as_of"], row["loan_id"]) for row in stored) == [
        ("2026-01-01", 1),
        ("2026-01-02", 1),
        ("2026-01-03", 3),
        ("2026-01-03", 4),
    ]


def test_a_commit_whose_answer_was_lost_is_found_and_counted_once(
    delta_spark: SparkSession, gateway: Gateway, addresses: Addresses
) -> None:
    uri = addresses.table(Table.TEST_SAMPLE, DATASET)
    write(delta_spark, addresses, "a", "first")
    gateway.at, gateway.loses_the_answer = commits, True
    assert write(delta_spark, addresses, "b", "second") == 1
    assert gateway.times == 2
    assert table_version(uri) == 1
    assert ids(delta_spark, addresses, "b") == ["second"]
