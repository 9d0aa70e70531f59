"""Reschedule an appointment: same identity, new time, under the same rules as a booking."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from genie.core.event import When
from genie.flows.absorb import OF_THE_CALENDAR
from genie.flows.actor import Actor
from genie.flows.amend import Wanted, amend
from genie.flows.claim import SlotTaken
from genie.flows.offer import is_offered
from genie.flows.seat import NoSeat, lock_seat
from genie.flows.take_turn import Act, Visitor, take_turn
from genie.store.models import Appointment, Change

OUTSIDE_RULES = "Moved by hand to a time that the booking rules do not offer."


def reschedule(  # noqa: PLR0913 -- each is named, and each one thing
    *,
    company_id: int,
    appointment_id: UUID,
    start: datetime,
    actor: Actor,
    now: datetime,
    end: datetime | None = None,
    force: bool = False,
    seen_revision: int | None = None,
    visitor: Visitor | None = None,
    vouched: Collection[int] | None = None,
    restores: Change | None = None,
) -> Appointment:
    """Move to `start` (aware); the length stays unless `end` says otherwise. One transaction.

    It stays of its kind, and with whom it is: the start must be offered for that staff member.
    `vouched`: what another system, asked about this start, offers in place of rules 1 to 6.
    `restores` is the line of the history that kept this time when it lost a conflict.
    `visitor` is the customer on the public pages, who may move only so often; None is not limited.

    Raises SlotTaken when the rules do not offer that start; staff may `force`, and the appointment is then
    flagged. Raises Appointment.DoesNotExist, NotPossible, Overtaken, TooMany.
    """
    try:
        with transaction.atomic():
            one = Appointment.objects.filter(id=appointment_id, company_id=company_id)
            if visitor is not None:
                found = one.select_related("lead", "module").get()
                email = found.lead.email
                take_turn(visitor=visitor, act=Act.CHANGE, module=found.module, email=email, now=now)
            module = lock_seat(one)
            found = one.select_related("kind", "staff__schedule").get()
            offered = is_offered(
                module=module,
                start=start,
                now=now,
                kind=found.kind,
                staff=found.staff,
                ignoring=appointment_id,
                vouched=vouched,
            )
            if not (offered or force):
                raise SlotTaken(start)
            return amend(
                appointment_id=appointment_id,
                company_id=company_id,
                changes=Wanted(
                    when=When(start, end or start + (found.end - found.start), found.zone),
                    attention=None if is_wrong_there(appointment_id) else _flag(offered),
                    forced=force,
                    restores=restores,
                ),
                actor=actor,
                now=now,
                seen_revision=seen_revision,
            )
    except (NoSeat, IntegrityError) as exc:
        raise SlotTaken(start) from exc


def _flag(offered: bool) -> str:
    return "" if offered else OUTSIDE_RULES


def is_wrong_there(appointment_id: UUID) -> bool:
    """What is wrong with its event stays said, whatever time it gets here. The caller holds the module."""
    return Appointment.objects.filter(id=appointment_id, attention__in=OF_THE_CALENDAR).exists()
