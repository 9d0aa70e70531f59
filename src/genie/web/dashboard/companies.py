"""The way to a company: home, all companies of the user, one company's first page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from genie.core.rights import Right
from genie.store.models import Company
from genie.store.queries.tenancy import companies_of, company_for
from genie.web.dashboard.access import LAST_COMPANY, CompanyRequest, for_company, for_user, user_of


@for_user
def home(request: HttpRequest) -> HttpResponse:
    """To the company looked at last, to the only one, or to the choice."""
    user = user_of(request)
    last = request.session.get(LAST_COMPANY)
    if isinstance(last, str) and company_for(user=user, slug=last):
        return redirect("company", slug=last)
    first = list(companies_of(user)[:2])
    if len(first) == 1:
        return redirect("company", slug=first[0].slug)
    return redirect("companies")


@for_user
def companies(request: HttpRequest) -> HttpResponse:
    """All companies the user may open, found by a part of the name."""
    wanted = request.GET.get("q", "").strip()[:120]
    found = companies_of(user_of(request))
    if wanted:
        found = found.filter(name__icontains=wanted)
    shown = list(found[:101])
    return render(
        request,
        "dashboard/companies.html",
        {"companies": shown[:100], "more": len(shown) > 100, "wanted": wanted},
    )


@for_company(Right.SEE_LEADS)
def company_home(request: CompanyRequest, company: Company) -> HttpResponse:
    return redirect("leads_calendar", slug=company.slug)
