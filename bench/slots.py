"""How fast free times are: sixty days of one host, and of a team of fifty, in CPU time and over HTTP.

The workload W60: open Monday to Friday 9 to 17 in New York, 60 days with a change of clock in their middle,
30-minute appointments every 15 minutes, and n busy times spread over three years. What is measured is the
whole answer of the view: from the slugs in the address through the database to the bytes of JSON. CPU time
is that of this process; that of PostgreSQL's process for the connection stands beside it, by the scheduler's
own count. Of several rounds the best counts, since the machine may be busy with other things.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time as clock
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench import load, product
from bench.hooks import program
from run import programs

ZONE = "America/New_York"
BUSY = (0, 200, 2_000, 20_000)
DAYS = 60
TEAM = 50
EACH = 2_000
"""Busy times of each of the team, over three years."""
BOOKED = 500
"""Appointments ahead, with their events on the linked calendar, in a calendar that is well used."""
ROUNDS = 7
SECONDS = 4.0
CLIENTS = 8

FILL = """
INSERT INTO store_busytime (calendar_id, remote_id, start, "end", kind, all_day)
SELECT %(calendar)s, md5(random()::text) || '@google.com', s, s + (ARRAY[30, 30, 30, 60, 90])[
    1 + floor(random() * 5)::int] * interval '1 minute', 'busy', false
FROM (SELECT %(begin)s + floor(random() * 3 * 365 * 288) * interval '5 minutes' AS s
      FROM generate_series(1, %(n)s)) AS starts
"""
SEEN = """
INSERT INTO store_remoteobject (calendar_id, remote_id, uid, etag, problem)
SELECT calendar_id, remote_id, remote_id, '1', '' FROM store_busytime WHERE calendar_id = %(calendar)s
"""
RANGE = """
SELECT start, "end" FROM store_busytime
WHERE calendar_id = %(calendar)s AND "end" > %(low)s AND start < %(high)s
"""


def measure() -> dict[str, float]:
    """In a process of its own, since Django keeps the settings it began with. Milliseconds, ratios, rates."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.slots", "measure"], cwd=product.ROOT, stdout=subprocess.PIPE, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def report(figures: dict[str, float]) -> str:
    by_size = ", ".join(f"{figures[f'slots_60d_{n}_cpu_ms']:.2f} ms at {n:,}" for n in BUSY)
    return "\n".join(
        [
            f"slots, 60 days, CPU            {by_size} busy times (goal ≤ 2 ms at 20,000); "
            f"×{figures['slots_60d_20000_over_0']:.2f} of none (goal ≤ 1.5)",
            f"  PostgreSQL's share beside    {figures['slots_60d_0_database_cpu_ms']:.2f} ms at 0, "
            f"{figures['slots_60d_20000_database_cpu_ms']:.2f} ms at 20,000; "
            f"{figures['slots_queries']:.0f} queries",
            f"  with {BOOKED} appointments ahead   {figures['slots_60d_booked_cpu_ms']:.2f} ms, "
            f"PostgreSQL {figures['slots_60d_booked_database_cpu_ms']:.2f} ms",
            f"  bare range query             {figures['floor_range_query_cpu_ms']:.2f} ms, "
            f"PostgreSQL {figures['floor_range_query_database_cpu_ms']:.2f} ms",
            f"slots of whoever is free of {TEAM}  {figures['team_50_cpu_ms']:.1f} ms CPU (goal ≤ 30), "
            f"PostgreSQL {figures['team_50_database_cpu_ms']:.1f} ms; {EACH:,} busy times each",
            f"slots over HTTP                p50 {figures['slots_http_p50_ms_c1']:.2f} ms with one client "
            f"(goal ≤ 5), {figures['slots_http_rps_c8']:.0f} a second with {CLIENTS} (goal ≥ 800)",
            f"  bare Django answer           p50 {figures['floor_django_answer_ms']:.2f} ms, "
            f"{figures['floor_django_answer_rps_c8']:.0f} a second",
        ]
    )


def measured() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name, product.database(Path(name)):
        for number in BUSY:
            host(f"busy{number}", busy=number)
        host("booked", busy=BUSY[-1], booked=BOOKED)
        host("team", busy=EACH, team=TEAM)
        with sql() as cursor:
            cursor.execute("VACUUM ANALYZE")
        figures = in_process()
        figures |= over_http()
    return figures


