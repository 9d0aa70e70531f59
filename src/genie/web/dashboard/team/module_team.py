"""The team of a module: who is in it, in which order, and who of it gets a visit."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from genie.core.rights import Right
from genie.flows.join_team import join_team
from genie.flows.leave_team import leave_team
from genie.flows.order_team import order_team
from genie.flows.set_assignment import set_assignment
from genie.store.models import Company, Module, StaffMember
from genie.web.dashboard.access import CompanyRequest, for_company


@for_company(Right.APP_SETTINGS)
@require_POST
def join(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    module, member = _module(company, module_slug), _member(request, company)
    first = not module.team.exists()
    try:
        join_team(company_id=company.pk, module_id=module.pk, staff_id=member.pk)
    except StaffMember.DoesNotExist:
        messages.error(
            request,
            f"{member.name} is switched off, so nothing was changed. Switch {member.name} on again under "
            "Team first.",
        )
        return _back(request, module, member)
    said = f"{member.name} takes visits of {module.name} from now on, in {member.name}’s own hours."
    if first:
        said += " Appointments made before stay as they are, and block everybody until they are over."
    messages.success(request, said)
    return _back(request, module, member)


@for_company(Right.APP_SETTINGS)
@require_POST
def leave(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    module, member = _module(company, module_slug), _member(request, company)
    if leave_team(company_id=company.pk, module_id=module.pk, staff_id=member.pk):
        said = (
            f"{member.name} takes no new visits of {module.name}. What is booked stays, with {member.name}."
        )
        if not module.team.exists():
            said += f" Nobody is left in the team: {module.name} is booked by its own schedule again."
        messages.success(request, said)
    else:
        messages.info(request, f"{member.name} was not in the team of {module.name} any more.")
    return _back(request, module, member)


@for_company(Right.APP_SETTINGS)
@require_POST
def order(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    """Move one of the team one place `to` up or down."""
    module, member = _module(company, module_slug), _member(request, company)
    places = list(module.team.values_list("staff_id", flat=True))
    if member.pk in places:
        place = places.index(member.pk)
        other = place + (-1 if request.POST.get("to") == "up" else 1)
        if 0 <= other < len(places):
            places[place], places[other] = places[other], places[place]
            order_team(company_id=company.pk, module_id=module.pk, order=places)
    return _back(request, module, member)


@for_company(Right.APP_SETTINGS)
@require_POST
def assignment(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    module = _module(company, module_slug)
    chosen = request.POST.get("assignment", "")
    if chosen not in Module.Assignment.values:
        return HttpResponseBadRequest("Choose one of the two ways that are offered.")
    set_assignment(company_id=company.pk, module_id=module.pk, assignment=Module.Assignment(chosen))
    messages.success(request, "Saved. The booking page follows it now.")
    return _back(request, module)


def _module(company: Company, slug: str) -> Module:
    return get_object_or_404(Module, company=company, slug=slug)


def _member(request: CompanyRequest, company: Company) -> StaffMember:
    number = request.POST.get("staff", "")
    if not number.isdecimal() or len(number) > 18:
        raise Http404("There is no such staff member.")
    return get_object_or_404(StaffMember, company=company, pk=int(number))


def _back(request: CompanyRequest, module: Module, member: StaffMember | None = None) -> HttpResponse:
    """To the page that was asked from: the person's, or the module's."""
    slug = request.company.slug
    if member is not None and request.POST.get("from") == "person":
        return redirect("staff_member", slug=slug, staff_id=member.pk)
    return redirect(reverse("module", kwargs={"slug": slug, "module_slug": module.slug}) + "#team")
