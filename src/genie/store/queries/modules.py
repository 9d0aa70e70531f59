"""A company's modules with what their state line says, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Prefetch, Subquery

from genie.core.appointment import LIVE
from genie.store.models import (
    Appointment,
    Connection,
    Module,
    RemoteCalendar,
    RemoteKey,
    StaffMember,
    TeamMember,
)
from genie.store.queries.connections import serving_of


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a module's team; or who left it or is switched off (not `offered`), but has a calendar
    there that is still linked. `connection` is their own."""

    staff: StaffMember
    connection: Connection | None
    offered: bool
    joined: bool


@dataclass(frozen=True, slots=True)
class ModuleState:
    """A module, its own living connection if any, its next appointment (start, end) if any, its team."""

    module: Module
    connection: Connection | None
    upcoming: tuple[datetime, datetime] | None
    team: Sequence[Member] = ()
    connections: Sequence[Connection] = ()
    """All that live: the module's own and those of its people."""

    @property
    def offered(self) -> list[Member]:
        """Those with whom visits can be booked, in the team's order."""
        return [member for member in self.team if member.offered]

    @property
    def unserved(self) -> list[StaffMember]:
        """Of those, whose appointments go to no calendar."""
        return [
            member.staff
            for member in self.offered
            if serving_of(self.connections, staff_id=member.staff.pk) is None
        ]

    @property
    def troubled(self) -> list[Connection]:
        """Connections that are not simply linked and in order."""
        return [one for one in self.connections if not _is_well(one)]


def module_states(*, company_id: int, now: datetime, module_slug: str | None = None) -> list[ModuleState]:
    """All modules of the company by name, or the one of that address."""
    following = Appointment.objects.filter(
        module=OuterRef("pk"), company_id=company_id, state__in=LIVE, start__gt=now
    ).order_by("start", "id")
    living = Connection.objects.exclude(state=Connection.State.ENDED).order_by("id")
    team = TeamMember.objects.select_related("staff__schedule")
    modules = (
        Module.objects.filter(company_id=company_id)
        .select_related("schedule")
        .prefetch_related(
            Prefetch("connections", living.select_related("calendar__key", "staff__schedule"), "living"),
            Prefetch("team", team, "members"),
        )
        .annotate(
            next_start=Subquery(following.values("start")[:1]), next_end=Subquery(following.values("end")[:1])
        )
        .order_by("name", "id")
    )
    if module_slug is not None:
        modules = modules.filter(slug=module_slug)
    return [
        ModuleState(
            module=module,
            connection=next((one for one in module.living if one.staff_id is None), None),
            upcoming=(module.next_start, module.next_end) if module.next_start else None,
            team=_team(module.members, module.living),
            connections=module.living,
        )
        for module in modules
    ]


def _team(members: Sequence[TeamMember], living: Sequence[Connection]) -> list[Member]:
    own = {one.staff_id: one for one in living if one.staff_id is not None}
    joined = [Member(m.staff, own.pop(m.staff_id, None), m.staff.active, joined=True) for m in members]
    left = [Member(one.staff, one, offered=False, joined=False) for one in own.values() if one.staff]
    return [*joined, *left]


def _is_well(connection: Connection) -> bool:
    calendar = connection.calendar
    return (
        connection.state == Connection.State.LINKED
        and calendar.key.state == RemoteKey.State.ACTIVE
        and calendar.state == RemoteCalendar.State.OK
    )
