"""Random worlds in the tables, with teams, kinds, holds and calendars."""

from __future__ import annotations

import random
import uuid
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.booking_scene import NOW, Shop
from tests.core import reference
from tests.core.reference import Seat
from tests.team_scene import joins, member, team_shop, twin

from genie.core import holidays
from genie.core.hours import Hours
from genie.flows.offer import rules_of
from genie.store.models import (
    AppointmentKind,
    AvailabilityCalendar,
    BusyTime,
    Connection,
    DateOverride,
    EventLink,
    Hold,
    Holiday,
    OpeningHours,
    Schedule,
    TimeOff,
)

NOON = time(12)
ZONES = ["America/New_York", "America/New_York", "Europe/Madrid", "Australia/Lord_Howe"]
FIRST = date(2026, 3, 7)
"""The clocks go forward in New York on the next day."""
LAST = FIRST + timedelta(2)


def beside(wish: tuple[datetime, datetime], own: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    """What a proposed time takes that the appointment does not have anyway."""
    start = own[1] if own[0] <= wish[0] < own[1] else wish[0]
    end = own[0] if own[0] < wish[1] <= own[1] else wish[1]
    return start, end


class World:
    """A company is put together at random; beside each row stands what the reference has to know of it."""

    def __init__(self, seed: int) -> None:
        self.any = random.Random(seed)
        self.shop, self.people = team_shop(
            duration=self.any.choice([30, 60]),
            between=self.any.choice([0, 15]),
            start_every=self.any.choice([None, 15, 20]),
            capacity=self.any.choice([1, 2, 3]),
            capacity_by_weekday=self.any.choice([{}, {"sun": 1, "mon": 0}, {"sat": 2}]),
            per_day=self.any.choice([0, 0, 4]),
            how_soon=self.any.choice([0, 6 * 24 * 60]),
            horizon_days=self.any.choice([7, 60]),
            tentative_blocks=self.any.random() < 0.5,
        )
        self.shop.schedule.zone = self.any.choice(ZONES)
        self.shop.schedule.save()
        self.people = [
            member(self.shop, f"Person {n}", zone=self.any.choice(ZONES))
            for n in range(self.any.choice([0, 1, 3]))
        ]
        self.kinds = [None, *(self.kind(n) for n in range(2))]
        self.elsewhere = twin(self.shop, between=10)
        for one in self.people:
            joins(one, self.elsewhere.module)
        self.hours: dict[int, Hours] = {}
        self.holidays: dict[int, list[holidays.Holiday]] = {}
        self.blocked: dict[int, list[tuple[datetime, datetime]]] = {}
        self.seats: dict[int, list[Seat]] = {}
        for schedule in Schedule.objects.filter(company=self.shop.company):
            self.furnish(schedule)
        for desk in self.desks:
            self.seats[desk], self.blocked[desk] = [], list(self.blocked[self.schedule_of(desk).id])
        self.calendars()
        for _ in range(10):
            self.appointment()

    def kind(self, n: int) -> AppointmentKind:
        return AppointmentKind.objects.create(
            module=self.shop.module,
            name=f"kind {n}",
            slug=f"kind{n}",
            duration=self.any.choice([20, 45]),
            between=self.any.choice([None, 0, 30]),
            start_every=self.any.choice([None, 30]),
            capacity=self.any.choice([None, 1, 2]),
            per_day=self.any.choice([None, 2]),
        )

    @property
    def desks(self) -> list[int]:
        return [one.id for one in self.people] or [0]

    def schedule_of(self, desk: int) -> Schedule:
        return next((one.schedule for one in self.people if one.id == desk), self.shop.schedule)

    def moment(self) -> datetime:
        return NOW.replace(hour=0) + timedelta(days=6, minutes=5 * self.any.randrange(4 * 288))

    def span(self) -> tuple[datetime, datetime]:
        start = self.moment()
        return start, start + timedelta(minutes=5 * self.any.randrange(1, 20))

    def furnish(self, schedule: Schedule) -> None:
        """Hours, dates, holidays, time off, and an availability calendar."""
        OpeningHours.objects.filter(schedule=schedule).delete()
        weekly: dict[int, list[tuple[time, time]]] = {}
        for weekday in range(7):
            opens, closes = self.any.choice(
                [(time(8), time(18)), (time(21), time(4)), (time(), time()), (NOON, NOON)]
            )
            weekly[weekday] = [(opens, closes)]
            OpeningHours.objects.create(schedule=schedule, weekday=weekday, opens=opens, closes=closes)
        overrides: dict[date, list[tuple[time, time]]] = {}
        if self.any.random() < 0.4:
            overrides[FIRST] = [(time(10), time(13))]
            DateOverride.objects.create(schedule=schedule, date=FIRST, opens=time(10), closes=time(13))
        self.hours[schedule.id] = Hours(ZoneInfo(schedule.zone), weekly, overrides)
        self.holidays[schedule.id] = []
        if self.any.random() < 0.5:
            part: dict[str, Any] = self.any.choice([{}, {"start": time(14)}, {"end": time(11)}])
            day = self.any.choice([FIRST, LAST])
            Holiday.objects.create(schedule=schedule, title="Feast", month=3, day=day.day, **part)
            if day not in overrides:
                self.holidays[schedule.id].append(holidays.Holiday("Feast", 3, day=day.day, **part))
        off, busy = self.span(), self.span()
        TimeOff.objects.create(schedule=schedule, start=off[0], end=off[1])
        calendar = self.shop.calendar(f"read by {schedule.id}")
        AvailabilityCalendar.objects.create(schedule=schedule, calendar=calendar, added_at=NOW)
        self.event(calendar, busy)
        self.blocked[schedule.id] = [off, busy]
        unsure = self.span()
        self.event(calendar, unsure, kind="tentative")
        if self.shop.module.tentative_blocks:
            self.blocked[schedule.id].append(unsure)

    def calendars(self) -> None:
        """The module's linked calendar; the first person has one of their own."""
        common, busy = self.shop.calendar("common"), self.span()
        self.linked = {
            None: Connection.objects.create(module=self.shop.module, calendar=common, linked_at=NOW)
        }
        self.event(common, busy)
        own = None
        if self.people:
            own = self.people[0].id
            calendar = self.shop.calendar("own")
            self.linked[own] = Connection.objects.create(
                module=self.shop.module, staff_id=own, calendar=calendar, linked_at=NOW
            )
            private = self.span()
            self.event(calendar, private)
            self.blocked[own].append(private)
        for desk in self.desks:
            if desk != own:
                self.blocked[desk].append(busy)

    def event(
        self, calendar: Any, span: tuple[datetime, datetime], *, name: str = "", kind: str = "busy"
    ) -> None:
        BusyTime.objects.create(
            calendar=calendar, remote_id=name or uuid.uuid4().hex, start=span[0], end=span[1], kind=kind
        )

    def appointment(self) -> None:
        """Or a hold; with somebody or nobody, here or in the other module, on a calendar or not."""
        start, end = self.span()
        kind = self.any.choice(self.kinds)
        whose = self.any.choice([*self.people, None])
        there = whose is not None and self.any.random() < 0.3
        module = self.elsewhere.module if there else self.shop.module
        gone = self.any.random() < 0.2
        values = {"staff": whose, "kind": None if there else kind}
        if self.any.random() < 0.3:
            expires = NOW if gone else NOW + timedelta(minutes=5)
            Hold.objects.create(
                module=module, start=start, end=end, visitor=uuid.uuid4().hex, expires_at=expires, **values
            )
        else:
            made = Shop.put(
                self.shop,
                "2026-03-02T09:00",
                module=module,
                state="cancelled" if gone else "confirmed",
                **values,
            )
            type(made).objects.filter(id=made.id).update(start=start, end=end)
            connection = self.linked.get(whose.id if whose else None, self.linked[None])
            if self.any.random() < 0.5:
                link = self.shop.tie(made, connection, remote_id=f"{made.id}", uid=f"{made.id}")
                wish = self.proposed(link, start, end) if self.any.random() < 0.5 else None
                if not there:  # else it is a foreign event of that calendar
                    self.event(connection.calendar, wish or (start, end), name=f"{made.id}")
                if wish and not gone:
                    self.takes(start, end, whose, kind, there)
                    start, end = beside(wish, (start, end))
        if gone or end <= start:
            return
        self.takes(start, end, whose, kind, there)

    def proposed(self, link: EventLink, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """The event was moved, sometimes only a little, and the appointment has not followed yet."""
        wish = self.span()
        if self.any.random() < 0.5:
            shift = timedelta(minutes=5 * self.any.randrange(-6, 6))
            wish = start + shift, end + shift + timedelta(minutes=5)
        link.proposed_start, link.proposed_end = wish
        link.save()
        return wish

    def takes(
        self, start: datetime, end: datetime, whose: Any, kind: AppointmentKind | None, there: bool
    ) -> None:
        if there:
            assert whose is not None
            self.blocked[whose.id].append((start, end + timedelta(minutes=10)))
            return
        own = kind.between if kind else None
        free = self.shop.module.between if own is None else own
        seat = Seat(start, end, free, kind.id if kind else 0, (kind.capacity or 0) if kind else 0)
        for desk in self.desks:
            if whose is None or whose.id == desk:
                self.seats[desk].append(seat)

    def expected(self, desk: int, kind: AppointmentKind | None) -> list[datetime]:
        schedule = self.schedule_of(desk)
        found: list[datetime] = reference.offered(
            hours=self.hours[schedule.id],
            rules=rules_of(self.shop.module, kind),
            first=FIRST,
            last=LAST,
            now=NOW,
            holidays=self.holidays[schedule.id],
            blocked=self.blocked[desk],
            seats=self.seats[desk],
            zone=ZoneInfo(self.shop.schedule.zone),
        )
        return found
