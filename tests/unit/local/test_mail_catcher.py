"""The mail catcher keeps every mail, shows it as it was sent, and lets no mail act."""

from __future__ import annotations

import json
import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from local.http import request, request_json
from local.mail.catcher import Mailbox
from local.mail.store import MailStore


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Post:
    """A running catcher and the ways to reach it."""

    def __init__(self, folder: Path) -> None:
        self.smtp, self.http = free_port(), free_port()
        self.mailbox = Mailbox(folder, smtp_port=self.smtp, http_port=self.http)
        self.mailbox.start()

    def send(self, mail: EmailMessage | bytes, to: str = "risk@bank.example") -> None:
        raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=SMTP)
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=10) as client:
            client.sendmail("arrears@bank.example", [to], raw)

    def get(self, path: str) -> tuple[int, bytes]:
        return request(self.http, path)

    def listed(self) -> list[dict]:
        return request_json(self.http, "/api/v1/messages")[1]["messages"]

    def latest(self) -> dict:
        return request_json(self.http, "/api/v1/message/latest")[1]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    running = Post(tmp_path / "mail")
    yield running
    running.mailbox.stop()


def a_mail(subject: str = "[OK] training 2026-02-01", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Arrears <arrears@bank.example>"
    mail["To"] = "Risk team <risk@bank.example>"
    mail["Subject"] = subject
    mail["Message-ID"] = "<run-1@arrears>"
    for name, value in headers.items():
        mail[name] = value
    mail.set_content("AUC 0.75\n")
    return mail


def a_report() -> EmailMessage:
    mail = a_mail()
    mail.add_alternative('<p>AUC <b>0.75</b></p><img src="cid:roc"><script>alert(1)</script>', subtype="html")
    mail.get_payload()[1].add_related(b"PNG", "image", "png", cid="<roc>")
    mail.add_attachment(b"<script>alert(2)</script>", maintype="text", subtype="html", filename="rep\u00f6rt.html")
    return mail


def headers_of(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, dict[str, str]]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders())


def test_subject_that_is_longer_than_a_line_is_listed_as_one(post: Post) -> None:
    subject = "[Arrears] approval lending_club 2026-01-31: a model waits for an answer"
    post.send(a_mail(subject))
    assert [mail["Subject"] for mail in post.listed()] == [subject]


def test_sent_mail_is_listed_with_sender_recipients_and_subject(post: Post) -> None:
    post.send(a_mail("Ausf\u00e4lle im M\u00e4rz"))
    [mail] = post.listed()
    assert mail["Subject"] == "Ausf\u00e4lle im M\u00e4rz"
    assert mail["From"] == {"Name": "Arrears", "Address": "arrears@bank.example"}
    assert mail["To"] == [{"Name": "Risk team", "Address": "risk@bank.example"}]
    assert (mail["MessageID"], mail["Snippet"], mail["Attachments"]) == ("run-1@arrears", "AUC 0.75", 0)


def test_both_bodies_come_back_as_they_were_sent(post: Post) -> None:
    post.send(a_report())
    mail = post.latest()
    assert mail["Text"].strip() == "AUC 0.75"
    assert "<b>0.75</b>" in mail["HTML"]


def test_attachment_comes_back_byte_for_byte(post: Post) -> None:
    post.send(a_report())
    mail = post.latest()
    [attachment] = mail["Attachments"]
    assert (attachment["FileName"], attachment["ContentType"]) == ("rep\u00f6rt.html", "text/html")
    status, content = post.get(f"/api/v1/message/{mail['ID']}/part/{attachment['PartID']}")
    assert (status, content) == (200, b"<script>alert(2)</script>")
    assert attachment["Size"] == len(content)


def test_image_inside_the_body_is_no_attachment(post: Post) -> None:
    post.send(a_report())
    assert [piece["ContentID"] for piece in post.latest()["Inline"]] == ["roc"]


def test_mails_are_still_there_after_a_restart(tmp_path: Path) -> None:
    first = Post(tmp_path)
    first.send(a_mail("before"))
    first.mailbox.stop()
    second = Post(tmp_path)
    subjects = [mail["Subject"] for mail in second.listed()]
    second.mailbox.stop()
    assert subjects == ["before"]


