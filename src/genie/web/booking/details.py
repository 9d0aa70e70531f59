"""Name, e-mail, confirm: the second step of booking."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from genie.core.saying import said_place
from genie.flows.book import BookingForm, book
from genie.flows.claim import SlotTaken
from genie.flows.offer import is_offered, slots
from genie.flows.take_turn import TooMany
from genie.store.models import AppointmentKind, Module
from genie.store.queries.booking_page import open_module
from genie.web.booking.answers import AnswersForm
from genie.web.booking.arrival import Arrival, arrival
from genie.web.booking.choice import Choice, choice_of
from genie.web.booking.choosing import choosing_page, closed, said_visit, start_of
from genie.web.booking.hold import kept_for
from genie.web.booking.holder import Holder, holder_of, new_holder
from genie.web.booking.limits import STATUS, TurnedAway, turned_away, visitor_of, with_wait
from genie.web.booking.month import Time, as_instant, said_date, times_of
from genie.web.booking.zones import country_of
from genie.web.vouched import vouched_for, vouched_start

FRESH = 9
"""So many other times are proposed when the wanted one is gone."""
TWO_WEEKS = timedelta(days=14)

NO_SUCH_CHOICE = "That is not offered here (any more). Nothing was booked; please choose here what is."
NO_SUCH_TIME = "That time could not be read. Nothing was booked; please choose a time here."
GONE = "That time is not free any more. Nothing was booked; these are the times that are."


@require_http_methods(["GET", "HEAD", "POST"])
def details(request: HttpRequest, company_slug: str, module_slug: str) -> HttpResponse:
    """GET `?at=`: the form for a chosen time. POST: book it, and go to the customer's page of it.

    Looking holds nothing: the page asks for the hold itself, by script (`web/booking/hold`).
    """
    module = open_module(company_slug, module_slug)
    if module is None:
        return closed(request, company_slug, module_slug)
    choice = choice_of(request, module)
    if choice.asks or choice.unknown:
        return choosing_page(request, module, notice=NO_SUCH_CHOICE, status=409)
    if request.method == "POST":
        return _confirm(request, choice)
    start = start_of(request.GET.get("at", ""))
    if start is None:
        return choosing_page(request, module, notice=NO_SUCH_TIME, status=400)
    offered = is_offered(
        module=module,
        start=start,
        now=timezone.now(),
        kind=choice.kind,
        staff=choice.staff,
        holder=holder_of(request).value,
        vouched=vouched_start(module, start, kind=choice.kind, staff=choice.staff),
    )
    if not offered:
        return choosing_page(request, module, notice=GONE, status=409)
    form = AnswersForm(country=country_of(module.schedule.zone), phone_needed=choice.asks_for_phone)
    return _page(request, choice, form, start=start, key=_new_key(module))


def _confirm(request: HttpRequest, choice: Choice) -> HttpResponse:
    module = choice.module
    country = country_of(module.schedule.zone)
    form = AnswersForm(request.POST, country=country, phone_needed=choice.asks_for_phone)
    start = start_of(request.POST.get("at", ""))
    signed = request.POST.get("key", "")
    key = _key_of(module, signed)
    if key is None:
        key, signed = uuid.uuid4(), ""
    again = signed or _signed(module, key)
    valid = form.is_valid()
    if start is None:
        return _page(request, choice, form, start=None, key=again, fresh_around=timezone.now(), status=422)
    if not valid:
        return _page(request, choice, form, start=start, key=again, status=422)
    seen = arrival(request, at_home=module.schedule.zone)
    answers = BookingForm(
        key=key,
        **{name: form.cleaned_data[name] for name in ("name", "email", "phone", "notes")},
        visitor_zone=seen.zone,
        source=seen.source,
        medium=seen.medium,
        campaign=seen.campaign,
        referrer=seen.referrer,
    )
    try:
        made = book(
            module_id=module.pk,
            start=start,
            answers=answers,
            now=timezone.now(),
            visitor=visitor_of(request),
            kind_id=choice.kind.pk if choice.kind else None,
            staff_id=choice.staff.pk if choice.staff else None,
            holder=holder_of(request).value,
            vouched=vouched_start(module, start, kind=choice.kind, staff=choice.staff, anew=True),
        )
    except AppointmentKind.DoesNotExist:  # deleted a moment ago
        return choosing_page(request, module, notice=NO_SUCH_CHOICE, status=409)
    except SlotTaken:
        return _page(request, choice, form, start=None, key=again, fresh_around=start, status=409)
    except TooMany as fault:
        why = turned_away(fault, business=module.company.name)
        page = _page(request, choice, form, start=start, key=again, turned_away=why, status=STATUS)
        return with_wait(page, fault)
    return redirect(seen.link(reverse("visit", args=[made.manage_token]), booked=1))


def _page(
    request: HttpRequest,
    choice: Choice,
    form: AnswersForm,
    *,
    start: datetime | None,
    key: str,
    fresh_around: datetime | None = None,
    turned_away: TurnedAway | None = None,
    status: int = 200,
) -> HttpResponse:
    """The form. Without `start` it asks for another time first, near `fresh_around`."""
    module = choice.module
    seen, holder = arrival(request, at_home=module.schedule.zone), holder_of(request)
    slugs = [module.company.slug, module.slug]
    around = fresh_around if start is None else None
    taken = start_of(request.POST.get("at", "")) if start is None else None
    fresh = _fresh(choice, around, seen, holder) if around else []
    day = start.astimezone(ZoneInfo(seen.zone)).date().isoformat() if start else None
    context: dict[str, Any] = {
        "company": module.company,
        "module": module,
        "choice": choice,
        "other_kinds": choice.link_to_kinds(seen),
        "arrival": seen,
        "carried": [*choice.carried(), *seen.carried()],
        "form": form,
        "key": key,
        "at": as_instant(start) if start else "",
        "when": _said(choice, start, seen) if start else None,
        "taken": _said(choice, taken, seen) if taken else None,
        "fresh": fresh,
        "kept": kept_for(holder, module, start, zone=seen.zone),
        # who will hold it is said before it is held, so that hold and booking have one name in whatever order
        # they arrive
        "holder": holder if holder.value else new_holder(),
        "turned_away": turned_away,
        "choosing": choice.link(seen, reverse("booking", args=slugs), **({"day": day} if day else {})),
        "zone_said": said_place(seen.zone),
    }
    response = render(request, "booking/details.html", context, status=status)
    response["Cache-Control"] = "private, no-cache"
    return response


def _said(choice: Choice, start: datetime, seen: Arrival) -> tuple[str, str]:
    end = start + timedelta(minutes=choice.duration)
    return said_visit(start, end, zone=seen.zone, at_home=choice.module.schedule.zone)


def _fresh(choice: Choice, around: datetime, seen: Arrival, holder: Holder) -> list[tuple[str, list[Time]]]:
    """The free times nearest to `around`, by day, in order."""
    now = timezone.now()
    zone = ZoneInfo(seen.zone)
    day = max(around, now).astimezone(zone).date()
    first, last = day - TWO_WEEKS, day + TWO_WEEKS
    starts = slots(
        module=choice.module,
        first=first,
        last=last,
        now=now,
        kind=choice.kind,
        staff=choice.staff,
        holder=holder.value,
        vouched=vouched_for(choice.module, first, last, kind=choice.kind, staff=choice.staff),
    )
    nearest = sorted(sorted(starts, key=lambda start: abs(start - around))[:FRESH])
    days: dict[str, list[datetime]] = {}
    for start in nearest:
        days.setdefault(said_date(start.astimezone(zone).date()), []).append(start)
    return [(said, times_of(of_day, zone)) for said, of_day in days.items()]


def _signer(module: Module) -> Signer:
    # signed, so that nobody who has seen an appointment's id can get at its customer's page with it
    return Signer(salt=f"booking form of module {module.pk}")


def _new_key(module: Module) -> str:
    return _signed(module, uuid.uuid4())


def _signed(module: Module, key: uuid.UUID) -> str:
    return _signer(module).sign(key.hex)


def _key_of(module: Module, signed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(_signer(module).unsign(signed))
    except (BadSignature, ValueError):
        return None
