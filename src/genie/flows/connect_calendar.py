"""**Connect Calendar**: link a module to the one remote calendar that shows its appointments."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from genie.core.appointment import LIVE, State
from genie.flows.owe import owe
from genie.flows.seat import lock_module
from genie.store import jobs
from genie.store.models import Appointment, Connection, EventLink, Module, RemoteCalendar, RemoteKey, User
from genie.store.queries.drains import nudged
from genie.store.queries.remote_calendars import LIVING


class CannotConnect(Exception):
    """This calendar cannot be linked now; the message says why and what to do."""


def connect_calendar(
    *, module: Module, key: RemoteKey, remote_id: str, user: User | None, now: datetime
) -> Connection:
    """The connection. Appointments still to come owe a push; nobody is mailed. Real-time updates are off.

    Key and module belong to one company. Raises CannotConnect.
    """
    with transaction.atomic():
        lock_module(module.id)
        _refuse_if_linked(module)
        calendar = _calendar_to_write(key, remote_id, module.company_id)
        connection = Connection.objects.create(
            module=module, calendar=calendar, linked_at=now, linked_by=user, realtime=False
        )
        _start_afresh(calendar, now=now)
        to_come = Appointment.objects.filter(module=module, state__in=LIVE, end__gt=now)
        _take_up_again(connection, to_come)
        _owe_removal_of_cancelled(connection, now=now)
        for appointment in to_come:
            owe(appointment=appointment, now=now)
        jobs.wake_calendar(calendar.id)
    return connection


def _refuse_if_linked(module: Module) -> None:
    living = Connection.objects.filter(module=module, state__in=LIVING).select_related("calendar").first()
    if living is None:
        return
    if living.state == Connection.State.REMOVING:
        raise CannotConnect(
            f"The copies are still being removed from {living.calendar.name}. "
            "Another calendar can be connected as soon as that is done."
        )
    raise CannotConnect(
        f"{module.name} is linked to {living.calendar.name} already. "
        "A module sends its appointments to one calendar: press Unlink Token first, then connect this one."
    )


def _calendar_to_write(key: RemoteKey, remote_id: str, company_id: int) -> RemoteCalendar:
    # the key's row is locked so that it cannot be deleted while it becomes used
    held = RemoteKey.objects.select_for_update(no_key=True).get(id=key.id, company_id=company_id)
    if held.state != RemoteKey.State.ACTIVE:
        raise CannotConnect(
            f"The key of {held.label} needs re-authorization, so its calendars cannot be reached. "
            "Press Re-authorize beside it first."
        )
    calendar = RemoteCalendar.objects.filter(key=held, remote_id=remote_id).first()
    if calendar is None:
        raise CannotConnect(
            "This calendar is not in the account's list any more. Press Use This Key to list them again."
        )
    if not calendar.may_write:
        raise CannotConnect(
            f"{held.label} may only read {calendar.name}, so appointments cannot be sent to it. "
            "Choose another calendar, or ask the calendar's owner to allow changes."
        )
    return calendar


def _start_afresh(calendar: RemoteCalendar, *, now: datetime) -> None:
    RemoteCalendar.objects.filter(id=calendar.id).update(next_attempt=None, attempts=0, nudged_at=nudged(now))


def _take_up_again(connection: Connection, to_come: QuerySet[Appointment]) -> None:
    """Linked here before, and the copies stayed: their links live again, so events are adopted by their key
    instead of being made twice. Nothing is agreed yet (no base), so the dashboard's values win silently."""
    before = EventLink.objects.filter(
        calendar_id=connection.calendar_id, appointment__in=to_come, state=EventLink.State.ENDED
    )
    # one link of each appointment, the one asked for last
    newest = before.order_by("appointment_id", F("asked_at").desc(nulls_last=True)).distinct("appointment_id")
    EventLink.objects.filter(id__in=list(newest.values_list("id", flat=True))).update(
        connection=connection,
        state=EventLink.State.OWES_PUSH,
        remote_id="",
        etag="",
        stamp=None,
        base=None,
        sent=None,
        asked=[],
        block="",
        pushed_revision=0,
        version=F("version") + 1,
        reason="",
        missing_since=None,
        recheck=0,
        next_attempt=None,
        attempts=0,
        stale_streak=0,
    )


def _owe_removal_of_cancelled(connection: Connection, *, now: datetime) -> None:
    """Cancelled while no calendar was linked, or so shortly before that the calendar never heard of it: the
    copy that stayed there goes, whatever became of it."""
    left = EventLink.objects.filter(
        calendar_id=connection.calendar_id,
        appointment__module_id=connection.module_id,
        appointment__state=State.CANCELLED,
        appointment__end__gt=now,
        pushed_revision__lt=F("appointment__revision"),
        state=EventLink.State.ENDED,
    ).exclude(remote_id="", asked_at=None)
    newest = left.order_by("appointment_id", F("asked_at").desc(nulls_last=True)).distinct("appointment_id")
    EventLink.objects.filter(id__in=list(newest.values_list("id", flat=True))).update(
        connection=connection,
        state=EventLink.State.OWES_PUSH,
        asked=[],
        version=F("version") + 1,
        reason="",
        missing_since=None,
        next_attempt=None,
        attempts=0,
        stale_streak=0,
    )
