"""Book a slot: lead, appointment, history, seat, and all that is owed for it, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from psycopg.errors import ExclusionViolation

from genie.core.appointment import State
from genie.core.event import TITLE_LIMIT, normalised_text
from genie.flows import actor
from genie.flows.notify import notify
from genie.flows.offer import is_offered
from genie.flows.owe import owe
from genie.flows.seat import NoSeat, lock_module, take_seat
from genie.flows.take_turn import Act, Visitor, take_turn
from genie.store.models import Appointment, Change, Lead, Message, Module


class SlotTaken(Exception):
    """The rules do not offer that start (any more): show what is offered now."""


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
) -> Appointment:
    """Book `start` (aware). A form sent twice (reload, double click) gives the appointment of the first time.

    `visitor` is a stranger on the public page, of whom only so much is taken; None is not limited.

    Raises SlotTaken when the rules do not offer it or another booking won the race, TooMany,
    Module.DoesNotExist.
    """
    try:
        with transaction.atomic():
            module = lock_module(module_id)
            before = Appointment.objects.filter(id=answers.key, module=module).first()
            if before is not None:
                return before
            if visitor is not None:
                take_turn(visitor=visitor, act=Act.BOOKING, module=module, email=answers.email, now=now)
            if not module.enabled or not is_offered(module=module, start=start, now=now):
                raise SlotTaken(start)
            appointment = _write(module, start.astimezone(UTC), answers, now)
            owe(appointment=appointment, now=now)
            notify(appointment=appointment, kind=Message.Kind.BOOKED, now=now)
    except NoSeat as exc:
        raise SlotTaken(start) from exc
    except IntegrityError as exc:
        if isinstance(exc.__cause__, ExclusionViolation):
            raise SlotTaken(start) from exc
        raise
    return appointment


def _write(module: Module, start: datetime, answers: BookingForm, now: datetime) -> Appointment:
    lead = Lead.objects.create(
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
    appointment = Appointment(
        id=answers.key,
        company_id=module.company_id,
        module=module,
        lead=lead,
        state=State.CONFIRMED,
        start=start,
        end=start + timedelta(minutes=module.duration),
        zone=module.schedule.zone,
        visitor_zone=answers.visitor_zone,
        title=normalised_text(f"{module.title}: {answers.name}", limit=TITLE_LIMIT) or "",
        place=module.place,
        answers=answers.notes,
        created_at=now,
        changed_at=now,
    )
    # the rules have counted the seats of that weekday; the lanes are bounded by the widest of all
    take_seat(
        appointment=appointment,
        capacity=max([module.capacity, *map(int, module.capacity_by_weekday.values())]),
    )
    appointment.save(force_insert=True)
    who = actor.customer(answers.name)
    Change.objects.create(
        appointment=appointment,
        at=now,
        revision=appointment.revision,
        field="booked",
        new=f"{appointment.start.isoformat()}/{appointment.end.isoformat()}",
        origin=who.origin,
        by=who.by,
    )
    return appointment
