"""The calendars of a company that are read for busy time, and the modules whose times each may block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from genie.store.models import AvailabilityCalendar, Company, Module, RemoteCalendar, Schedule, TeamMember
from genie.store.queries.channels import relied_on


@dataclass
class Reading:
    """A calendar with the schedules that it is read for. `modules`: those whose times are made from these."""

    calendar: RemoteCalendar
    since: datetime
    """It was added to the first of them then."""
    told: bool
    """A channel that can be relied on tells of its changes."""
    schedules: list[Schedule] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)


def readings(company: Company, now: datetime) -> Sequence[Reading]:
    """By name, in a fixed number of queries."""
    entries = AvailabilityCalendar.objects.filter(schedule__company=company).order_by("added_at", "id")
    calendars = [entry.calendar_id for entry in entries]
    told = set(relied_on(now).filter(calendar__in=calendars).values_list("calendar_id", flat=True))
    using = _modules_by_schedule(company)
    found: dict[int, Reading] = {}
    for entry in entries.select_related("calendar__key", "schedule"):
        number = entry.calendar_id
        one = found.setdefault(number, Reading(entry.calendar, entry.added_at, number in told))
        one.schedules.append(entry.schedule)
        one.modules += [module for module in using[entry.schedule_id] if module not in one.modules]
    return sorted(found.values(), key=lambda one: (one.calendar.name, one.calendar.pk))


def _modules_by_schedule(company: Company) -> dict[int, list[Module]]:
    modules = {module.pk: module for module in Module.objects.filter(company=company).order_by("name", "id")}
    members = TeamMember.objects.filter(module__company=company, staff__active=True)
    theirs = set(members.values_list("module_id", "staff__schedule_id"))
    using: dict[int, list[Module]] = defaultdict(list)
    for module in modules.values():
        for schedule_id in {module.schedule_id} | {one for number, one in theirs if number == module.pk}:
            using[schedule_id].append(module)
    return using
