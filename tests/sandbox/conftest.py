"""The sandbox as it runs, over a real Radicale, and plain clients for both."""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from tests.outside import CalDavServer

from calendar_sandbox.app import create_app
from calendar_sandbox.google.api import reading, writing
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.state import Account as GoogleAccount
from calendar_sandbox.google.state import World
from calendar_sandbox.microsoft.api import reading as graph_reading
from calendar_sandbox.microsoft.api import writing as graph_writing
from calendar_sandbox.microsoft.api.call import Call as GraphCall
from calendar_sandbox.microsoft.state import Account as MicrosoftAccount
from calendar_sandbox.microsoft.state import World as MicrosoftWorld
from calendar_sandbox.settings import Account, Settings
from run import programs

NOW = datetime(2026, 11, 24, 9, 40, tzinfo=UTC)  # a Tuesday
ZONE = "Europe/Berlin"
numbers = itertools.count(1)


@contextlib.contextmanager
def serving(
    settings: Settings,
    world: World | None = None,
    microsoft: MicrosoftWorld | None = None,
    **options: Any,
) -> Iterator[tuple[str, Any]]:
    """Run the sandbox's own server; yields its address and the application. `options` are uvicorn's."""
    app = create_app(settings, world, microsoft)
    port = programs.free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    give_up = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < give_up, "the sandbox did not start"
        time.sleep(0.01)
    yield f"http{'s' if options.get('ssl_certfile') else ''}://127.0.0.1:{port}", app
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def world() -> World:
    """The session's Google stand-in, at NOW; each test makes accounts of its own."""
    return World(clock=lambda: NOW, seed=3)


@pytest.fixture(scope="session")
def mailboxes() -> MicrosoftWorld:
    """The session's Microsoft stand-in, at NOW; each test makes accounts of its own."""
    return MicrosoftWorld(clock=lambda: NOW, seed=3)


@pytest.fixture(scope="session")
def sandbox_url(radicale: CalDavServer, world: World, mailboxes: MicrosoftWorld) -> Iterator[str]:
    """The sandbox over the session's Radicale, at NOW, with both accounts and one with a wrong password."""
    accounts = [Account(name, password) for name, password in radicale.users.items()]
    settings = Settings(
        caldav_url=radicale.base_url,
        accounts=(*accounts, Account("locked-out", "wrong")),
        clock=lambda: NOW,
    )
    with serving(settings, world, mailboxes) as (url, _app):
        yield url


