"""Change an existing appointment: the one place where its fields, history, seat and debts move together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from genie.core.appointment import Move, State, after
from genie.core.event import NOTES_LIMIT, PLACE_LIMIT, TITLE_LIMIT, When, normalised_text, span_text
from genie.flows import measure
from genie.flows.actor import Actor
from genie.flows.ask import QUESTION, propose, take_ours_for_changed
from genie.flows.notify import forget_question, notify
from genie.flows.owe import owe, owe_elsewhere
from genie.flows.seat import NoSeat, lock_seat, take_seat
from genie.store.models import Appointment, Change, EventLink, Message, Module, StaffMember

LIMITS = {"title": TITLE_LIMIT, "place": PLACE_LIMIT, "notes": NOTES_LIMIT}


class Overtaken(Exception):
    """Somebody else changed the appointment since the person began: show both values, lose nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The fields to change; None leaves one as it is. `settle` delays the customer's message."""

    when: When | None = None
    title: str | None = None
    place: str | None = None
    notes: str | None = None
    staff: StaffMember | None = None
    """Whom it shall be with (flows/hand_over)."""
    cancel: bool = False
    restore: bool = False
    attention: str | None = None
    """A new flag for the dashboard, "" to take the old one away."""
    reason: str = ""
    """Why, in words, for the history."""
    restores: Change | None = None
    """The line of the history whose lost value this is."""
    forced: bool = False
    """Take the time even where no seat is free (flagged): the owner's calendar or a person said so."""
    owes_push: bool = True
    tell_customer: bool = True
    settle: timedelta = field(default=timedelta(0))


def amend(
    *,
    appointment_id: UUID,
    company_id: int,
    changes: Wanted,
    actor: Actor,
    now: datetime,
    seen_revision: int | None = None,
) -> Appointment:
    """Apply `changes`, or nothing where they change nothing. One transaction.

    Raises Appointment.DoesNotExist for another company's, NotPossible when the state forbids it, NoSeat
    when the time is full and not `forced`, Overtaken when `seen_revision` is not the present one.
    """
    with transaction.atomic():
        one = Appointment.objects.filter(id=appointment_id, company_id=company_id)
        module = lock_seat(one, changes.staff.id if changes.staff else None)
        appointment = one.select_for_update().get()
        if seen_revision is not None and appointment.revision != seen_revision:
            raise Overtaken("This appointment was changed in the meantime.")
        before = {name: getattr(appointment, name) for name in ("start", "end", "place", "staff")}
        lines = _apply(appointment, module, changes)
        if not lines:
            return appointment
        if any(name != "attention" for name in lines):
            appointment.revision += 1
        appointment.changed_at = now
        appointment.save()
        _write_history(appointment, lines, changes, actor, now)
        if set(lines) == {"attention"}:
            return appointment
        if {"when", "state", "staff"} & set(lines):
            _end_question(appointment)
        if "staff" in lines:
            owe_elsewhere(appointment=appointment, now=now)
        elif changes.owes_push:
            owe(appointment=appointment, now=now)
        if actor.origin == Change.Origin.CALENDAR:
            measure.taken_in()
        _tell(appointment, lines, before, changes, actor, now)
    return appointment


def _end_question(appointment: Appointment) -> None:
    """Whoever was asked to accept another time hears of this change instead."""
    asked = EventLink.objects.filter(appointment=appointment, question_at__isnull=False)
    link = asked.select_for_update(no_key=True).first()
    if link is None:
        return
    propose(link, None)
    take_ours_for_changed(link)
    link.save(update_fields=[*QUESTION, "sent"])
    forget_question(appointment)


