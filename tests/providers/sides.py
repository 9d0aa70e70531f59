"""A provider and the person on the other side of it: what the contract plays with."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import httpx
import icalendar
from tests.providers.servers import PASSWORD, USER, Owner, Server

from genie.core.event import BusyKind, EventContent, When
from genie.providers.caldav.auth import authorize
from genie.providers.memory.world import Repeat, World
from genie.providers.port import CalendarProvider, EventIdentity, Grant, Notification, Window
from genie.providers.registry import ProviderSettings, notifications, open_provider

HOME = ProviderSettings(allow_private_networks=True)


def at(text: str, minutes: int = 60, zone: str = "Europe/Berlin") -> When:
    """`2026-12-01 09:00`, wall time in `zone`."""
    start = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return When(start, start.astimezone(UTC) + timedelta(minutes=minutes), zone)


NINE = at("2026-12-01 09:00")
TEN = at("2026-12-01 10:00")
DECEMBER = Window(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def fresh(generation: int = 1) -> EventIdentity:
    return EventIdentity(uuid.uuid4().hex, generation)


def content(when: When = NINE, **changes: Any) -> EventContent:
    return EventContent(
        **{"when": when, "title": "Chat", "place": "Room 1", "description": "Bring papers", **changes}
    )


class Side(Protocol):
    provider: CalendarProvider
    calendar: str
    other: str
    """Another writable calendar of the same account."""
    reading: str
    """A calendar that may only be read."""
    forgets: bool
    """A deleted identity can be used again there."""
    zones: bool
    """The zone of an event flows back from there."""

    def again(self) -> CalendarProvider:
        """A second, independent provider of the same account."""
        ...

    def add(self, when: When, *, kind: BusyKind | None = BusyKind.BUSY, title: str = "Own") -> str: ...
    def add_broken(self) -> str: ...
    def move(self, event_id: str, when: When) -> None: ...
    def rename(self, event_id: str, title: str) -> None: ...
    def cancel(self, event_id: str) -> None: ...
    def delete(self, event_id: str) -> None: ...
    def copy(self, event_id: str, when: When) -> str: ...
    def add_extra(self, event_id: str) -> None: ...
    def has_extra(self, event_id: str) -> bool: ...
    def repeat_daily(self, event_id: str, count: int) -> None: ...
    def drop_calendar(self) -> None: ...
    def lock_out(self) -> CalendarProvider:
        """A provider whose password is not valid any more."""
        ...

    def requests(self) -> int:
        """How many requests have reached the calendar system."""
        ...


class PushSide(Side, Protocol):
    hook: str
    """Where its channels post to."""

    @property
    def now(self) -> datetime:
        """What time it is there."""
        ...

    def heard(self) -> list[Notification]:
        """What has come there since the last call, once all that is on its way has arrived."""
        ...

    def refuse_push(self) -> None:
        """The calendar becomes one that cannot be watched."""
        ...


class MemorySide:
    forgets = False
    zones = True
    hook = "https://genie.example.com/hooks/memory"

    def __init__(self, *, cursors: bool = True) -> None:
        self.world = World(uuid.uuid4().hex, page_size=3, cursors=cursors)
        self.owner = self.world.add_account("ana@example.org")
        self.owner.add_calendar("other", "Other")
        self.owner.add_calendar("reading", "Reading", may_write=False)
        self.calendar, self.other, self.reading = "work", "other", "reading"
        self.provider = self.again()

    def again(self) -> CalendarProvider:
        return open_provider("memory", self.world.secret("ana@example.org"), HOME)

    def add(self, when: When, *, kind: BusyKind | None = BusyKind.BUSY, title: str = "Own") -> str:
        return self.owner.add(self.calendar, when, kind=kind, title=title)

    def add_broken(self) -> str:
        return self.owner.add(self.calendar, NINE, problem="This event has no beginning.")

    def move(self, event_id: str, when: When) -> None:
        self.owner.move(self.calendar, event_id, when)

    def rename(self, event_id: str, title: str) -> None:
        self.owner.edit(self.calendar, event_id, title=title)

    def cancel(self, event_id: str) -> None:
        self.owner.cancel(self.calendar, event_id)

    def delete(self, event_id: str) -> None:
        self.owner.delete(self.calendar, event_id)

    def copy(self, event_id: str, when: When) -> str:
        return self.owner.copy(self.calendar, event_id, when=when)

    def add_extra(self, event_id: str) -> None:
        self.owner.add_extra(self.calendar, event_id, "alarm", "-PT10M")

    def has_extra(self, event_id: str) -> bool:
        kept = self.owner.event(self.calendar, event_id)
        return kept is not None and ("alarm", "-PT10M") in kept.extras

    def repeat_daily(self, event_id: str, count: int) -> None:
        self.owner.repeat(self.calendar, event_id, Repeat(timedelta(days=1), count))

    def drop_calendar(self) -> None:
        self.owner.drop_calendar(self.calendar)

    def lock_out(self) -> CalendarProvider:
        provider = self.again()
        self.owner.change_password("another")
        return provider

    def requests(self) -> int:
        return len(self.world.requests)

    @property
    def now(self) -> datetime:
        return self.world.clock()

    def heard(self) -> list[Notification]:
        reader = notifications("memory")
        assert reader
        posts = self.world.delivered()
        assert {post.address for post in posts} <= {self.hook}
        return [one for post in posts for one in reader({}, {}, post.body).notifications]

    def refuse_push(self) -> None:
        self.owner.refuse_push(self.calendar)


PREPARED: dict[str, tuple[str, str, Grant]] = {}
"""What is made once on each server: another calendar, a read-only one, and the grant."""


class CalDavSide:
    """A real server, and its owner with the `icalendar` library."""

    forgets = True
    zones = True

    def __init__(self, server: Server) -> None:
        self.owner = Owner(server)
        if server.url not in PREPARED:
            other, reading = self.owner.make_calendar("other"), self.make_read_only("readonly")
            grant = authorize(address=server.url, user=USER, password=PASSWORD, settings=HOME)
            PREPARED[server.url] = (other, reading, grant)
        self.other, self.reading, self.grant = PREPARED[server.url]
        self.calendar = self.owner.make_calendar(uuid.uuid4().hex[:12])
        self._opened: list[CalendarProvider] = []
        self._sent = [0]
        self.provider = self.again()

    def close(self) -> None:
        for provider in self._opened:
            provider.close()
        with contextlib.suppress(httpx.HTTPStatusError):  # some tests have dropped it
            self.drop_calendar()
        self.owner.close()

    def again(self) -> CalendarProvider:
        return self._open(self.grant.secret)

    def _open(self, secret: dict[str, Any]) -> CalendarProvider:
        provider = open_provider("caldav", secret, HOME)
        http = provider._dav._client  # type: ignore[attr-defined]
        http.event_hooks = {"request": [lambda _request: self._sent.append(1)]}
        self._opened.append(provider)
        return provider

    def requests(self) -> int:
        return len(self._sent)

    def add(self, when: When, *, kind: BusyKind | None = BusyKind.BUSY, title: str = "Own") -> str:
        event = icalendar.Event()
        event.add("uid", f"{uuid.uuid4()}@elsewhere")
        event.add("dtstamp", datetime(2026, 11, 1, tzinfo=UTC))
        event.add("summary", title)
        set_when(event, when)
        if kind is None:
            event.add("transp", "TRANSPARENT")
        if kind is BusyKind.TENTATIVE:
            event.add("status", "TENTATIVE")
        name = f"{uuid.uuid4()}.ics"
        self._put(name, event)
        return name

    def make_read_only(self, name: str) -> str:
        """A calendar the account may only read: each server has its own way."""
        raise NotImplementedError

    def add_broken(self) -> str:
        """Straight into the server's folder: no server takes it by PUT."""
        raise NotImplementedError

    def move(self, event_id: str, when: When) -> None:
        calendar, event = self._get(event_id)
        set_when(event, when)
        self._put(event_id, calendar)

    def rename(self, event_id: str, title: str) -> None:
        calendar, event = self._get(event_id)
        event["summary"] = icalendar.vText(title)
        self._put(event_id, calendar)

    def cancel(self, event_id: str) -> None:
        calendar, event = self._get(event_id)
        event["status"] = icalendar.vText("CANCELLED")
        self._put(event_id, calendar)

    def delete(self, event_id: str) -> None:
        self.owner.delete(self.calendar, event_id)

    def copy(self, event_id: str, when: When) -> str:
        calendar, event = self._get(event_id)
        event["uid"] = icalendar.vText(f"{uuid.uuid4()}@copied")
        set_when(event, when)
        name = f"{uuid.uuid4()}.ics"
        self._put(name, calendar)
        return name

    def add_extra(self, event_id: str) -> None:
        calendar, event = self._get(event_id)
        alarm = icalendar.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", "soon")
        alarm.add("trigger", timedelta(minutes=-10))
        event.add_component(alarm)
        event.add("categories", ["Clients", "Röt"])
        event.add("x-owner-colour", "teal")
        self._put(event_id, calendar)

    def has_extra(self, event_id: str) -> bool:
        _, event = self._get(event_id)
        (alarm,) = event.walk("VALARM")
        return (
            alarm["trigger"].dt == timedelta(minutes=-10)
            and event["categories"].to_ical().decode() == "Clients,Röt"
            and event["x-owner-colour"] == "teal"
        )

    def repeat_daily(self, event_id: str, count: int) -> None:
        calendar, event = self._get(event_id)
        event.add("rrule", {"freq": "daily", "count": count})
        self._put(event_id, calendar)

    def drop_calendar(self) -> None:
        self.owner.drop_calendar(self.calendar)

    def lock_out(self) -> CalendarProvider:
        return self._open({**self.grant.secret, "password": "not any more"})

    def _get(self, event_id: str) -> tuple[icalendar.Calendar, icalendar.Event]:
        calendar = icalendar.Calendar.from_ical(self.owner.read(self.calendar, event_id))
        return calendar, calendar.walk("VEVENT")[0]

    def _put(self, event_id: str, component: icalendar.Component) -> None:
        calendar = component
        if component.name == "VEVENT":
            calendar = icalendar.Calendar()
            calendar.add("version", "2.0")
            calendar.add("prodid", "-//Somebody else//EN")
            calendar.add_component(component)
        self.owner.put(self.calendar, event_id, calendar.to_ical().decode())


def set_when(event: icalendar.Event, when: When) -> None:
    zone = ZoneInfo(when.zone or "UTC")
    for name, moment in (("dtstart", when.start), ("dtend", when.end)):
        event.pop(name, None)
        local = moment.astimezone(zone)
        event.add(name, local.date() if when.all_day else local)
