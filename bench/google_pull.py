"""How long a pull through the Google provider takes, beside the bare list requests to the same stand-in.

Bare means: the same `events.list` requests, answers unpacked and read to the end, not understood. Both are
measured in turn, in one run; the stand-in is a process of its own.
"""

from __future__ import annotations

import contextlib
import json
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

from calendar_sandbox.google.api import writing
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.state import World
from genie.providers.google.auth import EVENTS as EVENTS_SCOPE
from genie.providers.google.provider import CURSOR, READING, stamp
from genie.providers.port import CalendarProvider, Window
from genie.providers.registry import ProviderSettings, open_provider
from run import programs

EVENTS = 5_000
ROUNDS = 3
NONE_ROUNDS = 20
ANA = "ana@example.org"
START = datetime(2026, 11, 1, 8, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=120))


def filled(folder: Path, events: int) -> Path:
    """A stand-in's memory of one calendar with so many events, one in twenty of them a weekly series."""
    world = World(clock=lambda: datetime.now(UTC), seed=1)
    ana = world.add_account(ANA, time_zone="Europe/Berlin")
    for number in range(events):
        start = START + timedelta(minutes=30 * number)
        body: dict[str, Any] = {
            "summary": f"Meeting {number}",
            "location": f"Room {number}",
            "description": "A few words about it, with a comma\nand a second line",
            "attendees": [{"email": f"guest{n}@example.net"} for n in range(number % 4)],
        }
        for name, moment in (("start", start), ("end", start + timedelta(minutes=30))):
            body[name] = {"dateTime": stamp(moment), "timeZone": "Europe/Berlin"}
        if number % 20 == 0:
            body["recurrence"] = ["RRULE:FREQ=WEEKLY;COUNT=30"]
        writing.insert(Call(world=world, account=ana, args={"calendarId": ANA}, body=body))
    path = folder / "google.json"
    world.save(path)
    return path


@contextlib.contextmanager
def serving(state: Path) -> Iterator[str]:
    """The stand-in with this memory; its base URL."""
    port = programs.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "calendar_sandbox", "--port", str(port), "--state", str(state)]
    process = subprocess.Popen([*command, "--google-account", ANA], stderr=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + 60
        while not answers(url):
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("the Google stand-in did not start")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2).is_success
    except httpx.TransportError:
        return False


class Bare:
    """The requests alone."""

    def __init__(self, url: str, token: str) -> None:
        self.path = f"/calendar/v3/calendars/{ANA}/events"
        self.token = ""
        self.http = httpx.Client(
            base_url=url,
            trust_env=False,
            timeout=120,
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"},
        )

    def first_pull(self) -> None:
        self._pages({"timeMin": stamp(WINDOW.start), "timeMax": stamp(WINDOW.end)})

    def no_change_pull(self) -> None:
        self._pages({"syncToken": self.token})

    def _pages(self, begin: dict[str, str]) -> None:
        page: dict[str, str] = {}
        while True:
            answer = self.http.get(self.path, params=READING | begin | page)
            assert answer.status_code == 200, answer.text
            page = {"pageToken": word} if (word := said(answer.content, "nextPageToken")) else {}
            if not page:
                self.token = said(answer.content, "nextSyncToken")
                return


def said(body: bytes, name: str) -> str:
    """One word of an answer, without reading the rest."""
    _, found, rest = body.partition(f'"{name}":'.encode())
    return json.JSONDecoder().raw_decode(rest.decode(errors="ignore")[:4_000])[0] if found else ""


class Ours:
    """Through the provider, every page consumed."""

    def __init__(self, provider: CalendarProvider) -> None:
        self.provider = provider
        self.cursor: str | None = None
        self.seen = self.busy = 0

    def first_pull(self) -> None:
        self.seen = self.busy = 0
        self._pull(None)

    def no_change_pull(self) -> None:
        self._pull(self.cursor)

    def _pull(self, cursor: str | None) -> None:
        for page in self.provider.changes(ANA, cursor=cursor, window=WINDOW, known={}):
            self.seen += len(page.changed)
            self.busy += sum(len(one.busy) for one in page.changed)
            self.cursor = page.cursor or self.cursor


def timed(work: Callable[[], None]) -> float:
    """Seconds it took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measure(*, events: int = EVENTS, rounds: int = ROUNDS) -> dict[str, float]:
    """Medians in seconds, how many times the bare requests our way takes, and what a quiet pull asks."""
    with tempfile.TemporaryDirectory() as name, serving(filled(Path(name), events)) as url:
        return compared(url, events=events, rounds=rounds)


def compared(url: str, *, events: int, rounds: int) -> dict[str, float]:
    control = f"{url}/_sandbox/google"
    token = httpx.post(f"{control}/token", json={"email": ANA, "scopes": [EVENTS_SCOPE]}).json()[
        "access_token"
    ]
    ours = Ours(opened(url, token))
    bare = Bare(url, token)
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
    before = len(logged(control))
    ours.no_change_pull()
    figures = {f"google_{name}": statistics.median(values) for name, values in times.items()}
    figures["google_first_ratio"] = figures["google_ours_first"] / figures["google_bare_first"]
    figures["google_none_ratio"] = figures["google_ours_none"] / figures["google_bare_none"]
    figures["google_none_requests"] = float(len(logged(control)) - before)
    figures["google_entries"] = float(ours.seen)
    ours.provider.close()
    assert ours.cursor is not None
    assert ours.cursor.startswith(CURSOR)
    return figures


def opened(url: str, token: str) -> CalendarProvider:
    secret = {
        "access_token": token,
        "refresh_token": "",
        "expires_at": (datetime.now(UTC) + timedelta(minutes=50)).isoformat(),
        "sub": ANA,
    }
    google = {"api_url": f"{url}/calendar/v3", "units_per_minute": "0"}
    return open_provider("google", secret, ProviderSettings(timeout=120, options={"google": google}))


def logged(control: str) -> list[Any]:
    answer = httpx.get(f"{control}/log", params={"call": "calendar.*"})
    found: list[Any] = answer.json()["requests"]
    return found


def report(figures: dict[str, float], *, events: int = EVENTS) -> str:
    named = {name.removeprefix("google_"): value for name, value in figures.items()}
    return (
        f"Google: full read of {events} events ({named['entries']:.0f} entries)   "
        f"bare {named['bare_first']:.2f} s   provider {named['ours_first']:.2f} s   "
        f"×{named['first_ratio']:.2f} (goal: ≤ 2)\n"
        f"Google: pull without a change   bare {named['bare_none'] * 1000:.1f} ms   "
        f"provider {named['ours_none'] * 1000:.1f} ms   ×{named['none_ratio']:.2f}   "
        f"{named['none_requests']:.0f} request (goal: 1)"
    )


if __name__ == "__main__":
    print(report(measure()))
