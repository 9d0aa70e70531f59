"""*Use this value*: take up what lost a conflict, from the history."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from genie.core.appointment import NotPossible
from genie.core.event import When
from genie.core.rights import Right
from genie.core.saying import said_span
from genie.flows.amend import Overtaken
from genie.flows.claim import SlotTaken
from genie.flows.restore_value import NotRestorable, restore_value, when_of
from genie.store.models import Appointment, Change, Company
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.leads.appointment import page_context
from genie.web.dashboard.leads.forms import SureForm
from genie.web.dashboard.leads.frame import found, show, who
from genie.web.dashboard.leads.moving import finished, not_possible, question, since, told, vouched


@require_POST
@for_company(Right.SEE_CUSTOMERS, to_change=Right.EDIT_APPOINTMENTS)
def appointment_restore(
    request: CompanyRequest, company: Company, appointment_id: UUID, change_id: int
) -> HttpResponse:
    """A time that the rules do not offer is asked about first, with each rule; a text is taken at once."""
    appointment, now = found(company, appointment_id), timezone.now()
    lost = Change.objects.filter(appointment=appointment, lost=True, pk=change_id).first()
    if lost is None:
        raise Http404("The history of this appointment has no such value.")
    when = when_of(lost.new, appointment.zone) if lost.field == "when" else None
    sure = SureForm(request.POST)
    if not sure.is_valid():
        return _refused(
            request, appointment, "It was not said of which state of the appointment. Press again."
        )
    try:
        restored = restore_value(
            company_id=company.pk,
            appointment_id=appointment.pk,
            change_id=lost.pk,
            force=sure.cleaned_data["forced"],
            seen_revision=sure.cleaned_data["revision"],
            actor=who(request),
            now=now,
            vouched=vouched(appointment, when.start, anew=True) if when else None,
        )
    except NotRestorable as refusal:
        return _refused(request, found(company, appointment_id), str(refusal))
    except Overtaken:
        fresh = found(company, appointment_id)
        lines = since(fresh, sure.cleaned_data["revision"], now)
        return _refused(request, fresh, f"Somebody was faster: {'; '.join(lines)}. Look again, then decide.")
    except SlotTaken:
        return _asked(request, found(company, appointment_id), lost, when)
    except NotPossible:
        return not_possible(request, found(company, appointment_id))
    return finished(request, restored, _done(restored, lost), now)


def _done(appointment: Appointment, lost: Change) -> str:
    if lost.field != "when":
        return "The value that was not taken is used now."
    said = said_span(appointment.start, appointment.end, appointment.zone, now=timezone.now())
    return f"Moved to {said}. {told(appointment)}"


def _asked(
    request: CompanyRequest, appointment: Appointment, lost: Change, when: When | None
) -> HttpResponse:
    assert when is not None  # only a time can be taken
    context = question(request, appointment, when.start, timezone.now(), when.end)
    return show(request, "_move.html", {**context, "restores": lost.pk}, status=409)


def _refused(request: CompanyRequest, appointment: Appointment, why: str) -> HttpResponse:
    context = page_context(request, appointment, timezone.now())
    return show(request, "_appointment.html", {**context, "refused": why}, status=409)
