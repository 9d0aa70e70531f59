"""The owner of calendars at a stand-in, by hand: straight at its API, with nothing of the product's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar, Protocol

import httpx

from genie.core.event import EventContent, When

Event = dict[str, Any]


class Sandbox(Protocol):
    """What an owner needs of a stand-in."""

    base_url: str

    def owner(self, email: str, /) -> httpx.Client: ...


@dataclass(frozen=True)
class Seen:
    """An event as its owner sees it. `key` is the product's, if the event bears one."""

    id: str
    version: str
    content: EventContent
    key: str | None = None


@dataclass
class StandInOwner(ABC):
    """Acts on the account's calendars. An event is found on whichever of them it is."""

    sandbox: Sandbox
    email: str
    calendars: list[str]
    http: httpx.Client = field(init=False)

    root: ClassVar[str]
    """What stands before a calendar's id in a path."""
    texts: ClassVar[dict[str, str]]
    """What the API calls title, place and description."""

    def __post_init__(self) -> None:
        self.http = self.sandbox.owner(self.email)

    def close(self) -> None:
        self.http.close()

    # --- as the API says it

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """One request of the owner's; it is not refused."""
        answer = self.http.request(method, path, **request)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else {}

    def path(self, event_id: str = "", *, calendar: str = "") -> str:
        path = f"{self.root}{calendar or self.calendars[0]}/events"
        return f"{path}/{event_id}" if event_id else path

    @abstractmethod
    def where(self, event_id: str) -> str:
        """The path of an event that is on one of the calendars. Raises LookupError."""

    def calendar_of(self, event_id: str) -> str:
        return self.where(event_id).removeprefix(self.root).partition("/")[0]

    def get(self, event_id: str) -> Event:
        return dict(self.ask("GET", self.where(event_id)))

    def patch(self, event_id: str, **body: Any) -> Event:
        return dict(self.ask("PATCH", self.where(event_id), json=body))

    def insert(self, when: When, *, calendar: str = "", **body: Any) -> str:
        """An event of their own; its id."""
        given = {self.texts["title"]: "Dentist", **self.times(when), **body}
        return str(self.ask("POST", self.path(calendar=calendar), json=given)["id"])

    @abstractmethod
    def times(self, when: When, *, over: bool = False) -> dict[str, Any]:
        """Start and end in a request's body; `over` those of an event that may be of another sort."""

    @abstractmethod
    def told(self, name: str, text: str) -> Any:
        """Title, place or description as it stands in a request's body."""

    @abstractmethod
    def listed(self, calendar: str) -> Iterator[Event]:
        """What is on a calendar; a series once."""

    @abstractmethod
    def read(self, event: Event) -> Seen: ...

    # --- as a person sees it

    def events(self) -> list[Seen]:
        """Every event of theirs, those too that were declined; a series once."""
        return [self.read(event) for calendar in self.calendars for event in self.listed(calendar)]

    def event(self, event_id: str) -> Seen | None:
        try:
            return self.seen(event_id)
        except LookupError:
            return None

    def seen(self, event_id: str) -> Seen:
        return self.read(self.get(event_id))

    def add(self, when: When) -> str:
        return self.insert(when)

    def move(self, event_id: str, when: When) -> None:
        self.patch(event_id, **self.times(when, over=True))

    def edit(self, event_id: str, **texts: str) -> None:
        """Change title, place or description."""
        self.patch(event_id, **{self.texts[name]: self.told(name, text) for name, text in texts.items()})

    def delete(self, event_id: str) -> None:
        self.ask("DELETE", self.where(event_id))

    @abstractmethod
    def cancel(self, event_id: str) -> None:
        """Call it off in a way that leaves it there."""

    @abstractmethod
    def copied(self, event_id: str) -> Event:
        """What of an event goes along when it is copied, as a request's body."""

    def copy(self, event_id: str, when: When, *, to: str = "") -> str:
        """Copy and paste: the product's key goes along, the id is a new one."""
        body = self.copied(event_id) | self.times(when)
        path = self.path(calendar=to or self.calendar_of(event_id))
        return str(self.ask("POST", path, json=body)["id"])

    def cut_and_paste(self, event_id: str, when: When, *, to: str = "") -> str:
        path = self.where(event_id)
        pasted = self.copy(event_id, when, to=to)
        self.ask("DELETE", path)
        return pasted

    def to_other_calendar(self, event_id: str) -> None:
        (other,) = set(self.calendars) - {self.calendar_of(event_id)}
        self.to_calendar(event_id, other)

    @abstractmethod
    def to_calendar(self, event_id: str, calendar: str) -> None:
        """*Move to …* in the event's menu."""

    @abstractmethod
    def repeat(self, event_id: str, *, weeks: int | None = 5) -> None:
        """Make it a series of so many weeks; None: without an end."""

    def repeat_no_more(self, event_id: str) -> None:
        self.patch(event_id, recurrence=None)

    @abstractmethod
    def occurrence(self, series: str, start: datetime) -> str:
        """The id of the occurrence that starts then."""

    def withdraw(self, client_id: str) -> None:
        """*Remove access*, on the page of apps with access to the account."""
        url = f"{self.sandbox.base_url}/connections"
        assert client_id in httpx.get(url, params={"account": self.email}).text
        answer = httpx.post(f"{url}/remove", data={"account": self.email, "client": client_id})
        assert answer.status_code == 303, answer.text


def day(start: datetime) -> When:
    """The whole day (UTC) that this moment is on."""
    midnight = datetime.combine(start.astimezone(UTC).date(), time(), UTC)
    return When(midnight, midnight + timedelta(days=1), "UTC", all_day=True)
