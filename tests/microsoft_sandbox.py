"""The Microsoft stand-in of the tests: a real web server, its traffic held to Graph's metadata.

    def test_it(microsoft_sandbox: MicrosoftSandbox):
        ana = microsoft_sandbox.account("ana@contoso.example")
        token = microsoft_sandbox.token("ana@contoso.example")
        microsoft_sandbox.fault("reset_after", call="events.create")
        with microsoft_sandbox.owner("ana@contoso.example") as owner:   # the person, by hand
            owner.post("me/events", json={...})
        microsoft_sandbox.settle()                                  # notifications have arrived

The server is one for the session; each test finds it empty. A test fails at its end when any request or
answer did not have the shape the metadata gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.types import Scope
from tests import graph_metadata, standin_server

from calendar_sandbox.app import create_app
from calendar_sandbox.microsoft.faults import Fault
from calendar_sandbox.microsoft.push import Delivery, Message
from calendar_sandbox.microsoft.service import API, Graph
from calendar_sandbox.microsoft.state import SCOPES, Account, Calendar, Logged, World
from calendar_sandbox.settings import Settings, utc_now

CONTROL = "/_sandbox/microsoft"


@dataclass
class MicrosoftSandbox:
    """A running stand-in. `base_url` has no slash at its end; `graph` and `world` are its inside.

    Hold `world.lock` around what you do with the inside while requests may be under way.
    """

    base_url: str
    graph: Graph
    violations: list[str] = field(default_factory=list)
    check_traffic: bool = True  # off for tests of speed
    wire: Callable[[], httpx.BaseTransport] | None = None
    """What carries the product's requests in place of the network (`ProviderSettings.wire`)."""

    @property
    def world(self) -> World:
        return self.graph.world

    @property
    def api(self) -> str:
        return f"{self.base_url}{API}"

    def account(self, upn: str, *, name: str = "", personal: bool = False, time_zone: str = "UTC") -> Account:
        """The account with this address, made if it is not there."""
        with self.world.lock:
            known = self.world.account_of(upn)
            return known or self.world.add_account(upn, name=name, personal=personal, time_zone=time_zone)

    def calendar(self, owner: str, name: str, **values: Any) -> Calendar:
        """Make a calendar; `calendar_id` tells what an account calls it."""
        with self.world.lock:
            return self.world.add_calendar(self.account(owner), name, **values)

    def calendar_id(self, upn: str, calendar: Calendar | None = None) -> str:
        """What an account calls a calendar, its default one if none is named."""
        with self.world.lock:
            account = self.account(upn)
            return self.world.entry(account, calendar or self.world.default_calendar(account)).id

    def share(self, calendar: Calendar, upn: str, role: str) -> str:
        """Give an account a role on a calendar; return the id it has there."""
        with self.world.lock:
            self.world.share(calendar, self.account(upn), role)
            entry = self.world.entry_of(self.account(upn), calendar)
            return entry.id if entry else ""

    def token(
        self,
        upn: str,
        scopes: Sequence[str] = SCOPES,
        *,
        client_id: str = "1234-test",
        lifetime: float = 3600,
    ) -> str:
        """An access token, without anybody being asked."""
        with self.world.lock:
            account, seconds = self.account(upn), timedelta(seconds=lifetime)
            return self.world.issue_access_token(account, client_id, scopes, lifetime=seconds).token

    def client(self, upn: str, scopes: Sequence[str] = SCOPES, **values: Any) -> httpx.Client:
        """A plain client of Graph, with a token; addresses are relative to /v1.0/."""
        headers = {"Authorization": f"Bearer {self.token(upn, scopes, **values)}"}
        return httpx.Client(base_url=self.api, headers=headers, timeout=30)

    def owner(self, upn: str) -> httpx.Client:
        """Graph in the hand of the account's owner: no token, no faults, not in the log."""
        self.account(upn)
        return httpx.Client(base_url=f"{self.base_url}{CONTROL}/as/{upn}{API}", timeout=30)

    def fault(self, kind: str, **values: Any) -> None:
        """Something is to go wrong: the fields of `Fault`."""
        with self.world.lock:
            self.graph.faults.add(Fault(kind, **values))

    def chances(self, chances: dict[str, float], *, seed: int, only: str = "*") -> None:
        """Things go wrong by themselves, the same each time with the same seed."""
        with self.world.lock:
            self.graph.faults.roll(chances, seed=seed, only=only)

    def no_faults(self) -> None:
        with self.world.lock:
            self.graph.faults.clear()

    def stop_clock(self, at: datetime) -> None:
        """From now on it is this moment; `advance` moves it."""
        with self.world.lock:
            self.world.clock = lambda: at

    def advance(self, by: timedelta) -> datetime:
        """Let the stand-in's clock go on; return what it shows then."""
        with self.world.lock:
            self.world.advance(by)
            self.graph.outbox.wake()
            return self.world.now()

    def requests(self, call: str = "") -> list[Logged]:
        """What clients asked, in order; `call` picks one method, as `events.create`."""
        with self.world.lock:
            return [one for one in self.world.request_log if call in ("", one.call)]

    def settle(self) -> None:
        """Return when every notification that is due was posted."""
        answer = httpx.post(f"{self.base_url}{CONTROL}/settle", timeout=60)
        assert answer.status_code == 200, answer.text

    def reset(self, *, seed: int = 1) -> None:
        """As new: no accounts, no faults."""
        self.world.clock = utc_now
        self.graph.reset(seed=seed)
        self.violations.clear()
        self.check_traffic = True


def verdict(scope: Scope, path: str, body: bytes, status: int, said: bytes) -> list[str]:
    """What is wrong with a call, by Graph's metadata."""
    query = scope["query_string"].decode()
    return graph_metadata.faults_of_answer(scope["method"], path, query, status, said, body)


def serve(settings: Settings, world: World | None = None) -> Iterator[MicrosoftSandbox]:
    """Run a stand-in in a thread on a free port while the generator is held."""
    port = standin_server.free_port()
    app = create_app(settings, microsoft=world)
    judge = standin_server.Judge(app, API, verdict)
    sandbox = MicrosoftSandbox(f"http://127.0.0.1:{port}", app.state.microsoft)
    sandbox.world.root_url = sandbox.base_url
    judge.sandbox = sandbox
    judge_notifications(sandbox)
    with standin_server.served(judge, port):
        yield sandbox


def judge_notifications(sandbox: MicrosoftSandbox) -> None:
    """Hold what is posted to the metadata, too."""
    outbox = sandbox.graph.outbox
    noted = outbox.delivered

    def delivered(message: Message, status: int) -> Delivery:
        if sandbox.check_traffic:
            sandbox.violations += graph_metadata.faults_of_notification(message.content)
        return noted(message, status)

    outbox.delivered = delivered  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def microsoft_server() -> Iterator[MicrosoftSandbox]:
    """One stand-in for the session; take `microsoft_sandbox` instead."""
    yield from serve(Settings(seed=1))


@pytest.fixture
def microsoft_sandbox(microsoft_server: MicrosoftSandbox) -> Iterator[MicrosoftSandbox]:
    """An empty Microsoft: no accounts yet. Its traffic is judged when the test ends."""
    microsoft_server.reset()
    yield microsoft_server
    microsoft_server.no_faults()
    assert not microsoft_server.violations, "\n".join(dict.fromkeys(microsoft_server.violations))
