"""The mail catcher over HTTP: Mailpit's interface for programs, one page for people.

A mail is a stranger's document: it is shown in a sandbox that runs no script and fetches nothing.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from local.mail.store import MailStore

PAGE = Path(__file__).with_name("mail_page.html")
PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
    "frame-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
SHOWN_IN_BROWSER = ("image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "application/pdf")
OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
PAGE_SIZE = 50
LARGEST_REQUEST = 1024 * 1024


class MailServer(ThreadingHTTPServer):
    """An HTTP server over one store of mails."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], store: MailStore) -> None:
        self.store = store
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: MailServer
    protocol_version = "HTTP/1.1"
    server_version = "Mailbox"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(_GET_ROUTES)

    def do_DELETE(self) -> None:
        self._answer(_DELETE_ROUTES)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the page asks every few seconds."""

    def send(self, content: bytes, content_type: str, *, status: int = 200, **headers: str) -> None:
        """Send one answer that no cache keeps and no browser guesses about."""
        self.send_response(status)
        fixed = {"Content-Type": content_type, "Content-Length": str(len(content)), "Cache-Control": "no-store"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {**fixed, "X-Content-Type-Options": "nosniff", **named}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def send_json(self, document: object) -> None:
        """Send one document as JSON."""
        self.send(json.dumps(document).encode(), "application/json")

    def refuse(self, status: int, why: str) -> None:
        """Send an error that a program can read."""
        self.send(json.dumps({"Error": why}).encode(), "application/json", status=status)

    def query(self, name: str, default: int) -> int:
        """Return a number from the address's query, or the default where it is none."""
        text = parse_qs(urlsplit(self.path).query).get(name, [""])[0]
        return int(text) if text.isascii() and text.isdigit() else default

    def body(self) -> bytes:
        """Return what was sent with the request, up to a limit that no honest client reaches."""
        length = self.headers.get("Content-Length", "0")
        return self.rfile.read(min(int(length) if length.isdigit() else 0, LARGEST_REQUEST))

    def _answer(self, routes: list[tuple[re.Pattern[str], _Route]]) -> None:
        # A page elsewhere whose name was made to point at this machine sends its own name as host.
        host = re.sub(r":\d+$", "", self.headers.get("Host", ""))
        if host not in OWN_NAMES:
            self.refuse(403, "this server answers to 127.0.0.1 and localhost alone")
            return
        path = urlsplit(self.path).path
        for pattern, route in routes:
            match = pattern.fullmatch(path)
            if match:
                route(self, self.server.store, *(unquote(group) for group in match.groups()))
                return
        self.refuse(404, "there is nothing at this address")


_Route = Callable[..., None]


def _page(handler: _Handler, _store: MailStore) -> None:
    handler.send(PAGE.read_bytes(), "text/html; charset=utf-8", Content_Security_Policy=PAGE_POLICY)


def _alive(handler: _Handler, _store: MailStore) -> None:
    handler.send(b"ok", "text/plain; charset=utf-8")


def _messages(handler: _Handler, store: MailStore) -> None:
    mails, start = store.summaries(), handler.query("start", 0)
    page = mails[start : start + handler.query("limit", PAGE_SIZE)]
    counts = {"total": len(mails), "unread": len(mails), "count": len(page), "messages_count": len(mails)}
    handler.send_json({**counts, "start": start, "tags": [], "messages": page})


def _message(handler: _Handler, store: MailStore, mail_id: str) -> None:
    mail = store.message(mail_id)
    if mail is None:
        handler.refuse(404, "no mail has this id")
    else:
        handler.send_json(mail)


def _raw(handler: _Handler, store: MailStore, mail_id: str) -> None:
    raw = store.raw(mail_id)
    if raw is None:
        handler.refuse(404, "no mail has this id")
    else:
        handler.send(raw, "text/plain; charset=utf-8")


def _part(handler: _Handler, store: MailStore, mail_id: str, part_id: str) -> None:
    part = store.part(mail_id, part_id)
    if part is None:
        handler.refuse(404, "no mail has this id, or it has no such part")
        return
    manner = "inline" if part.content_type in SHOWN_IN_BROWSER else "attachment"
    handler.send(
        part.content,
        part.content_type,
        Content_Disposition=f"{manner}; filename*=UTF-8''{quote(part.name, safe='')}",
        Content_Security_Policy="default-src 'none'; sandbox",
    )


def _view(handler: _Handler, store: MailStore, mail_id: str) -> None:
    mail = store.message(mail_id)
    if mail is None:
        handler.refuse(404, "no mail has this id")
        return
    html = str(mail["HTML"])
    for piece in store.pieces(mail_id):
        if piece.content_id and piece.content_type.startswith("image/"):
            data = f"data:{piece.content_type};base64,{base64.b64encode(piece.content).decode()}"
            html = html.replace(f"cid:{piece.content_id}", data)
    document = '<!doctype html><base target="_blank">' + html
    handler.send(document.encode(), "text/html; charset=utf-8", Content_Security_Policy=MAIL_POLICY)


def _delete(handler: _Handler, store: MailStore) -> None:
    body = handler.body()
    try:
        document = json.loads(body) if body.strip() else {}
        ids = document.get("IDs") or None
        if ids is not None and not (isinstance(ids, list) and all(isinstance(one, str) for one in ids)):
            raise TypeError
    except (ValueError, TypeError, AttributeError):
        handler.refuse(400, 'the body must be empty or {"IDs": ["…"]}')
        return
    store.delete(ids)
    _alive(handler, store)


_SEGMENT = r"([^/]+)"
_GET_ROUTES: list[tuple[re.Pattern[str], _Route]] = [
    (re.compile(r"/"), _page),
    (re.compile(r"/(?:livez|readyz)"), _alive),
    (re.compile(r"/api/v1/messages"), _messages),
    (re.compile(rf"/api/v1/message/{_SEGMENT}"), _message),
    (re.compile(rf"/api/v1/message/{_SEGMENT}/raw"), _raw),
    (re.compile(rf"/api/v1/message/{_SEGMENT}/part/{_SEGMENT}"), _part),
    (re.compile(rf"/view/{_SEGMENT}\.html"), _view),
]
_DELETE_ROUTES: list[tuple[re.Pattern[str], _Route]] = [(re.compile(r"/api/v1/messages"), _delete)]
