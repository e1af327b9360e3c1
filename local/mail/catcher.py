"""The stack's mail catcher: takes every mail over SMTP, sends none on, shows them all on one page.

Speaks the part of Mailpit's interface that our tests and reports use, so that Mailpit can stand in for it.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from local.mail.mail_pages import MailServer
from local.mail.store import MailStore

HOST = "127.0.0.1"
LARGEST_MAIL = 50 * 1024 * 1024
logger = logging.getLogger("mailbox")


class Catcher:
    """Takes mails in. The name of its method is the library's."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one mail and say so to its sender only once it is on disk."""
        content = envelope.original_content or b""
        mail_id = self._store.keep(content, [str(one) for one in envelope.rcpt_tos])
        logger.info("kept %s, %d bytes for %d recipients", mail_id, len(content), len(envelope.rcpt_tos))
        return f"250 OK: kept as {mail_id}"


class Mailbox:
    """Both servers of the catcher over one folder of mails."""

    def __init__(self, folder: Path, *, smtp_port: int, http_port: int) -> None:
        store = MailStore(folder)
        self._smtp = Controller(Catcher(store), hostname=HOST, port=smtp_port, data_size_limit=LARGEST_MAIL)
        self._pages = MailServer((HOST, http_port), store)
        self._thread = threading.Thread(target=self._pages.serve_forever, args=(0.1,), name="pages", daemon=True)

    def start(self) -> None:
        """Begin to take mails and to show them. Raises OSError where a port is taken."""
        self._smtp.start()
        self._thread.start()

    def stop(self) -> None:
        """End both servers."""
        self._smtp.stop()
        self._pages.shutdown()
        self._pages.server_close()
        self._thread.join()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the catcher until it is asked to end."""
    parser = argparse.ArgumentParser(prog="python -m local.mail.catcher", description="Catch mails and show them.")
    parser.add_argument("--smtp-port", type=int, default=1025)
    parser.add_argument("--http-port", type=int, default=8025)
    parser.add_argument("--folder", type=Path, required=True, help="where mails are kept, one .eml file each")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the library tells every command of every session
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    mailbox = Mailbox(arguments.folder, smtp_port=arguments.smtp_port, http_port=arguments.http_port)
    mailbox.start()
    logger.info("SMTP on %s:%d, page on http://%s:%d", HOST, arguments.smtp_port, HOST, arguments.http_port)
    ended.wait()
    mailbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
