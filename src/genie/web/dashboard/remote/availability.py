"""The remote calendars a schedule reads for busy time."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from genie.core.errors import ConnectFault, ProviderFault
from genie.core.rights import Right
from genie.flows.add_availability_calendar import CannotRead, add_availability_calendar
from genie.flows.add_public_calendar import add_public_calendar
from genie.flows.list_remote_calendars import list_remote_calendars
from genie.flows.remove_availability_calendar import remove_availability_calendar
from genie.flows.wired import provider_settings
from genie.providers.registry import public_kinds
from genie.store.models import AvailabilityCalendar, Company, Schedule
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.remote.configuration import key_of
from genie.web.dashboard.remote.words import not_listed


@for_company(Right.SCHEDULES, to_change=Right.CONNECT_CALENDARS)
@require_POST
def show(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    """**Show Calendars**: ask the provider for the account's calendars, then offer them."""
    schedule = get_object_or_404(Schedule, company=company, id=schedule_id)
    key = key_of(company, request.POST.get("key", ""))
    try:
        list_remote_calendars(key=key, settings=provider_settings(), now=timezone.now())
    except ProviderFault as fault:
        messages.error(request, not_listed(key, fault))
        return _back(company, schedule)
    return _back(company, schedule, f"?key={key.id}")


@for_company(Right.SCHEDULES, to_change=Right.CONNECT_CALENDARS)
@require_POST
def add(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    schedule = get_object_or_404(Schedule, company=company, id=schedule_id)
    key = key_of(company, request.POST.get("key", ""))
    try:
        entry = add_availability_calendar(
            schedule=schedule, key=key, remote_id=request.POST.get("calendar", ""), now=timezone.now()
        )
    except CannotRead as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request,
            f"{entry.calendar.name} is read from now on: its busy time removes slots within a minute.",
        )
    return _back(company, schedule, f"?key={key.id}")


@for_company(Right.SCHEDULES, to_change=Right.CONNECT_CALENDARS)
@require_POST
def add_public(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    """**Add a public calendar address**: fetch it once, then read it. What was typed is not sent back."""
    schedule = get_object_or_404(Schedule, company=company, id=schedule_id)
    kind = request.POST.get("kind", "")
    if kind not in public_kinds():
        raise Http404("There is no such kind of calendar.")
    try:
        entry = add_public_calendar(
            schedule=schedule,
            kind=kind,
            typed=request.POST.dict(),
            name=request.POST.get("name", ""),
            settings=provider_settings(),
            now=timezone.now(),
        )
    except (CannotRead, ConnectFault) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request,
            f"{entry.calendar.name} is read from now on: its busy time removes slots within a minute, and is "
            "looked for again every 15 minutes.",
        )
    return _back(company, schedule)


@for_company(Right.SCHEDULES, to_change=Right.CONNECT_CALENDARS)
@require_POST
def remove(request: CompanyRequest, company: Company, schedule_id: int) -> HttpResponse:
    schedule = get_object_or_404(Schedule, company=company, id=schedule_id)
    number = request.POST.get("entry", "")
    entry = get_object_or_404(
        AvailabilityCalendar.objects.select_related("calendar"),
        schedule=schedule,
        id=int(number) if number.isdecimal() and len(number) < 19 else 0,
    )
    remove_availability_calendar(company_id=company.id, entry_id=entry.id, settings=provider_settings())
    messages.success(request, f"{entry.calendar.name} is not read for this schedule any more.")
    return _back(company, schedule)


def _back(company: Company, schedule: Schedule, query: str = "") -> HttpResponse:
    address = reverse("schedule", kwargs={"slug": company.slug, "schedule_id": schedule.id})
    return redirect(f"{address}{query}#availability-calendars")
