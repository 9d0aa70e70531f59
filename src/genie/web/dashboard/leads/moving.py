"""Reschedule and cancel: choose, be told exactly what will happen, then do it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from genie.core.appointment import LIVE, NotPossible
from genie.core.rights import Right
from genie.core.saying import said_day, said_place, said_span
from genie.flows.amend import Overtaken
from genie.flows.book import SlotTaken
from genie.flows.cancel import cancel
from genie.flows.offer import slots
from genie.flows.reschedule import reschedule
from genie.flows.why_not import why_not
from genie.store.models import Appointment, Company, StaffMember
from genie.store.queries.appointments import calendar_kinds, history_of, living_link
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.leads.appointment import page_context
from genie.web.dashboard.leads.forms import YEARS, MoveForm, SureForm
from genie.web.dashboard.leads.frame import CHANGED, done, found, is_part, show, who
from genie.web.dashboard.leads.said import line_of, sentence
from genie.web.vouched import vouched_for, vouched_start

WEEK = timedelta(days=7)
READ_AND_WRITE = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@for_company(Right.EDIT_APPOINTMENTS)
def appointment_reschedule(request: CompanyRequest, company: Company, appointment_id: UUID) -> HttpResponse:
    """The free times of a week, and a form for any other."""
    appointment, now = found(company, appointment_id), timezone.now()
    if appointment.state not in LIVE:
        return not_possible(request, appointment)
    return show(request, "_reschedule.html", _choice(request, appointment, now))


@READ_AND_WRITE
@for_company(Right.EDIT_APPOINTMENTS)
def appointment_move(request: CompanyRequest, company: Company, appointment_id: UUID) -> HttpResponse:
    """GET asks with the exact new time and each rule it breaks; POST moves."""
    appointment, now = found(company, appointment_id), timezone.now()
    if appointment.state not in LIVE:
        return not_possible(request, appointment)
    form = MoveForm(request.GET if request.method != "POST" else request.POST, appointment=appointment)
    if not form.is_valid():
        context = _choice(request, appointment, now, form)
        return show(request, "_reschedule.html", context, status=422)
    start: datetime = form.cleaned_data["start"]
    if request.method != "POST":
        return show(request, "_move.html", question(request, appointment, start, now))
    return _move(request, appointment, start, now)


def _move(request: CompanyRequest, appointment: Appointment, start: datetime, now: datetime) -> HttpResponse:
    sure = SureForm(request.POST)
    if not sure.is_valid():
        return show(request, "_move.html", question(request, appointment, start, now), status=422)
    try:
        moved = reschedule(
            company_id=request.company.pk,
            appointment_id=appointment.pk,
            start=start,
            force=sure.cleaned_data["forced"],
            seen_revision=sure.cleaned_data["revision"],
            actor=who(request),
            now=now,
            vouched=vouched(appointment, start, anew=True),
        )
    except (Overtaken, SlotTaken) as trouble:
        fresh = found(request.company, appointment.pk)
        context = question(request, fresh, start, now)
        if isinstance(trouble, Overtaken):
            context["since_then"] = since(fresh, sure.cleaned_data["revision"], now)
        else:
            context["taken"] = True
        return show(request, "_move.html", context, status=409)
    except NotPossible:
        return not_possible(request, found(request.company, appointment.pk))
    said = said_span(moved.start, moved.end, moved.zone, now=now)
    return finished(request, moved, f"Moved to {said}. {told(moved)}", now)


@READ_AND_WRITE
@for_company(Right.EDIT_APPOINTMENTS)
def appointment_cancel(request: CompanyRequest, company: Company, appointment_id: UUID) -> HttpResponse:
    """GET asks and says what exactly will happen; POST cancels."""
    appointment, now = found(company, appointment_id), timezone.now()
    if appointment.state not in LIVE:
        return not_possible(request, appointment)
    if request.method != "POST":
        return show(request, "_cancel.html", _consequences(appointment))
    sure = SureForm(request.POST)
    if not sure.is_valid():
        return show(request, "_cancel.html", _consequences(appointment), status=422)
    revision = sure.cleaned_data["revision"]
    try:
        cancelled = cancel(
            company_id=company.pk,
            appointment_id=appointment.pk,
            seen_revision=revision,
            actor=who(request),
            now=now,
        )
    except Overtaken:
        fresh = found(company, appointment_id)
        context = {**_consequences(fresh), "since_then": since(fresh, revision, now)}
        return show(request, "_cancel.html", context, status=409)
    except NotPossible:
        return not_possible(request, found(company, appointment_id))
    return finished(request, cancelled, f"Cancelled. {told(cancelled)}", now)


def finished(request: CompanyRequest, appointment: Appointment, words: str, now: datetime) -> HttpResponse:
    if request.POST.get("grid"):  # asked from within the calendar grid, which reads again by itself
        return HttpResponse(status=204, headers={"HX-Trigger": CHANGED})
    if not is_part(request):
        return done(request, appointment, words)
    context = page_context(request, found(request.company, appointment.pk), now)
    return show(request, "_appointment.html", {**context, "done": words}, changed=True)


def not_possible(request: CompanyRequest, appointment: Appointment) -> HttpResponse:
    context = page_context(request, appointment, timezone.now())
    return show(request, "_appointment.html", {**context, "too_late": True}, status=409)


def _choice(
    request: CompanyRequest, appointment: Appointment, now: datetime, form: MoveForm | None = None
) -> dict[str, Any]:
    zone = ZoneInfo(appointment.module.schedule.zone)
    today = now.astimezone(zone).date()
    first = max(_asked_date(request) or appointment.start.astimezone(zone).date(), today)
    last = first + WEEK - timedelta(days=1)
    offered = slots(
        module=appointment.module,
        first=first,
        last=last,
        now=now,
        kind=appointment.kind,
        staff=appointment.staff,
        ignoring=appointment.pk,
        vouched=vouched_for(appointment.module, first, last, kind=appointment.kind, staff=appointment.staff),
    )
    local = [(start, start.astimezone(zone)) for start in offered if start != appointment.start]
    days = [
        {
            "said": said_day(chosen[0][0], zone.key, now=now),
            "starts": [{"at": at, "said": f"{wall:%H:%M}"} for at, wall in chosen],
        }
        for chosen in (list(group) for _, group in groupby(local, key=lambda pair: pair[1].date()))
    ]
    return {
        "appointment": appointment,
        "lead": appointment.lead,
        "days": days,
        "first": first,
        "last": first + WEEK - timedelta(days=1),
        "earlier": first - WEEK if first > today else None,
        "later": first + WEEK if (first + WEEK).year in YEARS else None,
        "schedule_place": said_place(zone.key),
        "place": said_place(appointment.zone),
        "form": form or MoveForm(appointment=appointment),
        "now": now,
    }


def vouched(appointment: Appointment, start: datetime, *, anew: bool = False) -> list[int] | None:
    return vouched_start(appointment.module, start, kind=appointment.kind, staff=appointment.staff, anew=anew)


def _asked_date(request: CompanyRequest) -> date | None:
    try:
        asked = date.fromisoformat(request.GET.get("from", ""))
    except ValueError:
        return None
    return asked if asked.year in YEARS else None


def question(
    request: CompanyRequest,
    appointment: Appointment,
    start: datetime,
    now: datetime,
    end: datetime | None = None,
) -> dict[str, Any]:
    """What is said before it is moved to `start`; its length stays unless `end` says otherwise."""
    end = end or start + (appointment.end - appointment.start)
    broken = why_not(
        module=appointment.module,
        start=start,
        end=end,
        now=now,
        kind=appointment.kind,
        staff=appointment.staff,
        ignoring=appointment.pk,
        vouched=vouched(appointment, start),
    )
    return {
        **_consequences(appointment),
        "start": start,
        "end": end,
        "broken": broken,
        "same": start == appointment.start,
        "grid": request.GET.get("grid") or request.POST.get("grid"),
        "now": now,
    }


def _consequences(appointment: Appointment) -> dict[str, Any]:
    """Who will be told and which calendar's event will follow."""
    link = living_link(appointment=appointment)
    module = appointment.module
    return {
        "appointment": appointment,
        "lead": appointment.lead,
        "tells_customer": module.tell_customer,
        "recipients": recipients_of(appointment),
        "calendar": link.calendar.name if link else "",
    }


def recipients_of(appointment: Appointment, also: StaffMember | None = None) -> list[str]:
    """The module's, the staff member whom it is with, and `also`; each once."""
    own = [one.email for one in (appointment.staff, also) if one]
    addresses = [address for address in [*appointment.module.recipients, *own] if address]
    return list({address.casefold(): address for address in reversed(addresses)}.values())[::-1]


def told(appointment: Appointment) -> str:
    module, lead = appointment.module, appointment.lead
    if not module.tell_customer:
        return f"{lead.name} is not told: messages to customers are off for {module.name}."
    return f"{lead.name} is told by e-mail."


def since(appointment: Appointment, revision: int, now: datetime) -> list[str]:
    """What others did since the person looked."""
    kinds = calendar_kinds(appointment=appointment)
    changes = history_of(appointment=appointment).filter(revision__gt=revision)[:5]
    return [sentence(line_of(change, zone=appointment.zone, kinds=kinds, now=now)) for change in changes]
