"""The mail box: letters by real SMTP, read on the page."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from tests.sandbox.conftest import NOW, serving

from calendar_sandbox.mail.box import MOST, Box
from calendar_sandbox.settings import Settings

INVITE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:visit-1\r\nSEQUENCE:2\r\n"
    b"DTSTAMP:20261101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20261124T100000\r\n"
    b"DTEND;TZID=Europe/Berlin:20261124T110000\r\nSUMMARY:Visit <b>\r\nLOCATION:Elm Street\r\n"
    b"ORGANIZER:mailto:front@acme.example\r\nATTENDEE:MAILTO:jo@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def settings(folder: Path | None = None) -> Settings:
    return Settings(caldav_url="http://127.0.0.1:9", smtp_port=0, mail_dir=folder, clock=lambda: NOW)


@pytest.fixture
def box(mail_folder: Path) -> Iterator[tuple[httpx.Client, Callable[[EmailMessage], None]]]:
    with serving(settings(mail_folder)) as (url, app), httpx.Client(base_url=url) as client:

        def send(message: EmailMessage) -> None:
            with smtplib.SMTP("127.0.0.1", app.state.smtp_port) as smtp:
                smtp.send_message(message)

        yield client, send


def letter(subject: str = "Your visit is booked", to: str = "Jo <jo@example.org>") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Acme <front@acme.example>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = "<booked-1@acme.example>"
    message.set_content(
        "Hello Jo,\nsee you. Change it: https://acme.example/visit/abc?x=1&y=2.\n<b>not bold</b>\n"
    )
    return message


def full_letter() -> EmailMessage:
    message = letter()
    message.add_alternative(
        '<p onclick="alert(1)">Hello <img src="cid:logo"></p><script>alert(1)</script>', subtype="html"
    )
    message.add_attachment(
        INVITE, maintype="text", subtype="calendar", filename="visit.ics", params={"method": "REQUEST"}
    )
    message.add_attachment(b"<script>x</script>", maintype="text", subtype="html", filename='we"ird ü.html')
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", cid="<logo>", filename="logo.png")
    return message


def test_an_empty_box_teaches(box):
    client, _send = box
    assert "No letters yet" in client.get("/mail").text
    assert client.get("/mail.json").json() == {"letters": []}


def test_a_letter_is_kept_and_told_as_json(box):
    client, send = box
    send(full_letter())
    (found,) = client.get("/mail.json").json()["letters"]
    assert found["envelope"] == {"from": "front@acme.example", "to": ["jo@example.org"]}
    assert (found["subject"], found["message_id"]) == ("Your visit is booked", "<booked-1@acme.example>")
    assert found["received_at"] == NOW.isoformat()
    (event,) = found["invitations"]
    assert (event["method"], event["uid"], event["sequence"]) == ("REQUEST", "visit-1", 2)
    assert (event["start"], event["attendees"]) == ("2026-11-24T10:00:00+01:00", ["jo@example.org"])
    assert [(one["name"], one["type"]) for one in found["attachments"]] == [
        ("visit.ics", "text/calendar"),
        ('we"ird ü.html', "text/html"),
        ("logo.png", "image/png"),
    ]


def test_letters_are_found_by_recipient_and_by_number(box):
    client, send = box
    for to in ("jo@example.org", "ann@example.org", "jo@example.org"):
        send(letter(to=to))
    assert [one["number"] for one in client.get("/mail.json?to=JO@example.org").json()["letters"]] == [3, 1]
    assert [one["number"] for one in client.get("/mail.json?after=1").json()["letters"]] == [3, 2]
    assert client.get("/mail/2.json").json()["envelope"]["to"] == ["ann@example.org"]


def test_the_page_shows_headers_text_and_the_invitation_in_words(box):
    client, send = box
    send(full_letter())
    page = client.get("/mail/1").text
    assert "Tue 24 Nov, 10:00–11:00" in page
    assert "Elm Street" in page
    assert "METHOD REQUEST · SEQUENCE 2 · UID visit-1" in page
    assert "&lt;booked-1@acme.example&gt;" in page
    assert "Visit &lt;b&gt;" in page
    assert 'href="https://acme.example/visit/abc?x=1&amp;y=2"' in page
    assert "&lt;b&gt;not bold" in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page


def test_the_html_part_is_shut_in(box):
    client, send = box
    send(full_letter())
    part = client.get("/mail/1/html")
    policy = part.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert 'src="data:image/png;base64,iVBORw=="' in part.text


def test_attachments_are_downloads_whatever_they_claim_to_be(box):
    client, send = box
    send(full_letter())
    for one in client.get("/mail/1.json").json()["attachments"]:
        answer = client.get(one["href"])
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "text/html" not in answer.headers["Content-Type"]
        assert len(answer.content) == one["size"]
    raw = client.get("/mail/1/raw")
    assert b"Message-ID: <booked-1@acme.example>" in raw.content


def test_the_list_names_each_letter(box):
    client, send = box
    send(letter(subject="<i>first</i>"))
    send(letter(subject=""))
    page = client.get("/mail").text
    assert "&lt;i&gt;first" in page
    assert "(no subject)" in page
    assert page.index("/mail/2") < page.index("/mail/1")


def test_the_box_is_emptied_and_numbers_go_on(box, mail_folder: Path):
    client, send = box
    send(letter())
    assert client.post("/mail/empty").status_code == 303
    assert client.get("/mail.json").json() == {"letters": []}
    assert client.get("/mail/1").status_code == 404
    assert list(mail_folder.iterdir()) == []
    send(letter())
    assert client.get("/mail.json").json()["letters"][0]["number"] == 2


def test_letters_survive_a_restart(box, mail_folder: Path):
    client, send = box
    send(full_letter())
    before = client.get("/mail/1.json").json()
    with serving(settings(mail_folder)) as (url, _app):
        assert httpx.get(f"{url}/mail/1.json").json() == before


def test_a_letter_with_dots_and_odd_bytes_comes_back_to_the_byte(tmp_path: Path):
    raw = b"Subject: =?x?=\r\nX-Sandbox: no\r\n\r\n.\r\n\xff\xfe\r\nX-Sandbox-To: not the envelope\r\n"
    Box(tmp_path).put(sender="a@b.example", recipients=["c@d.example", "e@f.example"], raw=raw, now=NOW)
    (found,) = Box(tmp_path)
    assert (found.raw, found.recipients, found.received_at) == (raw, ("c@d.example", "e@f.example"), NOW)


def test_the_oldest_letters_make_room(tmp_path: Path):
    box = Box(tmp_path)
    for _each in range(MOST + 2):
        box.put(sender="", recipients=[], raw=b"Subject: x\r\n\r\n", now=NOW)
    assert len(box) == MOST == len(list(tmp_path.iterdir()))
    assert box.get(2) is None


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"no headers at all", b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR"]
)
def test_any_bytes_can_be_opened(tmp_path: Path, raw: bytes):
    Box(tmp_path).put(sender="", recipients=[], raw=raw, now=NOW)
    with serving(settings(tmp_path)) as (url, _app):
        assert httpx.get(f"{url}/mail/1").status_code == 200
        assert httpx.get(f"{url}/mail").status_code == 200
