"""How fast the sync with Google is, with push: the product as programs, a stand-in that answers at once."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench import google_pull, hooks, product
from bench.sync import Linked, percentile, seconds_until
from run import demo, programs

BOOKINGS = 100
MOVES = 60
BETWEEN = 0.15
"""Seconds between two changes there: the stand-in tells of several at once otherwise, as Google does."""


def measure() -> dict[str, float]:
    """In a process of its own, since Django keeps the settings it began with. Seconds."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.google_sync", "measure"],
        cwd=product.ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), programs.free_port()
        with google_pull.serving(folder / "google.json") as stand_in:
            ours = f"http://127.0.0.1:{port}"
            os.environ |= {"GENIE_PUBLIC_URL": ours, "GENIE_PUSH": "on", **demo.google_settings(stand_in)}
            with product.database(folder):
                scene, calendar = linked_at_google(stand_in)
                with hooks.web(port, ours), product.worker():
                    return latencies(scene, f"{stand_in}/_sandbox/google/as/{google_pull.ANA}", calendar)


def linked_at_google(stand_in: str) -> tuple[Linked, str]:
    """A module that is linked to a calendar of Ana's, with a key as a sign-in leaves it."""
    from bench.sync import linked_module

    control = f"{stand_in}/_sandbox/google"
    made = httpx.post(f"{control}/as/{google_pull.ANA}/calendar/v3/calendars", json={"summary": "Desk"})
    calendar = made.raise_for_status().json()["id"]
    scopes = [google_pull.EVENTS_SCOPE, "https://www.googleapis.com/auth/calendar.calendarlist.readonly"]
    asked = {"email": google_pull.ANA, "scopes": scopes, "client_id": demo.GOOGLE_CLIENT[0]}
    token = httpx.post(f"{control}/token", json=asked).raise_for_status().json()["access_token"]
    secret = {
        "refresh_token": "",
        "access_token": token,
        "expires_at": (datetime.now(UTC) + timedelta(minutes=50)).isoformat(),
        "scopes": scopes,
        "sub": google_pull.ANA,
        "email": google_pull.ANA,
    }
    return linked_module("google", google_pull.ANA, secret, calendar, "Desk"), calendar


def latencies(scene: Linked, api: str, calendar: str) -> dict[str, float]:
    """From the commit of a booking to its event, and from a change there to the appointment's new row."""
    from genie.store.models import Channel, EventLink

    out, back = [], []
    events = f"{api}/calendar/v3/calendars/{calendar}/events"
    with httpx.Client(timeout=30) as ana:
        seconds_until(
            lambda: Channel.objects.filter(state=Channel.State.OPEN, heard_at__isnull=False).exists()
        )
        for number in range(BOOKINGS):
            appointment = scene.book(number)
            event = f"{events}/{event_id(EventLink.objects.get(appointment=appointment))}"
            out.append(seconds_until(lambda event=event: ana.get(event).status_code == httpx.codes.OK))
        seconds_until(lambda: not EventLink.objects.exclude(state=EventLink.State.CLEAN).exists())
        links = list(EventLink.objects.order_by("appointment__start")[:MOVES])
        for link in links:
            time.sleep(BETWEEN)
            ana.patch(f"{events}/{link.remote_id}", json={"summary": "moved"}).raise_for_status()
            back.append(seconds_until(lambda link=link: retitled(link)))
    return {
        "google_booking_to_event_p50_s": statistics.median(out),
        "google_booking_to_event_p95_s": percentile(out, 95),
        "google_change_to_appointment_p50_s": statistics.median(back),
        "google_change_to_appointment_p95_s": percentile(back, 95),
    }


def event_id(link: Any) -> str:
    from genie.providers.google.mapping import id_of
    from genie.providers.port import EventIdentity

    return id_of(EventIdentity(link.id.hex, link.generation))


def retitled(link: Any) -> bool:
    from genie.store.models import Appointment

    return Appointment.objects.filter(id=link.appointment_id, title="moved").exists()


def report(figures: dict[str, float]) -> str:
    milliseconds = {name.removeprefix("google_"): value * 1000 for name, value in figures.items()}
    return "\n".join(
        [
            f"Google: booking → event there    p50 {milliseconds['booking_to_event_p50_s']:.0f} ms, "
            f"p95 {milliseconds['booking_to_event_p95_s']:.0f} ms (goal p95 ≤ 300 ms)",
            f"Google: change there → here      p50 {milliseconds['change_to_appointment_p50_s']:.0f} ms, "
            f"p95 {milliseconds['change_to_appointment_p95_s']:.0f} ms with push (goal p95 ≤ 500 ms)",
        ]
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure"]:
            print(json.dumps(measured()))
        case _:
            print(report(measure()))
