"""The mail at the end of every run: HTML and plain text, with the plots in it."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from airflow.sdk import get_current_context, task

from arrears.contracts.errors import UpstreamNotReady
from include.mail.delivery import deliver
from include.mail.run_state import gather
from include.settings import Settings

log = logging.getLogger(__name__)

_TEMPLATES = Path(__file__).with_name("templates")
# Mail servers commonly refuse messages above 10 to 25 MB, and base64 adds a third.
_MOST_BYTES = 7 * 1024 * 1024


class Mail(Protocol):
    """What a template of a mail can be about."""

    @property
    def subject(self) -> str:
        """The mail's subject, one line."""


@dataclass(frozen=True)
class Attachment:
    """One file of the mail. A picture is shown in the HTML by its content id."""

    name: str
    content: bytes
    content_id: str

    @property
    def kind(self) -> tuple[str, str]:
        """Main and sub type, such as image and png."""
        main, _, sub = (mimetypes.guess_type(self.name)[0] or "application/octet-stream").partition("/")
        return main, sub

    @property
    def is_picture(self) -> bool:
        """Whether the HTML shows it."""
        return self.kind[0] == "image"


def report_run(settings: Settings) -> Any:
    """The last task of every DAG: it mails what the run did.

    It is a teardown, so that it runs after failures too while the work alone decides the run's state: an ordinary
    last task would turn a failed run green, and a mail server that is down would turn a good run red.
    """

    @task(retries=2, retry_delay=timedelta(seconds=20), execution_timeout=timedelta(minutes=10))
    def send_report() -> str:
        report = gather(get_current_context(), settings)
        send_mail(report, report.attachments, settings)
        return report.subject

    return send_report().as_teardown()


def send_mail(report: Mail, addresses: Sequence[str], settings: Settings, *, template: str = "report") -> None:
    """Sends a mail with the files at these addresses, or with the addresses alone where the server takes no more."""
    attachments, left_out = fetch(addresses)
    smaller = partial(compose, report, (), addresses, template=template) if attachments else None
    whole = compose(report, attachments, left_out, template=template)
    deliver(whole, settings.smtp_connection, settings.recipients, smaller=smaller)


def compose(
    report: Mail, attachments: Sequence[Attachment] = (), left_out: Sequence[str] = (), *, template: str = "report"
) -> EmailMessage:
    """The whole mail but for sender and recipients, as text and as HTML.

    Error texts are values of the templates, never templates: they may hold `{{`.
    """
    values = {"report": report, "pictures": [a for a in attachments if a.is_picture], "left_out": left_out}
    message = mail_about(report.subject)
    message.set_content(_rendered(f"{template}.txt", values))
    message.add_alternative(_rendered(f"{template}.html", values), subtype="html")
    page = message.get_body(("html",))
    for attachment in attachments:
        main, sub = attachment.kind
        if attachment.is_picture:
            # Beside the HTML it is found by its content id; as an attachment it can be saved.
            page.add_related(  # type: ignore[union-attr]  # it was added two lines above
                attachment.content, main, sub,
                cid=f"<{attachment.content_id}>", filename=attachment.name, disposition="attachment",
            )  # fmt: skip
        else:
            message.add_attachment(attachment.content, main, sub, filename=attachment.name)
    return message


def mail_about(subject: str) -> EmailMessage:
    """A mail without text: subject, date and an id, without which servers take a mail for spam."""
    message = EmailMessage()
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="arrears.invalid")
    return message


def fetch(addresses: Sequence[str]) -> tuple[list[Attachment], list[str]]:
    """The files at these S3 addresses, and the addresses of those that are missing or make the mail too large."""
    from arrears.stores.objects import Objects

    objects, room = Objects(), _MOST_BYTES
    attachments: list[Attachment] = []
    left_out: list[str] = []
    for address in addresses:
        try:
            content = objects.get(address)
        except UpstreamNotReady as missing:
            log.warning("the mail goes without an attachment: %s", missing)
            left_out.append(address)
            continue
        if len(content) > room:
            left_out.append(address)
            continue
        room -= len(content)
        name = PurePosixPath(address).name
        attachments.append(Attachment(name, content, f"{len(attachments)}.{name}@arrears.invalid"))
    return attachments, left_out


def _rendered(template: str, values: Mapping[str, Any]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)
