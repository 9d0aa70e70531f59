"""The calendars a schedule reads, for the schedule's page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from genie.flows.wired import provider_settings
from genie.providers.registry import public_calendar, public_kinds
from genie.store.models import AvailabilityCalendar, RemoteCalendar, Schedule
from genie.web.dashboard.remote.accounts import account_keys
from genie.web.dashboard.remote.words import key_name

register = template.Library()


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
    return {
        "read": read,
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
        "now": timezone.now(),
    }
