"""MLflow away for a while: the job waits and asks again; away for longer: the error says so."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from mlflow.exceptions import MlflowException

from arrears.contracts.errors import UpstreamNotReady
from arrears.stores.model_registry import Registry
from arrears.stores.models import Models

ANSWER = {"registered_model": {"name": "pd_bank", "aliases": [{"alias": "champion", "version": "3"}], "tags": []}}


class Stumbling(BaseHTTPRequestHandler):
    """An MLflow server that fails as often as it is told, then answers."""

    failures: ClassVar[list[int]] = []  # statuses still to send; 0 hangs up
    asked = 0

    def do_GET(self) -> None:
        Stumbling.asked += 1
        status = Stumbling.failures.pop(0) if Stumbling.failures else 200
        if status == 0:
            self.close_connection = True
            return
        body = json.dumps(ANSWER if status == 200 else {}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    Stumbling.failures, Stumbling.asked = [], 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stumbling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("failures", [[503, 503, 500], [429], [0, 0, 0], [502, 0, 504]])
def test_question_is_asked_again_and_logged_when_mlflow_stumbles(
    server: ThreadingHTTPServer, failures: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    Stumbling.failures = list(failures)
    with caplog.at_level(logging.DEBUG, "urllib3.util.retry"):  # as a job's launcher sets it
        assert Registry().aliases("pd_bank") == {"champion": "3"}
    assert Stumbling.asked == len(failures) + 1
    assert sum("Incremented Retry for" in record.getMessage() for record in caplog.records) == len(failures)


def test_refusal_is_not_asked_again(server: ThreadingHTTPServer) -> None:
    Stumbling.failures = [403]
    with pytest.raises(MlflowException):
        Registry().aliases("pd_bank")
    assert Stumbling.asked == 1


def begin_training() -> None:
    with Models().run("arrears/bank", "by hand", parameters={}, tags={}):
        pytest.fail("a run began without MLflow")


QUESTIONS = {
    "aliases": lambda: Registry().aliases("pd_bank"),
    "champion": lambda: Models().champion("pd_bank"),
    "run": begin_training,
    "run_url": lambda: Models().run_url("r1"),
    "files_of_run": lambda: Models().files_of_run("r1"),
    "log_results": lambda: Models().log_results("r1", {"auc": 0.7}, {}, {"arrears.evaluated_on": "v1"}),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_mlflow_that_stays_away_is_named_and_may_be_tried_again(
    server: ThreadingHTTPServer, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    Stumbling.failures = [503] * 9
    with pytest.raises(UpstreamNotReady, match="MLflow does not answer: the champion stays as it is") as caught:
        QUESTIONS[question]()
    assert Stumbling.asked == 3
    assert caught.value.may_retry


def test_default_patience_outlasts_a_minute_without_mlflow() -> None:
    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR, MLFLOW_HTTP_REQUEST_MAX_RETRIES
    from urllib3.util import Retry

    retry, waited = (
        Retry(MLFLOW_HTTP_REQUEST_MAX_RETRIES.get(), backoff_factor=MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR.get()),
        0.0,
    )
    for _ in range(MLFLOW_HTTP_REQUEST_MAX_RETRIES.get()):
        retry = retry.increment("GET", "/", error=ConnectionError())
        waited += retry.get_backoff_time()
    assert 60 < waited < 300
