"""The customer's own page of an appointment, under a secret address: calendar file, change, cancel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import parseaddr
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from genie.core.appointment import NotPossible, State
from genie.core.event import When, span_text
from genie.core.saying import said_moment
from genie.flows import actor
from genie.flows.accept_time import accept_time
from genie.flows.amend import Overtaken
from genie.flows.ask import proposal
from genie.flows.book import SlotTaken
from genie.flows.cancel import cancel
from genie.flows.keep_time import QuestionClosed, keep_time
from genie.flows.reschedule import reschedule
from genie.flows.restore_value import when_of
from genie.flows.take_turn import TooMany
from genie.notices.email.calendar_file import PublishedVisit, calendar_file
from genie.notices.email.letters import summary
from genie.store.models import Appointment, EventLink
from genie.store.queries.appointments import asked_about
from genie.web.booking.arrival import Arrival, arrival, remember_zone
from genie.web.booking.choice import Choice
from genie.web.booking.choosing import Place, choosing_context, said_visit, start_of
from genie.web.booking.limits import STATUS, turned_away, visitor_of, with_wait
from genie.web.booking.month import as_instant
from genie.web.vouched import vouched_start

View = Callable[..., HttpResponse]

OVERTAKEN = (
    "This appointment was changed elsewhere while you were here, so nothing was done. "
    "Below it is as it stands now; please decide again."
)
ANOTHER_QUESTION = (
    "The proposed time was changed in the meantime, so nothing was done. Below it is as it stands now; "
    "please decide again."
)
NO_QUESTION = (
    "This question is not open any more, so nothing was done. Below your appointment is as it stands now; if "
    "that does not suit you, choose another time or call us."
)
UNREAD = "Your answer could not be read, so nothing was done. Please use one of the two buttons below."
TAKEN = "That time has just been taken. Your appointment is where it was; please choose another time."


def for_holder(view: View) -> View:
    """Call the view as `view(request, appointment)` for the secret in the address; caches keep nothing."""

    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        found = Appointment.objects.select_related(
            "company", "module__schedule", "lead", "kind", "staff__schedule"
        )
        appointment = found.filter(manage_token=token).first()
        if appointment is None:
            response = render(request, "booking/no_visit.html", status=404)
        else:
            response = view(request, appointment)
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
        return response

    return guarded


@require_safe
@for_holder
def visit(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    return _page(request, appointment)


@require_safe
@for_holder
def calendar_file_of(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    """The same event as in our letters, under the same UID: adding it twice does not double it."""
    file = calendar_file(
        PublishedVisit(
            uid=str(appointment.pk),
            revision=appointment.revision,
            when=When(appointment.start, appointment.end, appointment.zone),
            summary=summary(
                appointment.what,
                appointment.staff.name if appointment.staff else "",
                appointment.company.name,
            ),
            place=appointment.place,
            organizer=parseaddr(settings.GENIE_MAIL_FROM)[1],
            organizer_name=appointment.company.name,
            stamped=appointment.changed_at,
            cancelled=appointment.state == State.CANCELLED,
        )
    )
    response = HttpResponse(file.text, content_type=f"text/calendar; charset=utf-8; method={file.method}")
    response["Content-Disposition"] = f'attachment; filename="{file.filename}"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_holder
def change(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    """GET: choose another time; GET `?at=`: confirm it; POST: move there."""
    if not _is_open(appointment):
        return _page(request, appointment, notice=_why_closed(appointment), status=409)
    given = request.POST if request.method == "POST" else request.GET
    start = start_of(given.get("at", ""))
    if start is None:
        unread = "That time could not be read; please choose one here." if given.get("at") else ""
        return _choose(request, appointment, notice=unread, status=400 if unread else 200)
    if request.method == "POST":
        return _move(request, appointment, start)
    return _propose(request, appointment, start)


@require_http_methods(["GET", "HEAD", "POST"])
@for_holder
def cancel_visit(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    """GET: what will happen; POST: do it."""
    if not _is_open(appointment):
        return _page(request, appointment, notice=_why_closed(appointment), status=409)
    if request.method != "POST":
        return render(request, "booking/cancel.html", _context(request, appointment))
    try:
        cancel(
            company_id=appointment.company_id,
            appointment_id=appointment.pk,
            actor=actor.customer(appointment.lead.name),
            now=timezone.now(),
            seen_revision=_revision(request),
        )
    except (NotPossible, Overtaken):
        appointment.refresh_from_db()
        return _page(request, appointment, notice=OVERTAKEN, status=409)
    return _back(request, appointment)


@require_http_methods(["GET", "HEAD", "POST"])
@for_holder
def answer(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    """POST: accept the time that the calendar proposes, or keep the time as it was. GET: the page that asks;
    programs that follow each link of a letter must decide nothing."""
    if request.method != "POST":
        return _back(request, appointment)
    proposed = when_of(request.POST.get("proposed", ""), appointment.zone)
    answered = {"accept": accept_time, "keep": keep_time}.get(request.POST.get("answer", ""))
    if proposed is None or answered is None:
        return _page(request, appointment, notice=UNREAD, status=400)
    if not _is_asked(appointment):
        return _answered_before(request, appointment, proposed)
    try:
        answered(
            company_id=appointment.company_id,
            appointment_id=appointment.pk,
            proposed=proposed,
            actor=actor.customer(appointment.lead.name),
            now=timezone.now(),
        )
    except (QuestionClosed, NotPossible):
        appointment.refresh_from_db()
        return _answered_before(request, appointment, proposed)
    said = {"changed": 1} if answered is accept_time else {"kept": 1}
    return _back(request, appointment, **said)


def _answered_before(request: HttpRequest, appointment: Appointment, proposed: When) -> HttpResponse:
    """The same form sent twice is no trouble; else what holds now is said, with the question of now."""
    if (appointment.start, appointment.end) == (proposed.start, proposed.end):
        return _back(request, appointment, changed=1)
    notice = ANOTHER_QUESTION if _is_asked(appointment) else NO_QUESTION
    return _page(request, appointment, notice=notice, status=409)


def _is_asked(appointment: Appointment) -> bool:
    link = asked_about(appointment=appointment)
    return link is not None and _still_counts(link) and _is_open(appointment)


def _still_counts(link: EventLink) -> bool:
    return link.answer_until is not None and timezone.now() < link.answer_until


def _question(appointment: Appointment, seen: Arrival) -> dict[str, Any] | None:
    """What the customer is asked, if there is an open question that can still be answered."""
    link = asked_about(appointment=appointment)
    proposed = proposal(link) if link else None
    if link is None or proposed is None or not _still_counts(link) or not _is_open(appointment):
        return None
    assert link.answer_until is not None
    return {
        "proposed": span_text(proposed),
        "when": said_visit(proposed.start, proposed.end, zone=seen.zone, at_home=appointment.zone),
        "until": said_moment(link.answer_until, seen.zone, timezone.now()),
        "until_at": link.answer_until,
    }


def _choose(request: HttpRequest, appointment: Appointment, *, notice: str, status: int) -> HttpResponse:
    here = reverse("visit_change", args=[appointment.manage_token])
    context = choosing_context(request, Choice.of(appointment), Place(here, here), ignoring=appointment.pk)
    notices = (notice, _why_nothing(appointment), *context["notices"])
    context["notices"] = [note for note in notices if note]
    context |= {"moving": _said(appointment, context["arrival"]), "appointment": appointment}
    response = render(request, "booking/choose.html", context, status=status)
    remember_zone(response, context["arrival"])
    return response


def _why_nothing(appointment: Appointment) -> str:
    """Why no time is offered with the person whom it is with, if that is so; else empty."""
    staff = appointment.staff
    if staff is None or (staff.active and staff.teams.filter(module=appointment.module_id).exists()):
        return ""
    return (
        f"{staff.name} takes no new appointments here any more, so there is no other time with {staff.name}. "
        f"Your appointment stands. Call {appointment.company.name} to move it, or cancel it and book with "
        "somebody else."
    )


def _move(request: HttpRequest, appointment: Appointment, start: datetime) -> HttpResponse:
    try:
        reschedule(
            company_id=appointment.company_id,
            appointment_id=appointment.pk,
            start=start,
            actor=actor.customer(appointment.lead.name),
            now=timezone.now(),
            seen_revision=_revision(request),
            visitor=visitor_of(request),
            vouched=vouched_start(
                appointment.module, start, kind=appointment.kind, staff=appointment.staff, anew=True
            ),
        )
    except SlotTaken:
        return _choose(request, appointment, notice=TAKEN, status=409)
    except TooMany as fault:
        return with_wait(_propose(request, appointment, start, too_many=fault), fault)
    except (NotPossible, Overtaken):
        appointment.refresh_from_db()
        return _page(request, appointment, notice=OVERTAKEN, status=409)
    return _back(request, appointment, changed=1)


def _propose(
    request: HttpRequest, appointment: Appointment, start: datetime, *, too_many: TooMany | None = None
) -> HttpResponse:
    """Shall it be moved to `start`? With `too_many`: not now, and why."""
    seen = arrival(request, at_home=_zone(appointment))
    end = start + (appointment.end - appointment.start)
    here = reverse("visit_change", args=[appointment.manage_token])
    context = _context(request, appointment) | {
        "proposed": said_visit(start, end, zone=seen.zone, at_home=appointment.zone),
        "at": as_instant(start),
        "choosing": seen.link(here, day=start.astimezone(ZoneInfo(seen.zone)).date().isoformat()),
        "turned_away": turned_away(too_many, business=appointment.company.name) if too_many else None,
    }
    return render(request, "booking/move.html", context, status=STATUS if too_many else 200)


def _page(
    request: HttpRequest, appointment: Appointment, *, notice: str = "", status: int = 200
) -> HttpResponse:
    context = _context(request, appointment) | {
        "notice": notice,
        "just_booked": request.GET.get("booked") == "1",
        "just_changed": request.GET.get("changed") == "1",
        "just_kept": request.GET.get("kept") == "1",
    }
    return render(request, "booking/visit.html", context, status=status)


def _context(request: HttpRequest, appointment: Appointment) -> dict[str, Any]:
    seen = arrival(request, at_home=_zone(appointment))
    return {
        "appointment": appointment,
        "company": appointment.company,
        "module": appointment.module,
        "lead": appointment.lead,
        "arrival": seen,
        "book_again": _book_again(appointment, seen),
        "when": _said(appointment, seen),
        "live": appointment.state != State.CANCELLED,
        "open": _is_open(appointment),
        "question": _question(appointment, seen),
    }


def _book_again(appointment: Appointment, seen: Arrival) -> str:
    """The booking page, with the same kind chosen where it is still offered."""
    page = reverse("booking", args=[appointment.company.slug, appointment.module.slug])
    kind = appointment.kind
    return seen.link(page, **({"kind": kind.slug} if kind and kind.enabled else {}))


def _zone(appointment: Appointment) -> str:
    return appointment.visitor_zone or appointment.zone


def _said(appointment: Appointment, seen: Arrival) -> tuple[str, str]:
    return said_visit(appointment.start, appointment.end, zone=seen.zone, at_home=appointment.zone)


def _is_open(appointment: Appointment) -> bool:
    """Can the customer still change or cancel it?"""
    return appointment.state != State.CANCELLED and appointment.start > timezone.now()


def _why_closed(appointment: Appointment) -> str:
    if appointment.state == State.CANCELLED:
        return "This appointment is cancelled already; nothing was changed."
    return (
        "This appointment has begun or is over, so it cannot be changed here any more. Please call instead."
    )


def _revision(request: HttpRequest) -> int | None:
    text = request.POST.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _back(request: HttpRequest, appointment: Appointment, **said: int) -> HttpResponse:
    seen = arrival(request, at_home=_zone(appointment))
    return redirect(seen.link(reverse("visit", args=[appointment.manage_token]), **said))
