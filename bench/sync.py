"""How fast the sync is, on a real Radicale: both directions, and a first pull beside the bare requests."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.providers import servers

from bench import product
from bench.caldav_pull import EVENTS, Bare, fill, timed

BOOKINGS = 60
MOVES = 25


def measure(*, events: int = EVENTS) -> dict[str, float]:
    """Keys: see `report`. Seconds and ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "radicale" / "collections" / "collection-root" / servers.USER
        fill(home / "bench", events)
        fill(home / "desk", 0)
        with servers.radicale(folder / "radicale") as server, product.database(folder):
            return pulls(server, events) | latencies(server)


def pulls(server: servers.Server, events: int) -> dict[str, float]:
    """A first pull into the tables, and one without a change, beside the same requests alone."""
    from genie.flows.pull import pull
    from genie.providers.registry import open_provider
    from genie.store.models import RemoteCalendar

    scene = linked(server, "bench")
    bare = Bare(server, scene.calendar.remote_id)
    bare.first_pull()  # Radicale reads every event once and keeps what it found
    provider = open_provider("caldav", scene.secret, scene.settings)
    times: dict[str, list[float]] = {"bare_first": [], "first": [], "bare_none": [], "none": []}

    def ours() -> int:
        pull(calendar_id=scene.calendar.id, provider=provider, now=datetime.now(UTC))
        return 0

    for _ in range(3):
        RemoteCalendar.objects.filter(id=scene.calendar.id).update(cursor="")
        times["bare_first"].append(timed(bare.first_pull, expected=events))
        times["first"].append(timed(ours, expected=0))
        for _ in range(10):
            times["bare_none"].append(timed(bare.no_change_pull, expected=0))
            times["none"].append(timed(ours, expected=0))
    provider.close()
    median = {name: statistics.median(values) for name, values in times.items()}
    return {
        "floor_first_pull_s": median["bare_first"],
        "first_pull_s": median["first"],
        "first_pull_over_floor": median["first"] / median["bare_first"],
        "floor_no_change_pull_s": median["bare_none"],
        "no_change_pull_s": median["none"],
        "no_change_pull_over_floor": median["none"] / median["bare_none"],
    }


def latencies(server: servers.Server) -> dict[str, float]:
    """From the commit of a booking to its event; from a change on the server to the appointment's new row."""
    from genie.flows.watch_calendar import watch_calendar
    from genie.store.models import Appointment, EventLink

    scene = linked(server, "desk")
    owner = servers.Owner(server)
    out, back = [], []
    with product.worker():
        for number in range(BOOKINGS):
            appointment = scene.book(number)
            link = EventLink.objects.get(appointment=appointment)
            address = f"{scene.calendar.remote_id}{link.id.hex}-1.ics"
            out.append(seconds_until(lambda address=address: owner.http.head(address).status_code == 200))
        for number in range(MOVES):
            link = EventLink.objects.select_related("appointment").order_by("appointment__start")[number]
            seconds_until(lambda link=link: EventLink.objects.get(id=link.id).state == "clean")
            address = f"{scene.calendar.remote_id}{link.id.hex}-1.ics"
            text = owner.http.get(address).text.replace("SUMMARY:", "SUMMARY:moved ")
            owner.http.put(
                address, content=text.encode(), headers={"Content-Type": "text/calendar"}
            ).raise_for_status()

            def arrived(link: Any = link) -> bool:
                watch_calendar(calendar_id=scene.calendar.id, now=datetime.now(UTC))  # the open page does
                return Appointment.objects.get(id=link.appointment_id).revision > 1

            back.append(seconds_until(arrived))
    owner.close()
    return {
        "booking_to_event_p50_s": statistics.median(out),
        "booking_to_event_p95_s": percentile(out, 95),
        "change_to_appointment_watched_p50_s": statistics.median(back),
        "change_to_appointment_watched_p95_s": percentile(back, 95),
    }


