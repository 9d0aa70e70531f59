"""People for the companies of the other scenes: staff members with schedules, and a module's team."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from genie.flows.join_team import join_team
from genie.store.models import Company, Module, OpeningHours, Schedule, StaffMember

MADE = datetime(2026, 3, 1, 12, tzinfo=UTC)


def person(company: Company, name: str = "Maria", **fields: Any) -> StaffMember:
    """With a schedule of their own: every day 9 to 17 in the zone of the company's first schedule."""
    if "schedule" not in fields:
        beside = Schedule.objects.filter(company=company).order_by("id").first()
        zone = beside.zone if beside else "UTC"
        fields["schedule"] = Schedule.objects.create(company=company, name=f"Hours of {name}", zone=zone)
        OpeningHours.objects.bulk_create(
            OpeningHours(schedule=fields["schedule"], weekday=day, opens=time(9), closes=time(17))
            for day in range(7)
        )
    email = f"{name.lower()}@{company.slug}.example"
    values = {"company": company, "name": name, "email": email, "created_at": MADE, **fields}
    return StaffMember.objects.create(**values)


def team(module: Module, *names: str) -> list[StaffMember]:
    """These people, made and joined in this order."""
    people = [person(module.company, name) for name in names]
    for one in people:
        join_team(company_id=module.company_id, module_id=module.id, staff_id=one.id)
    return people
