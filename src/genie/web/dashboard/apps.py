"""Apps: a company's Schedule Genie modules, and each module's page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from genie.core.rights import Right
from genie.flows.add_module import add_module
from genie.flows.enable_module import enable_module
from genie.flows.save_module import save_module
from genie.store.models import Company, Module, Schedule
from genie.store.queries.modules import ModuleState, module_states
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.kinds import kinds_of
from genie.web.dashboard.module_form import ModuleForm, initial_of


@for_company(Right.APP_SETTINGS)
def apps(request: CompanyRequest, company: Company) -> HttpResponse:
    now = timezone.now()
    states = module_states(company_id=company.pk, now=now)
    return render(request, "dashboard/apps/list.html", {"states": states, "now": now})


@for_company(Right.APP_SETTINGS)
def module_add(request: CompanyRequest, company: Company) -> HttpResponse:
    """A new module, from the same form as the module page; needs a schedule first."""
    schedule = Schedule.objects.filter(company=company).order_by("name").first()
    if schedule is None:
        messages.info(
            request, "A module takes its opening hours from a schedule. Make one first, then add the module."
        )
        return redirect("schedule_new", slug=company.slug)
    form = ModuleForm(
        request.POST or None, company=company, initial=initial_of(Module(schedule=schedule, duration=60))
    )
    if request.method == "POST" and form.is_valid():
        module = add_module(company_id=company.pk, settings=form.settings(), now=timezone.now())
        messages.success(request, f"“{module.name}” was added. Connect its calendar next.")
        return redirect("module", slug=company.slug, module_slug=module.slug)
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/apps/add.html", {"form": form}, status=status)


@for_company(Right.APP_SETTINGS)
def module_page(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    """The module's settings; *Save* is one transaction."""
    state = state_or_404(company, module_slug)
    form = ModuleForm(request.POST or None, company=company, initial=initial_of(state.module))
    if request.method == "POST" and form.is_valid():
        module = save_module(company_id=company.pk, module_id=state.module.pk, settings=form.settings())
        messages.success(request, f"“{module.name}” was saved. The booking page follows these settings now.")
        return redirect("module", slug=company.slug, module_slug=module_slug)
    return render(
        request,
        "dashboard/apps/module.html",
        module_context(company, state) | {"form": form},
        status=422 if form.is_bound else 200,
    )


@for_company(Right.ENABLE_APPS)
@require_POST
def module_enable(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    """Switch a module on or off for the company."""
    state = state_or_404(company, module_slug)
    enabled = request.POST.get("enabled") == "on"
    enable_module(company_id=company.pk, module_id=state.module.pk, enabled=enabled)
    words = "takes bookings again" if enabled else "takes no bookings now; its appointments stay"
    messages.success(request, f"“{state.module.name}” {words}.")
    return redirect("module", slug=company.slug, module_slug=module_slug)


def state_or_404(company: Company, module_slug: str) -> ModuleState:
    found = module_states(company_id=company.pk, now=timezone.now(), module_slug=module_slug)
    if not found:
        raise Http404("This company has no such module.")
    return found[0]


def module_context(company: Company, state: ModuleState) -> dict[str, Any]:
    path = f"/book/{company.slug}/{state.module.slug}"
    return {
        "state": state,
        "module": state.module,
        "kinds": kinds_of(state.module),
        "booking_page": f"{settings.GENIE_PUBLIC_URL}{path}",
        "now": timezone.now(),
    }
