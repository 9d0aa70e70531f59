"""A company with visits on a linked calendar, for the tests of the Leads pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from tests.connect_scene import Scene, scene

from genie.store.models import (
    Access,
    Appointment,
    Change,
    Connection,
    EventLink,
    Lead,
    OpeningHours,
    RemoteCalendar,
    Role,
    User,
)

ZONE = "Europe/London"


@dataclass
class Leads:
    """`base` is the company of connect_scene, open every day from 8 to 18 (London)."""

    base: Scene
    client: Client

    @property
    def slug(self) -> str:
        return self.base.company.slug

    def url(self, rest: str) -> str:
        return f"/company/{self.slug}/{rest}"

    def page(self, appointment: Appointment, rest: str = "") -> str:
        return self.url(f"appointments/{appointment.pk}{rest}")

    def visit(self, start: datetime, *, name: str = "Ann Lee", **fields: Any) -> Appointment:
        """A visit of an hour, with the line of its booking in the history."""
        lead_fields = {
            key: fields.pop(key) for key in ("email", "phone", "source", "medium") if key in fields
        }
        lead = Lead.objects.create(
            company=self.base.company,
            name=name,
            created_at=start - timedelta(days=3),
            **({"email": "ann@example.com"} | lead_fields),
        )
        values = {
            "company": self.base.company,
            "module": self.base.module,
            "lead": lead,
            "state": "confirmed",
            "start": start,
            "end": start + timedelta(hours=1),
            "zone": ZONE,
            "lane": 0,
            "title": f"Tour: {name}",
            "created_at": start - timedelta(days=3),
            "changed_at": start - timedelta(days=3),
        }
        appointment = Appointment.objects.create(**(values | fields))
        Change.objects.create(
            appointment=appointment,
            at=appointment.created_at,
            revision=1,
            field="booked",
            new=span_text(appointment),
            origin=Change.Origin.CUSTOMER,
            by=name,
        )
        return appointment

    def calendar(self, name: str = "Front desk", **fields: Any) -> RemoteCalendar:
        key = self.base.company.remote_keys.first() or self.base.key(kind="caldav")
        return RemoteCalendar.objects.create(
            key=key, remote_id=f"/{name}/", name=name, may_write=True, **fields
        )

    def connect(self, calendar: RemoteCalendar, *, realtime: bool = True) -> Connection:
        return Connection.objects.create(
            module=self.base.module, calendar=calendar, realtime=realtime, linked_at=timezone.now()
        )

    def link(self, appointment: Appointment, connection: Connection, **fields: Any) -> EventLink:
        values = {
            "appointment": appointment,
            "connection": connection,
            "calendar": connection.calendar,
            "remote_id": f"/{appointment.pk}.ics",
            "pushed_revision": appointment.revision,
            "state": EventLink.State.CLEAN,
        }
        return EventLink.objects.create(**(values | fields))

    def light(self) -> Client:
        """A browser of a Company Light user."""
        user = User.objects.create_user(
            f"light@{self.slug}.example",
            "correct horse battery",
            name="Lou Light",
            role=Role.COMPANY_LIGHT,
            agency=self.base.company.agency,
            created_at=timezone.now(),
        )
        Access.objects.create(user=user, company=self.base.company)
        return browser_of(user)


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def leads(name: str = "acme") -> Leads:
    base = scene(name)
    base.company.zone = ZONE
    base.company.save()
    for weekday in range(7):
        OpeningHours.objects.create(schedule=base.schedule, weekday=weekday, opens=time(8), closes=time(18))
    return Leads(base, browser_of(base.admin))


def soon(*, days: int = 2, hour: int = 10) -> datetime:
    """A whole hour within the opening hours, some days from now."""
    from zoneinfo import ZoneInfo

    day = timezone.now().astimezone(ZoneInfo(ZONE)).date() + timedelta(days=days)
    return datetime.combine(day, time(hour), ZoneInfo(ZONE))


def span_text(appointment: Appointment) -> str:
    """The time as the history keeps it."""
    return f"{appointment.start.isoformat()}/{appointment.end.isoformat()}"