@dataclass
class Week:
    """One calendar as the sandbox's page tells it, and changes through it."""

    url: str  # of the sandbox
    account: str
    calendar: str
    client: httpx.Client

    @property
    def here(self) -> dict[str, str]:
        return {"account": self.account, "calendar": self.calendar, "zone": ZONE}

    def second(self) -> str:
        raise NotImplementedError

    def week(self, first: str = "2026-11-23", last: str = "2026-11-30") -> list[dict[str, Any]]:
        """The occurrences as the sandbox tells them."""
        answer = self.client.get("/events.json", params=self.here | {"first": first, "last": last})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["events"]
        return found

    def only(self, title: str) -> dict[str, Any]:
        (found,) = [event for event in self.week() if event["title"] == title]
        return found

    def starts(self, title: str) -> list[str]:
        return [event["start"][:16] for event in self.week() if event["title"] == title]

    def post(self, verb: str, event: dict[str, Any] | None = None, **fields: Any) -> httpx.Response:
        """Ask for a change as the page's script does."""
        known = {name: event[name] for name in ("href", "etag", "occurrence")} if event else {}
        return self.client.post(
            f"/events/{verb}", json=self.here | known | fields, headers={"Accept": "application/json"}
        )

    def done(self, verb: str, event: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        answer = self.post(verb, event, **fields)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = answer.json()
        return found


@dataclass
class Desk(Week):
    """A fresh calendar on the Radicale, seen from outside too."""

    server: CalDavServer

    def put(self, name: str, *events: str, head: str = "") -> str:
        """Write an object from outside and return its href."""
        inner = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
        text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//foreign//EN\n{head}{inner}END:VCALENDAR\n"
        href = f"{self.calendar}{name}.ics"
        self.server.put(self.address(href), text.replace("\n", "\r\n"))
        return href

    def address(self, href: str) -> str:
        return self.server.base_url.rstrip("/") + href

    def text(self, href: str) -> str:
        """The object as the server has it, unfolded."""
        return re.sub(r"\r?\n[ \t]", "", self.server.get(self.address(href))).replace("\r\n", "\n")

    def second(self) -> str:
        """Make another calendar of the account."""
        return urlsplit(self.server.make_calendar(f"desk-{next(numbers)}", name="Second")).path

    def gone(self, href: str) -> bool:
        with self.server.client() as client:
            return client.get(self.address(href)).status_code == 404


@dataclass
class GoogleDesk(Week):
    """A fresh account's own calendar at the Google stand-in, seen through the API's functions too."""

    world: World

    @property
    def person(self) -> GoogleAccount:
        return self.world.account(self.account)

    def second(self) -> str:
        """Make another calendar of the account."""
        with self.world.lock:
            return self.world.add_calendar(self.person, "Second").id

    def insert(self, person: GoogleAccount | None = None, **body: Any) -> dict[str, Any]:
        """Write an event as an app would that acts for the person (whose own calendar it is)."""
        who = person or self.person
        with self.world.lock:
            return writing.insert(Call(self.world, who, args={"calendarId": who.email}, body=body))

    def patch(self, event_id: str, **body: Any) -> dict[str, Any]:
        with self.world.lock:
            return writing.patch(Call(self.world, self.person, args=self._names(event_id), body=body))

    def get(self, event_id: str) -> dict[str, Any]:
        with self.world.lock:
            return reading.get(Call(self.world, self.person, args=self._names(event_id)))

    def _names(self, event_id: str) -> dict[str, str]:
        return {"calendarId": self.calendar, "eventId": event_id}


@dataclass
class MicrosoftDesk(Week):
    """A fresh account's default calendar at the Microsoft stand-in, seen through the API's functions too."""

    world: MicrosoftWorld

    @property
    def person(self) -> MicrosoftAccount:
        return self.world.account(self.account)

    def second(self) -> str:
        """Make another calendar of the account."""
        with self.world.lock:
            calendar = self.world.add_calendar(self.person, "Second")
            return self.world.entry(self.person, calendar).id

    def insert(self, **body: Any) -> dict[str, Any]:
        """Write an event as an app would that acts for the person."""
        with self.world.lock:
            found: dict[str, Any] = graph_writing.create(self._call(body=body)).body
        return found

    def patch(self, event_id: str, **body: Any) -> dict[str, Any]:
        with self.world.lock:
            found: dict[str, Any] = graph_writing.update(self._call(event_id, body=body)).body
        return found

    def get(self, event_id: str) -> dict[str, Any]:
        with self.world.lock:
            found: dict[str, Any] = graph_reading.get(self._call(event_id)).body
        return found

    def _call(self, event_id: str = "", body: dict[str, Any] | None = None) -> GraphCall:
        args = {"calendar": self.calendar} | ({"event": event_id} if event_id else {})
        prefer = {"idtype": "ImmutableId"}
        who = self.person
        return GraphCall(self.world, who, who, args=args, body=body or {}, prefer=prefer, owner=True)


@pytest.fixture
def desk(radicale: CalDavServer, sandbox_url: str) -> Iterator[Desk]:
    calendar = urlsplit(radicale.make_calendar(f"desk-{next(numbers)}", name="Front desk")).path
    with httpx.Client(base_url=sandbox_url, timeout=20) as client:
        yield Desk(sandbox_url, radicale.user, calendar, client, radicale)


@pytest.fixture
def google(world: World, sandbox_url: str) -> Iterator[GoogleDesk]:
    email = f"ana{next(numbers)}@example.org"
    with world.lock:
        world.add_account(email, name="Ana Ortiz", time_zone=ZONE)
    with httpx.Client(base_url=sandbox_url, timeout=20) as client:
        yield GoogleDesk(sandbox_url, email, email, client, world)


@pytest.fixture
def microsoft(mailboxes: MicrosoftWorld, sandbox_url: str) -> Iterator[MicrosoftDesk]:
    upn = f"ana{next(numbers)}@contoso.example"
    with mailboxes.lock:
        account = mailboxes.add_account(upn, name="Ana Ortiz", time_zone=ZONE)
        calendar = mailboxes.entry(account, mailboxes.default_calendar(account)).id
    with httpx.Client(base_url=sandbox_url, timeout=20) as client:
        yield MicrosoftDesk(sandbox_url, upn, calendar, client, mailboxes)


@pytest.fixture
def mail_folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"
