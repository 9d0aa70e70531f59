"""Restore a value that lost a conflict: a person says that it is the right one after all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from genie.core.event import When, normalised_text
from genie.flows.actor import Actor
from genie.flows.amend import LIMITS, Wanted, amend
from genie.flows.claim import SlotTaken
from genie.flows.reschedule import reschedule
from genie.flows.seat import NoSeat, lock_seat
from genie.store.models import Appointment, Change

A_DAY = timedelta(days=1)


class NotRestorable(Exception):
    """The value is none the appointment can have, or has it already, or it was restored before: in words."""


def restore_value(
    *,
    company_id: int,
    appointment_id: UUID,
    change_id: int,
    actor: Actor,
    now: datetime,
    force: bool = False,
    seen_revision: int | None = None,
    vouched: Collection[int] | None = None,
) -> Appointment:
    """Give the appointment the value that the lost line `change_id` of its history keeps; once. The new line
    refers to it.

    A time is a reschedule by staff: `force` takes one that the rules do not offer, `vouched` is as of
    `reschedule`; a text is an edit.

    Raises Appointment.DoesNotExist, Change.DoesNotExist (also for a line that lost nothing), NotRestorable,
    NotPossible, Overtaken, and SlotTaken where the rules do not offer the time.
    """
    try:
        with transaction.atomic():
            one = Appointment.objects.filter(id=appointment_id, company_id=company_id)
            lock_seat(one)
            appointment = one.select_for_update().get()
            lost = Change.objects.select_related("restored_by").get(
                id=change_id, appointment=appointment, lost=True
            )
            value = value_of(lost, appointment)
            if isinstance(value, When):
                return reschedule(
                    company_id=company_id,
                    appointment_id=appointment_id,
                    start=value.start,
                    end=value.end,
                    force=force,
                    seen_revision=seen_revision,
                    actor=actor,
                    now=now,
                    vouched=vouched,
                    restores=lost,
                )
            text: dict[str, Any] = {lost.field: value}
            return amend(
                company_id=company_id,
                appointment_id=appointment_id,
                changes=Wanted(restores=lost, **text),
                actor=actor,
                now=now,
                seen_revision=seen_revision,
            )
    except (NoSeat, IntegrityError) as exc:  # a lane is looked at again as the transaction ends
        raise SlotTaken(now) from exc


def value_of(lost: Change, appointment: Appointment) -> When | str:
    """The value as it was kept, if the appointment can have it and has another. Raises NotRestorable."""
    if getattr(lost, "restored_by", None):
        raise NotRestorable("This value was used already; nothing was done a second time.")
    if lost.field == "when":
        when = when_of(lost.new, appointment.zone)
        if when is None or not when.is_bookable or _whole_days(when, appointment):
            raise NotRestorable("This is not a time that an appointment can have, so it cannot be used.")
        if (when.start, when.end) == (appointment.start, appointment.end):
            raise NotRestorable("The appointment is at this time already; nothing was done.")
        return when
    if lost.field not in LIMITS:
        raise NotRestorable("This is not a value that can be used.")
    text = normalised_text(lost.new, limit=LIMITS[lost.field]) or ""
    if lost.field == "title" and not text:
        raise NotRestorable("An appointment cannot be without a title, so the empty one cannot be used.")
    if text == getattr(appointment, lost.field):
        raise NotRestorable("The appointment has this value already; nothing was done.")
    return text


def _whole_days(when: When, appointment: Appointment) -> bool:
    """An all-day event is kept as its first and last instant, and looks like a very long visit."""
    length = when.end - when.start
    return length >= A_DAY and length != appointment.end - appointment.start


def when_of(text: str, zone: str) -> When | None:
    """`start/end` as the history keeps it: two instants with their offsets (ISO 8601); None for all else."""
    try:
        start, end = map(datetime.fromisoformat, text.split("/"))
        return When(start, end, zone)
    except (ValueError, OverflowError):
        return None
