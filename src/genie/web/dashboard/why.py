"""*Why is this time (not) offered?*: a page for whoever answers for the rules, and the same as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from genie.core.rights import Right
from genie.core.saying import said_span
from genie.flows.explain_time import BESIDE, Explained, explain_time
from genie.store.models import Company, Module
from genie.web.dashboard.access import CompanyRequest, for_company
from genie.web.dashboard.why_form import WhyForm
from genie.web.vouched import vouched_for


@require_safe
@for_company(Right.SCHEDULES)
def why_page(request: CompanyRequest, company: Company) -> HttpResponse:
    """A form, and under it the answer. `what` alone chooses; a whole module means its first kind."""
    now = timezone.now()
    if not _asks(request):
        return render(request, "dashboard/why.html", {"form": _begun(request, company, now)})
    form = WhyForm(request.GET, company=company)
    if not form.is_valid():
        readings = [{"at": one, "said": _reading(one, form.asked[0].schedule.zone)} for one in form.readings]
        context = {"form": form, "readings": readings}
        return render(request, "dashboard/why.html", context, status=422)
    (module, kind), staff = form.asked, form.person
    found = _explained(form, now)
    zone = module.schedule.zone
    local = found.start.astimezone(ZoneInfo(zone))
    shown = {"what": request.GET["what"], "staff": staff.pk if staff else ""}
    shown |= {"date": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}"}
    context = {
        "form": WhyForm(company=company, initial=shown),
        "module": module,
        "kind": kind,
        "staff": staff,
        "found": found,
        "said": _said(found.start, found.end, zone, now),
        "beside": [
            {"words": words, "at": one, "said": _said(one, one + (found.end - found.start), zone, now)}
            for words, one in (("before", found.before), ("after", found.after))
            if one
        ],
        "now": now,
    }
    return render(request, "dashboard/why.html", context)


@require_safe
@for_company(Right.SCHEDULES)
def why_json(request: CompanyRequest, company: Company) -> HttpResponse:
    """The same for programs (docs/api.md)."""
    form, now = WhyForm(request.GET, company=company), timezone.now()
    if not form.is_valid():
        return JsonResponse({"error": _refusal(form)}, status=400)
    (module, kind), found = form.asked, _explained(form, now)
    return JsonResponse(
        {
            "module": module.slug,
            "kind": kind.slug if kind else None,
            "staff": form.person.pk if form.person else None,
            "start": _iso(found.start),
            "end": _iso(found.end),
            "zone": module.schedule.zone,
            "said": said_span(found.start, found.end, module.schedule.zone, now=now),
            "offered": found.offered,
            "places": found.places,
            "goes_to": {"id": found.goes_to.pk, "name": found.goes_to.name} if found.goes_to else None,
            "reasons": [*found.against.of_all, *(found.against.of_each[0][1] if _alone(found) else [])],
            "team": [
                {"id": whose.pk, "name": whose.name, "reasons": reasons}
                for whose, reasons in found.against.of_each
                if whose
            ],
            "before": _iso(found.before),
            "after": _iso(found.after),
        }
    )


def _alone(found: Explained) -> bool:
    """Is it the module itself that serves visitors?"""
    return any(whose is None for whose, _ in found.against.of_each)


def _asks(request: CompanyRequest) -> bool:
    return any(name in request.GET for name in ("at", "date", "time"))


def _begun(request: CompanyRequest, company: Company, now: datetime) -> WhyForm:
    """A form that has not been sent: what is known from the page one comes from, and the present date."""
    form = WhyForm(company=company)
    asked = request.GET.get("what", "")
    what = next((one for one in form.choices if one == asked or one.startswith(f"{asked}/")), None)
    what = what or next(iter(form.choices), None)
    zone = form.choices[what][0].schedule.zone if what else company.zone
    form.initial = {
        "what": what,
        "staff": request.GET.get("staff", ""),
        "date": f"{now.astimezone(ZoneInfo(zone)):%Y-%m-%d}",
    }
    return form


def _explained(form: WhyForm, now: datetime) -> Explained:
    module, kind = form.asked
    start, staff = form.cleaned_data["at"], form.person
    return explain_time(
        module=module,
        start=start,
        now=now,
        kind=kind,
        staff=staff,
        vouched=_vouched(module, start, form),
    )


def _vouched(module: Module, start: datetime, form: WhyForm) -> list[int] | None:
    day = start.astimezone(ZoneInfo(module.schedule.zone)).date()
    half = BESIDE / 2  # so much is asked of another system at once
    return vouched_for(module, day - half, day + half, kind=form.asked[1], staff=form.person)


def _said(start: datetime, end: datetime, zone: str, now: datetime) -> str:
    return said_span(start, end, zone, now=now)


def _reading(at: datetime, zone: str) -> str:
    """Which of two: *01:30 (UTC-04:00)*."""
    local = at.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")
    return f"{local[11:16]} (UTC{local[16:]})"


def _iso(at: datetime | None) -> str | None:
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z" if at else None


def _refusal(form: WhyForm) -> dict[str, Any]:
    """The first problem in three parts; where a wall time comes twice, the two instants that may be meant."""
    name, problems = next(iter(form.errors.items()))
    said = {
        "what": f"`{name}`: {problems[0]}",
        "means": "Nothing is said about any time.",
        "do": "Say `what` (a module, or module/kind), and `at` as an instant or `date` and `time`.",
    }
    return {**said, "readings": [_iso(one) for one in form.readings]} if form.readings else said