def in_process() -> dict[str, float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    figures: dict[str, float] = {}
    asked = {f"slots_60d_{number}": f"busy{number}" for number in BUSY}
    asked |= {"slots_60d_booked": "booked", "team_50": "team"}
    for name, slug in asked.items():
        work = answering(slug)
        figures[f"{name}_cpu_ms"], figures[f"{name}_database_cpu_ms"] = cost(work)
    figures["slots_60d_20000_over_0"] = figures["slots_60d_20000_cpu_ms"] / figures["slots_60d_0_cpu_ms"]
    work = answering("team")
    with CaptureQueriesContext(connection) as seen:
        work()
    figures["slots_queries"] = len(seen)
    figures["floor_range_query_cpu_ms"], figures["floor_range_query_database_cpu_ms"] = cost(range_query())
    return figures


def answering(slug: str) -> Callable[[], Any]:
    """Answer the same request once more; that it says something is looked at once."""
    from django.test import RequestFactory

    from genie.web.booking.offers import slots_json

    first, last = sixty_days()
    request = RequestFactory().get(path_of(slug))
    found = json.loads(slots_json(request, slug, "visit").content)
    assert (found["from"], found["to"]) == (first.isoformat(), last.isoformat())
    assert sum(map(len, found["days"].values())) > 50
    return lambda: slots_json(request, slug, "visit").content


def range_query() -> Callable[[], Any]:
    import psycopg
    from django.db import connection

    from genie.store.models import RemoteCalendar

    zone = ZoneInfo(ZONE)
    first, last = sixty_days()
    values = {
        "calendar": RemoteCalendar.objects.get(key__company__slug=f"busy{BUSY[-1]}").pk,
        "low": datetime.combine(first, time(), zone),
        "high": datetime.combine(last + timedelta(days=1), time(), zone),
    }
    raw = connection.connection
    return lambda: psycopg.Cursor(raw).execute(RANGE, values, binary=True, prepare=True).fetchall()


def cost(work: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds of CPU of this process, and of PostgreSQL's, for one; the best round's mean."""
    for _ in range(8):  # what is planned once, and what is kept of zones, is there then
        work()
    begun = clock.process_time()
    work()
    repeat = max(3, int(0.15 / (clock.process_time() - begun)))
    rounds = [one_round(work, repeat) for _ in range(ROUNDS)]
    return min(ours for ours, _ in rounds), min(theirs for _, theirs in rounds)


def one_round(work: Callable[[], Any], repeat: int) -> tuple[float, float]:
    before = backend_seconds()
    begun = clock.process_time()
    for _ in range(repeat):
        work()
    ours = clock.process_time() - begun
    return ours / repeat * 1000, (backend_seconds() - before) / repeat * 1000


def backend_seconds() -> float:
    """CPU of PostgreSQL's process for our connection: the first figure of schedstat, nanoseconds."""
    from django.db import connection

    pid = connection.connection.info.backend_pid
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def over_http() -> dict[str, float]:
    path = path_of(f"busy{BUSY[-1]}")
    with web("genie.config.wsgi:application", path) as port:
        alone, rate = http(port, path)
    with web("bench.bare:application", "/") as port:
        floor_alone, floor_rate = http(port, "/")
    return {
        "slots_http_p50_ms_c1": alone * 1000,
        "slots_http_rps_c8": rate,
        "floor_django_answer_ms": floor_alone * 1000,
        "floor_django_answer_rps_c8": floor_rate,
    }


def http(port: int, path: str) -> tuple[float, float]:
    """Seconds of the middle answer to one client, and answers a second to eight: best of three."""
    load.ask(port, path, clients=CLIENTS, seconds=SECONDS / 2)
    alone = min(statistics.median(load.ask(port, path, clients=1, seconds=SECONDS / 2)[1]) for _ in range(3))
    rate = max(load.ask(port, path, clients=CLIENTS, seconds=SECONDS)[0] for _ in range(3))
    return alone, rate


@contextmanager
def web(application: str, path: str) -> Iterator[int]:
    """The web server as `make run` starts it, once it answers."""
    import httpx

    port = programs.free_port()
    os.environ["GENIE_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    command = ["-m", "granian", "--interface", "wsgi", application, "--port", str(port)]
    command += ["--workers", "2", "--blocking-threads", "4", "--no-ws"]
    with program(command):
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}{path}").raise_for_status()
                break
            except httpx.TransportError:
                clock.sleep(0.05)
        yield port


def path_of(slug: str) -> str:
    first, last = sixty_days()
    return f"/book/{slug}/visit/slots.json?from={first}&to={last}"


def sixty_days() -> tuple[date, date]:
    """The next in whose middle the clocks of New York change."""
    zone = ZoneInfo(ZONE)
    middle = datetime.now(UTC) + timedelta(days=DAYS // 2 + 2)
    while middle.astimezone(zone).utcoffset() == (middle - timedelta(days=1)).astimezone(zone).utcoffset():
        middle += timedelta(days=1)
    first = middle.date() - timedelta(days=DAYS // 2)
    return first, first + timedelta(days=DAYS - 1)


def host(slug: str, *, busy: int, team: int = 0, booked: int = 0) -> None:
    """A company with one module; with a team, each of it has a schedule and a calendar of that many busy
    times. Of `booked` appointments each has its event on the linked calendar."""
    from genie.store.models import Agency, Company, Module, RemoteKey, StaffMember, TeamMember

    now = datetime.now(UTC)
    agency, _ = Agency.objects.get_or_create(name="Bench")
    company = Company.objects.create(agency=agency, name=slug, slug=slug, zone=ZONE, created_at=now)
    key = RemoteKey.objects.create(
        company=company, kind="memory", identity=slug, label=slug, secret=b"x", created_at=now
    )
    schedule = schedule_of(company, "Office")
    module = Module.objects.create(
        company=company,
        name="Visit",
        slug="visit",
        schedule=schedule,
        duration=30,
        start_every=15,
        how_soon=0,
        horizon_days=None,
        created_at=now,
    )
    if not team:
        calendar = fill(key, schedule, "desk", busy)
        if booked:
            book(module, calendar, booked)
    for number in range(team):
        own = schedule_of(company, f"Schedule {number}")
        member = StaffMember.objects.create(
            company=company, name=f"Person {number}", schedule=own, created_at=now
        )
        TeamMember.objects.create(module=module, staff=member, position=number)
        fill(key, own, f"calendar {number}", busy)


def schedule_of(company: Any, name: str) -> Any:
    from genie.store.models import OpeningHours, Schedule

    schedule = Schedule.objects.create(company=company, name=name, zone=ZONE)
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=schedule, weekday=day, opens=time(9), closes=time(17)) for day in range(5)
    )
    return schedule


def fill(key: Any, schedule: Any, name: str, busy: int) -> Any:
    """An availability calendar as a mirror holds it: busy times from a year ago to two years ahead."""
    from genie.store.models import AvailabilityCalendar, RemoteCalendar

    now = datetime.now(UTC)
    calendar = RemoteCalendar.objects.create(key=key, remote_id=name, name=name, read_at=now, may_write=True)
    AvailabilityCalendar.objects.create(schedule=schedule, calendar=calendar, added_at=now)
    begin = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=365)
    with sql() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(FILL, {"calendar": calendar.pk, "begin": begin, "n": busy})
        cursor.execute(SEEN, {"calendar": calendar.pk})
    return calendar


def book(module: Any, calendar: Any, count: int) -> None:
    """Appointments on every third start of the sixty days, each with its link and its event's busy time."""
    from genie.store.models import Appointment, BusyTime, Connection, EventLink, Lead

    now = datetime.now(UTC)
    connection = Connection.objects.create(module=module, calendar=calendar, realtime=True, linked_at=now)
    lead = Lead.objects.create(company=module.company, name="Ann", email="ann@x.example", created_at=now)
    first, _ = sixty_days()
    for number in range(count):
        day, turn = divmod(number, 9)
        start = datetime.combine(first + timedelta(days=day), time(9, 0), ZoneInfo(ZONE)) + timedelta(
            minutes=45 * turn
        )
        visit = Appointment.objects.create(
            company=module.company,
            module=module,
            lead=lead,
            state="confirmed",
            start=start,
            end=start + timedelta(minutes=30),
            zone=ZONE,
            lane=0,
            title="Visit",
            created_at=now,
            changed_at=now,
        )
        name = f"ours{number}"
        EventLink.objects.create(
            appointment=visit,
            connection=connection,
            calendar=calendar,
            remote_id=name,
            uid=name,
            state="clean",
            base={"when": {"all_day": False}},
        )
        BusyTime.objects.create(
            calendar=calendar, remote_id=name, start=visit.start, end=visit.end, kind="busy"
        )


@contextmanager
def sql() -> Iterator[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        yield cursor


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure"]:
            print(json.dumps(measured()))
        case _:
            print(report(measure()))
