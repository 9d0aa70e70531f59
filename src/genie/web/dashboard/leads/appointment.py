"""The page of one appointment: how it stands, what it says, its history; kept up to date while it is open."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from genie.core.appointment import LIVE, NotPossible
from genie.core.event import normalised_text
from genie.core.rights import Right, may
from genie.core.saying import said_place, same_wall_time
from genie.flows.amend import Overtaken
from genie.flows.edit import edit
from genie.flows.restore_value import NotRestorable, value_of
from genie.flows.retry_link import retry_link
from genie.flows.watch_calendar import watch_calendar
from genie.store.models import Appointment, Change, Company, Connection
from genie.store.queries.appointments import (
    calendar_kinds,
    history_of,
    leaving_links,
    living_link,
    messages_of,
)
from genie.store.queries.connections import serving
from genie.store.queries.staff import others_of_team
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.leads.forms import EditForm
from genie.web.dashboard.leads.frame import done, found, is_part, show, who
from genie.web.dashboard.leads.said import line_of, sentence, standing

LINES = 200
"""Of a longer history the latest are shown."""


@require_safe
@for_company(Right.SEE_CUSTOMERS)
def appointment_page(request: CompanyRequest, company: Company, appointment_id: UUID) -> HttpResponse:
    appointment = found(company, appointment_id)
    return show(request, "_appointment.html", page_context(request, appointment, timezone.now()))


@require_safe
@for_company(Right.SEE_CUSTOMERS)
def appointment_live(request: CompanyRequest, company: Company, appointment_id: UUID) -> HttpResponse:
    """What may change by itself. `seen`: the number of the last history line the person has seen."""
    appointment = found(company, appointment_id)
    seen = request.GET.get("seen", "")
    number = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 19 else None
    context = live_context(request, appointment, timezone.now(), seen=number)
    return render(request, "dashboard/leads/_live.html", context)


@require_POST
@for_company(Right.SEE_CUSTOMERS, to_change=Right.EDIT_APPOINTMENTS)
def appointment_edit(request: CompanyRequest, company: Company, appointment_id: UUID) -> HttpResponse:
    """Save title, place and notes; where somebody was faster, show both values and lose neither."""
    appointment, now = found(company, appointment_id), timezone.now()
    form = EditForm(request.POST)
    if not form.is_valid():
        context = page_context(request, appointment, now, form)
        return show(request, "_appointment.html", {**context, "form_open": True}, status=422)
    given = form.cleaned_data
    try:
        edit(
            company_id=company.pk,
            appointment_id=appointment.pk,
            title=given["title"],
            place=given["place"],
            notes=given["notes"],
            seen_revision=given["revision"],
            actor=who(request),
            now=now,
        )
    except Overtaken:
        return _overtaken(request, found(company, appointment_id), form, now)
    except NotPossible:
        context = page_context(request, found(company, appointment_id), now, form)
        return show(request, "_appointment.html", {**context, "too_late": True}, status=409)
    if not is_part(request):
        return done(request, appointment, "Saved.")
    context = page_context(request, found(company, appointment_id), now)
    return show(request, "_appointment.html", {**context, "done": "Saved."}, changed=True)


@require_POST
@for_company(Right.SEE_CUSTOMERS, to_change=Right.EDIT_APPOINTMENTS)
def appointment_retry(request: CompanyRequest, company: Company, appointment_id: UUID) -> HttpResponse:
    """*Retry*: send again what was put aside for a person."""
    appointment, now = found(company, appointment_id), timezone.now()
    link = living_link(appointment=appointment)
    tried = link is not None and retry_link(company_id=company.pk, link_id=link.pk, now=now)
    words = "Trying again now." if tried else "It was not waiting for a person any more; nothing was done."
    if not is_part(request):
        return done(request, appointment, words)
    context = page_context(request, found(company, appointment_id), now)
    return show(request, "_appointment.html", {**context, "done": words}, changed=True)


def page_context(
    request: CompanyRequest, appointment: Appointment, now: datetime, form: EditForm | None = None
) -> dict[str, Any]:
    """All that the page says; the form holds what the appointment says unless one is given."""
    context = live_context(request, appointment, now)
    return {**context, "form": form or EditForm.of(appointment)}


def live_context(
    request: CompanyRequest, appointment: Appointment, now: datetime, *, seen: int | None = None
) -> dict[str, Any]:
    """What may change by itself, and since `seen` has changed; the calendar is now on somebody's screen."""
    lead = appointment.lead
    link = living_link(appointment=appointment)
    connection = None if link else serving(module_id=appointment.module_id, staff_id=appointment.staff_id)
    if link is not None and link.connection.state == Connection.State.LINKED:
        watch_calendar(calendar_id=link.calendar_id, now=now)
    changes = list(history_of(appointment=appointment)[: LINES + 1])
    kinds = calendar_kinds(appointment=appointment)
    lines = [line_of(change, zone=appointment.zone, kinds=kinds, now=now) for change in changes[:LINES]]
    latest = lines[0].number if lines else 0
    since = latest if seen is None else seen
    company_zone = appointment.company.zone
    editable = appointment.state in LIVE and may(request.user.role, Right.EDIT_APPOINTMENTS)
    return {
        "appointment": appointment,
        "lead": appointment.lead,
        "came_by": [part for part in (lead.source, lead.medium, lead.campaign) if part],
        "live": appointment.state in LIVE,
        "editable": editable,
        "standing": standing(appointment, link, connection),
        "leaving": leaving_links(appointment=appointment),
        "can_change_hands": editable and others_of_team(appointment=appointment).exists(),
        "question": link if link and link.question_at else None,
        "lines": lines,
        "more_lines": len(changes) > LINES,
        "usable": {change.pk for change in changes if editable and _is_usable(change, appointment)},
        "seen": since,
        "news": [sentence(line) for line in lines if line.number > since],
        "fresh": {change.field: True for change in changes if change.pk > since and not change.lost},
        "letters": list(messages_of(appointment=appointment)[:LINES]),
        "company_zone": "" if _same_time(appointment, company_zone) else company_zone,
        "company_place": said_place(company_zone),
        "visitor_zone": "" if _same_time(appointment, appointment.visitor_zone) else appointment.visitor_zone,
        "now": now,
    }


def _is_usable(change: Change, appointment: Appointment) -> bool:
    """May the value of a lost line be used?"""
    try:
        return change.lost and value_of(change, appointment) is not None
    except NotRestorable:
        return False


def _same_time(appointment: Appointment, zone: str) -> bool:
    return not zone or same_wall_time(appointment.start, appointment.zone, zone)


def _overtaken(
    request: CompanyRequest, appointment: Appointment, form: EditForm, now: datetime
) -> HttpResponse:
    """Both values of each field that differs, side by side; saving again keeps the person's."""
    given = form.cleaned_data
    names = {"title": "Title", "place": "Place", "notes": "Notes"}
    both = [
        {"name": words, "theirs": getattr(appointment, name), "yours": given[name]}
        for name, words in names.items()
        if (normalised_text(given[name], limit=5_000) or "") != getattr(appointment, name)
    ]
    fresh = EditForm({**given, "revision": appointment.revision})
    kinds = calendar_kinds(appointment=appointment)
    since = [
        sentence(line_of(change, zone=appointment.zone, kinds=kinds, now=now))
        for change in history_of(appointment=appointment).filter(revision__gt=given["revision"])[:5]
    ]
    context = page_context(request, appointment, now, fresh)
    return show(
        request,
        "_appointment.html",
        {**context, "form_open": True, "overtaken": True, "both": both, "since_then": since},
        status=409,
    )
