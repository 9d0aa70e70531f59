"""Add a company: a business, the tenant, of one agency."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import IntegrityError
from django.db.transaction import atomic

from genie.core.names import NotAName, name_from
from genie.core.zones import zone_meant, zones_like
from genie.store.models import Agency, Company
from genie.store.queries.tenancy import agency_named

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG = 60


class CannotAddCompany(Exception):
    """No company was added; the message says why and what to do."""


class NoSuchAgency(Exception):
    """No agency is called so; the message names those there are."""


def add_company(*, slug: str, name: str, agency: str, zone: str, now: datetime) -> Company:
    """The new company, with nothing in it yet. Raises CannotAddCompany.

    `slug` stands in the addresses of its pages and does not change. `agency` is a name, `zone` an IANA name
    or a city that means only one.
    """
    try:
        found = the_agency(agency)
        values = {"slug": _slug(slug), "name": name_from(name), "zone": _zone(zone)}
    except (NotAName, NoSuchAgency) as problem:
        raise CannotAddCompany(f"{problem} No company was added.") from problem
    try:
        with atomic():
            return Company.objects.create(agency=found, created_at=now, **values)
    except IntegrityError as exc:
        if not Company.objects.filter(slug=slug).exists():
            raise
        raise CannotAddCompany(
            f"Another company has the address “{slug}”, so none was added. Choose another one."
        ) from exc


def the_agency(name: str) -> Agency:
    """The agency somebody named. Raises NoSuchAgency."""
    found = agency_named(name)
    if found is not None:
        return found
    others = [f"“{agency.name}”" for agency in Agency.objects.order_by("name")[:10]]
    if not others:
        raise NoSuchAgency(f"There is no agency “{name}”, nor any other. Make it first: add_agency “{name}”.")
    raise NoSuchAgency(f"There is no agency “{name}”. There is {', '.join(others)}.")


def _slug(slug: str) -> str:
    if SLUG.fullmatch(slug) and len(slug) <= LONGEST_SLUG:
        return slug
    raise CannotAddCompany(
        f"“{slug}” cannot stand in an address, so no company was added. Use small letters, digits and single "
        f"hyphens, at most {LONGEST_SLUG}, for example acme-dental."
    )


def _zone(typed: str) -> str:
    zone = zone_meant(typed)
    if zone is not None:
        return zone
    like = " or ".join(zones_like(typed)) or "America/New_York or Europe/Berlin"
    raise CannotAddCompany(
        f"“{typed}” is no time zone we know, so no company was added. Name one of the IANA database; did you "
        f"mean {like}?"
    )
