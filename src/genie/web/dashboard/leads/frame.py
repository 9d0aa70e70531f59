"""Each step of an appointment's page is a part: in the page's frame, or alone in the calendar's panel."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from genie.flows.actor import Actor, person
from genie.store.models import Appointment, Company
from genie.store.queries.appointments import appointment_of
from genie.web.dashboard.access import CompanyRequest

CHANGED = "appointment-changed"
"""The event that tells the calendar around a panel to read again."""


def found(company: Company, appointment_id: UUID) -> Appointment:
    """The company's appointment, or 404 as if there were none."""
    appointment = appointment_of(company_id=company.pk, appointment_id=appointment_id)
    if appointment is None:
        raise Http404("There is no such appointment here.")
    return appointment


def is_part(request: CompanyRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def show(
    request: CompanyRequest, part: str, context: dict[str, Any], *, status: int = 200, changed: bool = False
) -> HttpResponse:
    """A part, alone or in its frame. `changed` tells the page around it."""
    context = {"now": timezone.now(), "part": f"dashboard/leads/{part}", "alone": is_part(request), **context}
    template = context["part"] if is_part(request) else "dashboard/leads/frame.html"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])  # or Back would show the part without its frame
    if changed:
        response["HX-Trigger"] = CHANGED
    return response


def done(request: CompanyRequest, appointment: Appointment, words: str) -> HttpResponse:
    """After a change without script: the appointment's page, which says what was done."""
    messages.success(request, words)
    return redirect("appointment", slug=request.company.slug, appointment_id=appointment.pk)


def who(request: CompanyRequest) -> Actor:
    return person(request.user)
