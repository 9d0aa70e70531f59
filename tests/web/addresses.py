"""Every address of the resolver, with its arguments filled in for a company: new addresses are walked too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from tests.web.tenants import Tenant

COMPANY = "company/<slug:slug>/"

VALUES: dict[str, Callable[[Tenant], Any]] = {
    "slug": lambda t: t.company.slug,
    "module_slug": lambda t: t.module.slug,
    "schedule_id": lambda t: t.schedule.pk,
    "time_off_id": lambda t: t.time_off.pk,
    "holiday_id": lambda t: t.holiday.pk,
    "followed_id": lambda t: t.followed.pk,
    "kind_id": lambda t: t.kind.pk,
    "day": lambda t: t.override.date.isoformat(),
    "key_id": lambda t: t.key.pk,
    "incident_id": lambda t: t.incident.pk,
    "link_id": lambda t: t.link.pk,
    "calendar_id": lambda t: t.calendar.pk,
    "connection_id": lambda t: t.connection.pk,
    "event_link_id": lambda t: t.event_link.pk,
    "appointment_id": lambda t: t.appointment.pk,
    "change_id": lambda t: t.appointment.history.get().pk,
    "lead_id": lambda t: t.lead.pk,
    "staff_id": lambda t: t.staff.pk,
}
"""Arguments of addresses below /company/<slug>/ by name, and the value of a company's own thing."""

OPEN = {
    "home": "leads logged-in people to their own company",
    "login": "the login itself",
    "logout": "ends the visitor's own session",
    "companies": "lists the user's own companies",
    "installation": "about the whole installation, for those who run it",
    "all_connections": "lists the connections of the user's own companies",
}
"""Names of addresses outside /company/<slug>/, and why no company has to be guarded there."""


@dataclass(frozen=True)
class Address:
    """One pattern of the resolver."""

    route: str
    name: str
    view: Callable[..., Any]

    @property
    def arguments(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.route)

    @property
    def of_a_company(self) -> bool:
        return self.route.startswith(COMPANY)

    def path(self, tenant: Tenant, *, slug: str | None = None) -> str:
        """The address of the tenant's things; with `slug`, of its things below another company."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            assert name in VALUES, (
                f"{self.route}: nobody has said how to fill in <{name}>. Add {name!r} to VALUES in "
                f"tests/web/addresses.py, with the value of a company's own thing."
            )
            return slug if slug and name == "slug" else str(VALUES[name](tenant))

        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, self.route)

    def __str__(self) -> str:
        return self.name or self.route


def addresses() -> list[Address]:
    return list(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[Address]:
    for pattern in patterns:
        route = before + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield Address(route, pattern.name or "", pattern.callback)


def of_companies() -> list[Address]:
    return [address for address in addresses() if address.of_a_company]
