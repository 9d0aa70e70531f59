"""How fast the sync is with push: the product as programs, a stand-in that answers at once.

What differs from one calendar system to the other is a `Side`: `google_sync.py` and `microsoft_sync.py`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench import hooks, product
from bench.sync import Linked, percentile, seconds_until
from run import programs

BOOKINGS = 100
MOVES = 60
BETWEEN = 0.15
"""Seconds between two changes there: the stand-ins tell of several at once otherwise, as the real ones do."""


@dataclass(frozen=True)
class There:
    """A calendar at the stand-in that a module is linked to, in the hand of its owner."""

    scene: Linked
    events: str  # the address of its events


@dataclass(frozen=True)
class Side:
    """A calendar system. `module` measures itself in a process of its own when it is run with `measure`."""

    kind: str
    name: str
    module: str
    serving: Callable[[Path], AbstractContextManager[str]]
    settings: Callable[[str], Mapping[str, str]]
    linked: Callable[[str], There]
    is_there: Callable[[httpx.Client, str, Any], bool]
    """Whether a link's event is among the events at this address."""
    title: str
    """What an event's title is called there."""

    def measure(self) -> dict[str, float]:
        """In a process of its own, since Django keeps the settings it began with. Seconds."""
        done = subprocess.run(
            [sys.executable, "-m", self.module, "measure"],
            cwd=product.ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def report(self, figures: Mapping[str, float]) -> str:
        thousandths = {name: value * 1000 for name, value in figures.items()}
        out, back = f"{self.kind}_booking_to_event", f"{self.kind}_change_to_appointment"
        return "\n".join(
            [
                f"{f'{self.name}: booking → event there':<34} p50 {thousandths[f'{out}_p50_s']:.0f} ms, "
                f"p95 {thousandths[f'{out}_p95_s']:.0f} ms (goal p95 ≤ 300 ms)",
                f"{f'{self.name}: change there → here':<34} p50 {thousandths[f'{back}_p50_s']:.0f} ms, "
                f"p95 {thousandths[f'{back}_p95_s']:.0f} ms with push (goal p95 ≤ 500 ms)",
            ]
        )

    def main(self) -> None:
        match sys.argv[1:]:
            case ["measure"]:
                print(json.dumps(measured(self)))
            case _:
                print(self.report(self.measure()))


def measured(side: Side) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), programs.free_port()
        with side.serving(folder / "stand-ins.json") as stand_in:
            ours = f"http://127.0.0.1:{port}"
            os.environ |= {"GENIE_PUBLIC_URL": ours, "GENIE_PUSH": "on", **side.settings(stand_in)}
            with product.database(folder):
                there = side.linked(stand_in)
                with hooks.web(port, ours), product.worker():
                    return latencies(side, there)


def latencies(side: Side, there: There) -> dict[str, float]:
    """From the commit of a booking to its event, and from a change there to the appointment's new row."""
    from genie.store.models import Channel, EventLink

    out, back = [], []
    with httpx.Client(timeout=30) as owner:
        seconds_until(
            lambda: Channel.objects.filter(state=Channel.State.OPEN, heard_at__isnull=False).exists()
        )
        for number in range(BOOKINGS):
            link = EventLink.objects.get(appointment=there.scene.book(number))
            out.append(seconds_until(lambda link=link: side.is_there(owner, there.events, link)))
        seconds_until(lambda: not EventLink.objects.exclude(state=EventLink.State.CLEAN).exists())
        for link in list(EventLink.objects.order_by("appointment__start")[:MOVES]):
            time.sleep(BETWEEN)
            owner.patch(f"{there.events}/{link.remote_id}", json={side.title: "moved"}).raise_for_status()
            back.append(seconds_until(lambda link=link: retitled(link)))
    return {
        f"{side.kind}_booking_to_event_p50_s": statistics.median(out),
        f"{side.kind}_booking_to_event_p95_s": percentile(out, 95),
        f"{side.kind}_change_to_appointment_p50_s": statistics.median(back),
        f"{side.kind}_change_to_appointment_p95_s": percentile(back, 95),
    }


def retitled(link: Any) -> bool:
    from genie.store.models import Appointment

    return Appointment.objects.filter(id=link.appointment_id, title="moved").exists()


def token_of(control: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a key keeps of an access token that the stand-in gives without a sign-in."""
    told = httpx.post(f"{control}/token", json=asked).raise_for_status().json()
    return {
        "refresh_token": "",
        "access_token": told["access_token"],
        "expires_at": (datetime.now(UTC) + timedelta(minutes=50)).isoformat(),
    }
