"""What a visitor chose besides the time: kind of appointment and person, carried in the address along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from genie.core.places import PlaceKind, asks_for_phone, place_offered
from genie.store.models import Appointment, AppointmentKind, Module, StaffMember
from genie.store.queries.booking_page import kinds_offered
from genie.web.booking.arrival import Arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`kind` None: the module's own title, duration and place. `staff` None: whoever is free.

    `kinds` and `people` are those that can be chosen. `unknown` says that the address named something not
    offered here. A `fixed` one is that of an appointment that is moved: nothing can be chosen or is carried.
    """

    module: Module
    kinds: Sequence[AppointmentKind] = ()
    kind: AppointmentKind | None = None
    people: Sequence[StaffMember] = ()
    staff: StaffMember | None = None
    unknown: bool = False
    fixed: bool = False

    @classmethod
    def of(cls, appointment: Appointment) -> Choice:
        return cls(module=appointment.module, kind=appointment.kind, staff=appointment.staff, fixed=True)

    @property
    def asks(self) -> str:
        """What has to be chosen before a time can be: "kind", or "" for nothing."""
        return "kind" if self.kind is None and len(self.kinds) > 1 else ""

    @property
    def title(self) -> str:
        return self.kind.name if self.kind else self.module.title

    @property
    def duration(self) -> int:
        """Minutes."""
        return self.kind.duration if self.kind else self.module.duration

    @property
    def place_kind(self) -> str:
        return self.kind.place_kind if self.kind else PlaceKind.ADDRESS

    @property
    def place(self) -> str:
        """As everybody may read it. A kind at an address without one of its own is at the module's."""
        return place_offered(self.place_kind, self._place)

    @property
    def asks_for_phone(self) -> bool:
        """Is it a call by the business, which then needs a number?"""
        return asks_for_phone(self.place_kind, self._place)

    @property
    def _place(self) -> str:
        own = self.kind.place if self.kind else ""
        return own or (self.module.place if self.place_kind == PlaceKind.ADDRESS else "")

    def carried(self) -> list[tuple[str, str]]:
        """What every link and form of these pages takes along, beside what Arrival does."""
        values = [
            ("kind", self.kind.slug if self.kind else ""),
            ("staff", str(self.staff.pk) if self.staff else ""),
        ]
        return [] if self.fixed else [(name, value) for name, value in values if value]

    def link(self, seen: Arrival, path: str, **more: Any) -> str:
        return seen.link(path, **dict(self.carried()), **more)

    def link_with(self, staff: StaffMember | None, seen: Arrival, path: str, **more: Any) -> str:
        """The same page with another person, or with whoever is free."""
        return replace(self, staff=staff).link(seen, path, **more)

    def link_to_kinds(self, seen: Arrival) -> str:
        """Where another kind can be chosen; empty where there is no other."""
        if self.fixed or len(self.kinds) < 2:
            return ""
        page = reverse("booking", args=[self.module.company.slug, self.module.slug])
        return replace(self, kind=None).link(seen, page)

    def links_to_each(self, seen: Arrival) -> list[tuple[Choice, str]]:
        """Each kind as it would be chosen, and the address that chooses it."""
        page = reverse("booking", args=[self.module.company.slug, self.module.slug])
        chosen = [replace(self, kind=kind) for kind in self.kinds]
        return [(one, one.link(seen, page)) for one in chosen]


def choice_of(request: HttpRequest, module: Module) -> Choice:
    """Read `kind` and `staff` from the address or the sent form. Where there is one kind only, that is it."""
    given = request.POST if request.method == "POST" else request.GET
    kinds = kinds_offered(module)
    asked = given.get("kind", "")
    named = next((kind for kind in kinds if kind.slug == asked), None)
    only = kinds[0] if len(kinds) == 1 else None
    people = _people(module)
    whom = given.get("staff", "")
    staff = next((one for one in people if str(one.pk) == whom), None)
    return Choice(
        module=module,
        kinds=kinds,
        kind=named or only,
        people=people,
        staff=staff,
        unknown=(bool(asked) and named is None) or (bool(whom) and staff is None),
    )


def _people(module: Module) -> list[StaffMember]:
    """Whom a visitor may choose, in the team's order; nobody unless the module lets visitors choose."""
    if module.assignment != Module.Assignment.VISITOR_CHOOSES:
        return []
    team = StaffMember.objects.filter(teams__module=module, active=True).select_related("schedule")
    return list(team.order_by("teams__position", "teams__id"))
