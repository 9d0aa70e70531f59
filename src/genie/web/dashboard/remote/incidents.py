"""*These were really changed* / *Put them back*: where too much was changed on a calendar at once."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from genie.core.rights import Right
from genie.flows.decide import decide
from genie.store.models import Company, Incident
from genie.web.dashboard.access import CompanyRequest, for_company, user_of

SAID = {
    Incident.Decision.REALLY_CHANGED: "What was held is being applied now, and customers are told.",
    Incident.Decision.PUT_BACK: "Everything is being put back now, here and on the calendar.",
}


@for_company(Right.SEE_CUSTOMERS, to_change=Right.EDIT_APPOINTMENTS)
@require_POST
def decide_incident(request: CompanyRequest, company: Company, incident_id: int) -> HttpResponse:
    """The first answer counts; `back` is the page to return to."""
    now = timezone.now()
    if not Incident.objects.filter(id=incident_id, calendar__key__company=company).exists():
        raise Http404("There is nothing to decide here.")
    decision = request.POST.get("decision", "")
    if decision not in SAID:
        return HttpResponseBadRequest("Press one of the two buttons.")
    chosen = Incident.Decision(decision)
    first = decide(
        company_id=company.id, incident_id=incident_id, decision=chosen, user=user_of(request), now=now
    )
    if first:
        messages.success(request, SAID[chosen])
    else:
        messages.info(request, "That has been decided already; nothing was done.")
    back = request.POST.get("back", "")
    if back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("leads_calendar", slug=company.slug)
