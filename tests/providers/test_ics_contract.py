"""What every provider promises of reading, kept by a public calendar file over a real HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from itertools import count

import pytest
from tests.calendar_files import Files, calendar, calendar_files
from tests.providers.contract import ReadOnlyContract
from tests.providers.sides import HOME

from genie.core.event import BusyKind, When
from genie.providers.port import CalendarProvider
from genie.providers.registry import open_provider

KINDS = {
    BusyKind.TENTATIVE: ("STATUS:TENTATIVE",),
    BusyKind.OUT_OF_OFFICE: ("X-MICROSOFT-CDO-BUSYSTATUS:OOF",),
    None: ("TRANSP:TRANSPARENT",),
}


class IcsSide:
    """Somebody's calendar program, which publishes the whole file anew at each change."""

    calendar = "calendar"
    forgets = True
    zones = False

    def __init__(self, files: Files) -> None:
        self.files = files
        self.events: dict[str, dict[str, tuple[str, ...]]] = {}
        self.names = (f"event-{number}@example.org" for number in count())
        self.url = self.publish()
        self.provider = self.again()

    def again(self) -> CalendarProvider:
        return open_provider("ics", {"url": self.url}, HOME)

    def publish(self) -> str:
        texts = (
            "\n".join([f"UID:{uid}", *(line for lines in parts.values() for line in lines)])
            for uid, parts in self.events.items()
        )
        return self.files.put(calendar(*texts))

    def requests(self) -> int:
        return len(self.files.asked)

    def add(self, when: When, *, kind: BusyKind | None = BusyKind.BUSY, title: str = "Own") -> str:
        uid = next(self.names)
        self.events[uid] = {
            "when": written(when),
            "kind": KINDS.get(kind, ()),
            "title": (f"SUMMARY:{title}",),
        }
        self.publish()
        return uid

    def add_broken(self) -> str:
        uid = next(self.names)
        self.events[uid] = {"when": ("DTSTART:yesterday",)}
        self.publish()
        return uid

    def change(self, uid: str, part: str, *lines: str) -> None:
        self.events[uid][part] = lines
        self.publish()

    def move(self, event_id: str, when: When) -> None:
        self.change(event_id, "when", *written(when))

    def cancel(self, event_id: str) -> None:
        self.change(event_id, "kind", "STATUS:CANCELLED")

    def repeat_daily(self, event_id: str, count: int) -> None:
        self.change(event_id, "rule", f"RRULE:FREQ=DAILY;COUNT={count}")

    def delete(self, event_id: str) -> None:
        del self.events[event_id]
        self.publish()

    def drop_calendar(self) -> None:
        self.files.files.clear()


def written(when: When) -> tuple[str, ...]:
    if when.all_day:
        return f"DTSTART;VALUE=DATE:{when.start:%Y%m%d}", f"DTEND;VALUE=DATE:{when.end:%Y%m%d}"
    return tuple(
        f"{name}:{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        for name, moment in (("DTSTART", when.start), ("DTEND", when.end))
    )


class TestIcs(ReadOnlyContract):
    @pytest.fixture
    def side(self) -> Iterator[IcsSide]:
        with calendar_files() as files:
            yield IcsSide(files)


class TestIcsWithoutVersions(ReadOnlyContract):
    """Servers that send neither an ETag nor a date: compared by what they send."""

    @pytest.fixture
    def side(self) -> Iterator[IcsSide]:
        with calendar_files() as files:
            side = IcsSide(files)
            published = side.publish

            def publish() -> str:
                url = published()
                for served in files.files.values():
                    served.validators = False
                return url

            side.publish = publish
            side.publish()
            yield side
