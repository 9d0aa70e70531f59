"""What a letter says: subject, plain text and HTML from one and the same content. Pure.

Nothing a customer typed reaches the customer's letter but a name that is plainly a name: whoever fills in the
booking form with somebody else's address must not be able to make us deliver a text of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from html import escape

from genie.core.event import When
from genie.core.places import is_web_link
from genie.core.saying import said_moment, said_span, same_wall_time

_LINE_LIMIT = 200
_LINK_LIMIT = 500
_PLACES = ("Where", "Before at")
_SUBJECT_LIMIT = 150
_QUOTE_LIMIT = 5_000


class About(StrEnum):
    """What a letter is about."""

    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    ATTENTION = "attention"
    ASKED = "asked"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Visit:
    """What letters tell of an appointment. `was…` is what this reader was told before."""

    company: str
    visit: str
    """The kind of visit, as the module names it: *Tour*."""
    when: When
    visitor_zone: str = ""
    place: str = ""
    with_whom: str = ""
    """The staff member, where the company has a team."""
    was: When | None = None
    was_place: str | None = None
    was_with: str = ""
    title: str = ""
    """The appointment's own title, which the calendar's owner may have changed; for the company's eyes."""
    customer: str = ""
    email: str = ""
    phone: str = ""
    answers: str = ""
    by: str = ""
    """Who or what made the change, for the company."""
    reason: str = ""
    proposed: When | None = None
    """The time that the customer is, or was, asked to accept."""
    until: datetime | None = None
    """An answer counts until then."""


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Said:
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Quoted:
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


Part = Said | Facts | Quoted | Link


def one_line(text: str, limit: int = _LINE_LIMIT) -> str:
    """`text` without line breaks, control or direction-turning characters, cut to `limit`: header-safe."""
    kept = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def to_customer(about: About, visit: Visit, *, manage_url: str, booking_url: str) -> Letter:
    """The customer's letter; times in the visitor's zone where it is known."""
    subject, parts = _CUSTOMER[about](visit)
    link = {
        About.CANCELLED: Link("Find another time", booking_url),
        About.ASKED: Link("Accept the new time, or keep the time as it was", manage_url),
    }.get(about, Link("Change or cancel this appointment", manage_url))
    closing = Said(
        f"You get this because this address was given when booking with {one_line(visit.company)}. "
        "If it was not you, nothing else happens: you may delete this message."
    )
    return _letter(subject, [Said(_greeting(visit.customer)), *parts, link, closing])


def summary(visit: str, with_whom: str, company: str) -> str:
    """The customer's name for it in a calendar: *Tour, Acme* or *Tour with Maria, Acme*."""
    return f"{visit} with {with_whom}, {company}" if with_whom else f"{visit}, {company}"


def to_company(
    about: About, visit: Visit, *, staff_url: str, own: bool = False, leaves: bool = False
) -> Letter:
    """The letter to one of the company's recipients; times in the appointment's own zone.

    `own`: to the staff member whom the appointment is with; `leaves`: whom it was with until now.
    """
    heading, sentence = _COMPANY[about](visit)
    when = said_span(visit.when.start, visit.when.end, visit.when.zone)
    subject = f"{heading}: {one_line(visit.customer, 60)}, {one_line(visit.visit, 40)}, {when}"
    facts = [
        ("When", when),
        *_before(visit, visit.when.zone),
        ("Where", visit.place),
        ("With", visit.with_whom),
        ("What", visit.title or visit.visit),
        ("Customer", visit.customer),
        ("E-mail", visit.email),
        ("Phone", visit.phone),
        ("Changed by", visit.by),
    ]
    parts: list[Part] = [Said(sentence), _facts(facts)]
    if visit.answers.strip():
        parts.append(Quoted("What the customer wrote", visit.answers))
    if own:
        why = f"the appointment is with you, {one_line(visit.with_whom, 60)}"
    elif leaves:
        why = f"the appointment was with you, {one_line(visit.was_with, 60)}"
    else:
        why = f"your address stands in the notification settings of {one_line(visit.company)}"
    parts += [
        Link("Open the appointment", staff_url),
        Said(f"The link asks for your login. You get this because {why}."),
    ]
    return _letter(subject, parts)


def to_admins(*, company: str, heading: str, reason: str, link: str) -> Letter:
    """Something other than an appointment needs a person, e.g. a key that must be authorized again."""
    return _letter(
        f"{one_line(company, 60)}: {one_line(heading)}",
        [
            Said(one_line(reason, 1_000)),
            Link("Open it in the dashboard", link),
            Said("The link asks for your login."),
        ],
    )


