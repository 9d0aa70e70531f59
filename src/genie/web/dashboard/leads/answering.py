"""Answers to what a customer was asked: *Accept for the customer*, *Keep the time as it was*."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from genie.core.appointment import NotPossible
from genie.core.rights import Right
from genie.core.saying import said_span
from genie.flows.accept_time import accept_time
from genie.flows.keep_time import QuestionClosed, keep_time
from genie.flows.restore_value import when_of
from genie.store.models import Appointment, Company
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.leads.appointment import page_context
from genie.web.dashboard.leads.frame import found, show, who
from genie.web.dashboard.leads.moving import finished, told

UNREAD = "It was not said which answer, or to which time. Use one of the two buttons again."
CLOSED = (
    "This question was answered or taken back meanwhile, or it is about another time now. Look again, then "
    "decide."
)


@require_POST
@for_company(Right.SEE_CUSTOMERS, to_change=Right.EDIT_APPOINTMENTS)
def appointment_answer(request: CompanyRequest, company: Company, appointment_id: UUID) -> HttpResponse:
    """Said for the customer, who called; or the time is not to be moved after all."""
    appointment, now = found(company, appointment_id), timezone.now()
    proposed = when_of(request.POST.get("proposed", ""), appointment.zone)
    answer = {"accept": accept_time, "keep": keep_time}.get(request.POST.get("answer", ""))
    if proposed is None or answer is None:
        return _refused(request, appointment, UNREAD, now, 400)
    try:
        answered = answer(
            company_id=company.pk,
            appointment_id=appointment.pk,
            proposed=proposed,
            actor=who(request),
            now=now,
        )
    except (QuestionClosed, NotPossible):
        return _refused(request, found(company, appointment_id), CLOSED, now, 409)
    said = said_span(answered.start, answered.end, answered.zone, now=now)
    words = "Moved to" if answer is accept_time else "It stays at"
    return finished(request, answered, f"{words} {said}. {told(answered)}", now)


def _refused(
    request: CompanyRequest, appointment: Appointment, why: str, now: datetime, status: int
) -> HttpResponse:
    context: dict[str, Any] = {**page_context(request, appointment, now), "refused": why}
    return show(request, "_appointment.html", context, status=status)
