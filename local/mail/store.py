"""Keep every mail that is sent, one file each, and read it back in the shape of Mailpit's interface.

Files are named by the mail's id, so they list in the order in which mails came.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import getaddresses
from pathlib import Path
from typing import Any

ID = re.compile(r"[0-9]{20}-[0-9a-f]{8}")
SNIPPET = 250


@dataclass(frozen=True)
class Part:
    """One piece of a mail that is not its body: an attachment or an image shown inside the body."""

    part_id: str
    name: str
    content_type: str
    content_id: str
    inline: bool
    content: bytes

    def summary(self) -> dict[str, Any]:
        """Describe the piece without its content."""
        return {
            "PartID": self.part_id,
            "FileName": self.name,
            "ContentType": self.content_type,
            "ContentID": self.content_id,
            "Size": len(self.content),
        }


class MailStore:
    """The mails in one folder. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._summaries: dict[str, dict[str, Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(folder.glob("*.eml")):
            if ID.fullmatch(file.stem):
                self._summaries[file.stem] = _summary(file.stem, file.read_bytes())

    def keep(self, raw: bytes, recipients: Iterable[str]) -> str:
        """Write a mail to disk and return its id. Once this returns, a crash cannot lose it.

        A recipient whom no header names is a blind copy, which is recorded as a Bcc header.
        """
        raw = _with_blind_copies(raw, recipients)
        with self._lock:
            mail_id = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
            draft = self._folder / f"{mail_id}.tmp"
            with draft.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._folder / f"{mail_id}.eml")
            self._summaries[mail_id] = _summary(mail_id, raw)
        return mail_id

    def summaries(self) -> list[dict[str, Any]]:
        """List all mails, the newest first."""
        with self._lock:
            return [self._summaries[mail_id] for mail_id in sorted(self._summaries, reverse=True)]

    def raw(self, mail_id: str) -> bytes | None:
        """Return a mail as it was sent. None where no mail has this id. `latest` means the newest."""
        stored_id = self._id_of(mail_id)
        try:
            return (self._folder / f"{stored_id}.eml").read_bytes() if stored_id else None
        except FileNotFoundError:  # deleted meanwhile
            return None

    def message(self, mail_id: str) -> dict[str, Any] | None:
        """Return a mail's headers, bodies and the list of its pieces. None where no mail has this id."""
        stored_id = self._id_of(mail_id)
        raw = self.raw(stored_id) if stored_id else None
        if stored_id is None or raw is None:
            return None
        mail = _parsed(raw)
        pieces, summary = list(parts(mail)), _summary(stored_id, raw)
        fields = ("ID", "MessageID", "From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Tags", "Size")
        return {
            **{name: summary[name] for name in fields},
            "Date": summary["Created"],
            "Text": _body(mail, "plain"),
            "HTML": _body(mail, "html"),
            "Inline": [piece.summary() for piece in pieces if piece.inline],
            "Attachments": [piece.summary() for piece in pieces if not piece.inline],
        }

    def part(self, mail_id: str, part_id: str) -> Part | None:
        """Return one piece of a mail with its content."""
        raw = self.raw(mail_id)
        matches = [] if raw is None else [piece for piece in parts(_parsed(raw)) if piece.part_id == part_id]
        return matches[0] if matches else None

    def pieces(self, mail_id: str) -> list[Part]:
        """Return all pieces of a mail with their content. None where no mail has this id."""
        raw = self.raw(mail_id)
        return [] if raw is None else list(parts(_parsed(raw)))

    def delete(self, mail_ids: Iterable[str] | None) -> int:
        """Delete these mails, or all where None is given. Returns how many there were."""
        with self._lock:
            doomed = [
                mail_id
                for mail_id in (self._summaries if mail_ids is None else set(mail_ids))
                if mail_id in self._summaries
            ]
            for mail_id in doomed:
                (self._folder / f"{mail_id}.eml").unlink(missing_ok=True)
                del self._summaries[mail_id]
        return len(doomed)

    def _id_of(self, mail_id: str) -> str | None:
        """Return the id of a mail that is there: never a path or anything else that a request may hold."""
        with self._lock:
            requested = max(self._summaries, default=None) if mail_id == "latest" else mail_id
            return requested if requested in self._summaries else None


def parts(mail: EmailMessage) -> Iterator[Part]:
    """Yield what a mail carries beside its bodies. Its number is its place among all pieces, from 1."""
    bodies = [body for body in (mail.get_body(("plain",)), mail.get_body(("html",))) if body is not None]
    for number, piece in enumerate(mail.walk(), start=1):
        if piece.is_multipart() or any(piece is body for body in bodies):
            continue
        content = piece.get_payload(decode=True)
        content_id = str(piece.get("Content-ID", "")).strip().strip("<>")
        yield Part(
            part_id=str(number),
            name=piece.get_filename() or f"part-{number}",
            content_type=piece.get_content_type(),
            content_id=content_id,
            inline=bool(content_id) and piece.get_content_disposition() != "attachment",
            content=content if isinstance(content, bytes) else b"",
        )


def _parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=modern)


def _summary(mail_id: str, raw: bytes) -> dict[str, Any]:
    mail = _parsed(raw)
    text = _body(mail, "plain") or re.sub(
        r"<[^>]*>", " ", re.sub(r"(?is)<(style|script)\b.*?</\1>", " ", _body(mail, "html"))
    )
    senders = _addresses(mail, "From")
    return {
        "ID": mail_id,
        "MessageID": str(mail.get("Message-ID", "")).strip().strip("<>"),
        "Read": False,
        "From": senders[0] if senders else {"Name": "", "Address": ""},
        **{name: _addresses(mail, header) for name, header in _ADDRESS_HEADERS.items()},
        "Subject": " ".join(str(mail.get("Subject", "")).split()),
        "Created": datetime.fromtimestamp(int(mail_id[:20]) / 1e9, UTC).isoformat(timespec="milliseconds"),
        "Tags": [],
        "Size": len(raw),
        "Attachments": sum(not piece.inline for piece in parts(mail)),
        "Snippet": " ".join(text.split())[:SNIPPET],
    }


_ADDRESS_HEADERS = {"To": "To", "Cc": "Cc", "Bcc": "Bcc", "ReplyTo": "Reply-To"}


def _addresses(mail: EmailMessage, header: str) -> list[dict[str, str]]:
    pairs = getaddresses([str(value) for value in mail.get_all(header, [])])
    return [{"Name": name, "Address": address} for name, address in pairs if address]


def _body(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, ValueError):  # a charset that nobody knows
        content = body.get_payload(decode=True)
        return content.decode(errors="replace") if isinstance(content, bytes) else ""


def _with_blind_copies(raw: bytes, recipients: Iterable[str]) -> bytes:
    mail = _parsed(raw)
    named = {one["Address"].lower() for header in ("To", "Cc", "Bcc") for one in _addresses(mail, header)}
    blind = [address for address in recipients if address.lower() not in named]
    return f"Bcc: {', '.join(blind)}\r\n".encode() + raw if blind else raw
