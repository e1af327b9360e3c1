"""Ask a server of the stack something over HTTP, past any proxy that the environment names."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

from local.stack_settings import HOST


def request(
    port: int,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
) -> tuple[int, bytes]:
    """Return status and body of one request. Raises OSError where nobody answers in `timeout` seconds."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as broken:
        raise ConnectionError(f"no HTTP answer from port {port}: {broken!r}") from broken
    finally:
        connection.close()


def request_json(
    port: int, path: str, *, method: str = "GET", document: object = None, token: str = ""
) -> tuple[int, Any]:
    """Return status and decoded body of one JSON request. The body is None where it is not JSON."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = None if document is None else json.dumps(document).encode()
    status, content = request(port, path, method=method, body=body, headers=headers)
    try:
        return status, json.loads(content)
    except ValueError:
        return status, None