def _booked(visit: Visit) -> tuple[str, list[Part]]:
    sentence = f"Your {_visit(visit)} with {one_line(visit.company)} is booked."
    return f"Confirmed: {_visit(visit)}, {_when(visit)}", [Said(sentence), _customer_facts(visit)]


def _rescheduled(visit: Visit) -> tuple[str, list[Part]]:
    moved = not _handed_over(visit) if visit.was is None else not visit.was.same_instants(visit.when)
    if moved:
        heading, what = "New time", "has a new time"
    elif _handed_over(visit):
        heading = f"Now with {one_line(visit.with_whom, 60)}"
        what = f"is with {one_line(visit.with_whom, 60)} now, at the same time"
    else:
        heading, what = "New place", "has a new place"
    sentence = f"Your {_visit(visit)} with {one_line(visit.company)} {what}."
    return f"{heading}: {_visit(visit)}, {_when(visit)}", [Said(sentence), _customer_facts(visit)]


def _handed_over(visit: Visit) -> bool:
    return bool(visit.was_with and visit.with_whom) and visit.was_with != visit.with_whom


def _cancelled(visit: Visit) -> tuple[str, list[Part]]:
    # the time this reader knows, should it have moved in between without their hearing of it
    visit = replace(visit, when=visit.was or visit.when, place=visit.was_place or visit.place)
    sentence = f"Your {_visit(visit)} with {one_line(visit.company)} will not take place. It was cancelled."
    facts = _facts(
        [
            ("It was to be", _when(visit)),
            *_at_the_place(visit),
            ("Where", visit.place),
            ("With", visit.with_whom),
        ]
    )
    return f"Cancelled: {_visit(visit)}, {_when(visit)}", [Said(sentence), facts]


def _asked(visit: Visit) -> tuple[str, list[Part]]:
    company, what = one_line(visit.company), _visit(visit)
    new = _proposed(visit, _reader_zone(visit))
    until = f" until {said_moment(visit.until, _reader_zone(visit), None)}" if visit.until else ""
    facts = _facts(
        [
            ("New time", new),
            *_at_the_place(replace(visit, when=visit.proposed or visit.when)),
            ("Now", _when(visit)),
            ("Where", visit.place),
            ("With", visit.with_whom),
        ]
    )
    parts: list[Part] = [
        Said(f"{company} would like to move your {what} from {_when(visit)} to {new}."),
        facts,
        Said(
            f"Please say{until} whether that suits you. Your appointment stays as it is unless you accept "
            "the new time. You can also choose another time, or cancel."
        ),
    ]
    return f"Another time? {what}, {new}", parts


def _kept(visit: Visit) -> tuple[str, list[Part]]:
    sentence = (
        f"Your {_visit(visit)} with {one_line(visit.company)} stays at {_when(visit)}. "
        f"It is not moved to {_proposed(visit, _reader_zone(visit))}."
    )
    return f"It stays: {_visit(visit)}, {_when(visit)}", [Said(sentence), _customer_facts(visit)]


def _kept_for_company(visit: Visit) -> tuple[str, str]:
    new = _proposed(visit, visit.when.zone)
    return "Not moved", (
        f"The {_visit(visit)} of {one_line(visit.customer)} stays at its time. On the calendar it had been "
        f"moved to {new}. {one_line(visit.reason, 400)}"
    )


def _proposed(visit: Visit, zone: str) -> str:
    new = visit.proposed or visit.when
    return said_span(new.start, new.end, zone)


_CUSTOMER: dict[About, Callable[[Visit], tuple[str, list[Part]]]] = {
    About.BOOKED: _booked,
    About.RESCHEDULED: _rescheduled,
    About.CANCELLED: _cancelled,
    About.ASKED: _asked,
    About.KEPT: _kept,
}


def _changed(visit: Visit) -> tuple[str, str]:
    who = f"The {_visit(visit)} of {one_line(visit.customer)}"
    if _handed_over(visit) and (visit.was is None or visit.was.same_instants(visit.when)):
        names = f"{one_line(visit.was_with, 60)} to {one_line(visit.with_whom, 60)}"
        return "Handed over", f"{who} was handed over from {names}."
    return "Changed", f"{who} was changed."


