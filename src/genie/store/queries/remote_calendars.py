"""Which remote calendars somebody uses, and by whom a key is used."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from genie.store.frozen import asked
from genie.store.models import AvailabilityCalendar, Connection, EventLink, RemoteCalendar, RemoteKey

LIVING = (Connection.State.LINKED, Connection.State.REMOVING)


def in_use() -> QuerySet[RemoteCalendar]:
    """Linked to a module (or losing its copies), or read for a schedule: only these may be asked about."""
    linked = Connection.objects.filter(calendar=OuterRef("pk"), state__in=LIVING)
    return RemoteCalendar.objects.filter(Exists(linked) | Exists(_read_for_schedules()))


def unused() -> QuerySet[RemoteCalendar]:
    """Never linked, no links, not read for anything: forgetting the row loses nothing."""
    return RemoteCalendar.objects.filter(
        ~Exists(Connection.objects.filter(calendar=OuterRef("pk"))),
        ~Exists(EventLink.objects.filter(calendar=OuterRef("pk"))),
        ~Exists(_read_for_schedules()),
    )


def _read_for_schedules() -> QuerySet[AvailabilityCalendar]:
    return AvailabilityCalendar.objects.filter(calendar=OuterRef("pk"))


def zone_about(calendar_id: int) -> str:
    """The IANA zone of the office that uses a calendar: of the schedule of the person or module it is linked
    for, else of one that reads it, else ""."""
    zones = asked(_linked_for, number=calendar_id) or asked(_read_for, number=calendar_id)
    return str(zones[0]) if zones else ""


def _linked_for(_: datetime, calendar_id: int) -> QuerySet[Connection, str]:
    linked = Connection.objects.filter(calendar_id=calendar_id, state__in=LIVING).order_by("id")
    return linked.values_list(Coalesce("staff__schedule__zone", "module__schedule__zone"), flat=True)[:1]


def _read_for(_: datetime, calendar_id: int) -> QuerySet[AvailabilityCalendar, str]:
    read = AvailabilityCalendar.objects.filter(calendar_id=calendar_id).order_by("id")
    return read.values_list("schedule__zone", flat=True)[:1]


def connections_by_key(company_id: int) -> dict[int, list[Connection]]:
    """The living connections of the company, by the key they work with."""
    found: dict[int, list[Connection]] = {}
    living = Connection.objects.filter(module__company_id=company_id, state__in=LIVING)
    for connection in living.select_related("module", "staff", "calendar").order_by(
        "module__name", F("staff__name").asc(nulls_first=True), "id"
    ):
        found.setdefault(connection.calendar.key_id, []).append(connection)
    return found


def schedules_by_key(company_id: int) -> dict[int, list[AvailabilityCalendar]]:
    """The availability calendars of the company, by the key they are read with."""
    found: dict[int, list[AvailabilityCalendar]] = {}
    read = AvailabilityCalendar.objects.filter(schedule__company_id=company_id)
    for entry in read.select_related("schedule", "calendar").order_by("schedule__name"):
        found.setdefault(entry.calendar.key_id, []).append(entry)
    return found


def where_used(key: RemoteKey) -> list[str]:
    """The modules, people and schedules a key serves, as a person would name them."""
    linked = connections_by_key(key.company_id).get(key.id, [])
    read = schedules_by_key(key.company_id).get(key.id, [])
    return [f"{c} (linked to {c.calendar.name})" for c in linked] + [
        f"the schedule {a.schedule.name} (reads {a.calendar.name})" for a in read
    ]
