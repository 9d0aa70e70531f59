"""How fast bookings are, durable, and whether a rush ever passes a limit: 8 processes at once.

Bookings go through the flow `book()` in processes, and over HTTP through the web server as a program. The
floor is a bare insert, committed by itself, under the constraint that stands behind bookings.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any
from uuid import uuid4

from bench import crowd, load, product
from bench.hooks import program
from run import programs

CLIENTS = 8
EACH = 120
"""Bookings of each client."""
RUSH = 500
ROUNDS = 3
"""The best of so many: the machine may be busy with other things."""
OPEN = (8, 18)
MINUTES = 10
DAYS = 55
FLOOR = """
CREATE TABLE bench_floor (
    id bigserial PRIMARY KEY, module_id bigint, lane int, start timestamptz, "end" timestamptz,
    EXCLUDE USING gist (
        int8range(module_id, module_id, '[]') WITH &&,
        int4range(lane, lane, '[]') WITH &&,
        tstzrange(start, "end") WITH &&
    ) DEFERRABLE INITIALLY DEFERRED
)
"""


def measure() -> dict[str, float]:
    """In a process of its own, since Django keeps the settings it began with."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.bookings", "measure"],
        cwd=product.ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def report(figures: dict[str, float]) -> str:
    def said(name: str, goal: str) -> str:
        return f"{figures[name]:.0f} a second ({goal})"

    return "\n".join(
        [
            f"bookings, 8 clients, 8 modules {said('bookings_per_s_c8_modules', 'goal ≥ 300')}, "
            f"over HTTP {figures['bookings_http_per_s_c8_modules']:.0f}; "
            f"{figures['booking_queries']:.0f} queries each, locked for {figures['booking_lock_ms']:.1f} ms",
            f"bookings, 8 clients, 1 module  {said('bookings_per_s_one_module', 'goal ≥ 150')}, "
            f"over HTTP {figures['bookings_http_per_s_one_module']:.0f}",
            f"bare guarded insert, 8 clients {said('floor_guarded_insert_per_s', 'floor')}",
            f"{RUSH} posts over {CLIENTS} processes: {figures['race_500_excess']:.0f} over the limit "
            f"(goal 0), in {figures['race_500_s']:.1f} s each",
        ]
    )


def measured() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name, product.database(Path(name)):
        url = os.environ["DATABASE_URL"]
        figures = alone()
        with crowd.crowd(CLIENTS, threads=4, database=url) as people:
            figures["floor_guarded_insert_per_s"] = floor(people)
            figures["bookings_per_s_c8_modules"] = through_flow(people, modules=CLIENTS)
            figures["bookings_per_s_one_module"] = through_flow(people, modules=1)
            figures |= races(people)
        with server() as port:
            figures["bookings_http_per_s_c8_modules"] = over_http(port, modules=CLIENTS)
            figures["bookings_http_per_s_one_module"] = over_http(port, modules=1)
    return figures


