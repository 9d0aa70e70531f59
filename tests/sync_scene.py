"""A small business on a stage: one module, linked to a calendar of an in-process world, and a clock."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count

from django.db import transaction

from genie.core.appointment import State
from genie.core.event import When
from genie.flows.actor import customer
from genie.flows.alternate import IN_TURNS
from genie.flows.drain import drain
from genie.flows.owe import owe
from genie.flows.seat import lock_module, take_seat
from genie.providers.memory.world import Owner, World
from genie.providers.registry import ProviderSettings, open_provider, pushing
from genie.store.models import (
    Agency,
    Appointment,
    Change,
    Company,
    Connection,
    EventLink,
    Lead,
    Message,
    Module,
    OpeningHours,
    RemoteCalendar,
    RemoteKey,
    Schedule,
    StaffMember,
)
from genie.store.queries.drains import to_drain
from genie.store.sealed import seal

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
SETTINGS = ProviderSettings(allow_private_networks=True)
_names = count()


@dataclass(kw_only=True)
class Business:
    """A module linked to a calendar of any provider. `now` moves only when told to."""

    module: Module
    key: RemoteKey
    calendar: RemoteCalendar
    connection: Connection
    settings: ProviderSettings = SETTINGS
    now: datetime = field(default=MONDAY - timedelta(days=3))

    def book(
        self, start: datetime, *, name: str = "Jane Doe", staff: StaffMember | None = None
    ) -> Appointment:
        """A visit of one hour, as the booking page would make it, without asking the slot rules."""
        with transaction.atomic():
            module = lock_module(self.module.id)
            lead = Lead.objects.create(
                company=module.company, name=name, email="jane@example.org", created_at=self.now
            )
            appointment = Appointment(
                company=module.company,
                module=module,
                staff=staff,
                lead=lead,
                state=State.CONFIRMED,
                start=start,
                end=start + timedelta(hours=1),
                zone="UTC",
                title=f"Visit: {name}",
                answers="Please ring twice.",
                created_at=self.now,
                changed_at=self.now,
            )
            take_seat(appointment=appointment, module=module)
            appointment.save(force_insert=True)
            Change.objects.create(
                appointment=appointment, at=self.now, revision=1, field="booked", origin="customer", by=name
            )
            owe(appointment=appointment, now=self.now)
        return appointment

    @property
    def company(self) -> Company:
        return self.module.company

    def booked(self, hours: float = 0, *, name: str = "Jane Doe") -> Appointment:
        """A visit that is on the calendar, with everybody told."""
        appointment = self.book(self.at(hours).start, name=name)
        self.drain()
        assert self.link(appointment).state == EventLink.State.CLEAN, self.link(appointment).reason
        Message.objects.filter(company=self.company).update(state=Message.State.SENT, sent_at=self.now)
        return appointment

    def at(self, hours: float) -> When:
        """One hour, starting `hours` after nine on the day of the scene's visits."""
        start = self.nine + timedelta(hours=hours)
        return When(start, start + timedelta(hours=1), "UTC")

    @property
    def nine(self) -> datetime:
        day = self.connection.linked_at + timedelta(days=3)
        return day.replace(hour=9, minute=0, second=0, microsecond=0)

    def drain(self, rounds: int = 30) -> None:
        """Wake every calendar that has something to do, until none has."""
        for _ in range(rounds):
            waiting = to_drain(self.now, addresses=pushing(self.settings))
            if waiting:  # other companies may have some of their own
                waiting &= set(RemoteCalendar.objects.filter(key=self.key).values_list("id", flat=True))
            if not waiting:
                return
            for calendar_id in waiting:
                drain(calendar_id=calendar_id, settings=self.settings, now=self.now)
        raise AssertionError(f"still not quiet after {rounds} rounds: {to_drain(self.now)}")

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def poll(self) -> None:
        """A minute passes and everything due is done."""
        self.later(minutes=1)
        self.drain()

    def link(self, appointment: Appointment) -> EventLink:
        return EventLink.objects.get(appointment=appointment)

    def settle(self) -> None:
        """Faults have stopped: let every wait pass and everything be done."""
        self.heal()
        for hours in (0.4, 0.4, 0.4, 25, 25):  # the longest wait is a day: a create nobody answered
            self.later(hours=hours)
            self.drain()
            if not self.unfinished():
                return

    def heal(self) -> None:
        """End the faults of the way to the calendar; here there are none."""

    def unfinished(self) -> bool:
        waiting = (EventLink.State.PARKED, EventLink.State.HELD)
        done = (EventLink.State.CLEAN, EventLink.State.ENDED, *waiting)
        links = EventLink.objects.filter(appointment__module=self.module)
        return links.exclude(state__in=done).exists() or links.filter(reason=IN_TURNS).exists()


@dataclass(kw_only=True)
class Scene(Business):
    """`owner` acts on the calendar, in a world in memory, as a person with any calendar program."""

    world: World
    owner: Owner

    def writes(self) -> list[str]:
        """Names of the writing requests so far, in order."""
        return [name for name, _ in self.world.requests if name in ("create", "update", "delete")]

    def heal(self) -> None:
        self.world.before = self.world.after = None


def office(slug: str, *, capacity: int = 50, now: datetime = MONDAY - timedelta(days=3)) -> Module:
    """The module of a new company, open every day, with nothing connected."""
    agency = Agency.objects.create(name="Agency")
    company = Company.objects.create(agency=agency, name="Acme", slug=slug, created_at=now)
    schedule = Schedule.objects.create(company=company, name="Hours", zone="UTC")
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=schedule, weekday=day, opens=time(8), closes=time(18)) for day in range(7)
    )
    return Module.objects.create(
        company=company,
        name="Main office",
        slug="main",
        schedule=schedule,
        capacity=capacity,
        recipients=["desk@acme.example"],
        created_at=now,
    )


def stage(*, realtime: bool = True, page_size: int = 50, cursors: bool = True, capacity: int = 50) -> Scene:
    """A new company with everything connected, nothing booked."""
    name = f"world-{next(_names)}-{uuid.uuid4().hex[:6]}"
    now = MONDAY - timedelta(days=3)
    world = World(name, page_size=page_size, cursors=cursors)
    owner = world.add_account("desk@acme.example")
    module = office(name, capacity=capacity, now=now)
    secret = world.secret("desk@acme.example")
    provider = open_provider("memory", secret, SETTINGS)
    key = RemoteKey.objects.create(
        company=module.company,
        kind="memory",
        identity=provider.account().identity,
        label="desk@acme.example",
        secret=seal(secret),
        created_at=now,
    )
    calendar = RemoteCalendar.objects.create(key=key, remote_id="work", name="Work", may_write=True)
    connection = Connection.objects.create(module=module, calendar=calendar, realtime=realtime, linked_at=now)
    world.requests.clear()
    return Scene(world=world, owner=owner, module=module, key=key, calendar=calendar, connection=connection)


def at(hours: float) -> When:
    """One hour on the Monday of the scene, starting `hours` after nine."""
    start = MONDAY + timedelta(hours=hours)
    return When(start, start + timedelta(hours=1), "UTC")


CUSTOMER = customer("Jane Doe")