def report(figures: dict[str, float]) -> str:
    return "\n".join(
        [
            f"first pull of {EVENTS} events      {figures['first_pull_s']:.2f} s, bare requests "
            f"{figures['floor_first_pull_s']:.2f} s: ×{figures['first_pull_over_floor']:.2f} (goal ≤ 4)",
            f"pull without a change          {figures['no_change_pull_s'] * 1000:.0f} ms, bare request "
            f"{figures['floor_no_change_pull_s'] * 1000:.0f} ms: ×{figures['no_change_pull_over_floor']:.2f} "
            "(goal ≤ 2)",
            f"booking → event on the server  p50 {figures['booking_to_event_p50_s'] * 1000:.0f} ms, "
            f"p95 {figures['booking_to_event_p95_s'] * 1000:.0f} ms (goal p95 ≤ 1 s)",
            f"change there → appointment     p50 {figures['change_to_appointment_watched_p50_s']:.1f} s, "
            f"p95 {figures['change_to_appointment_watched_p95_s']:.1f} s while watched (goal ≤ 5 s)",
        ]
    )


def seconds_until(holds: Callable[[], bool], *, at_most: float = 60) -> float:
    begun = time.perf_counter()
    while not holds():
        if time.perf_counter() - begun > at_most:
            raise AssertionError("it did not happen")
        time.sleep(0.005)
    return time.perf_counter() - begun


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


class Linked:
    """A module that is linked to one calendar of the server."""

    def __init__(self, module: Any, calendar: Any, secret: dict[str, Any], settings: Any = None) -> None:
        self.module, self.calendar, self.secret, self.settings = module, calendar, secret, settings

    def book(self, number: int) -> Any:
        """Book the next slot as a prospect does."""
        import uuid

        from genie.flows.book import BookingForm, book

        first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
        form = BookingForm(key=uuid.uuid4(), name=f"Guest {number}", email="guest@customer.example")
        start = first + timedelta(minutes=30 * number)
        return book(module_id=self.module.id, start=start, answers=form, now=datetime.now(UTC))


def linked(server: servers.Server, slug: str) -> Linked:
    """A module that is linked to the account's calendar of this name."""
    from genie.providers.caldav.auth import authorize
    from genie.providers.registry import ProviderSettings

    settings = ProviderSettings(allow_private_networks=True, timeout=120)
    grant = authorize(address=server.url, user=servers.USER, password=servers.PASSWORD, settings=settings)
    info = next(info for info in grant.calendars if slug in info.id)
    made = linked_module("caldav", grant.account.identity, dict(grant.secret), info.id, slug)
    made.settings = settings
    return made


def linked_module(kind: str, identity: str, secret: dict[str, Any], remote_id: str, slug: str) -> Linked:
    """A company with one module that is open day and night, linked both ways to this calendar."""
    from genie.store.models import (
        Agency,
        Company,
        Connection,
        Module,
        OpeningHours,
        RemoteCalendar,
        RemoteKey,
        Schedule,
    )
    from genie.store.sealed import seal

    now = datetime.now(UTC)
    company = Company.objects.create(
        agency=Agency.objects.create(name="Bench"), name="Bench", slug=f"bench-{slug.lower()}", created_at=now
    )
    schedule = Schedule.objects.create(company=company, name="Always", zone="UTC")
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=schedule, weekday=day, opens="00:00", closes="00:00") for day in range(7)
    )
    module = Module.objects.create(
        company=company, name="Bench", slug="bench", schedule=schedule, duration=30, created_at=now
    )
    key = RemoteKey.objects.create(
        company=company, kind=kind, identity=identity, label="bench", secret=seal(secret), created_at=now
    )
    calendar = RemoteCalendar.objects.create(key=key, remote_id=remote_id, name=slug, may_write=True)
    Connection.objects.create(module=module, calendar=calendar, realtime=True, linked_at=now)
    return Linked(module, calendar, secret)


if __name__ == "__main__":
    print(report(measure()))