def alone() -> dict[str, float]:
    """The queries of a booking with a linked calendar, those included that begin and end its transaction; and
    for how long it has the module to itself, by whoever waits for it: from the lock to the commit."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from genie.flows.book import BookingForm, book

    module = made_module(linked=True)
    locked: list[float] = []

    def seen(execute: Any, sql: str, *rest: Any) -> Any:
        answer = execute(sql, *rest)
        if "FOR NO KEY UPDATE" in sql:
            locked.append(monotonic())
        return answer

    held = []
    with connection.execute_wrapper(seen):
        for start in starts(CLIENTS * 10):
            form = BookingForm(key=uuid4(), name="Ann Lee", email="ann@customer.example")
            with CaptureQueriesContext(connection) as queries:
                book(module_id=module.pk, start=start, answers=form, now=datetime.now(UTC))
            held.append(monotonic() - locked[-1])
    return {"booking_queries": len(queries), "booking_lock_ms": 1000 * median(held)}


def floor(people: crowd.Crowd) -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(FLOOR)
    length = timedelta(minutes=MINUTES)
    rates = []
    for round_ in range(ROUNDS):
        work = [
            [number % CLIENTS + CLIENTS * round_, start.isoformat(), (start + length).isoformat()]
            for number, start in enumerate(starts(CLIENTS * EACH * 3))
        ]
        rates.append(rate(people.each("insert", work)))
    return max(rates)


def through_flow(people: crowd.Crowd, *, modules: int) -> float:
    """A booking a second of all clients together. Each client books in its own module, or all in one."""
    rates = []
    for _ in range(ROUNDS):
        ids = [made_module(linked=True).pk for _ in range(modules)]
        work = [
            [ids[number % modules], start.isoformat()] for number, start in enumerate(starts(CLIENTS * EACH))
        ]
        answers = people.each("book", work)
        booked = sum(done for _, _, done in answers)
        if booked != len(work):
            raise AssertionError(f"{booked} of {len(work)} booked")
        rates.append(rate(answers))
    return max(rates)


def races(people: crowd.Crowd) -> dict[str, float]:
    """500 posts for one slot of capacity 1 and 3, and for a date that takes 3: how many too many (or few)."""
    excess, took = 0, []
    day = starts(1)[0].date() + timedelta(days=7)
    morning = [start for start in starts(None) if start.date() == day]
    for settings, wanted, limit in (
        ({"capacity": 1}, morning[:1], 1),
        ({"capacity": 3}, morning[:1], 3),
        ({"per_day": 3}, morning, 3),
    ):
        module = made_module(**settings)
        posts = [post_of(module, wanted[number % len(wanted)]) for number in range(RUSH)]
        begun = datetime.now(UTC)
        outcome = people.post(posts)
        took.append((datetime.now(UTC) - begun).total_seconds())
        odd = set(outcome) - {"done", "taken"}
        if odd:
            raise AssertionError(f"neither booked nor taken: {odd}")
        excess += abs(module.appointments.count() - limit) + abs(outcome.count("done") - limit)
    return {"race_500_excess": float(excess), "race_500_s": sum(took) / len(took)}


def over_http(port: int, *, modules: int) -> float:
    rates = []
    for _ in range(ROUNDS):
        made = [made_module(linked=True) for _ in range(modules)]
        work = [post_of(made[number % modules], start) for number, start in enumerate(starts(CLIENTS * EACH))]
        rates.append(load.send(port, work, clients=CLIENTS))
    return max(rates)


@contextmanager
def server() -> Any:
    import httpx

    port = programs.free_port()
    address = f"http://127.0.0.1:{port}"
    os.environ |= crowd.UNLIMITED | {"GENIE_PUBLIC_URL": address}
    command = ["-m", "granian", "--interface", "wsgi", "genie.config.wsgi:application", "--port", str(port)]
    command += ["--workers", "2", "--blocking-threads", "4", "--no-ws"]
    with program(command):
        while True:
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.TransportError:
                pass
        yield port


def rate(answers: Sequence[Sequence[float]]) -> float:
    """A second, from the first one's beginning to the last one's end."""
    begun, ended = min(answer[0] for answer in answers), max(answer[1] for answer in answers)
    return sum(answer[2] for answer in answers) / (ended - begun)


def made_module(*, linked: bool = False, **settings: Any) -> Any:
    """Open every day in New York, an appointment each ten minutes; with a linked calendar if asked for."""
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

    now, slug = datetime.now(UTC), uuid4().hex[:12]
    agency, _ = Agency.objects.get_or_create(name="Bench")
    company = Company.objects.create(agency=agency, name="Bench", slug=slug, created_at=now)
    schedule = Schedule.objects.create(company=company, name="Office", zone="America/New_York")
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=schedule, weekday=day, opens=time(OPEN[0]), closes=time(OPEN[1]))
        for day in range(7)
    )
    module = Module.objects.create(
        company=company,
        schedule=schedule,
        name="Main office",
        slug="tour",
        title="Tour",
        duration=MINUTES,
        how_soon=0,
        horizon_days=60,
        recipients=["desk@acme.example"],
        created_at=now,
        **settings,
    )
    if linked:
        key = RemoteKey.objects.create(
            company=company, kind="memory", identity="desk", label="desk", secret=b"x", created_at=now
        )
        calendar = RemoteCalendar.objects.create(key=key, remote_id="desk", name="Desk", may_write=True)
        Connection.objects.create(module=module, calendar=calendar, linked_at=now)
    return module


def starts(count: int | None) -> list[datetime]:
    """So many different starts in the coming weeks, in a random order that is the same each time; None: all,
    in order."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("America/New_York")
    first: date = datetime.now(zone).date() + timedelta(days=2)
    found = [
        datetime.combine(first + timedelta(days=day), time(OPEN[0]), zone).astimezone(UTC)
        + timedelta(minutes=minute)
        for day in range(DAYS)
        for minute in range(0, (OPEN[1] - OPEN[0]) * 60, MINUTES)
    ]
    return found if count is None else random.Random(7).sample(found, count)


def post_of(module: Any, start: datetime) -> crowd.Post:
    fields = {"at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "name": "Ann Lee", "email": "ann@customer.example"}
    return crowd.Post(f"/book/{module.company.slug}/{module.slug}/details", fields)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure"]:
            print(json.dumps(measured()))
        case _:
            print(report(measure()))
