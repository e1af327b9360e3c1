"""A real mail server that takes little, or nothing: the news arrives all the same, or its absence is explained."""

from __future__ import annotations

import email
import email.policy
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from airflow.sdk.exceptions import AirflowFailException

from arrears.contracts.errors import Unreachable
from include.mail.delivery import deliver
from include.mail.send import compose, send_mail
from include.settings import Settings
from tests.unit.include.made_up_run import a_report, a_task

SETTINGS = Settings.from_env({"ARREARS_SMTP_CONN": "relay"})
LARGE, LIMIT = 300_000, 200_000
Relay = Callable[..., AbstractContextManager["Taken"]]


class Taken:
    """What a relay does with a mail: it answers, and keeps what it has taken."""

    def __init__(self, answer: Callable[[bytes], str], of_recipient: str) -> None:
        self.mails: list[EmailMessage] = []
        self.answer, self.of_recipient, self.seen = answer, of_recipient, 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.of_recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.of_recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.seen += 1
        answer = self.answer(envelope.content)
        if answer.startswith("2"):
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
        return answer


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Relay:
    @contextmanager
    def running(
        limit: int | None = None, answer: Callable[[bytes], str] = lambda _: "250 taken", of_recipient: str = "250 yes"
    ) -> Iterator[Taken]:
        taken = Taken(answer, of_recipient)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        controller = Controller(taken, hostname="127.0.0.1", port=port, data_size_limit=limit)
        controller.start()
        connect_to(monkeypatch, port)
        try:
            yield taken
        finally:
            controller.stop()

    return running  # type: ignore[return-value]


def connect_to(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "arrears@bank.example", "to": "risk@bank.example"}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra | {"retry_limit": 0}}
    monkeypatch.setenv("AIRFLOW_CONN_RELAY", json.dumps(connection))


@pytest.fixture
def addresses(tmp_path: Path) -> list[str]:
    (tmp_path / "report.html").write_bytes(b"x" * LARGE)
    (tmp_path / "roc.png").write_bytes(b"\x89PNG")
    return [(tmp_path / name).as_uri() for name in ("report.html", "roc.png")]


def is_refused(content: bytes) -> str:
    return "552 5.3.4 message too large" if len(content) > LIMIT else "250 taken"


def attached(mail: EmailMessage) -> list[str]:
    return [str(part.get_filename()) for part in mail.walk() if part.get_filename()]


def test_a_relay_that_takes_all_gets_all(relay: Relay, addresses: list[str]) -> None:
    with relay() as taken:
        send_mail(a_report(a_task()), addresses, SETTINGS)
    assert [sorted(attached(mail)) for mail in taken.mails] == [["report.html", "roc.png"]]


@pytest.mark.parametrize(("limit", "answer"), [(LIMIT, lambda _: "250 taken"), (None, is_refused)])
def test_a_relay_that_takes_less_gets_the_news_with_the_addresses_of_what_was_left_out(
    relay: Relay, addresses: list[str], limit: int | None, answer: Callable[[bytes], str]
) -> None:
    with relay(limit, answer) as taken:
        send_mail(a_report(a_task()), addresses, SETTINGS)
    (mail,) = taken.mails
    assert attached(mail) == []
    body = mail.get_body(("plain",))
    assert body is not None
    assert all(f"Not attached: {address}" in body.get_content() for address in addresses)
    assert (mail["To"], taken.seen) == ("risk@bank.example", 1 if limit else 2)


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"answer": lambda _: "554 no spam here"}, AirflowFailException, "relay answers 554: the mail was refused"),
        ({"answer": lambda _: "552 no"}, AirflowFailException, "is above the size that it takes, without attachments"),
        ({"answer": lambda _: "451 later"}, Unreachable, "relay answers 451"),
        ({"of_recipient": "550 unknown"}, AirflowFailException, r"takes none of risk@bank.example \(550\)"),
        ({"of_recipient": "450 later"}, Unreachable, r"takes none of risk@bank.example \(450\)"),
    ],
)
def test_a_relay_that_takes_nothing_is_told_in_one_sentence(
    relay: Relay, addresses: list[str], given: dict[str, Any], error: type[Exception], told: str
) -> None:
    with relay(**given) as taken, pytest.raises(error, match=told):
        send_mail(a_report(a_task()), addresses, SETTINGS)
    assert taken.mails == []


def test_a_relay_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    connect_to(monkeypatch, 9)
    with pytest.raises(Unreachable, match="connection relay does not answer"):
        deliver(compose(a_report(a_task())), "relay")


def test_a_relay_without_tls_is_told_where_the_connection_asks_for_it(
    relay: Relay, addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay():
        connection = json.loads(os.environ["AIRFLOW_CONN_RELAY"])
        for extra, told in (
            ({"disable_tls": False}, "does not offer what"),
            ({"disable_ssl": False}, "agree on no TLS"),
        ):
            monkeypatch.setenv("AIRFLOW_CONN_RELAY", json.dumps(connection | {"extra": connection["extra"] | extra}))
            with pytest.raises(AirflowFailException, match=told):
                send_mail(a_report(a_task()), addresses, SETTINGS)
