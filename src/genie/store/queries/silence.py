"""Calendars that were not read for too long, and the modules that look at them (PRODUCT.md, *Slot rules*)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from genie.store.models import Connection, Module, RemoteCalendar, Schedule, TeamMember


def looked_at(module: Module) -> QuerySet[RemoteCalendar]:
    """What may block the module's times: its linked calendars, and the availability calendars of its schedule
    or of its people's."""
    theirs = TeamMember.objects.filter(module=module, staff__active=True).values("staff__schedule_id")
    own = Q(availability_of__schedule_id=module.schedule_id) | Q(availability_of__schedule_id__in=theirs)
    linked = Q(connections__module=module, connections__state=Connection.State.LINKED)
    return RemoteCalendar.objects.filter(own | linked).distinct()


def silent(module: Module, now: datetime) -> list[RemoteCalendar]:
    """Those of them that were not read within the module's *mirror age*, or never."""
    return [one for one in looked_at(module).order_by("name", "id") if is_silent(one, module, now)]


def is_silent(calendar: RemoteCalendar, module: Module, now: datetime) -> bool:
    return calendar.read_at is None or calendar.read_at < now - timedelta(hours=module.mirror_age_hours)


def modules_looking_at(calendar: RemoteCalendar) -> list[Module]:
    """The modules, switched on or off, whose times the calendar may block."""
    linked = Q(connections__calendar=calendar, connections__state=Connection.State.LINKED)
    return _modules(linked | _of_schedules(calendar.availability_of.values("schedule_id")))


def modules_of(schedule: Schedule) -> list[Module]:
    """The modules whose times are made from the schedule: their own, or one of their people's."""
    return _modules(_of_schedules([schedule.id]))


def _of_schedules(schedules: Sequence[int] | QuerySet[Any, Any]) -> Q:
    members = TeamMember.objects.filter(staff__active=True, staff__schedule_id__in=schedules)
    return Q(schedule_id__in=schedules) | Q(id__in=members.values("module_id"))


def _modules(wanted: Q) -> list[Module]:
    found = Module.objects.filter(wanted).select_related("company", "schedule")
    return list(found.distinct().order_by("name", "id"))
