"""Choosing a day and a time: the first step of booking, and of moving an appointment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from genie.core.saying import said_place, said_span
from genie.store.models import Company, Module
from genie.store.queries.booking_page import open_module
from genie.web.booking.arrival import Arrival, arrival, remember_zone
from genie.web.booking.choice import Choice, choice_of
from genie.web.booking.holder import holder_of
from genie.web.booking.month import Month, month_of
from genie.web.booking.zones import options

View = Callable[..., HttpResponse]

NOT_OFFERED = "What you had chosen is not offered here (any more), so here is what is."


@dataclass(frozen=True, slots=True)
class Place:
    """Where on our pages the visitor chooses: the page itself, and the page a chosen time leads to."""

    here: str
    onward: str


def closed(request: HttpRequest, company_slug: str, module_slug: str) -> HttpResponse:
    """404, in words for a prospect; a module that is merely off is said to be so."""
    company = Company.objects.filter(slug=company_slug, modules__slug=module_slug).first()
    return render(request, "booking/closed.html", {"company": company}, status=404)


@require_safe
def choose(request: HttpRequest, company_slug: str, module_slug: str) -> HttpResponse:
    module = open_module(company_slug, module_slug)
    if module is None:
        return closed(request, company_slug, module_slug)
    return choosing_page(request, module)


def choosing_page(
    request: HttpRequest, module: Module, *, notice: str = "", status: int = 200
) -> HttpResponse:
    """The booking page, with a notice on top when something has to be said first."""
    slugs = [module.company.slug, module.slug]
    place = Place(reverse("booking", args=slugs), reverse("booking_details", args=slugs))
    choice = choice_of(request, module)
    if choice.asks:
        template, context = "booking/kinds.html", kinds_context(request, choice)
    else:
        template, context = "booking/choose.html", choosing_context(request, choice, place)
    if choice.unknown and not notice:
        context["notices"].insert(0, NOT_OFFERED)
    context["notices"] = [note for note in (notice, *context["notices"]) if note]
    response = render(request, template, context, status=status)
    remember_zone(response, context["arrival"])
    response["Cache-Control"] = "private, no-cache"
    return response


def kinds_context(request: HttpRequest, choice: Choice) -> dict[str, Any]:
    """What `booking/kinds.html` needs: which kind of appointment is it to be? Times come after that."""
    seen = arrival(request, at_home=choice.module.schedule.zone)
    return {
        "company": choice.module.company,
        "module": choice.module,
        "arrival": seen,
        "kinds": choice.links_to_each(seen),
        "notices": [],
    }


def choosing_context(
    request: HttpRequest, choice: Choice, place: Place, *, ignoring: UUID | None = None
) -> dict[str, Any]:
    """What `booking/choose.html` and its parts need. Reads the wanted month or day from the address."""
    module = choice.module
    seen = arrival(request, at_home=module.schedule.zone)
    wanted, chosen, odd = _asked(request)
    month = month_of(
        module=module,
        zone=ZoneInfo(seen.zone),
        now=timezone.now(),
        wanted=wanted,
        chosen=chosen,
        kind=choice.kind,
        staff=choice.staff,
        ignoring=ignoring,
        holder=holder_of(request).value,
    )
    notices = []
    if odd:
        notices.append("There is no such date, so here are the next free times instead.")
    if seen.unknown_zone:
        notices.append(
            f"That time zone is not known here, so times are shown as in {said_place(seen.zone)}. "
            "You can choose another one below."
        )
    return {
        "company": module.company,
        "module": module,
        "choice": choice,
        "other_kinds": choice.link_to_kinds(seen),
        "carried": [*choice.carried(), *seen.carried()],
        "arrival": seen,
        "place": place,
        "month": month,
        "searched": wanted is None and chosen is None,
        "links": _links(month, seen, place, choice),
        "people": _people(choice, seen, place, day=chosen),
        "zone_said": said_place(seen.zone),
        "zone_options": options(),
        "notices": notices,
    }


def _asked(request: HttpRequest) -> tuple[date | None, date | None, bool]:
    """(month, day, something could not be read) of the address."""
    month, day = request.GET.get("month", ""), request.GET.get("day", "")
    wanted = date_of(f"{month}-01") if month else None
    chosen = date_of(day) if day else None
    return wanted, chosen, bool((month and wanted is None) or (day and chosen is None))


def _people(choice: Choice, seen: Arrival, place: Place, *, day: date | None) -> list[dict[str, Any]]:
    """Whoever is free, then each who can be chosen: name, address, and whether chosen; the day stays."""
    if not choice.people:
        return []
    more = {"day": day.isoformat()} if day else {}
    return [
        {
            "name": one.name if one else "Whoever is free",
            "id": one.pk if one else "",
            "address": choice.link_with(one, seen, place.here, **more),
            "chosen": one == choice.staff,
        }
        for one in (None, *choice.people)
    ]


def _links(month: Month, seen: Arrival, place: Place, choice: Choice) -> dict[str, Any]:
    """Addresses by what they lead to; days and times by their own text."""

    def to_month(first: date | None) -> str:
        return choice.link(seen, place.here, month=f"{first:%Y-%m}") if first else ""

    return {
        "earlier": to_month(month.earlier),
        "later": to_month(month.later),
        "first_free": choice.link(seen, place.here),
        "anybody": choice.link_with(None, seen, place.here) if choice.staff and choice.people else "",
        "weeks": [
            [
                (day, choice.link(seen, place.here, day=day.date.isoformat()) if day.free else "")
                for day in week
            ]
            for week in month.weeks
        ],
        "times": [(time, choice.link(seen, place.onward, at=time.instant)) for time in month.times],
    }


def date_of(text: str) -> date | None:
    """An ISO date of this century; None for anything else."""
    try:
        value = date.fromisoformat(text)
    except ValueError:
        return None
    return value if 2000 <= value.year < 2200 else None


def start_of(text: str) -> datetime | None:
    """An instant as these pages write it (ISO 8601 with an offset); None for anything else."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    if value.tzinfo is None or not 2000 <= value.year < 2200:
        return None
    return value.astimezone(UTC)


def said_visit(start: datetime, end: datetime, *, zone: str, at_home: str) -> tuple[str, str]:
    """The time for the visitor, and where the visit takes place if clocks differ there (else empty)."""
    now = timezone.now()
    theirs = said_span(start, end, zone, now=now)
    home = said_span(start, end, at_home, now=now)
    differs = said_span(start, end, zone, place=False) != said_span(start, end, at_home, place=False)
    return theirs, home if differs else ""
