"""How long a pull through the Microsoft provider takes, beside the bare delta requests to the same stand-in.

Bare means: the same `calendarView/delta` requests, answers unpacked and read to the end, not understood. Both
are measured in turn, in one run; the stand-in is a process of its own.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.google_pull import answers, said, timed
from calendar_sandbox.google.state import World as GoogleWorld
from calendar_sandbox.microsoft.api import writing
from calendar_sandbox.microsoft.api.call import Call
from calendar_sandbox.microsoft.state import World
from calendar_sandbox.standin import saved
from genie.providers.microsoft.api import PREFER
from genie.providers.microsoft.provider import CURSOR, DELTA, READING, view
from genie.providers.port import CalendarProvider, Window
from genie.providers.registry import ProviderSettings, open_provider
from run import programs

EVENTS = 5_000
ROUNDS = 3
NONE_ROUNDS = 20
ANA = "ana@contoso.example"
SCOPES = ["User.Read", "Calendars.ReadWrite"]
START = datetime(2026, 11, 1, 8, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=120))


def filled(folder: Path, events: int) -> Path:
    """A stand-in's memory of one calendar with so many events, one in twenty of them a weekly series."""
    world = World(clock=lambda: datetime.now(UTC), seed=1)
    ana = world.add_account(ANA, time_zone="Europe/Berlin")
    for number in range(events):
        start = START + timedelta(minutes=30 * number)
        body: dict[str, Any] = {
            "subject": f"Meeting {number}",
            "location": {"displayName": f"Room {number}"},
            "body": {"contentType": "html", "content": "<p>A few words about it</p><p>and a second line</p>"},
        }
        for name, moment in (("start", start), ("end", start + timedelta(minutes=30))):
            body[name] = {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
        if number % 20 == 0:
            body["recurrence"] = {
                "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [f"{start:%A}".lower()]},
                "range": {"type": "numbered", "startDate": f"{start:%Y-%m-%d}", "numberOfOccurrences": 30},
            }
        writing.create(Call(world=world, account=ana, mailbox=ana, body=body, owner=True))
    path = folder / "stand-ins.json"
    empty = GoogleWorld(clock=world.clock, seed=1)
    saved.write(path, {"version": 1} | empty.as_saved() | {"microsoft": world.as_saved()})
    return path


@contextlib.contextmanager
def serving(state: Path) -> Iterator[str]:
    """The stand-in with this memory; its base URL."""
    port = programs.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "calendar_sandbox", "--port", str(port), "--state", str(state)]
    process = subprocess.Popen([*command, "--microsoft-account", ANA], stderr=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + 60
        while not answers(url):
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("the Microsoft stand-in did not start")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(20)


class Bare:
    """The requests alone."""

    def __init__(self, url: str, token: str, calendar: str) -> None:
        self.first = f"{url}/v1.0/{view(calendar, DELTA, WINDOW)}"
        self.link = ""
        prefer = ", ".join([*PREFER, f"odata.maxpagesize={READING['page']}"])
        self.http = httpx.Client(
            trust_env=False,
            timeout=120,
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip", "Prefer": prefer},
        )

    def first_pull(self) -> None:
        self._pages(self.first)

    def no_change_pull(self) -> None:
        self._pages(self.link)

    def _pages(self, link: str) -> None:
        while link:
            answer = self.http.get(link)
            assert answer.status_code == 200, answer.text
            link = said(answer.content, "@odata.nextLink")
            self.link = said(answer.content, "@odata.deltaLink") or self.link


class Ours:
    """Through the provider, every page consumed."""

    def __init__(self, provider: CalendarProvider, calendar: str) -> None:
        self.provider = provider
        self.calendar = calendar
        self.cursor: str | None = None
        self.seen = self.busy = 0

    def first_pull(self) -> None:
        self.seen = self.busy = 0
        self._pull(None)

    def no_change_pull(self) -> None:
        self._pull(self.cursor)

    def _pull(self, cursor: str | None) -> None:
        for page in self.provider.changes(self.calendar, cursor=cursor, window=WINDOW, known={}):
            self.seen += len(page.changed)
            self.busy += sum(len(one.busy) for one in page.changed)
            self.cursor = page.cursor or self.cursor


def measure(*, events: int = EVENTS, rounds: int = ROUNDS) -> dict[str, float]:
    """Medians in seconds, how many times the bare requests our way takes, and what each pull asks."""
    with tempfile.TemporaryDirectory() as name, serving(filled(Path(name), events)) as url:
        return compared(url, events=events, rounds=rounds)


def compared(url: str, *, events: int, rounds: int) -> dict[str, float]:
    control = f"{url}/_sandbox/microsoft"
    token = httpx.post(f"{control}/token", json={"upn": ANA, "scopes": SCOPES}).json()["access_token"]
    provider = opened(url, token)
    calendar = provider.calendars()[0].id
    ours, bare = Ours(provider, calendar), Bare(url, token, calendar)
    bare.first_pull()  # the stand-in expands each series once and keeps what it found
    times: dict[str, list[float]] = {"bare_first": [], "ours_first": [], "bare_none": [], "ours_none": []}
    for _ in range(rounds):
        times["bare_first"].append(timed(bare.first_pull))
        times["ours_first"].append(timed(ours.first_pull))
        assert ours.seen >= events
        assert ours.busy == ours.seen
        for _ in range(NONE_ROUNDS):
            times["bare_none"].append(timed(bare.no_change_pull))
            times["ours_none"].append(timed(ours.no_change_pull))
    figures = {f"microsoft_{name}": statistics.median(values) for name, values in times.items()}
    figures["microsoft_first_requests"] = asked(control, ours.first_pull)
    figures["microsoft_bare_requests"] = asked(control, bare.first_pull)
    figures["microsoft_none_requests"] = asked(control, ours.no_change_pull)
    figures["microsoft_first_ratio"] = figures["microsoft_ours_first"] / figures["microsoft_bare_first"]
    figures["microsoft_none_ratio"] = figures["microsoft_ours_none"] / figures["microsoft_bare_none"]
    figures["microsoft_entries"] = float(ours.seen)
    provider.close()
    assert ours.cursor is not None
    assert ours.cursor.startswith(CURSOR)
    return figures


def opened(url: str, token: str) -> CalendarProvider:
    secret = {
        "access_token": token,
        "refresh_token": "",
        "expires_at": (datetime.now(UTC) + timedelta(minutes=50)).isoformat(),
        "tid": "bench",
        "oid": "bench",
    }
    microsoft = {"graph_url": f"{url}/v1.0", "requests_per_minute": "0"}
    return open_provider("microsoft", secret, ProviderSettings(timeout=120, options={"microsoft": microsoft}))


def asked(control: str, work: Callable[[], None]) -> float:
    """How many requests it takes."""
    httpx.delete(f"{control}/log")
    work()
    return float(len(httpx.get(f"{control}/log").json()["requests"]))


def report(figures: dict[str, float], *, events: int = EVENTS) -> str:
    named = {name.removeprefix("microsoft_"): value for name, value in figures.items()}
    return (
        f"Microsoft: full read of {events} events ({named['entries']:.0f} entries)   "
        f"bare {named['bare_first']:.2f} s, {named['bare_requests']:.0f} requests   "
        f"provider {named['ours_first']:.2f} s, {named['first_requests']:.0f} requests   "
        f"×{named['first_ratio']:.2f} (goal: ≤ 2)\n"
        f"Microsoft: pull without a change   bare {named['bare_none'] * 1000:.1f} ms   "
        f"provider {named['ours_none'] * 1000:.1f} ms   ×{named['none_ratio']:.2f}   "
        f"{named['none_requests']:.0f} request (goal: 1)"
    )


if __name__ == "__main__":
    print(report(measure()))
