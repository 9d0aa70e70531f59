"""The owner of calendars at Google, by hand: straight at the stand-in, with nothing of the product's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
from tests.google_sandbox import GoogleSandbox

from genie.core.event import EventContent, When

OUR_KEY = "scheduleGenieKey"
COPIED = ("summary", "location", "description", "extendedProperties", "recurrence")
"""What goes along when an event is copied and pasted."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """An event as its owner sees it. `key` is the product's, if the event bears one."""

    id: str
    version: str
    content: EventContent
    key: str | None = None


@dataclass
class GoogleOwner:
    """Acts on the account's calendars. An event is found on whichever of them it is."""

    sandbox: GoogleSandbox
    email: str
    calendars: list[str]
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.sandbox.owner(self.email)

    def close(self) -> None:
        self.http.close()

    # --- as Google says it

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """One request of the owner's; it is not refused."""
        answer = self.http.request(method, path, **request)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else {}

    def path(self, event_id: str = "", *, calendar: str = "") -> str:
        path = f"calendars/{calendar or self.calendars[0]}/events"
        return f"{path}/{event_id}" if event_id else path

    def where(self, event_id: str) -> str:
        """The path of an event that is on one of the calendars."""
        for calendar in self.calendars:
            path = self.path(event_id, calendar=calendar)
            answer = self.http.get(path)
            if answer.is_success and answer.json()["status"] != "cancelled":
                return path
        raise LookupError(event_id)

    def get(self, event_id: str) -> Event:
        return dict(self.ask("GET", self.where(event_id)))

    def patch(self, event_id: str, **body: Any) -> Event:
        return dict(self.ask("PATCH", self.where(event_id), json=body))

    def insert(self, when: When, *, calendar: str = "", **body: Any) -> str:
        """An event of their own; its id."""
        given = {"summary": "Dentist", **times(when), **body}
        return str(self.ask("POST", self.path(calendar=calendar), json=given)["id"])

    # --- as a person sees it

    def events(self) -> list[Seen]:
        """Every event of theirs, those too that were declined; a series once."""
        return [seen(event) for calendar in self.calendars for event in self._listed(calendar)]

    def _listed(self, calendar: str) -> Iterator[Event]:
        page = ""
        while True:
            params = {"pageToken": page} if page else {}
            found = self.ask("GET", self.path(calendar=calendar), params=params)
            yield from (event for event in found["items"] if event["status"] != "cancelled")
            page = found.get("nextPageToken", "")
            if not page:
                return

    def event(self, event_id: str) -> Seen | None:
        try:
            return seen(self.get(event_id))
        except LookupError:
            return None

    def add(self, when: When) -> str:
        return self.insert(when)

    def move(self, event_id: str, when: When) -> None:
        self.patch(event_id, **times(when, over=True))

    def edit(self, event_id: str, **texts: str) -> None:
        """Change title, place or description."""
        names = {"title": "summary", "place": "location", "description": "description"}
        self.patch(event_id, **{names[name]: text for name, text in texts.items()})

    def delete(self, event_id: str) -> None:
        self.ask("DELETE", self.where(event_id))

    def cancel(self, event_id: str) -> None:
        """Answer *No*, as the guest that the calendar's owner is of their own event."""
        path = self.where(event_id)
        self.ask(
            "PATCH", path, json={"attendees": [{"email": path.split("/")[1], "responseStatus": "declined"}]}
        )

    def copy(self, event_id: str, when: When, *, to: str = "") -> str:
        """Copy and paste: the product's key goes along, the id is a new one."""
        path = self.where(event_id)
        there = self.ask("GET", path)
        body = {name: there[name] for name in COPIED if name in there} | times(when)
        return str(self.ask("POST", self.path(calendar=to or path.split("/")[1]), json=body)["id"])

    def cut_and_paste(self, event_id: str, when: When, *, to: str = "") -> str:
        path = self.where(event_id)
        pasted = self.copy(event_id, when, to=to)
        self.ask("DELETE", path)
        return pasted

    def to_other_calendar(self, event_id: str) -> None:
        """*Move to …* in the event's menu: the id stays."""
        path = self.where(event_id)
        (other,) = set(self.calendars) - {path.split("/")[1]}
        self.ask("POST", f"{path}/move", params={"destination": other})

    def repeat(self, event_id: str, rule: str = "RRULE:FREQ=WEEKLY;COUNT=5") -> None:
        self.patch(event_id, recurrence=[rule])

    def repeat_no_more(self, event_id: str) -> None:
        self.patch(event_id, recurrence=None)

    def withdraw(self, client_id: str) -> None:
        """*Remove access*, on the page of apps with access to the account."""
        url = f"{self.sandbox.base_url}/connections"
        assert client_id in httpx.get(url, params={"account": self.email}).text
        answer = httpx.post(f"{url}/remove", data={"account": self.email, "client": client_id})
        assert answer.status_code == 303, answer.text


def seen(event: Event) -> Seen:
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


def times(when: When, *, over: bool = False) -> dict[str, Any]:
    """`start` and `end` of a request's body; `over` another time of whichever sort."""
    if when.all_day:
        rest = {"dateTime": None, "timeZone": None} if over else {}
        return {
            "start": {"date": when.start.date().isoformat(), **rest},
            "end": {"date": when.end.date().isoformat(), **rest},
        }
    rest = {"date": None} if over else {}
    zone = when.zone or "UTC"
    return {
        "start": {"dateTime": when.start.isoformat(), "timeZone": zone, **rest},
        "end": {"dateTime": when.end.isoformat(), "timeZone": zone, **rest},
    }


def day(start: datetime) -> When:
    """The whole day (UTC) that this moment is on."""
    midnight = datetime.combine(start.astimezone(UTC).date(), time(), UTC)
    return When(midnight, midnight + timedelta(days=1), "UTC", all_day=True)


def _moment(said: dict[str, str]) -> datetime:
    if "date" in said:
        return datetime.combine(date.fromisoformat(said["date"]), time(), UTC)
    return datetime.fromisoformat(said["dateTime"])
