"""The calendars a schedule reads, for the schedule's page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone

from genie.flows.wired import provider_settings
from genie.providers.registry import public_calendar, public_kinds
from genie.store.models import Appointment, AvailabilityCalendar, Module, RemoteCalendar, Schedule
from genie.store.queries.incidents import Waiting, waiting, waiting_about
from genie.store.queries.silence import is_silent, modules_of, silent
from genie.web.dashboard.remote.accounts import account_keys
from genie.web.dashboard.remote.standing import Standing, needing_a_person
from genie.web.dashboard.remote.words import key_name

register = template.Library()


@register.simple_tag
def waiting_incidents(module: Module) -> list[Waiting]:
    """Where somebody has to decide what became of a calendar of the module."""
    return waiting(module)


@register.simple_tag
def waiting_incident_of(appointment: Appointment) -> list[Waiting]:
    return waiting_about(appointment)


@register.simple_tag
def needing(module: Module) -> list[Standing]:
    """The connections of the module and its team that need a person."""
    return needing_a_person(module, timezone.now())


@register.simple_tag
def out_of_reach(module: Module) -> dict[str, Any]:
    """The module's calendars that were not read for too long, and by which rule its times are offered."""
    now = timezone.now()
    return said_of(module, silent(module, now), now) | {"whose": ""}


def said_of(module: Module, calendars: Sequence[RemoteCalendar], now: datetime) -> dict[str, Any]:
    return {
        "calendars": calendars,
        "nothing": module.unreachable_rule == Module.UnreachableRule.OFFER_NOTHING,
        "rule": Module.UnreachableRule(module.unreachable_rule).label,
        "whose": module.name,
        "zone": module.schedule.zone,
        "now": now,
    }


def silences(schedule: Schedule, calendars: Sequence[RemoteCalendar], now: datetime) -> list[dict[str, Any]]:
    """For each module that takes its hours from the schedule, or has somebody who does: which of the
    calendars read here are out of reach for it."""
    found = []
    for module in modules_of(schedule) if calendars else []:
        quiet = [calendar for calendar in calendars if is_silent(calendar, module, now)]
        if quiet:
            found.append(said_of(module, quiet, now))
    return found


@register.simple_tag(takes_context=True)
def availability_calendars(context: template.Context, schedule: Schedule) -> dict[str, Any]:
    """What is read now, the company's keys, and the calendars of the key chosen in the address (`?key=`)."""
    read = list(
        AvailabilityCalendar.objects.filter(schedule=schedule)
        .select_related("calendar__key")
        .order_by("calendar__name", "id")
    )
    keys = list(account_keys(schedule.company_id).order_by("created_at", "id"))
    number = context["request"].GET.get("key", "")
    chosen = next((key for key in keys if str(key.id) == number), None)
    taken = {entry.calendar_id for entry in read}
    now = timezone.now()
    return {
        "read": read,
        "silences": silences(schedule, [entry.calendar for entry in read], now),
        "keys": [{"key": key, "name": key_name(key.kind)} for key in keys],
        "chosen": chosen,
        "calendars": [
            {"calendar": calendar, "taken": calendar.id in taken}
            for calendar in (RemoteCalendar.objects.filter(key=chosen).order_by("id") if chosen else ())
        ],
        "public": [
            (kind, public.title, public.fields[0])
            for kind in public_kinds()
            if (public := public_calendar(kind, provider_settings()))
        ],
        "now": now,
    }