_COMPANY: dict[About, Callable[[Visit], tuple[str, str]]] = {
    About.BOOKED: lambda v: ("New booking", f"{one_line(v.customer)} booked a {_visit(v)}."),
    About.RESCHEDULED: _changed,
    About.CANCELLED: lambda v: (
        "Cancelled",
        f"The {_visit(v)} of {one_line(v.customer)} was cancelled.",
    ),
    About.KEPT: _kept_for_company,
    About.ATTENTION: lambda v: (
        "Please look",
        f"The {_visit(v)} of {one_line(v.customer)} needs a person: {one_line(v.reason, 400)}",
    ),
}


def _greeting(name: str) -> str:
    line = one_line(name, 60)
    # a real name holds no address; an advertisement wants to
    harmless = line and not any(c in line for c in '.@/:\\<>"') and not any(map(str.isdigit, line))
    return f"Hello {line}," if harmless else "Hello,"


def _visit(visit: Visit) -> str:
    return one_line(visit.visit, 60) or "appointment"


def _reader_zone(visit: Visit) -> str:
    return visit.visitor_zone or visit.when.zone


def _when(visit: Visit) -> str:
    return said_span(visit.when.start, visit.when.end, _reader_zone(visit))


def _at_the_place(visit: Visit) -> Iterator[tuple[str, str]]:
    if not same_wall_time(visit.when.start, _reader_zone(visit), visit.when.zone):
        yield "Clock at the place", said_span(visit.when.start, visit.when.end, visit.when.zone)


def _before(visit: Visit, zone: str) -> Iterator[tuple[str, str]]:
    if visit.was is not None and not visit.was.same_instants(visit.when):
        yield "Before", said_span(visit.was.start, visit.was.end, zone)
    if visit.was_place and visit.was_place != visit.place:
        yield "Before at", visit.was_place
    if _handed_over(visit):
        yield "Before with", visit.was_with


def _customer_facts(visit: Visit) -> Facts:
    return _facts(
        [
            ("When", _when(visit)),
            *_at_the_place(visit),
            ("Where", visit.place),
            ("With", visit.with_whom),
            *_before(visit, _reader_zone(visit)),
        ]
    )


def _facts(lines: Sequence[tuple[str, str]]) -> Facts:
    # a link that is cut leads nowhere
    said = [
        (label, one_line(value, _LINK_LIMIT if is_web_link(value) else _LINE_LIMIT)) for label, value in lines
    ]
    return Facts([(label, value) for label, value in said if value])


def _letter(subject: str, parts: Sequence[Part]) -> Letter:
    text = "\n\n".join(_as_text(part) for part in parts) + "\n"
    body = "\n".join(_as_html(part) for part in parts)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"></head>'
        '<body style="margin:0;padding:24px;font:16px/1.5 sans-serif;color:#1f2937;background:#ffffff">'
        f'<div style="max-width:560px;margin:0 auto">\n{body}\n</div></body></html>\n'
    )
    return Letter(one_line(subject, _SUBJECT_LIMIT), text, page)


def _linked(label: str, value: str) -> str:
    """The place of a video call can be followed; what a customer typed is no link, whatever it looks like."""
    said = escape(value)
    return f'<a href="{said}">{said}</a>' if label in _PLACES and is_web_link(value) else said


def _quoted_lines(text: str) -> list[str]:
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text.replace("\r\n", "\n"))
    return clean.strip()[:_QUOTE_LIMIT].split("\n")


def _as_text(part: Part) -> str:
    match part:
        case Said(text):
            return text
        case Facts(lines):
            return "\n".join(f"{label}: {value}" for label, value in lines)
        case Quoted(label, text):
            # the mark before each line keeps a customer's text from posing as ours
            return f"{label}:\n" + "\n".join(f"> {line}" for line in _quoted_lines(text))
        case Link(label, url):
            return f"{label}:\n{url}"


def _as_html(part: Part) -> str:
    match part:
        case Said(text):
            return f"<p>{escape(text)}</p>"
        case Facts(facts):
            rows = "".join(
                '<tr><th style="text-align:left;vertical-align:top;padding:2px 16px 2px 0;'
                f'font-weight:600">{escape(label)}</th><td>{_linked(label, value)}</td></tr>'
                for label, value in facts
            )
            return f'<table style="border-collapse:collapse">{rows}</table>'
        case Quoted(label, text):
            lines = "<br>".join(escape(line) for line in _quoted_lines(text))
            return (
                f"<p>{escape(label)}:</p>"
                '<blockquote style="margin:0;padding-left:12px;border-left:3px solid #d1d5db">'
                f"{lines}</blockquote>"
            )
        case Link(label, url):
            return f'<p><a href="{escape(url)}">{escape(label)}</a></p>'
