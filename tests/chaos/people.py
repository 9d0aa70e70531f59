"""Who works with a calendar during a round: visitors over HTTP, and the calendar's owner by hand.

Both remember what they did, and whether they know that it was done:
the verdict compares it with what is there.
"""

from __future__ import annotations

import dataclasses
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from tests.caldav_owner import CalDavOwner
from tests.standin_owner import Seen

from genie.core.event import When

LENGTH = timedelta(minutes=30)
DAYS = 12
"""Visitors and owners choose among the half hours of so many days."""
CSRF = "c" * 32
REVISION = re.compile(r'name="revision" value="(\d+)"')
KEY = re.compile(r'name="key" value="([^"]+)"')


@dataclass(frozen=True)
class Desk:
    """A module with its calendar. `page`: where visitors book; `first`: the first half hour there is."""

    name: str
    kind: str
    module_id: int
    calendar_id: int
    page: str
    owner: Hand
    first: datetime

    def half_hour(self, dice: random.Random) -> datetime:
        return self.first + LENGTH * dice.randrange(DAYS * 48)


class Hand(Protocol):
    """What an owner does by hand, alike on each calendar system."""

    def events(self) -> list[Seen]: ...

    def event(self, event_id: str, /) -> Seen | None: ...

    def add(self, when: When, /) -> str: ...

    def move(self, event_id: str, when: When, /) -> None: ...

    def edit(self, event_id: str, /, **texts: str) -> None: ...

    def delete(self, event_id: str, /) -> None: ...


class CarefulOwner(CalDavOwner):
    """With a program that overwrites nothing it has not read, as good ones do."""

    def rewrite(self, name: str, change: Callable[[str], str]) -> None:
        answer = self.http.get(self.calendar + name)
        answer.raise_for_status()
        headers = {"Content-Type": "text/calendar; charset=utf-8", "If-Match": answer.headers["etag"]}
        body = change(answer.text).encode()
        self.http.put(self.calendar + name, content=body, headers=headers).raise_for_status()


@dataclass(frozen=True)
class Act:
    """Somebody gave a field a value. `sure`: they were told that it was done; `at`: `time.monotonic` then."""

    field: str
    value: Any
    sure: bool = True
    at: float = dataclasses.field(default_factory=time.monotonic)


@dataclass
class Visit:
    """A booking as its visitor knows it. `token` is empty while they were never told that it was made."""

    desk: Desk
    email: str
    start: datetime
    token: str = ""
    acts: list[Act] = field(default_factory=list)
    cancelled: bool = False
    """They asked for it, and were told that it was done, or do not know."""


