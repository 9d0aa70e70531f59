"""Hand over: choose another of the team, be told exactly what will happen, then do it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from genie.core.appointment import LIVE, NotPossible
from genie.core.rights import Right
from genie.flows.amend import Overtaken
from genie.flows.claim import SlotTaken
from genie.flows.hand_over import NotOfTheTeam, hand_over
from genie.flows.why_not import why_not
from genie.store.models import Appointment, Company, StaffMember
from genie.store.queries.appointments import living_link
from genie.store.queries.connections import serving
from genie.store.queries.staff import others_of_team
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.leads.forms import SureForm
from genie.web.dashboard.leads.frame import found, show, who
from genie.web.dashboard.leads.moving import (
    READ_AND_WRITE,
    finished,
    not_possible,
    recipients_of,
    since,
    told,
)
from genie.web.vouched import vouched_start


@dataclass(frozen=True, slots=True)
class Other:
    """One of the team, and each rule that their taking it would break."""

    staff: StaffMember
    broken: list[str]


@READ_AND_WRITE
@for_company(Right.EDIT_APPOINTMENTS)
def appointment_hand_over(request: CompanyRequest, company: Company, appointment_id: UUID) -> HttpResponse:
    """GET shows the team, or, of the one who is chosen, what will happen and each rule it breaks; POST does
    it."""
    appointment, now = found(company, appointment_id), timezone.now()
    if appointment.state not in LIVE:
        return not_possible(request, appointment)
    asked = request.POST.get("staff") or request.GET.get("staff")
    if not asked:
        return show(request, "_hand_over.html", _choice(appointment, now))
    team = others_of_team(appointment=appointment)
    staff = next((one for one in team if str(one.pk) == asked), None)
    if staff is None:
        return _nobody(request, appointment, now)
    if request.method != "POST":
        return show(request, "_hand_over_to.html", _question(appointment, staff, now))
    return _hand_over(request, appointment, staff, now)


def _hand_over(
    request: CompanyRequest, appointment: Appointment, staff: StaffMember, now: datetime
) -> HttpResponse:
    sure = SureForm(request.POST)
    if not sure.is_valid():
        return show(request, "_hand_over_to.html", _question(appointment, staff, now), status=422)
    try:
        handed = hand_over(
            company_id=request.company.pk,
            appointment_id=appointment.pk,
            staff_id=staff.pk,
            force=sure.cleaned_data["forced"],
            seen_revision=sure.cleaned_data["revision"],
            actor=who(request),
            now=now,
            vouched=_vouched(appointment, staff, anew=True),
        )
    except NotOfTheTeam:
        return _nobody(request, found(request.company, appointment.pk), now)
    except (Overtaken, SlotTaken) as trouble:
        fresh = found(request.company, appointment.pk)
        context = _question(fresh, staff, now)
        if isinstance(trouble, Overtaken):
            context["since_then"] = since(fresh, sure.cleaned_data["revision"], now)
        else:
            context["taken"] = True
        return show(request, "_hand_over_to.html", context, status=409)
    except NotPossible:
        return not_possible(request, found(request.company, appointment.pk))
    heard = f" {told(handed)}" if appointment.staff else ""
    return finished(request, handed, f"Handed over to {staff.name}.{heard}", now)


def _nobody(request: CompanyRequest, appointment: Appointment, now: datetime) -> HttpResponse:
    context = {**_choice(appointment, now), "nobody": True}
    return show(request, "_hand_over.html", context, status=409)


def _choice(appointment: Appointment, now: datetime) -> dict[str, Any]:
    team = others_of_team(appointment=appointment)
    others = [Other(one, _broken(appointment, one, now)) for one in team]
    return {"appointment": appointment, "lead": appointment.lead, "others": others, "now": now}


def _question(appointment: Appointment, staff: StaffMember, now: datetime) -> dict[str, Any]:
    """What is said before it is handed over: who is told, and what becomes of its event."""
    link = living_link(appointment=appointment)
    there = serving(module_id=appointment.module_id, staff_id=staff.pk)
    stays = link is not None and there is not None and link.calendar_id == there.calendar_id
    return {
        "appointment": appointment,
        "lead": appointment.lead,
        "staff": staff,
        "broken": _broken(appointment, staff, now),
        "tells_customer": appointment.module.tell_customer,
        "names_nobody": appointment.staff is None,
        "recipients": recipients_of(appointment, also=staff),
        "leaves": link.calendar.name if link and not stays else "",
        "comes": there.calendar.name if there and not stays else "",
        "now": now,
    }


def _broken(appointment: Appointment, staff: StaffMember, now: datetime) -> list[str]:
    return why_not(
        module=appointment.module,
        start=appointment.start,
        end=appointment.end,
        now=now,
        kind=appointment.kind,
        staff=staff,
        ignoring=appointment.pk,
        vouched=_vouched(appointment, staff),
    )


def _vouched(appointment: Appointment, staff: StaffMember, *, anew: bool = False) -> list[int] | None:
    return vouched_start(appointment.module, appointment.start, kind=appointment.kind, staff=staff, anew=anew)
