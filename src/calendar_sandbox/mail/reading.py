"""A letter taken apart for reading (pure): headers, texts, calendar invitations, attachments."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cached_property, lru_cache
from html import escape
from typing import Any

import icalendar

from calendar_sandbox.mail.box import Letter

READABLE = ("text/plain", "text/html")


@dataclass(frozen=True)
class Piece:
    """One part of the message that is not a container, with its place in it."""

    index: int
    kind: str
    name: str
    content: bytes
    charset: str
    cid: str
    attached: bool

    @property
    def text(self) -> str:
        try:
            return self.content.decode(self.charset or "utf-8", "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")


@dataclass(frozen=True)
class Invitation:
    """An event found in a calendar part, in words."""

    method: str
    uid: str
    sequence: int
    status: str
    title: str
    place: str
    notes: str
    start: date | None
    end: date | None
    organizer: str
    attendees: tuple[str, ...]


class Opened:
    """A letter, parsed once."""

    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        parsed = BytesParser(policy=policy.default).parsebytes(letter.raw)
        assert isinstance(parsed, EmailMessage)
        self.message = parsed
        self.pieces = list(_pieces(parsed))

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, _safe(value)) for name, value in self.message.items()]

    def header(self, name: str) -> str:
        """Return a header's text; empty when it is missing."""
        wanted = name.lower()
        return next((value for known, value in self.headers if known.lower() == wanted), "")

    @property
    def subject(self) -> str:
        return self.header("Subject")

    @property
    def text(self) -> str:
        return next(
            (piece.text for piece in self.pieces if piece.kind == "text/plain" and not piece.attached), ""
        )

    @property
    def html(self) -> str:
        return next(
            (piece.text for piece in self.pieces if piece.kind == "text/html" and not piece.attached), ""
        )

    @property
    def attachments(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.attached or piece.kind not in READABLE]

    @cached_property
    def invitations(self) -> list[Invitation]:
        return [found for piece in self.pieces if is_calendar(piece) for found in _invitations(piece)]

    def framed_html(self) -> str:
        """Return the HTML part for a sandboxed frame: links open apart, its own pictures are in it."""
        pictures = {
            piece.cid: piece for piece in self.pieces if piece.cid and piece.kind.startswith("image/")
        }

        def written_in(found: re.Match[str]) -> str:
            piece = pictures.get(found.group(1))
            if piece is None:
                return found.group()
            return f"data:{escape(piece.kind)};base64,{base64.b64encode(piece.content).decode()}"

        return '<base target="_blank">' + re.sub(r"cid:([^\"'\s)>]+)", written_in, self.html)


@lru_cache(maxsize=512)
def opened(letter: Letter) -> Opened:
    return Opened(letter)


def is_calendar(piece: Piece) -> bool:
    return piece.kind in ("text/calendar", "application/ics") or piece.name.lower().endswith(".ics")


def _pieces(message: EmailMessage) -> Iterator[Piece]:
    index = 0
    for part in message.walk():
        if part.is_multipart():
            continue
        index += 1
        content = part.get_payload(decode=True)
        yield Piece(
            index=index,
            kind=part.get_content_type(),
            name=_name(part, index),
            content=content if isinstance(content, bytes) else b"",
            charset=part.get_content_charset() or "",
            cid=str(part.get("Content-ID", "")).strip("<> "),
            attached=part.get_content_disposition() == "attachment" or bool(part.get_filename()),
        )


def _name(part: Any, index: int) -> str:
    given = part.get_filename()
    if given:
        return re.sub(r"[\x00-\x1f/\\]", "_", str(given))
    return f"part-{index}" + (".ics" if part.get_content_type() == "text/calendar" else "")


def _safe(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()


def _invitations(piece: Piece) -> Iterator[Invitation]:
    try:
        calendar = icalendar.Calendar.from_ical(piece.text)
        method = str(calendar.get("METHOD", ""))
        events: list[Any] = list(calendar.events)
    except (ValueError, KeyError, AttributeError):
        return
    for event in events:
        yield Invitation(
            method=method,
            uid=str(event.get("UID", "")),
            sequence=int(event.get("SEQUENCE", 0)),
            status=str(event.get("STATUS", "")),
            title=str(event.get("SUMMARY", "")),
            place=str(event.get("LOCATION", "")),
            notes=str(event.get("DESCRIPTION", "")),
            start=_moment(event, "start"),
            end=_moment(event, "end"),
            organizer=_address(event.get("ORGANIZER", "")),
            attendees=tuple(_address(one) for one in _as_list(event.get("ATTENDEE", []))),
        )


def _moment(event: Any, name: str) -> date | None:
    try:
        found = getattr(event, name)
    except (ValueError, AttributeError, icalendar.InvalidCalendar):
        return None
    return found if isinstance(found, datetime | date) else None


def _address(value: object) -> str:
    return re.sub(r"^mailto:", "", str(value), flags=re.IGNORECASE)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