def _apply(appointment: Appointment, module: Module, changes: Wanted) -> dict[str, tuple[str, str]]:
    """Set the fields; return what changed as name → (old, new), as the history shows it."""
    lines: dict[str, tuple[str, str]] = {}
    _apply_state(appointment, module, changes, lines)
    for name, limit in LIMITS.items():
        wanted, old = getattr(changes, name), getattr(appointment, name)
        new = old if wanted is None else normalised_text(wanted, limit=limit) or ""
        if new != old:
            after(State(appointment.state), Move.EDIT)
            setattr(appointment, name, new)
            lines[name] = (old, new)
    if changes.when is not None and not changes.when.same_instants(_when(appointment)):
        lines["when"] = _reschedule(appointment, module, changes, changes.when)
    if changes.staff is not None and changes.staff.id != appointment.staff_id:
        lines["staff"] = _hand_over(appointment, module, changes, changes.staff)
    if changes.attention is not None and changes.attention != appointment.attention:
        lines["attention"] = (appointment.attention, changes.attention)
        appointment.attention = changes.attention[:300]
    return lines


def _apply_state(
    appointment: Appointment, module: Module, changes: Wanted, lines: dict[str, tuple[str, str]]
) -> None:
    move = Move.CANCEL if changes.cancel else Move.RESTORE if changes.restore else None
    if move is None or (move is Move.CANCEL and appointment.state == State.CANCELLED):
        return
    new = after(State(appointment.state), move)
    lines["state"] = (appointment.state, new)
    appointment.state = new
    if move is Move.RESTORE:
        _sit(appointment, module, forced=changes.forced)


def _reschedule(appointment: Appointment, module: Module, changes: Wanted, when: When) -> tuple[str, str]:
    after(State(appointment.state), Move.RESCHEDULE)
    old = span_text(appointment)
    appointment.start, appointment.end = when.start, when.end
    _sit(appointment, module, forced=changes.forced)
    return old, span_text(appointment)


def _hand_over(
    appointment: Appointment, module: Module, changes: Wanted, staff: StaffMember
) -> tuple[str, str]:
    after(State(appointment.state), Move.RESCHEDULE)
    old = appointment.staff.name if appointment.staff else ""
    appointment.staff = staff
    _sit(appointment, module, forced=changes.forced)
    return old, staff.name


def _sit(appointment: Appointment, module: Module, *, forced: bool) -> None:
    try:
        take_seat(appointment=appointment, module=module)
    except NoSeat:
        if not forced:
            raise
        appointment.lane = None


def _when(appointment: Appointment) -> When:
    return When(appointment.start, appointment.end, appointment.zone)


def _write_history(
    appointment: Appointment,
    lines: Mapping[str, tuple[str, str]],
    changes: Wanted,
    actor: Actor,
    now: datetime,
) -> None:
    Change.objects.bulk_create(
        Change(
            appointment=appointment,
            at=now,
            revision=appointment.revision,
            field=name,
            old=old,
            new=new,
            origin=actor.origin,
            by=actor.by,
            user=actor.user,
            note=changes.reason[:300],
            restores=changes.restores if changes.restores and changes.restores.field == name else None,
        )
        for name, (old, new) in lines.items()
    )


def _tell(
    appointment: Appointment,
    lines: Mapping[str, tuple[str, str]],
    before: Mapping[str, Any],
    changes: Wanted,
    actor: Actor,
    now: datetime,
) -> None:
    """One message per real change: cancelled beats rescheduled; an edited text tells nobody."""
    if "state" in lines:
        # restored: whoever was told of the cancellation must hear that it stands; who was not, hears nothing
        cancelled = appointment.state == State.CANCELLED
        kind = Message.Kind.CANCELLED if cancelled else Message.Kind.BOOKED
    elif "when" in lines or "staff" in lines:
        kind = Message.Kind.RESCHEDULED
    else:
        return
    details: dict[str, Any] = {"by": actor.by, "origin": str(actor.origin), "reason": changes.reason}
    if "staff" not in lines:
        details["was"] = {"start": before["start"].isoformat(), "end": before["end"].isoformat()}
    notify(
        appointment=appointment,
        kind=kind,
        now=now,
        details=details,
        settle=changes.settle,
        # of whom it is with, a customer whose letters named nobody need not hear
        tell_customer=changes.tell_customer and ("staff" not in lines or before["staff"] is not None),
        before=before["staff"] if "staff" in lines else None,
    )
