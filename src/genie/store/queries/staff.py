"""The people of a company with what their list says, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, Prefetch, QuerySet, Subquery

from genie.core.appointment import LIVE
from genie.store.models import Appointment, Connection, Module, StaffMember, TeamMember


@dataclass(frozen=True, slots=True)
class StaffState:
    """A staff member, the modules whose team they are in, their living connections, and their next
    appointment (start, end) if any."""

    staff: StaffMember
    modules: Sequence[Module]
    connections: Sequence[Connection]
    upcoming: tuple[datetime, datetime] | None


def staff_states(*, company_id: int, now: datetime, staff_id: int | None = None) -> list[StaffState]:
    """All people of the company by name, those who are switched off last; or the one with this number."""
    following = Appointment.objects.filter(
        staff=OuterRef("pk"), company_id=company_id, state__in=LIVE, start__gt=now
    ).order_by("start", "id")
    living = Connection.objects.exclude(state=Connection.State.ENDED)
    found = (
        staff_of(company_id=company_id)
        .select_related("schedule", "user")
        .prefetch_related(
            Prefetch("teams", TeamMember.objects.select_related("module").order_by("module__name"), "joined"),
            Prefetch(
                "connections",
                living.select_related("module", "calendar__key").order_by("module__name", "id"),
                "living",
            ),
        )
        .annotate(
            next_start=Subquery(following.values("start")[:1]), next_end=Subquery(following.values("end")[:1])
        )
        .order_by(F("active").desc(), "name", "id")
    )
    if staff_id is not None:
        found = found.filter(id=staff_id)
    return [
        StaffState(
            staff=one,
            modules=[member.module for member in one.joined],
            connections=one.living,
            upcoming=(one.next_start, one.next_end) if one.next_start else None,
        )
        for one in found
    ]


def others_of_team(*, appointment: Appointment) -> QuerySet[StaffMember]:
    """Who of its module's team might take an appointment over, in the team's order: without those who are
    switched off, and whom it is with."""
    members = StaffMember.objects.filter(teams__module=appointment.module_id, active=True)
    if appointment.staff_id is not None:
        members = members.exclude(id=appointment.staff_id)
    return members.select_related("schedule").order_by("teams__position", "teams__id")


def staff_of(*, company_id: int) -> QuerySet[StaffMember]:
    """The company's people by name, those who are switched off too."""
    return StaffMember.objects.filter(company_id=company_id).order_by("name", "id")
