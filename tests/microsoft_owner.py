"""The owner of calendars at Microsoft, by hand."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.microsoft_sandbox import MicrosoftSandbox
from tests.standin_owner import Event, Seen, StandInOwner

from genie.core.event import EventContent, When

OUR_PROPERTY = "String {3f0a6a6e-6f2c-4c57-9a3c-1f0b7f6e9d21} Name scheduleGenieKey"
EXPAND = {"$expand": f"singleValueExtendedProperties($filter=id eq '{OUR_PROPERTY}')"}
PREFER = 'IdType="ImmutableId", outlook.timezone="UTC"'
AS_TEXT = {"Prefer": f'{PREFER}, outlook.body-content-type="text"'}
COPIED = ("subject", "location", "body", "showAs", "recurrence")
"""What goes along when an event is copied and pasted, besides the extended properties."""
SOON = timedelta(minutes=1)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass
class MicrosoftOwner(StandInOwner):
    """In Outlook, or with any program."""

    sandbox: MicrosoftSandbox
    writes_text: bool = False
    """Notes are written as plain text, by a program that knows no HTML."""

    root = "me/calendars/"
    texts = {"title": "subject", "place": "location", "description": "body"}

    def __post_init__(self) -> None:
        super().__post_init__()
        self.http.headers["Prefer"] = PREFER

    def where(self, event_id: str) -> str:
        answer = self.http.get(f"me/events/{event_id}/calendar")
        if not answer.is_success:
            raise LookupError(event_id)
        return self.path(event_id, calendar=answer.json()["id"])

    def get(self, event_id: str) -> Event:
        """With its body as HTML."""
        return dict(self.ask("GET", self.where(event_id), params=EXPAND))

    def times(self, when: When, *, over: bool = False) -> dict[str, Any]:
        zone = when.zone or "UTC"
        start, end = (moment.astimezone(ZoneInfo(zone)) for moment in (when.start, when.end))
        return {
            "isAllDay": when.all_day,
            "start": {"dateTime": f"{start:%Y-%m-%dT%H:%M:%S}", "timeZone": zone},
            "end": {"dateTime": f"{end:%Y-%m-%dT%H:%M:%S}", "timeZone": zone},
        }

    def told(self, name: str, text: str) -> Any:
        if name == "place":
            return {"displayName": text}
        if name == "description":
            return {"contentType": "text", "content": text} if self.writes_text else as_html(text)
        return text

    def listed(self, calendar: str) -> Iterator[Event]:
        """With bodies as text."""
        params = {"$top": "1000", **EXPAND}
        found = self.ask("GET", self.path(calendar=calendar), params=params, headers=AS_TEXT)
        assert "@odata.nextLink" not in found
        yield from found["value"]

    def seen(self, event_id: str) -> Seen:
        return self.read(self.ask("GET", self.where(event_id), params=EXPAND, headers=AS_TEXT))

    def read(self, event: Event) -> Seen:
        start, end = (_moment(event[name]) for name in ("start", "end"))
        ours = [one["value"] for one in event.get("singleValueExtendedProperties", ())]
        declined = event["responseStatus"]["response"] == "declined"
        return Seen(
            id=event["id"],
            version=event["@odata.etag"],
            content=EventContent(
                When(start, end, "UTC", all_day=event["isAllDay"]),
                title=event["subject"],
                place=event["location"]["displayName"],
                description=event["body"]["content"].replace("\r\n", "\n"),
                cancelled=event["isCancelled"] or declined,
            ),
            key=ours[0].partition(".")[0] if ours else None,
        )

    def move(self, event_id: str, when: When) -> None:
        """A weekly series goes to the new weekday, as where it is dragged."""
        repeats = self.get(event_id).get("recurrence")
        body = self.times(when, over=True)
        if repeats:
            body["recurrence"] = self._weekly(when.start, repeats["range"].get("numberOfOccurrences"))
        self.patch(event_id, **body)

    def cancel(self, event_id: str) -> None:
        """As a meeting whose organizer called it off; what its owner calls off is deleted."""
        self.becomes(event_id, isCancelled=True)

    def becomes(self, event_id: str, **values: Any) -> None:
        """What no request can do to an event: others did it, or Outlook itself."""
        if self.sandbox.world.find_event(event_id) is None:
            self.patch(event_id, importance="low")  # an occurrence becomes an event of its own
        with self.sandbox.world.lock:
            calendar, stored = self._stored(event_id)
            self.sandbox.world.keep(calendar, replace(stored, resource=stored.resource | values))

    def copied(self, event_id: str) -> Event:
        """No transaction id goes along."""
        there = self.get(event_id)
        own = there.get("singleValueExtendedProperties", ())
        properties = [{"id": one["id"], "value": one["value"]} for one in own]
        return {name: there[name] for name in COPIED} | {"singleValueExtendedProperties": properties}

    def to_calendar(self, event_id: str, calendar: str) -> None:
        """The immutable id stays, within a mailbox."""
        world = self.sandbox.world
        with world.lock:
            source, stored = self._stored(event_id)
            target = world.calendar_of(world.account(self.email), calendar)
            assert target
            world.move(stored, source, target)

    def repeat(self, event_id: str, *, weeks: int | None = 5) -> None:
        self.patch(event_id, recurrence=self._weekly(_moment(self.get(event_id)["start"]), weeks))

    def _weekly(self, first: datetime, weeks: int | None) -> dict[str, Any]:
        pattern = {"type": "weekly", "interval": 1, "daysOfWeek": [DAYS[first.weekday()]]}
        end = {"type": "numbered", "numberOfOccurrences": weeks} if weeks else {"type": "noEnd"}
        return {"pattern": pattern, "range": {"startDate": f"{first:%Y-%m-%d}", **end}}

    def occurrence(self, series: str, start: datetime) -> str:
        around = {"startDateTime": start.isoformat(), "endDateTime": (start + SOON).isoformat()}
        found = self.ask("GET", f"{self.where(series)}/instances", params=around)
        (one,) = found["value"]
        return str(one["id"])

    def _stored(self, event_id: str) -> Any:
        found = self.sandbox.world.find_event(event_id)
        assert found, event_id
        return found


def as_html(text: str) -> dict[str, str]:
    """A text as Outlook's editor writes it."""
    lines = "".join(f"<div>{html.escape(line, quote=False) or '<br>'}</div>" for line in text.split("\n"))
    return {"contentType": "html", "content": f"<html><body>{lines}</body></html>"}


def _moment(said: dict[str, str]) -> datetime:
    assert said["timeZone"] == "UTC"
    return datetime.fromisoformat(said["dateTime"]).replace(tzinfo=UTC)