def test_half_written_mail_is_ignored_after_a_crash(tmp_path: Path) -> None:
    (tmp_path / "00000000000000000001-deadbeef.tmp").write_bytes(b"Subject: ha")
    assert MailStore(tmp_path).summaries() == []


def test_newest_mail_comes_first_when_some_are_listed(post: Post) -> None:
    for subject in ("one", "two", "three"):
        post.send(a_mail(subject))
    _, told = request_json(post.http, "/api/v1/messages?limit=2")
    assert [mail["Subject"] for mail in told["messages"]] == ["three", "two"]
    assert (told["total"], told["count"]) == (3, 2)


def test_blind_copy_is_recorded_when_no_header_names_the_recipient(post: Post) -> None:
    post.send(a_mail(), to="audit@bank.example")
    assert post.latest()["Bcc"] == [{"Name": "", "Address": "audit@bank.example"}]


def test_raw_mail_is_what_was_sent(post: Post) -> None:
    post.send(a_mail())
    status, raw = post.get(f"/api/v1/message/{post.listed()[0]['ID']}/raw")
    assert status == 200
    assert raw.splitlines() == a_mail().as_bytes().splitlines()


@pytest.mark.parametrize("name", ["..%2Fsecrets", "%2e%2e%2fsecrets.json", "secrets", "0" * 20 + "-deadbeef"])
def test_id_that_names_no_mail_is_refused(post: Post, tmp_path: Path, name: str) -> None:
    (tmp_path / "secrets.eml").write_text("Subject: secret\n\nsecret")
    post.send(a_mail())
    for path in (f"/api/v1/message/{name}", f"/api/v1/message/{name}/raw", f"/view/{name}.html"):
        status, content = post.get(path)
        assert status == 404
        assert b"secret" not in content


def test_only_named_mails_are_deleted_when_ids_are_given(post: Post) -> None:
    post.send(a_mail("keep"))
    post.send(a_mail("drop"))
    doomed = post.listed()[0]["ID"]
    request_json(post.http, "/api/v1/messages", method="DELETE", document={"IDs": [doomed]})
    assert [mail["Subject"] for mail in post.listed()] == ["keep"]


def test_all_mails_are_deleted_when_no_id_is_given(post: Post) -> None:
    post.send(a_mail())
    request(post.http, "/api/v1/messages", method="DELETE")
    assert post.listed() == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"IDs": [1]}', b'{"IDs": "x"}'])
def test_nothing_is_deleted_when_the_request_is_malformed(post: Post, body: bytes) -> None:
    post.send(a_mail())
    status, told = request(post.http, "/api/v1/messages", method="DELETE", body=body)
    assert status == 400
    assert "IDs" in json.loads(told)["Error"]
    assert len(post.listed()) == 1


def test_script_in_a_mail_cannot_run_when_the_mail_is_viewed(post: Post) -> None:
    post.send(a_report())
    status, headers = headers_of(post.http, "/view/latest.html")
    policy = headers["Content-Security-Policy"]
    assert status == 200
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


def test_image_is_part_of_the_page_when_a_mail_is_viewed(post: Post) -> None:
    post.send(a_report())
    assert b'<img src="data:image/png;base64,UE5H">' in post.get("/view/latest.html")[1]


def test_html_attachment_is_downloaded_not_shown(post: Post) -> None:
    post.send(a_report())
    part = post.latest()["Attachments"][0]["PartID"]
    _, headers = headers_of(post.http, f"/api/v1/message/latest/part/{part}")
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''rep%C3%B6rt.html"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_name_of_another_site_is_refused_as_host(post: Post) -> None:
    assert headers_of(post.http, "/api/v1/messages", host="evil.example:8025")[0] == 403
    assert headers_of(post.http, "/api/v1/messages", host=f"localhost:{post.http}")[0] == 200


def test_mail_in_an_unknown_charset_is_still_listed(post: Post) -> None:
    post.send(b"Subject: odd\r\nContent-Type: text/plain; charset=klingon\r\n\r\nqapla'\r\n")
    assert post.latest()["Text"].strip() == "qapla'"


def test_page_asks_nobody_else_for_anything(post: Post) -> None:
    status, page = post.get("/")
    assert status == 200
    assert b"http://" not in page
    assert b"https://" not in page
