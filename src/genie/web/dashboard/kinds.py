"""Kinds of appointment of a module: a page for each, their order, and which of them are offered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from genie.core.appointment import LIVE
from genie.core.names import NotAName
from genie.core.places import PlaceKind, place_offered
from genie.core.rights import Right
from genie.flows.delete_kind import delete_kind
from genie.flows.order_kinds import order_kinds
from genie.flows.save_kind import NameTaken, TooManyKinds, save_kind
from genie.flows.switch_kind import switch_kind
from genie.store.models import AppointmentKind, Company, Module
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.kind_form import KindForm, initial_of


@for_company(Right.APP_SETTINGS)
def kind_new(request: CompanyRequest, company: Company, module_slug: str) -> HttpResponse:
    module = _module(company, module_slug)
    form = KindForm(
        request.POST or None,
        module=module,
        first=not module.kinds.exists(),
        initial=initial_of(None, module),
    )
    if saved := _saved(company, module, None, form):
        messages.success(request, f"“{saved.name}” was added. {said_of(module)}")
        return _to_list(company, module)
    context = {"module": module, "form": form}
    return render(request, "dashboard/kinds/new.html", context, status=422 if form.is_bound else 200)


@for_company(Right.APP_SETTINGS)
def kind_page(request: CompanyRequest, company: Company, module_slug: str, kind_id: int) -> HttpResponse:
    module = _module(company, module_slug)
    kind = get_object_or_404(AppointmentKind, module=module, pk=kind_id)
    form = KindForm(request.POST or None, module=module, initial=initial_of(kind, module))
    if saved := _saved(company, module, kind, form):
        messages.success(request, f"“{saved.name}” was saved. The booking page follows these settings now.")
        return redirect("kind", slug=company.slug, module_slug=module.slug, kind_id=kind.pk)
    upcoming = kind.appointments.filter(state__in=LIVE, start__gt=timezone.now()).count()
    path = reverse("booking", args=[company.slug, module.slug])
    context: dict[str, Any] = {
        "module": module,
        "kind": kind,
        "form": form,
        "upcoming": upcoming,
        "deletes": _deletes(module, upcoming),
        "address": f"{settings.GENIE_PUBLIC_URL}{path}?kind={kind.slug}",
    }
    return render(request, "dashboard/kinds/page.html", context, status=422 if form.is_bound else 200)


@for_company(Right.APP_SETTINGS)
@require_POST
def kind_enabled(request: CompanyRequest, company: Company, module_slug: str, kind_id: int) -> HttpResponse:
    """Switch a kind on or off."""
    module, enabled = _module(company, module_slug), request.POST.get("enabled") == "on"
    try:
        kind = switch_kind(company_id=company.pk, module_id=module.pk, kind_id=kind_id, enabled=enabled)
    except AppointmentKind.DoesNotExist:
        raise Http404("This module has no such kind of appointment.") from None
    words = "is offered again" if enabled else "is offered no more; its appointments stay"
    messages.success(request, f"“{kind.name}” {words}. {said_of(module)}")
    return _to_list(company, module)


@for_company(Right.APP_SETTINGS)
@require_POST
def kind_move(request: CompanyRequest, company: Company, module_slug: str, kind_id: int) -> HttpResponse:
    """Move a kind one place `to` up or down."""
    module = _module(company, module_slug)
    places = list(module.kinds.values_list("pk", flat=True))
    if kind_id not in places:
        raise Http404("This module has no such kind of appointment.")
    place = places.index(kind_id)
    other = place + (1 if request.POST.get("to") == "down" else -1)
    if 0 <= other < len(places):
        places[place], places[other] = places[other], places[place]
        order_kinds(company_id=company.pk, module_id=module.pk, order=places)
    return _to_list(company, module)


@for_company(Right.APP_SETTINGS)
@require_POST
def kind_delete(request: CompanyRequest, company: Company, module_slug: str, kind_id: int) -> HttpResponse:
    module = _module(company, module_slug)
    try:
        name = delete_kind(company_id=company.pk, module_id=module.pk, kind_id=kind_id)
    except AppointmentKind.DoesNotExist:
        raise Http404("This module has no such kind of appointment.") from None
    messages.success(request, f"“{name}” was deleted; its appointments stay. {said_of(module)}")
    return _to_list(company, module)


def kinds_of(module: Module) -> dict[str, Any]:
    """For the module's page: `rows` is (kind, its place in words) in order, `said` what visitors meet."""
    kinds = list(module.kinds.all())
    return {
        "rows": [(kind, _place(kind, module)) for kind in kinds],
        "offered": any(kind.enabled for kind in kinds),
        "said": said_of(module, kinds),
    }


def _place(kind: AppointmentKind, module: Module) -> str:
    if kind.place_kind == PlaceKind.ADDRESS:
        return kind.place or module.place
    said = place_offered(kind.place_kind, kind.place)
    return f"{said}: {kind.place}" if kind.place_kind == PlaceKind.VIDEO and kind.place else said


def said_of(module: Module, kinds: Sequence[AppointmentKind] | None = None) -> str:
    """What visitors of the booking page meet now, in a sentence; `kinds` where they have been read."""
    offered = [kind for kind in (module.kinds.all() if kinds is None else kinds) if kind.enabled]
    if len(offered) > 1:
        return f"Visitors choose among {len(offered)} kinds."
    if offered:
        return f"Visitors book “{offered[0].name}”; as it is the only one, nothing is asked."
    return f"No kind is offered: visitors book “{module.title}”, {module.duration} minutes."


def _deletes(module: Module, upcoming: int) -> str:
    """What exactly deleting does, for the question that is asked first."""
    if not upcoming:
        return "Its settings are deleted for good. Appointments that were made of it stay."
    theirs = (
        "The appointment ahead keeps its"
        if upcoming == 1
        else f"The {upcoming} appointments ahead keep their"
    )
    return (
        f"Its settings are deleted for good. {theirs} time, title, place and the name "
        "of the kind, but customers move it by the module’s rules. To keep all that, switch it off instead."
    )


def _module(company: Company, slug: str) -> Module:
    found = Module.objects.select_related("schedule")
    return get_object_or_404(found, company=company, slug=slug)


def _saved(
    company: Company, module: Module, kind: AppointmentKind | None, form: KindForm
) -> AppointmentKind | None:
    """Save what was posted; None if nothing was posted or it needs a look."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        return save_kind(
            company_id=company.pk,
            module_id=module.pk,
            kind_id=kind.pk if kind else None,
            settings=form.settings(),
            keep_own=form.cleaned_data.get("keep_own", False),
        )
    except (NameTaken, NotAName) as refusal:
        form.add_error("name", str(refusal))
    except TooManyKinds as refusal:
        form.add_error(None, str(refusal))
    except AppointmentKind.DoesNotExist:  # deleted while the page was open
        form.add_error(None, "This kind was deleted meanwhile, so nothing was saved. Add a new one.")
    return None


def _to_list(company: Company, module: Module) -> HttpResponse:
    page = reverse("module", kwargs={"slug": company.slug, "module_slug": module.slug})
    return redirect(f"{page}#kinds")
