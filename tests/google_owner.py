"""The owner of calendars at Google, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from tests.google_sandbox import GoogleSandbox
from tests.standin_owner import Event, Seen, StandInOwner

from genie.core.event import EventContent, When

OUR_KEY = "scheduleGenieKey"
COPIED = ("summary", "location", "description", "extendedProperties", "recurrence")
"""What goes along when an event is copied and pasted."""


@dataclass
class GoogleOwner(StandInOwner):
    """On Google's pages, or with any program."""

    sandbox: GoogleSandbox

    root = "calendars/"
    texts = {"title": "summary", "place": "location", "description": "description"}

    def where(self, event_id: str) -> str:
        for calendar in self.calendars:
            path = self.path(event_id, calendar=calendar)
            answer = self.http.get(path)
            if answer.is_success and answer.json()["status"] != "cancelled":
                return path
        raise LookupError(event_id)

    def times(self, when: When, *, over: bool = False) -> dict[str, Any]:
        moments = {"start": when.start, "end": when.end}
        if when.all_day:
            rest = {"dateTime": None, "timeZone": None} if over else {}
            return {name: {"date": f"{moment:%Y-%m-%d}", **rest} for name, moment in moments.items()}
        rest = {"timeZone": when.zone or "UTC", **({"date": None} if over else {})}
        return {name: {"dateTime": moment.isoformat(), **rest} for name, moment in moments.items()}

    def told(self, name: str, text: str) -> str:
        return text

    def listed(self, calendar: str) -> Iterator[Event]:
        page = ""
        while True:
            params = {"pageToken": page} if page else {}
            found = self.ask("GET", self.path(calendar=calendar), params=params)
            yield from (event for event in found["items"] if event["status"] != "cancelled")
            page = found.get("nextPageToken", "")
            if not page:
                return

    def read(self, event: Event) -> Seen:
        start, end = (_moment(event[name]) for name in ("start", "end"))
        mine = [guest.get("responseStatus") for guest in event.get("attendees", ()) if guest.get("self")]
        return Seen(
            id=event["id"],
            version=event["etag"],
            content=EventContent(
                When(start, end, "UTC", all_day="date" in event["start"]),
                title=event.get("summary", ""),
                place=event.get("location", ""),
                description=event.get("description", ""),
                cancelled="declined" in mine,
            ),
            key=event.get("extendedProperties", {}).get("private", {}).get(OUR_KEY),
        )

    def cancel(self, event_id: str) -> None:
        """Answer *No*, as the guest that the calendar's owner is of their own event."""
        mine = {"email": self.calendar_of(event_id), "responseStatus": "declined"}
        self.patch(event_id, attendees=[mine])

    def copied(self, event_id: str) -> Event:
        there = self.get(event_id)
        return {name: there[name] for name in COPIED if name in there}

    def to_calendar(self, event_id: str, calendar: str) -> None:
        """The id stays."""
        self.ask("POST", f"{self.where(event_id)}/move", params={"destination": calendar})

    def repeat(self, event_id: str, *, weeks: int | None = 5) -> None:
        end = f";COUNT={weeks}" if weeks else ""
        self.patch(event_id, recurrence=[f"RRULE:FREQ=WEEKLY{end}"])

    def occurrence(self, series: str, start: datetime) -> str:
        return f"{series}_{start:%Y%m%dT%H%M%SZ}"


def _moment(said: dict[str, str]) -> datetime:
    if "date" in said:
        return datetime.combine(date.fromisoformat(said["date"]), time(), UTC)
    return datetime.fromisoformat(said["dateTime"])
