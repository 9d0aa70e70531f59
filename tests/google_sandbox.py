"""The Google stand-in of the tests: a real web server, its traffic held to Google's discovery document.

    def test_it(google_sandbox: GoogleSandbox):
        ana = google_sandbox.account("ana@example.org")
        token = google_sandbox.token("ana@example.org")
        google_sandbox.fault("reset_after", call="calendar.events.insert")
        with google_sandbox.owner("ana@example.org") as owner:   # the person, by hand
            owner.post("calendars/primary/events", json={...})
        google_sandbox.settle()                                  # notifications have arrived

The server is one for the session; each test finds it empty. A test fails at its end when any request or
answer did not have the shape the discovery document gives it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.types import Scope
from tests import discovery, standin_server

from calendar_sandbox.app import create_app
from calendar_sandbox.google.faults import Fault
from calendar_sandbox.google.service import Google
from calendar_sandbox.google.state import CALENDAR, Account, Logged, World
from calendar_sandbox.settings import Settings, utc_now

CONTROL = "/_sandbox/google"
API = "/calendar/v3/"


@dataclass
class GoogleSandbox:
    """A running stand-in. `base_url` has no slash at its end; `google` and `world` are its inside.

    Hold `world.lock` around what you do with the inside while requests may be under way.
    """

    base_url: str
    google: Google
    violations: list[str] = field(default_factory=list)
    check_traffic: bool = True  # off for tests of speed
    wire: Callable[[], httpx.BaseTransport] | None = None
    """What carries the product's requests in place of the network (`ProviderSettings.wire`)."""

    @property
    def world(self) -> World:
        return self.google.world

    @property
    def api(self) -> str:
        return f"{self.base_url}{API}"

    def account(self, email: str, *, name: str = "", time_zone: str = "UTC") -> Account:
        """The account with this address, made if it is not there."""
        with self.world.lock:
            known = self.world.accounts.get(email)
            return known or self.world.add_account(email, name=name, time_zone=time_zone)

    def calendar(self, owner: str, summary: str, **values: Any) -> str:
        """Make a calendar and return its id."""
        with self.world.lock:
            return self.world.add_calendar(self.account(owner), summary, **values).id

    def share(self, calendar_id: str, email: str, role: str) -> None:
        with self.world.lock:
            self.world.share(self.world.calendars[calendar_id], email, role)

    def token(
        self,
        email: str,
        scopes: Sequence[str] = (CALENDAR,),
        *,
        client_id: str = "1234-test",
        lifetime: float = 3600,
    ) -> str:
        """An access token, without anybody being asked."""
        with self.world.lock:
            account, seconds = self.account(email), timedelta(seconds=lifetime)
            return self.world.issue_access_token(account, client_id, scopes, lifetime=seconds).token

    def client(self, email: str, scopes: Sequence[str] = (CALENDAR,), **values: Any) -> httpx.Client:
        """A plain client of the API, with a token; addresses are relative to /calendar/v3/."""
        headers = {"Authorization": f"Bearer {self.token(email, scopes, **values)}"}
        return httpx.Client(base_url=self.api, headers=headers, timeout=30)

    def owner(self, email: str) -> httpx.Client:
        """The API in the hand of the account's owner: no token, no faults, not in the log."""
        self.account(email)
        return httpx.Client(base_url=f"{self.base_url}{CONTROL}/as/{email}{API}", timeout=30)

    def fault(self, kind: str, **values: Any) -> None:
        """Something is to go wrong: the fields of `Fault`."""
        with self.world.lock:
            self.google.faults.add(Fault(kind, **values))

    def chances(self, chances: dict[str, float], *, seed: int, only: str = "*") -> None:
        """Things go wrong by themselves, the same each time with the same seed."""
        with self.world.lock:
            self.google.faults.roll(chances, seed=seed, only=only)

    def no_faults(self) -> None:
        with self.world.lock:
            self.google.faults.clear()

    def stop_clock(self, at: datetime) -> None:
        """From now on it is this moment; `advance` moves it."""
        with self.world.lock:
            self.world.clock = lambda: at

    def advance(self, by: timedelta) -> datetime:
        """Let the stand-in's clock go on; return what it shows then."""
        with self.world.lock:
            self.world.advance(by)
            self.google.outbox.wake()
            return self.world.now()

    def requests(self, call: str = "") -> list[Logged]:
        """What clients asked, in order; `call` picks one method, as `calendar.events.insert`."""
        with self.world.lock:
            return [one for one in self.world.request_log if call in ("", one.call)]

    def settle(self) -> None:
        """Return when every notification that is due was posted."""
        answer = httpx.post(f"{self.base_url}{CONTROL}/settle", timeout=60)
        assert answer.status_code == 200, answer.text

    def reset(self, *, seed: int = 1) -> None:
        """As new: no accounts, no faults."""
        self.world.clock = utc_now
        self.google.reset(seed=seed)
        self.violations.clear()
        self.check_traffic = True


def verdict(scope: Scope, path: str, body: bytes, status: int, said: bytes) -> list[str]:
    """What is wrong with a call, by the discovery document."""
    verb = scope["method"]
    for name, value in scope["headers"]:
        if name == b"x-http-method-override":
            verb = value.decode()
    method = discovery.method_of(verb, path)
    if method is None:
        return [] if status == 404 else [f"{verb} {path} is no method, and was answered {status}"]
    faults = discovery.faults_of_answer(method, status, said)
    if status < 400:
        query = scope["query_string"].decode() if verb == scope["method"] else body.decode()
        given = json.loads(body) if body and verb == scope["method"] else None
        faults += discovery.faults_of_request(method, query, given)
    return faults


def serve(google_settings: Settings, world: World | None = None) -> Iterator[GoogleSandbox]:
    """Run a stand-in in a thread on a free port while the generator is held."""
    port = standin_server.free_port()
    app = create_app(google_settings, world)
    judge = standin_server.Judge(app, API, verdict)
    sandbox = GoogleSandbox(f"http://127.0.0.1:{port}", app.state.google)
    sandbox.world.root_url = sandbox.base_url
    judge.sandbox = sandbox
    with standin_server.served(judge, port):
        yield sandbox


@pytest.fixture(scope="session")
def google_server() -> Iterator[GoogleSandbox]:
    """One stand-in for the session; take `google_sandbox` instead."""
    yield from serve(Settings(seed=1))


@pytest.fixture
def google_sandbox(google_server: GoogleSandbox) -> Iterator[GoogleSandbox]:
    """An empty Google: no accounts yet. Its traffic is judged when the test ends."""
    google_server.reset()
    yield google_server
    google_server.no_faults()
    assert not google_server.violations, "\n".join(dict.fromkeys(google_server.violations))
