"""Describe an appointment for the calendar, and read what the calendar says of it."""

from __future__ import annotations

from django.conf import settings

from genie.core.appointment import LIVE
from genie.core.event import (
    NOTES_LIMIT,
    PLACE_LIMIT,
    TITLE_LIMIT,
    EventContent,
    Fields,
    When,
    normalised_text,
)
from genie.core.notes_block import Split, compose, split
from genie.core.reconcile import changed_here
from genie.store.models import Appointment, EventLink


def local_fields(appointment: Appointment) -> Fields:
    """The appointment's fields that flow, normalised as they are compared."""
    return Fields(
        when=When(appointment.start, appointment.end, appointment.zone),
        title=_line(appointment.title, TITLE_LIMIT),
        place=_line(appointment.place, PLACE_LIMIT),
        notes=normalised_text(appointment.notes, limit=NOTES_LIMIT),
        cancelled=appointment.state not in LIVE,
    )


def content_for(appointment: Appointment, link: EventLink) -> EventContent:
    """What the calendar is told: no attendees, no organiser, links that need a login (SYNC.md, *Writes*)."""
    fields = local_fields(appointment)
    return EventContent(
        when=fields.when,
        title=fields.title,
        place=fields.place,
        description=compose(fields.notes or "", block_lines(appointment), mark_of(link)),
    )


def changes_for(appointment: Appointment, link: EventLink) -> EventContent:
    """What an event that is there is told: only what changed here since both sides agreed.

    The rest may stand there for good in the owner's own way, as a text that is longer than we keep or a
    time that no appointment can have, and must not be written over.
    """
    whole = content_for(appointment, link)
    if link.base is None or link.sent is None:
        return whole
    changed = changed_here(local=local_fields(appointment), sent=Fields.from_json(link.sent))
    describes = ("notes" in changed or link.base.get("repair")) and not link.base.get("cut")
    return EventContent(
        when=whole.when if "when" in changed else When.from_json(link.base["when"]),
        title=whole.title if "title" in changed else None,
        place=whole.place if "place" in changed else None,
        description=whole.description if describes else None,
    )


def remote_fields(content: EventContent, appointment: Appointment, link: EventLink) -> tuple[Fields, Split]:
    """What the calendar says, in the fields that flow, and our block as it stands there."""
    parted = split(content.description, block_lines(appointment), mark_of(link))
    fields = Fields(
        when=content.when,
        title=_line(content.title, TITLE_LIMIT),
        place=_line(content.place, PLACE_LIMIT),
        notes=parted.notes,
        cancelled=content.cancelled,
    )
    return fields, parted


def block_lines(appointment: Appointment) -> list[str]:
    """With whom it is, who comes, how to reach them. The time is not in it: a move must not rewrite it."""
    lead, module = appointment.lead, appointment.module
    page = f"{settings.GENIE_PUBLIC_URL}/company/{module.company.slug}/appointments/{appointment.id}"
    with_whom = [f"With: {appointment.staff.name}"] if appointment.staff else []
    lines = [*with_whom, f"Customer: {lead.name}", f"E-mail: {lead.email}"]
    if lead.phone:
        lines.append(f"Phone: {lead.phone}")
    if appointment.answers:
        lines.append(f"Message: {appointment.answers}")
    return [*lines, f"Details and history (needs a login): {page}"]


def mark_of(link: EventLink) -> str:
    return link.id.hex[:10]


def _line(text: str | None, limit: int) -> str | None:
    kept = normalised_text(text, limit=limit)
    return None if kept is None else " ".join(kept.split())
