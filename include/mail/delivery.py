"""A mail on its way: to whom, through which server, and without its attachments where that server takes less."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from arrears.contracts.errors import Unreachable

log = logging.getLogger(__name__)

_TOO_LARGE = 552
# The statuses of RFC 3463 that servers send with other codes than 552.
_TOO_LARGE_STATUSES = ("5.3.4", "5.2.3")


def deliver(
    message: EmailMessage,
    connection_id: str,
    recipients: Sequence[str] = (),
    *,
    smaller: Callable[[], EmailMessage] | None = None,
) -> None:
    """Sends the mail through Airflow's SMTP connection, to the addresses in its extra unless others are given.

    Args:
        smaller: makes the same mail without attachments. It is sent where the server takes no larger one.

    Raises:
        AirflowFailException: the connection's extra has no `to` or no `from_email`, or the server refuses the mail for
            good.
        Unreachable: the server does not answer, or refuses the mail for now.
    """
    with _connected(connection_id) as hook:
        client = hook._smtp_client
        whole = _addressed(message, hook, connection_id, recipients)
        if smaller is not None and _is_above(size_limit(client), whole):
            log.warning("the mail server takes at most %d bytes a mail: attachments are left out", size_limit(client))
            whole, smaller = _addressed(smaller(), hook, connection_id, recipients), None
        try:
            refused = client.send_message(whole)
        except smtplib.SMTPResponseException as error:
            if smaller is None or not is_too_large(error):
                raise
            log.warning("the mail server refused the mail for its size: sent again without attachments")
            refused = client.send_message(_addressed(smaller(), hook, connection_id, recipients))
    for address, reason in (refused or {}).items():
        log.warning("the mail server refused the recipient %s: %s", address, reason)
    log.info("mailed %r to %s", message["Subject"], whole["To"])


def size_limit(client: Any) -> int | None:
    """The most bytes that the server says it takes of one mail (RFC 1870). None where it names no limit."""
    client.ehlo_or_helo_if_needed()
    said = str(client.esmtp_features.get("size", "")).strip()
    return int(said) if said.isdecimal() and int(said) else None


def is_too_large(error: smtplib.SMTPResponseException) -> bool:
    """Whether the server refused a mail for its size."""
    text = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else str(error.smtp_error)
    return error.smtp_code == _TOO_LARGE or text.lstrip().startswith(_TOO_LARGE_STATUSES)


def addresses_of(recipients: str | Sequence[str] | None) -> list[str]:
    """Mail addresses from a list, or from text with commas or semicolons between them."""
    parts = recipients.replace(";", ",").split(",") if isinstance(recipients, str) else recipients or ()
    return [part.strip() for part in parts if part.strip()]


def _is_above(limit: int | None, message: EmailMessage) -> bool:
    return limit is not None and len(message.as_bytes(policy=SMTP)) > limit


def _addressed(message: EmailMessage, hook: Any, connection_id: str, recipients: Sequence[str]) -> EmailMessage:
    to = list(recipients) or addresses_of(hook.conn.extra_dejson.get("to"))
    missing = [name for name, value in (("to", to), ("from_email", hook.from_email)) if not value]
    if missing:
        raise AirflowFailException(
            f"the extra of the Airflow connection {connection_id} needs {' and '.join(missing)}: "
            'such as {"from_email": "arrears@bank.example", "to": "risk@bank.example, ops@bank.example"}'
        )
    message["From"] = hook.from_email
    message["To"] = ", ".join(to)
    return message


@contextmanager
def _connected(connection_id: str) -> Iterator[Any]:
    """Airflow's hook with an open client: its own send builds HTML alone, without a plain-text body."""
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    server = f"the mail server of the Airflow connection {connection_id}"
    try:
        with SmtpHook(connection_id) as hook:
            yield hook
    except smtplib.SMTPRecipientsRefused as error:
        answers = {f"{code}" for code, _ in error.recipients.values()}
        raise _refused(
            f"{server} takes none of {', '.join(error.recipients)} ({', '.join(sorted(answers))})", answers
        ) from error
    except smtplib.SMTPAuthenticationError as error:
        raise AirflowFailException(f"{server} does not accept its login and password ({error.smtp_code})") from error
    except smtplib.SMTPResponseException as error:
        what = "is above the size that it takes, without attachments too" if is_too_large(error) else "was refused"
        raise _refused(f"{server} answers {error.smtp_code}: the mail {what}", {f"{error.smtp_code}"}) from error
    except smtplib.SMTPNotSupportedError as error:
        raise AirflowFailException(f"{server} does not offer what its connection needs: {error}") from error
    except ssl.SSLError as error:
        told = f"{server} and Airflow agree on no TLS ({error.reason}): see disable_ssl, disable_tls and ssl_context"
        raise AirflowFailException(f"{told} in its extra") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unreachable(f"{server} does not answer ({type(error).__name__}): see its host and port") from error


def _refused(told: str, codes: set[str]) -> Exception:
    """A refusal with a code of 400 and more is for now, one of 500 and more for good."""
    return Unreachable(told) if all(code.startswith("4") for code in codes) else AirflowFailException(told)
