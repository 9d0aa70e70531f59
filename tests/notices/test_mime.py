"""A mail as bytes: what arrives is what was meant, and no value becomes a header."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from genie.notices.email.mime import as_bytes, envelope
from genie.notices.port import Attachment, Letterhead, OutgoingMail, Refused

HEAD = Letterhead("no-reply@genie.example", "https://genie.example")
MAIL = OutgoingMail(
    to="jane@example.org",
    subject="Confirmed: Tour",
    text="Hello Jane,\n.\nZoë\n",
    html="<p>Hello Zoë</p>",
    message_id="6f1c1a9e@genie.example",
    from_name="Harbour Homes",
    date=datetime(2026, 3, 1, 9, 0, tzinfo=UTC),
    reply_to="desk@example.org",
    attachment=Attachment("BEGIN:VCALENDAR\r\nSUMMARY:ü\r\nEND:VCALENDAR\r\n", "PUBLISH"),
)


def read(mail: OutgoingMail) -> EmailMessage:
    message = email.message_from_bytes(as_bytes(mail, HEAD), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_headers_say_who_what_and_that_it_is_automatic() -> None:
    message = read(MAIL)
    assert message["From"] == "Harbour Homes <no-reply@genie.example>"
    assert message["To"] == "jane@example.org"
    assert message["Reply-To"] == "desk@example.org"
    assert message["Message-ID"] == "<6f1c1a9e@genie.example>"
    assert message["Auto-Submitted"] == "auto-generated"


def test_text_html_and_calendar_file_arrive_whole() -> None:
    message = read(MAIL)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MAIL.text
    assert html.get_content().strip() == MAIL.html
    (calendar,) = message.iter_attachments()
    assert calendar.get_content_type() == "text/calendar"
    assert calendar["Content-Type"].params["method"] == "PUBLISH"
    assert calendar.get_filename() == "appointment.ics"
    assert "SUMMARY:ü" in calendar.get_content()


def test_it_is_seven_bit_so_that_every_server_takes_it() -> None:
    raw = as_bytes(replace(MAIL, subject="Zoë " * 40, from_name="Ångström " * 20, html="ü" * 5_000), HEAD)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@pytest.mark.parametrize("breaker", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x85"])
def test_no_value_becomes_a_header_of_its_own(breaker: str) -> None:
    evil = f"hello{breaker}Bcc: victim@example.org{breaker}{breaker}body"
    message = read(replace(MAIL, subject=evil, from_name=evil, reply_to=f"a@b.c{breaker}Bcc: v@x.org"))
    assert message["Bcc"] is None
    assert message["Reply-To"] is None
    assert sorted(message.keys()) == sorted([*read(replace(MAIL, reply_to="")).keys()])
    with pytest.raises(Refused):
        as_bytes(replace(MAIL, to=f"a@b.c{breaker}Bcc: v@x.org"), HEAD)


@pytest.mark.parametrize("to", ["", "nobody", "@x.org", "a@", "a@b.c, d@e.f", "<a@b.c>", "a b@c.d", "a@b@c"])
def test_what_is_not_one_address_is_refused(to: str) -> None:
    with pytest.raises(Refused):
        as_bytes(replace(MAIL, to=to), HEAD)


def test_a_domain_in_other_letters_is_written_in_ascii() -> None:
    assert envelope("info@müller.example") == "info@xn--mller-kva.example"
    with pytest.raises(Refused, match="before its @"):
        envelope("jürgen@example.org")


def test_a_long_unicode_subject_comes_back_whole() -> None:
    subject = ("Bestätigt: Führung, Di 3 März 2026 – " * 5).strip()
    assert read(replace(MAIL, subject=subject))["Subject"] == subject
