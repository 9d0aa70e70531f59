"""Leads calendar: the grid, what it shows as JSON, and the same week as a plain list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from genie.core.appointment import LIVE
from genie.core.rights import Right, may
from genie.core.saying import said_day, said_place, zone_of
from genie.flows.watch_calendar import watch_linked_calendars
from genie.store.models import Appointment, Company, Hold
from genie.store.queries.appointments import Showing, appointments_between, busy_beside, holds_between
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.leads.forms import CalendarPage, FeedSpan, midnight

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Day:
    said: str
    is_today: bool
    appointments: list[Appointment]


@require_safe
@for_company(Right.SEE_LEADS)
def leads_calendar(request: CompanyRequest, company: Company) -> HttpResponse:
    """The page: with script a grid, without it this week's appointments as a list."""
    now = timezone.now()
    form = CalendarPage(request.GET, company=company)
    today = now.astimezone(zone_of(company.zone) or ZoneInfo("UTC")).date()
    shown: date = form.chosen("date", today)
    monday = shown - timedelta(days=shown.weekday())
    start, end = midnight(monday, company.zone), midnight(monday + WEEK, company.zone)
    found = appointments_between(
        company_id=company.pk,
        start=start,
        end=end,
        module_id=form.module_id,
        staff_id=form.staff_id,
        showing=form.showing,
    )
    context = {
        "form": form,
        "view": form.chosen("view", ""),
        "shown": shown,
        "days": _days(found, monday, today, company.zone, now),
        "earlier": monday - WEEK,
        "later": monday + WEEK,
        "from_day": said_day(start, company.zone, now=now),
        "to_day": said_day(midnight(monday + WEEK - timedelta(days=1), company.zone), company.zone, now=now),
        "place": said_place(company.zone),
        "movable": may(request.user.role, Right.EDIT_APPOINTMENTS),
        "now": now,
    }
    return render(request, "dashboard/leads/calendar.html", context)


@require_safe
@for_company(Right.SEE_LEADS)
def leads_feed(request: CompanyRequest, company: Company) -> HttpResponse:
    """Appointments, holds and busy time in [start, end), as wall time of the company's zone.

    Of a hold nothing is told but what is held and until when: nobody has given a name yet.
    `look`: somebody has just turned to the page, so for a moment the worker asks the linked calendars more
    often. Not while it merely stands open, which on a reception is all day.
    """
    form = FeedSpan(request.GET, company=company)
    if not form.is_valid():
        return _refused(form)
    start, end, now = form.cleaned_data["start"], form.cleaned_data["end"], timezone.now()
    found = appointments_between(
        company_id=company.pk,
        start=start,
        end=end,
        module_id=form.module_id,
        staff_id=form.staff_id,
        showing=form.showing,
    )
    if form.cleaned_data["look"]:
        watch_linked_calendars(company_id=company.pk, module_id=form.module_id, now=now)
    held = holds_between(
        company_id=company.pk,
        start=start,
        end=end,
        now=now,
        module_id=form.module_id,
        staff_id=form.staff_id,
    )
    if form.showing not in (Showing.LIVE, Showing.ALL):
        held = held.none()
    movable = may(request.user.role, Right.EDIT_APPOINTMENTS)
    several = len(form.modules) > 1
    busy = busy_beside(
        company_id=company.pk, start=start, end=end, module_id=form.module_id, staff_id=form.staff_id
    )
    zone = zone_of(company.zone) or ZoneInfo("UTC")
    return JsonResponse(
        {
            "zone": company.zone,
            "appointments": [_block(a, company, zone, movable=movable, several=several) for a in found],
            "holds": [_held(hold, zone, now, several=several) for hold in held],
            "busy": [{"start": _wall(low, zone), "end": _wall(high, zone)} for low, high in busy],
        }
    )


def _refused(form: FeedSpan) -> JsonResponse:
    problems = {name: [str(problem) for problem in list_] for name, list_ in form.errors.items()}
    return JsonResponse(
        {
            "what": "The calendar could not be shown.",
            "means": "The span of time that was asked for is not one: nothing was read.",
            "now": "Ask for `start` and `end` as dates, at most 100 days apart, of a module of this company.",
            "problems": problems,
        },
        status=400,
    )


def _block(
    a: Appointment, company: Company, zone: ZoneInfo, *, movable: bool, several: bool
) -> dict[str, Any]:
    live = a.state in LIVE
    return {
        "id": str(a.pk),
        "url": reverse("appointment", kwargs={"slug": company.slug, "appointment_id": a.pk}),
        **_placed(a, zone),
        "customer": a.lead.name,
        "kind": " · ".join(_what(a, several=several)),
        "live": live,
        "attention": a.attention,
        "movable": movable and live,
    }


def _held(hold: Hold, zone: ZoneInfo, now: datetime, *, several: bool) -> dict[str, Any]:
    return {
        "id": str(hold.pk),
        **_placed(hold, zone),
        "kind": " · ".join(_what(hold, several=several)),
        "until": f"{hold.expires_at.astimezone(zone):%H:%M}",
        # the page counts down by itself: its clock may be wrong, so it is told how long
        "seconds_left": (hold.expires_at - now).total_seconds(),
    }


def _placed(one: Appointment | Hold, zone: ZoneInfo) -> dict[str, str]:
    """The grid knows wall time only: the block is as long as the visit, the words tell the true end."""
    start, end = one.start.astimezone(zone), one.end.astimezone(zone)
    return {
        "start": _wall(one.start, zone),
        "end": (start.replace(tzinfo=None) + (one.end - one.start)).isoformat(),
        "said": f"{start:%H:%M}–{end:%H:%M}",
    }


def _what(a: Appointment | Hold, *, several: bool) -> Iterator[str]:
    """With whom, kind of visit, and module where there are several: what is most looked for comes first,
    since a narrow block shows the beginning only."""
    if a.staff:
        yield a.staff.name
    yield a.what
    if several:
        yield a.module.name


def _wall(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).replace(tzinfo=None).isoformat()


def _days(found: Iterable[Appointment], monday: date, today: date, zone: str, now: datetime) -> list[Day]:
    """The seven days; an appointment stands on the day it begins, one begun before on the first."""
    where = zone_of(zone) or ZoneInfo("UTC")
    by_day: dict[date, list[Appointment]] = {}
    for appointment in found:
        day = max(appointment.start.astimezone(where).date(), monday)
        by_day.setdefault(day, []).append(appointment)
    days = [monday + timedelta(days=n) for n in range(7)]
    return [
        Day(said_day(midnight(day, zone), zone, now=now), day == today, by_day.get(day, [])) for day in days
    ]
