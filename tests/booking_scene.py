"""A company with a module that can be booked, for tests of offering and booking."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from genie.flows.book import BookingForm, book
from genie.store.models import (
    Agency,
    Appointment,
    AvailabilityCalendar,
    BusyTime,
    Company,
    Connection,
    EventLink,
    Lead,
    Module,
    OpeningHours,
    RemoteCalendar,
    RemoteKey,
    Schedule,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)  # a Sunday
MONDAY = date(2026, 3, 2)


def ny(text: str) -> datetime:
    """Wall time of New York in the first week of March 2026 (UTC-5) as an instant: "2026-03-02T09:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(hours=5)


@dataclass
class Shop:
    company: Company
    schedule: Schedule
    module: Module

    def form(self, **changes: Any) -> BookingForm:
        values = {"key": uuid.uuid4(), "name": "Ann Lee", "email": "ann@customer.example", **changes}
        return BookingForm(**values)

    def book(self, start: str, *, now: datetime = NOW, **changes: Any) -> Appointment:
        return book(module_id=self.module.id, start=ny(start), answers=self.form(**changes), now=now)

    def put(self, start: str, *, minutes: int = 60, **changes: Any) -> Appointment:
        """An appointment that is simply there, without a booking."""
        lead = Lead.objects.create(company=self.company, name="Bob", email="bob@x.example", created_at=NOW)
        values = {
            "company": self.company,
            "module": self.module,
            "lead": lead,
            "state": "confirmed",
            "start": ny(start),
            "end": ny(start) + timedelta(minutes=minutes),
            "zone": self.schedule.zone,
            "lane": None,
            "title": "Tour: Bob",
            "created_at": NOW,
            "changed_at": NOW,
            **changes,
        }
        return Appointment.objects.create(**values)

    def calendar(self, remote_id: str = "desk", **changes: Any) -> RemoteCalendar:
        key, _ = RemoteKey.objects.get_or_create(
            company=self.company,
            kind="memory",
            identity="desk",
            defaults={"label": "desk@acme.example", "secret": b"x", "created_at": NOW},
        )
        values = {"name": remote_id, "may_write": True, "read_at": NOW, **changes}
        return RemoteCalendar.objects.create(key=key, remote_id=remote_id, **values)

    def reads(self, calendar: RemoteCalendar) -> RemoteCalendar:
        AvailabilityCalendar.objects.create(schedule=self.schedule, calendar=calendar, added_at=NOW)
        return calendar

    def links(self, calendar: RemoteCalendar, module: Module | None = None) -> Connection:
        return Connection.objects.create(module=module or self.module, calendar=calendar, linked_at=NOW)

    def tie(self, appointment: Appointment, connection: Connection, **changes: Any) -> EventLink:
        values = {"calendar": connection.calendar, "state": "clean", "remote_id": "ours.ics", "uid": "ours"}
        return EventLink.objects.create(
            appointment=appointment, connection=connection, **{**values, **changes}
        )


def busy(calendar: RemoteCalendar, start: str, *, minutes: int = 60, **changes: Any) -> BusyTime:
    values = {"remote_id": uuid.uuid4().hex, "kind": "busy", **changes}
    return BusyTime.objects.create(
        calendar=calendar, start=ny(start), end=ny(start) + timedelta(minutes=minutes), **values
    )


def shop(slug: str = "acme", **settings: Any) -> Shop:
    """Open Monday to Friday 9 to 12 in New York, an hour each, bookable at once unless `settings` differ."""
    agency, _ = Agency.objects.get_or_create(name="Agency")
    company = Company.objects.create(agency=agency, name="Acme", slug=slug, created_at=NOW)
    schedule = Schedule.objects.create(company=company, name="Office", zone="America/New_York")
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=schedule, weekday=day, opens=time(9), closes=time(12)) for day in range(5)
    )
    values = {
        "name": "Main office",
        "slug": "tour",
        "title": "Tour",
        "place": "12 Elm St",
        "how_soon": 0,
        "recipients": ["desk@acme.example"],
        **settings,
    }
    module = Module.objects.create(company=company, schedule=schedule, created_at=NOW, **values)
    return Shop(company, schedule, module)
