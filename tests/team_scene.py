"""A module with a team, for tests of who gets an appointment."""

from __future__ import annotations

from datetime import time
from typing import Any

from tests.booking_scene import NOW, Shop, shop

from genie.store.models import Module, OpeningHours, Schedule, StaffMember, TeamMember


def member(
    of: Shop, name: str, *, module: Module | None = None, zone: str = "America/New_York"
) -> StaffMember:
    """Open every day 9 to 12, the last of the team of the module."""
    schedule = Schedule.objects.create(company=of.company, name=name, zone=zone)
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=schedule, weekday=day, opens=time(9), closes=time(12)) for day in range(7)
    )
    made = StaffMember.objects.create(company=of.company, name=name, schedule=schedule, created_at=NOW)
    joins(made, module or of.module)
    return made


def joins(staff: StaffMember, module: Module) -> None:
    TeamMember.objects.create(module=module, staff=staff, position=module.team.count())


def team_shop(*names: str, slug: str = "acme", **settings: Any) -> tuple[Shop, list[StaffMember]]:
    made = shop(slug, **settings)
    return made, [member(made, name) for name in names]


def twin(of: Shop, slug: str = "twin", **settings: Any) -> Shop:
    """Another module of the company with the same schedule."""
    module = Module.objects.get(pk=of.module.pk)
    module.pk, module.slug, module.name = None, slug, slug
    for name, value in settings.items():
        setattr(module, name, value)
    module._state.adding = True
    module.save()
    return Shop(of.company, of.schedule, module)
