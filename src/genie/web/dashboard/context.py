"""What every page's frame knows: company, companies to switch to, rights, side menu."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from genie.core.rights import Right, rights_of
from genie.store.models import Company, User
from genie.store.queries.tenancy import companies_of
from genie.store.record_file import doubt_there

SWITCHER = 8
"""Companies shown in the side menu; more are on the page of all companies."""

MENU: list[tuple[Right, str, str, str, str]] = [
    # right, name of the address, words, icon, folders below the company that mark it as current
    (Right.SEE_LEADS, "leads_calendar", "Leads calendar", "calendar-days", "leads/calendar appointments"),
    (Right.SEE_LEADS, "leads_list", "Leads list", "list", "leads/list"),
    (Right.APP_SETTINGS, "apps", "Apps", "layout-grid", "apps keys"),
    (Right.SCHEDULES, "schedules", "Availability", "calendar-clock", "schedules"),
    (Right.SCHEDULES, "team", "Team", "users", "team"),
    (Right.CONNECT_CALENDARS, "connection_health", "Connection health", "gauge", "health"),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template variables of the frame; empty for people who are not logged in."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"demo": settings.GENIE_DEMO}
    company: Company | None = getattr(request, "company", None)
    return {
        "demo": settings.GENIE_DEMO,
        "company": company,
        "paused": doubt_there(settings.GENIE_INSTALLATION_FILE),
        "may": {right.value: True for right in rights_of(user.role)},
        "menu": menu(company, user, request.path) if company else [],
        # a function: only a template that shows the switcher pays for the query
        "switcher": lambda: list(companies_of(user)[: SWITCHER + 1]),
    }


def menu(company: Company, user: User, path: str) -> list[dict[str, Any]]:
    """The side menu of a company for this user's rights."""
    rights = rights_of(user.role)
    entries = []
    for right, name, words, icon, folders in MENU:
        if right not in rights:
            continue
        try:
            address = reverse(name, kwargs={"slug": company.slug})
        except NoReverseMatch:
            continue
        here = path.startswith(tuple(f"/company/{company.slug}/{folder}" for folder in folders.split()))
        entries.append({"address": address, "words": words, "icon": icon, "here": here})
    return entries
