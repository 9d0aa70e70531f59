"""The appointments of one company: in a span, as a list, one with its history, and what is busy beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Combinable

from genie.core.appointment import LIVE, State
from genie.core.event import BusyKind
from genie.core.spans import moment
from genie.store.models import Appointment, Change, EventLink, Hold, Message, Module, TeamMember
from genie.store.queries.busy import busy_of_modules
from genie.store.queries.connections import living


class Showing(StrEnum):
    """Which states a page shows; the values stand in addresses."""

    LIVE = "confirmed"
    CANCELLED = "cancelled"
    ATTENTION = "attention"
    ALL = "all"


_SHOWN: dict[Showing, Q] = {
    Showing.LIVE: Q(state__in=LIVE),
    Showing.CANCELLED: Q(state=State.CANCELLED),
    Showing.ATTENTION: ~Q(attention=""),
    Showing.ALL: Q(),
}

SORTS: dict[str, tuple[str, ...]] = {
    "when": ("start",),
    "customer": ("lead__name",),
    "module": ("module__name", "start"),
    "with": ("staff__name", "start"),
    "state": ("state", "start"),
    "source": ("lead__source", "start"),
    "booked": ("created_at",),
}
"""What a list can be sorted by; a minus before the name turns it round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsWanted:
    """What of the Leads list is asked for. `first` and `until` bound the start: half-open instants."""

    search: str = ""
    module_id: int | None = None
    staff_id: int | None = None
    showing: Showing = Showing.ALL
    first: datetime | None = None
    until: datetime | None = None
    sort: str = "-booked"


def appointments_between(
    *,
    company_id: int,
    start: datetime,
    end: datetime,
    module_id: int | None = None,
    staff_id: int | None = None,
    showing: Showing = Showing.LIVE,
) -> QuerySet[Appointment]:
    """Those that share time with [start, end), in order, with module, person and lead in the same query."""
    return (
        _of(company_id, module_id, staff_id, showing)
        .filter(start__lt=end, end__gt=start)
        .select_related("lead", "module", "kind", "staff")
        .order_by("start", "id")
    )


def holds_between(
    *,
    company_id: int,
    start: datetime,
    end: datetime,
    now: datetime,
    module_id: int | None = None,
    staff_id: int | None = None,
) -> QuerySet[Hold]:
    """Slots in [start, end) that visitors are filling in at this moment, in order, with what is held."""
    held = Hold.objects.filter(
        module__company=company_id, start__lt=end, end__gt=start, expires_at__gt=now
    ).select_related("module", "kind", "staff")
    if module_id is not None:
        held = held.filter(module=module_id)
    if staff_id is not None:
        held = held.filter(staff=staff_id)
    return held.order_by("start", "id")


def leads(*, company_id: int, wanted: LeadsWanted) -> QuerySet[Appointment]:
    """The Leads list: one row for each booking, with module, person and lead in the same query."""
    found = _of(company_id, wanted.module_id, wanted.staff_id, wanted.showing)
    if wanted.first is not None:
        found = found.filter(start__gte=wanted.first)
    if wanted.until is not None:
        found = found.filter(start__lt=wanted.until)
    if wanted.search:
        found = found.filter(_matches(wanted.search))
    return found.select_related("lead", "module", "kind", "staff").order_by(*_order(wanted.sort))


def appointment_of(*, company_id: int, appointment_id: UUID) -> Appointment | None:
    """One appointment with all that its page says; None also for another company's."""
    return (
        Appointment.objects.filter(id=appointment_id, company_id=company_id)
        .select_related("lead", "module__schedule", "company", "kind", "staff__schedule")
        .first()
    )


def history_of(*, appointment: Appointment) -> QuerySet[Change]:
    """All that ever changed, the latest first."""
    return appointment.history.select_related("user", "restored_by").order_by("-id")


def messages_of(*, appointment: Appointment) -> QuerySet[Message]:
    """The messages owed and sent, the latest first."""
    return appointment.messages.order_by("-created_at", "audience", "recipient")


def living_link(*, appointment: Appointment) -> EventLink | None:
    """The tie to the event on the linked calendar, with calendar, key and connection, if there is one."""
    return (
        living(EventLink.objects.filter(appointment=appointment))
        .select_related("calendar__key", "connection")
        .first()
    )


def leaving_links(*, appointment: Appointment) -> QuerySet[EventLink]:
    """Events still to be deleted from calendars of those whom it was with before."""
    links = EventLink.objects.filter(appointment=appointment, leaves=True)
    return links.exclude(state=EventLink.State.ENDED).select_related("calendar")


def asked_about(*, appointment: Appointment) -> EventLink | None:
    """The tie to an event whose time the customer is asked to accept, if there is such a question."""
    asked = EventLink.objects.filter(appointment=appointment, question_at__isnull=False)
    return asked.select_related("appointment", "calendar").first()


def calendar_kinds(*, appointment: Appointment) -> dict[str, str]:
    """The kind of provider of each calendar the appointment ever was on, by the calendar's name."""
    links = EventLink.objects.filter(appointment=appointment)
    return dict(links.values_list("calendar__name", "calendar__key__kind"))


def modules_of(*, company_id: int) -> QuerySet[Module]:
    """The company's modules by name: those of which a list or calendar can be asked for."""
    return Module.objects.filter(company_id=company_id).order_by("name", "id")


def busy_beside(
    *,
    company_id: int,
    start: datetime,
    end: datetime,
    module_id: int | None = None,
    staff_id: int | None = None,
) -> list[tuple[datetime, datetime]]:
    """Busy time of the modules' calendars in [start, end), merged and cut to it; no titles are known.

    Of a team all members' calendars count; with `staff_id` only those of this person. The events of the
    modules' own live appointments are left out: those are shown as themselves.
    """
    modules = modules_of(company_id=company_id)
    if module_id is not None:
        modules = modules.filter(id=module_id)
    team = TeamMember.objects.filter(module__in=modules, staff__active=True)
    if staff_id is not None:
        team = team.filter(staff=staff_id)
        modules = modules.filter(id__in=team.values("module_id"))
    ids = list(modules.values_list("id", "schedule_id"))
    if not ids:
        return []
    theirs = set(team.values_list("staff__schedule_id", flat=True))
    stretches = busy_of_modules(
        module_ids={module for module, _ in ids},
        schedule_ids=theirs if staff_id is not None else theirs | {schedule for _, schedule in ids},
        kinds=list(BusyKind),
        start=start,
        end=end,
        staff_id=staff_id,
    )
    return [(max(moment(low), start), min(moment(high), end)) for low, high in stretches]


def _of(
    company_id: int, module_id: int | None, staff_id: int | None, showing: Showing
) -> QuerySet[Appointment]:
    found = Appointment.objects.filter(_SHOWN[showing], company_id=company_id)
    if module_id is not None:
        found = found.filter(module_id=module_id)
    return found if staff_id is None else found.filter(staff_id=staff_id)


def _matches(search: str) -> Q:
    """Name, e-mail or phone; a number is found however its digits are grouped."""
    match = Q(lead__name__icontains=search) | Q(lead__email__icontains=search)
    digits = "".join(filter(str.isdecimal, search))
    if len(digits) >= 3 and not any(map(str.isalpha, search)):
        match |= Q(lead__phone__contains=digits)
    return match


def _order(sort: str) -> list[Combinable]:
    """Ties are broken by the id, so that no row is on two pages."""
    names = SORTS.get(sort.removeprefix("-"), SORTS["booked"])
    first = F(names[0]).desc() if sort.startswith("-") else F(names[0]).asc()
    return [first, *map(F, names[1:]), F("id")]
