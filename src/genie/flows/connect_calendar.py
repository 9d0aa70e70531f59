"""**Connect Calendar**: link a module, or one of its team, to the calendar that shows the appointments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, When

from genie.core.appointment import State
from genie.flows.ask import QUESTION
from genie.flows.owe import owe
from genie.flows.seat import lock_module
from genie.store import jobs
from genie.store.models import (
    Appointment,
    Connection,
    EventLink,
    Module,
    RemoteCalendar,
    RemoteKey,
    StaffMember,
    User,
)
from genie.store.queries.connections import to_send
from genie.store.queries.drains import nudged
from genie.store.queries.remote_calendars import LIVING


class CannotConnect(Exception):
    """This calendar cannot be linked now; the message says why and what to do."""


def connect_calendar(
    *,
    module: Module,
    key: RemoteKey,
    remote_id: str,
    user: User | None,
    now: datetime,
    staff: StaffMember | None = None,
) -> Connection:
    """The connection. Appointments still to come of those it serves, and that are on no calendar, owe a push;
    nobody is mailed. Real-time updates are off.

    `staff`: one of the module's team, for a calendar of their own. Key and module belong to one company.
    Raises CannotConnect.
    """
    with transaction.atomic():
        lock_module(module.id)
        if staff is not None:
            _refuse_outside_team(module, staff)
        _refuse_if_linked(module, staff)
        calendar = _calendar_to_write(key, remote_id, module.company_id)
        connection = Connection.objects.create(
            module=module, staff=staff, calendar=calendar, linked_at=now, linked_by=user, realtime=False
        )
        _start_afresh(calendar, now=now)
        waiting = list(to_send(connection, now))  # taken up again, they are on a calendar
        _take_up_again(connection, waiting)
        _owe_removal_of_cancelled(connection, now=now)
        for appointment in waiting:
            owe(appointment=appointment, now=now)
        jobs.wake_calendar(calendar.id)
    return connection


def _refuse_outside_team(module: Module, staff: StaffMember) -> None:
    if not module.team.filter(staff=staff, staff__active=True).exists():
        raise CannotConnect(
            f"{staff.name} takes no new appointments of {module.name}, so no calendar was connected. "
            f"Add {staff.name} to the team of {module.name} first."
        )


def _refuse_if_linked(module: Module, staff: StaffMember | None) -> None:
    connections = Connection.objects.filter(module=module, staff=staff, state__in=LIVING)
    living = connections.select_related("module", "staff", "calendar").first()
    if living is None:
        return
    if living.state == Connection.State.REMOVING:
        raise CannotConnect(
            f"The copies are still being removed from {living.calendar.name}. "
            "Another calendar can be connected as soon as that is done."
        )
    raise CannotConnect(
        f"{living} is linked to {living.calendar.name} already. "
        "Appointments are sent to one calendar: press Unlink Token first, then connect this one."
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


def _take_up_again(connection: Connection, to_come: Sequence[Appointment]) -> None:
    """Linked here before, and the copies stayed: their links live again, so events are adopted by their key
    instead of being made twice. Nothing is agreed yet (no base), so the dashboard's values win silently."""
    before = EventLink.objects.filter(
        calendar_id=connection.calendar_id, appointment__in=to_come, state=EventLink.State.ENDED
    )
    _owe_again(
        before,
        connection,
        # what was deleted when the link ended is no deletion of its owner's, so the next identity is taken;
        # but a create that was never answered is asked for again, and answers with the event if it was made
        generation=Case(When(remote_id="", then=F("generation")), default=F("generation") + 1),
        former_id=Case(When(remote_id="", then=F("former_id")), default=F("remote_id")),
        remote_id="",
        etag="",
        stamp=None,
        adopts=True,
        base=None,
        sent=None,
        block="",
        pushed_revision=0,
        recheck=0,
    )


def _owe_removal_of_cancelled(connection: Connection, *, now: datetime) -> None:
    """Cancelled while no calendar was linked, or so shortly before that the calendar never heard of it: the
    copy that stayed there goes, whatever became of it."""
    elsewhere = EventLink.objects.filter(appointment=OuterRef("appointment"))
    left = EventLink.objects.filter(
        ~Exists(elsewhere.exclude(state=EventLink.State.ENDED)),
        calendar_id=connection.calendar_id,
        appointment__module_id=connection.module_id,
        appointment__state=State.CANCELLED,
        appointment__end__gt=now,
        pushed_revision__lt=F("appointment__revision"),
        state=EventLink.State.ENDED,
        asked_at__isnull=False,  # null: we removed it ourselves (push), and what bears our key is a copy
    )
    _owe_again(left, connection)


def _owe_again(links: QuerySet[EventLink], connection: Connection, **news: Any) -> None:
    """One link of each appointment, the one asked for last, owes a push on the new connection."""
    newest = links.order_by("appointment_id", F("asked_at").desc(nulls_last=True)).distinct("appointment_id")
    EventLink.objects.filter(id__in=list(newest.values_list("id", flat=True))).update(
        connection=connection,
        state=EventLink.State.OWES_PUSH,
        leaves=False,
        asked=[],
        version=F("version") + 1,
        reason="",
        refused="",
        declined_id="",
        missing_since=None,
        incident=None,
        held_at=None,
        held_version="",
        **dict.fromkeys(QUESTION),
        came_in_at=None,
        turns=[],
        next_attempt=None,
        attempts=0,
        stale_streak=0,
        taken=0,
        **news,
    )
