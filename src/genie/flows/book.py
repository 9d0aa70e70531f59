"""Book a slot: lead, appointment, history, seat, and all that is owed for it, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Model
from psycopg.errors import ExclusionViolation

from genie.core.appointment import State
from genie.core.event import TITLE_LIMIT, normalised_text, span_text
from genie.core.places import PlaceKind, place_agreed
from genie.flows import actor
from genie.flows.claim import Asked, Claim, SlotTaken, claim
from genie.flows.notify import first_letters
from genie.flows.owe import first_link
from genie.flows.seat import take_seat
from genie.flows.take_turn import Act, TooMany, Visitor, ask_turn
from genie.store.jobs import delivery_of, drain_of
from genie.store.models import Appointment, Change, Hold, Lead, Module
from genie.store.queries.connections import is_seen_of
from genie.store.queries.seats import Seat
from genie.store.together import insert_together

__all__ = ["BookingForm", "SlotTaken", "book"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingForm:
    """What the customer said, and how they came. `key` names this one form: the appointment's id."""

    key: UUID
    name: str
    email: str
    phone: str = ""
    notes: str = ""
    visitor_zone: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    referrer: str = ""


def book(
    *,
    module_id: int,
    start: datetime,
    answers: BookingForm,
    now: datetime,
    visitor: Visitor | None = None,
    kind_id: int | None = None,
    staff_id: int | None = None,
    holder: str = "",
    vouched: Sequence[int] | None = None,
) -> Appointment:
    """Book `start` (aware). A form sent twice (reload, double click) gives the appointment of the first time.

    `kind_id`: a kind of the module, None for its own settings. `staff_id`: one of its team, None for whoever
    is free. `visitor` is a stranger on the public page, of whom only so much is taken; None is not limited.
    `holder`: whoever held a slot of the module (`Hold.visitor`); that hold does not count, and ends.
    `vouched`: what another system, asked about this start, offers in place of rules 1 to 6.

    Raises SlotTaken when the rules do not offer it or another booking won the race, TooMany,
    Module.DoesNotExist, AppointmentKind.DoesNotExist.
    """
    asked = Asked(
        module_id=module_id,
        kind_id=kind_id,
        staff_id=staff_id,
        start=start.astimezone(UTC),
        now=now,
        holder=holder,
        vouched=None if vouched is None else tuple(vouched),
    )
    counted: list[Model] = []

    def before(module: Module) -> None:
        if visitor is not None:
            turns = ask_turn(visitor=visitor, act=Act.BOOKING, module=module, email=answers.email, now=now)
            counted.extend(turns)

    try:
        return claim(asked, before=before, take=lambda seen: _write(seen, answers, counted))
    except (SlotTaken, TooMany, IntegrityError) as exc:
        made = Appointment.objects.filter(id=answers.key, module_id=module_id).first()
        if made is not None:
            return made
        if isinstance(exc.__cause__, ExclusionViolation):
            raise SlotTaken(start) from exc
        raise


def _write(seen: Claim, answers: BookingForm, counted: list[Model]) -> Appointment:
    now = seen.asked.now
    appointment = _appointment(seen, answers)
    take_seat(appointment=appointment, module=seen.module, others=_beside(seen))
    who = actor.customer(answers.name)
    line = Change(
        appointment=appointment,
        at=now,
        revision=appointment.revision,
        field="booked",
        new=span_text(appointment),
        origin=who.origin,
        by=who.by,
    )
    connections = seen.around.connections
    link = first_link(appointment=appointment, connections=connections)
    linked = is_seen_of(connections, staff_id=appointment.staff_id)
    letters = first_letters(appointment=appointment, linked=linked, now=now)
    links, drains = ([link], [drain_of(link.calendar_id)]) if link else ([], [])
    insert_together(
        [appointment.lead, appointment, line, *links, *letters, *counted],
        wake=[*drains, *(delivery_of(letter.pk) for letter in letters)],
    )
    if seen.asked.holder:
        Hold.objects.filter(module=seen.module, visitor=seen.asked.holder).delete()
    return appointment


def _beside(seen: Claim) -> list[Seat]:
    """The seats of whoever it is with, or of a module without a team."""
    staff_id = seen.asked.staff_id
    return [seat for seat in seen.around.seats if seat.staff_id == staff_id]


def _appointment(seen: Claim, answers: BookingForm) -> Appointment:
    now, module = seen.asked.now, seen.module
    lead = Lead(
        company_id=module.company_id,
        name=answers.name,
        email=answers.email,
        phone=answers.phone,
        source=answers.source,
        medium=answers.medium,
        campaign=answers.campaign,
        referrer=answers.referrer,
        created_at=now,
    )
    what, where = _what_and_where(seen)
    return Appointment(
        id=answers.key,
        company_id=module.company_id,
        module=module,
        kind=seen.kind,
        staff=seen.staff,
        lead=lead,
        state=State.CONFIRMED,
        start=seen.start,
        end=seen.end,
        zone=module.schedule.zone,
        visitor_zone=answers.visitor_zone,
        title=normalised_text(f"{what}: {answers.name}", limit=TITLE_LIMIT) or "",
        place=where,
        answers=answers.notes,
        created_at=now,
        changed_at=now,
    )


def _what_and_where(seen: Claim) -> tuple[str, str]:
    """A kind at an address without one of its own is at the module's."""
    kind, module = seen.kind, seen.module
    if kind is None:
        return module.title, module.place
    place = kind.place or (module.place if kind.place_kind == PlaceKind.ADDRESS else "")
    return kind.name, place_agreed(kind.place_kind, place)