@dataclass
class Visitor:
    """Books, moves and cancels over HTTP until the round is over. Each booking has an address of its own."""

    number: int
    url: str
    desks: Sequence[Desk]
    dice: random.Random
    visits: list[Visit] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def go_on(self, over: threading.Event) -> None:
        with httpx.Client(base_url=self.url, timeout=30, trust_env=False) as http:
            http.cookies["csrftoken"] = CSRF
            while not over.wait(self.dice.uniform(0.1, 0.5)):
                live = [visit for visit in self.visits if visit.token and not visit.cancelled]
                act = self.dice.random()
                if act < 0.5 or not live:
                    self.book(http)
                elif act < 0.85:
                    self.reschedule(http, self.dice.choice(live))
                else:
                    self.cancel(http, self.dice.choice(live))

    def book(self, http: httpx.Client) -> None:
        desk = self.dice.choice(self.desks)
        start = desk.half_hour(self.dice)
        page = self._ask(http, "GET", desk.page, params={"at": said(start)})
        key = KEY.search(page.text) if page is not None and page.is_success else None
        if key is None:
            return
        email = f"visitor-{self.number}-{len(self.visits)}@customer.example"
        visit = Visit(desk, email, start, acts=[Act("when", start)])
        self.visits.append(visit)
        fields = {"at": said(start), "key": key[1], "name": f"Visitor {self.number}", "email": email}
        for _ in range(3):  # who got no answer sends the form again
            answer = self._post(http, desk.page, fields)
            if answer is not None and answer.status_code < 500:
                break
        if answer is not None and answer.status_code == httpx.codes.FOUND:
            visit.token = urlsplit(answer.headers["location"]).path.rpartition("/")[2]

    def reschedule(self, http: httpx.Client, visit: Visit) -> None:
        start = visit.desk.half_hour(self.dice)
        path = f"/visit/{visit.token}/change"
        fields = self._form(http, path, {"at": said(start)})
        if fields is None:
            return
        answer = self._post(http, path, fields | {"at": said(start)})
        if answer is None or answer.status_code >= 500 or answer.status_code == httpx.codes.FOUND:
            sure = answer is not None and answer.status_code == httpx.codes.FOUND
            visit.acts.append(Act("when", start, sure))

    def cancel(self, http: httpx.Client, visit: Visit) -> None:
        path = f"/visit/{visit.token}/cancel"
        fields = self._form(http, path, {})
        if fields is None:
            return
        answer = self._post(http, path, fields)
        if answer is None or answer.status_code >= 500 or answer.status_code == httpx.codes.FOUND:
            sure = answer is not None and answer.status_code == httpx.codes.FOUND
            visit.acts.append(Act("cancelled", True, sure))
            visit.cancelled = True

    def _form(self, http: httpx.Client, path: str, params: dict[str, str]) -> dict[str, str] | None:
        page = self._ask(http, "GET", path, params=params)
        found = REVISION.search(page.text) if page is not None and page.is_success else None
        return {"revision": found[1]} if found else None

    def _post(self, http: httpx.Client, path: str, fields: dict[str, str]) -> httpx.Response | None:
        return self._ask(http, "POST", path, data=fields | {"csrfmiddlewaretoken": CSRF})

    def _ask(self, http: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response | None:
        """None: there was no answer."""
        try:
            answer = http.request(method, path, **request)
        except httpx.TransportError:
            self.answers["no answer"] += 1
            return None
        self.answers[f"{method} {answer.status_code}"] += 1
        return answer


@dataclass
class Owner:
    """Moves, writes and deletes on one calendar, beside events of their own, until the round is over."""

    desk: Desk
    dice: random.Random
    acts: dict[str, list[Act]] = field(default_factory=lambda: defaultdict(list))
    """What was done to an event of ours, by the key in it."""
    foreign: dict[str, str] = field(default_factory=dict)
    """Their own events, each in its version."""
    done: int = 0
    missed: int = 0
    """What they wanted to change had just changed, or was gone."""

    def go_on(self, over: threading.Event) -> None:
        while not over.wait(self.dice.uniform(0.3, 1.2)):
            try:
                self.act()
            except (AssertionError, LookupError, httpx.HTTPError):
                self.missed += 1

    def act(self) -> None:
        choice = self.dice.random()
        if choice < 0.1:
            added = self.desk.owner.add(self._when())
            kept = self.desk.owner.event(added)
            assert kept is not None
            self.foreign[added] = kept.version
            return
        ours = sorted(
            (one for one in self.desk.owner.events() if one.key), key=lambda one: one.content.when.start
        )
        if not ours:
            return
        event = self.dice.choice(ours)
        assert event.key is not None
        hand, word = self.desk.owner, f"{self.dice.randrange(10**6):06}"
        if choice < 0.5:
            when = self._when()
            hand.move(event.id, when)
            act = Act("when", when.start)
        elif choice < 0.7:
            hand.edit(event.id, title=f"Title {word}")
            act = Act("title", f"Title {word}")
        elif choice < 0.85:
            hand.edit(event.id, place=f"Room {word}")
            act = Act("place", f"Room {word}")
        else:
            hand.delete(event.id)
            act = Act("cancelled", True)
        self.acts[event.key].append(act)
        self.done += 1

    def _when(self) -> When:
        start = self.desk.half_hour(self.dice)
        return When(start, start + LENGTH, "UTC")


def said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
