"""Have a schedule read a public calendar, opened by its address alone; nothing is ever written there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from genie.core.event import normalised_text
from genie.flows.add_availability_calendar import CannotRead, added
from genie.providers.port import Grant
from genie.providers.registry import ProviderSettings, public_calendar
from genie.store.models import AvailabilityCalendar, Company, RemoteCalendar, RemoteKey, Schedule
from genie.store.sealed import seal

MOST = 20
"""Public calendars of one schedule: each is fetched every quarter of an hour."""


def add_public_calendar(
    *,
    schedule: Schedule,
    kind: str,
    typed: Mapping[str, str],
    name: str,
    settings: ProviderSettings,
    now: datetime,
) -> AvailabilityCalendar:
    """The entry (the one that is there, if it was added before). Its address is asked first, outside of any
    transaction. Without a `name` it is called as it calls itself.

    Raises CannotRead, and each kind of ConnectFault, said to whoever typed it.
    """
    public = public_calendar(kind, settings)
    if public is None:
        raise CannotRead("Such a calendar cannot be added by its address. Nothing was saved.")
    field = public.fields[0]
    if not typed.get(field.name, "").strip():
        raise CannotRead(f"Nothing was saved. {field.missing}")
    if len(typed[field.name]) > field.longest:
        raise CannotRead("This address is too long to be one. Nothing was saved. Copy it again, whole.")
    read = AvailabilityCalendar.objects.filter(schedule=schedule, calendar__key__kind=kind)
    if read.count() >= MOST:
        raise CannotRead(
            f"This schedule reads {MOST} public calendars already, so this one was not added. "
            "Remove one first."
        )
    grant = public.authorize(typed)
    with transaction.atomic():
        calendar = _kept(schedule, kind, grant, normalised_text(name, limit=120) or "", now)
        return added(schedule=schedule, calendar=calendar, now=now)


def _kept(schedule: Schedule, kind: str, grant: Grant, name: str, now: datetime) -> RemoteCalendar:
    """Its row; one address is kept once in a company, however many schedules read it."""
    Company.objects.select_for_update(no_key=True).get(id=schedule.company_id)
    info = grant.calendars[0]
    key, made = RemoteKey.objects.get_or_create(
        company_id=schedule.company_id,
        kind=kind,
        identity=grant.account.identity,
        defaults={
            "label": grant.account.label[:254],
            "granted": grant.granted,
            "secret": seal(dict(grant.secret)),
            "created_at": now,
        },
    )
    if not made:  # it may have been sealed under a key that is gone
        RemoteKey.objects.filter(id=key.id).update(secret=seal(dict(grant.secret)))
    calendar, _ = RemoteCalendar.objects.get_or_create(
        key=key,
        remote_id=info.id,
        defaults={"name": normalised_text(info.name, limit=250) or info.id, "may_write": False},
    )
    if name:
        calendar.name = name
        calendar.save(update_fields=["name"])
    return calendar
