"""Free times as JSON, for whoever builds a page of their own: each start of a range, or a month in numbers.

Forms, limits and examples: docs/api.md.
"""

from __future__ import annotations

import json
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import wraps
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from genie.core.hours import DAY, LocalDates
from genie.core.spans import UNIX
from genie.core.zones import known_zones
from genie.flows.offer import instants, last_date
from genie.store.models import AppointmentKind, Module, StaffMember
from genie.store.queries.slots import opened
from genie.web.booking.choosing import date_of
from genie.web.booking.holder import holder_of
from genie.web.vouched import vouched_for

LONGEST = 366
"""Local dates in one answer."""
USUAL = 31
"""Local dates where no end is said."""
SECOND = 1_000_000
_ENCODER = json.JSONEncoder(separators=(",", ":"))
LARGEST_ID = 2**63 - 1

Answer = Callable[["Asked", HttpRequest], dict[str, Any]]
View = Callable[..., HttpResponse]


class Refused(Exception):
    """The address cannot be answered, in three parts: what happened, what it means, what to do."""

    def __init__(self, what: str, *, do: str, means: str = "No times are in this answer.", status: int = 400):
        super().__init__(what)
        self.parts = {"what": what, "means": means, "do": do}
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which module, kind and person (None: whoever is free), said in which zone, at which moment."""

    module: Module
    kind: AppointmentKind | None
    staff: StaffMember | None
    zone: ZoneInfo
    now: datetime

    @property
    def duration(self) -> int:
        return self.kind.duration if self.kind else self.module.duration


def as_json(answer: Answer) -> View:
    """A view of what `answer` says, with a strong ETag of its content, or of why it cannot be said."""

    @require_safe
    @wraps(answer)
    def view(request: HttpRequest, company_slug: str, module_slug: str) -> HttpResponse:
        try:
            said = answer(_asked(request, company_slug, module_slug), request)
        except Refused as refused:
            return _response(_compact({"error": refused.parts}), status=refused.status)
        content = _compact(said)
        etag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
        known = request.headers.get("If-None-Match")
        response = HttpResponse(status=304) if known and _is_known(etag, known) else _response(content)
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
        return response

    return view


@as_json
def slots_json(asked: Asked, request: HttpRequest) -> dict[str, Any]:
    """Each start of the local dates `from` to `to`, as Unix seconds, by local date of the asked zone."""
    first = _date(request, "from") or asked.now.astimezone(asked.zone).date()
    last = _date(request, "to") or first + timedelta(days=USUAL - 1)
    if last < first:
        raise Refused(f"The range ends on {last}, before it begins.", do="Let `to` be `from` or later.")
    if (last - first).days >= LONGEST:
        raise Refused(
            f"The range from {first} to {last} is longer than {LONGEST} days.",
            do="Ask for shorter ranges, one after another.",
        )
    return {
        "zone": asked.zone.key,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "duration": asked.duration,
        "days": {
            day.isoformat(): [start // SECOND + UNIX for start in starts]
            for day, starts in _by_date(asked, request, first, last).items()
        },
    }


@as_json
def month_json(asked: Asked, request: HttpRequest) -> dict[str, Any]:
    """How many starts each local date of `month` has, and the last date on which there may be any."""
    first = _month(request) or asked.now.astimezone(asked.zone).date().replace(day=1)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    found = _by_date(asked, request, first, last)
    return {
        "zone": asked.zone.key,
        "month": f"{first:%Y-%m}",
        "duration": asked.duration,
        "last": last_date(asked.module, asked.now, asked.kind).isoformat(),
        "days": {day.isoformat(): len(starts) for day, starts in found.items()},
    }


def _by_date(asked: Asked, request: HttpRequest, first: date, last: date) -> dict[date, list[int]]:
    # a date of another zone may be the schedule's day before or after
    beside = timedelta(0) if asked.zone.key == asked.module.schedule.zone else DAY
    since, until = first - beside, last + beside
    starts = instants(
        module=asked.module,
        first=since,
        last=until,
        now=asked.now,
        kind=asked.kind,
        staff=asked.staff,
        holder=holder_of(request).value,
        vouched=vouched_for(asked.module, since, until, kind=asked.kind, staff=asked.staff),
    )
    if not starts:
        return {}
    return LocalDates.of(asked.zone, first=first, last=last).by_date(starts, first=first, last=last)


def _asked(request: HttpRequest, company_slug: str, module_slug: str) -> Asked:
    kind, staff_id = request.GET.get("kind", ""), _staff_id(request)
    if "\0" in kind:
        raise _no_kind(kind, ())
    found = opened(company=company_slug, module=module_slug, kind=kind, staff_id=staff_id)
    if found is None:
        raise Refused(
            "There is no such booking page, or it is switched off.",
            do="Take the address from the business's own page.",
            status=404,
        )
    if found.kind is None and (kind or found.kinds):
        raise _no_kind(kind, found.kinds)
    if staff_id is not None and not found.has_staff:
        raise Refused(
            "That person cannot be chosen here.",
            do="Leave `staff` out, or take the number from a link of the booking page.",
        )
    zone = request.GET.get("zone", "") or found.module.schedule.zone
    if zone != found.module.schedule.zone and zone not in known_zones():
        raise Refused("That time zone is not known.", do="Say `zone` as an IANA name, such as Europe/Madrid.")
    staff = StaffMember(id=staff_id) if staff_id is not None else None
    return Asked(found.module, found.kind, staff, ZoneInfo(zone), timezone.now())


def _no_kind(kind: str, kinds: tuple[str, ...] | Any) -> Refused:
    what = "There is no such kind of appointment." if kind else "Which kind of appointment is not said."
    listed = ", ".join(kinds)
    return Refused(what, do=f"Say `kind` as one of: {listed}." if listed else "Leave `kind` out.")


def _staff_id(request: HttpRequest) -> int | None:
    text = request.GET.get("staff", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_ID):
        raise Refused("`staff` is not a number.", do="Take the number from a link of the booking page.")
    return int(text)


def _date(request: HttpRequest, name: str) -> date | None:
    text = request.GET.get(name, "")
    found = date_of(text) if text else None
    if text and found is None:
        raise Refused(f"`{name}` is no date between 2000 and 2199.", do="Say it as YYYY-MM-DD.")
    return found


def _month(request: HttpRequest) -> date | None:
    text = request.GET.get("month", "")
    found = date_of(f"{text}-01") if text else None
    if text and found is None:
        raise Refused("`month` is no month between 2000 and 2199.", do="Say it as YYYY-MM.")
    return found


def _is_known(etag: str, header: str) -> bool:
    """RFC 9110, 13.1.2: `*`, or one of those listed; weak ones compare as strong ones."""
    listed = [one.removeprefix("W/") for one in parse_etags(header)]
    return "*" in listed or etag in listed


def _compact(said: dict[str, Any]) -> bytes:
    return _ENCODER.encode(said).encode()


def _response(content: bytes, *, status: int = 200) -> HttpResponse:
    return HttpResponse(content, status=status, content_type="application/json")
