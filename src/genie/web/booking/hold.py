"""Hold the slot whose form is open, and give it back when the page is left: asked for by script."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from genie.flows.claim import SlotTaken
from genie.flows.hold_slot import HoldLimits, NotHeld, hold_slot
from genie.flows.release_hold import release_hold
from genie.store.models import AppointmentKind, Hold, Module
from genie.store.queries.booking_page import open_module
from genie.web.booking.arrival import arrival
from genie.web.booking.choice import choice_of
from genie.web.booking.choosing import closed, start_of
from genie.web.booking.holder import Holder, holder_of, new_holder, remember_holder
from genie.web.visitor import address_of
from genie.web.vouched import vouched_start


@dataclass(frozen=True, slots=True)
class Kept:
    """A hold as the page says it: until when in the visitor's zone, and in how many seconds that is."""

    until: datetime
    label: str
    seconds: int


@require_POST
def hold(request: HttpRequest, company_slug: str, module_slug: str) -> HttpResponse:
    """The part of the form that says so. 204, nothing to say, where the slot is free and may not be held."""
    module = open_module(company_slug, module_slug)
    if module is None:
        return closed(request, company_slug, module_slug)
    start = start_of(request.POST.get("at", ""))
    choice = choice_of(request, module)
    if start is None or choice.asks or choice.unknown:
        return HttpResponse(status=204)
    known = holder_of(request)
    holder = known if known.value else new_holder()
    try:
        made = hold_slot(
            module_id=module.pk,
            kind_id=choice.kind.pk if choice.kind else None,
            staff_id=choice.staff.pk if choice.staff else None,
            start=start,
            visitor=holder.value,
            address=address_of(request),
            now=timezone.now(),
            limits=HoldLimits(at_once=settings.GENIE_HOLDS_PER_ADDRESS),
            vouched=vouched_start(module, start, kind=choice.kind, staff=choice.staff),
        )
    except (NotHeld, AppointmentKind.DoesNotExist):
        return HttpResponse(status=204)
    except SlotTaken:
        return render(request, "booking/hold.html", {"gone": True})
    seen = arrival(request, at_home=module.schedule.zone)
    said = {"kept": _kept(made, seen.zone, timezone.now()), "holder": holder}
    response = render(request, "booking/hold.html", said)
    remember_holder(response, holder)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def release(request: HttpRequest, company_slug: str, module_slug: str) -> HttpResponse:
    """Sent as the page goes away; nobody reads the answer."""
    module = open_module(company_slug, module_slug)
    start, holder = start_of(request.POST.get("at", "")), holder_of(request)
    if module is not None and start is not None and holder.value:
        release_hold(module_id=module.pk, visitor=holder.value, start=start)
    return HttpResponse(status=204)


def kept_for(holder: Holder, module: Module, start: datetime | None, *, zone: str) -> Kept | None:
    """What the holder has kept of `start` by now; None for nothing."""
    if not holder.value or start is None:
        return None
    now = timezone.now()
    held = Hold.objects.filter(module=module, visitor=holder.value, start=start, expires_at__gt=now).first()
    return None if held is None else _kept(held, zone, now)


def _kept(held: Hold, zone: str, now: datetime) -> Kept:
    label = f"{held.expires_at.astimezone(ZoneInfo(zone)):%H:%M}"
    return Kept(held.expires_at, label, int((held.expires_at - now).total_seconds()))
