"""How fast the webhook answers, and what a burst costs: over HTTP, with web server and worker as programs.

The calendars are of the in-process kind, so the worker is started by this file (`python -m bench.hooks
worker`), makes them, and writes down at its end how often each was read.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench import product
from run import programs

CALENDARS = 100
EACH = 10
"""Messages for each calendar in the burst."""
SENDERS = 50
"""Connections at once in the burst."""
ALONE = 150
PAUSE = 0.2
"""Seconds between messages one at a time: the worker is idle again."""
WORLD, ACCOUNT = "bench", "desk@bench.example"


def measure() -> dict[str, float]:
    """In a process of its own, since Django keeps the settings it began with. Seconds and counts."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.hooks", "measure"], cwd=product.ROOT, stdout=subprocess.PIPE, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def report(figures: dict[str, float]) -> str:
    burst = f"{CALENDARS * EACH:,} for {CALENDARS} calendars"
    return "\n".join(
        [
            f"webhook, one at a time         p50 {figures['webhook_p50_s'] * 1000:.1f} ms, "
            f"p95 {figures['webhook_p95_s'] * 1000:.1f} ms (goal p95 ≤ 20 ms); "
            f"without the database p50 {figures['floor_webhook_p50_s'] * 1000:.1f} ms, "
            f"p95 {figures['floor_webhook_p95_s'] * 1000:.1f} ms",
            f"webhook, {burst} at once: "
            f"all answered in {figures['burst_s']:.1f} s, {SENDERS} at a time, "
            f"p95 {figures['burst_p95_s'] * 1000:.0f} ms; "
            f"{figures['burst_reads_mean']:.1f} reads per calendar, at most {figures['burst_reads_max']:.0f} "
            "(goal: a handful)",
        ]
    )


def measured() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), programs.free_port()
        url = f"http://127.0.0.1:{port}"
        os.environ |= {"GENIE_PUBLIC_URL": url, "GENIE_PUSH": "on"}
        with product.database(folder):
            messages = watched(f"{url}/hooks/memory")
            with web(port, url), worker(folder / "reads.json") as reads:
                until_read()
                alone, floor = one_at_a_time(url, [messages[number % CALENDARS] for number in range(ALONE)])
                until_read()
                before = reads()
                burst, took = at_once(url, messages * EACH)
                until_read()
                cost = [reads()[calendar] - before[calendar] for calendar in before]
    return {
        "floor_webhook_p50_s": statistics.median(floor),
        "floor_webhook_p95_s": percentile(floor, 95),
        "webhook_p50_s": statistics.median(alone),
        "webhook_p95_s": percentile(alone, 95),
        "burst_s": took,
        "burst_p95_s": percentile(burst, 95),
        "burst_reads_mean": statistics.mean(cost),
        "burst_reads_max": max(cost),
    }


def one_at_a_time(url: str, messages: list[bytes]) -> tuple[list[float], list[float]]:
    """The seconds of each, on a connection that is open, as a proxy in front holds it; and right before each,
    those of the same request to a kind without push: web server and framework, no database."""
    took, floor = [], []
    with httpx.Client(timeout=60) as client:
        client.get(f"{url}/hooks/memory")
        for message in messages:
            time.sleep(PAUSE)
            floor.append(posted(client, f"{url}/hooks/caldav", message, httpx.codes.NOT_FOUND))
            took.append(posted(client, f"{url}/hooks/memory", message))
    return took, floor


def at_once(url: str, messages: list[bytes]) -> tuple[list[float], float]:
    """The seconds of each, and of all together."""
    limits = httpx.Limits(max_connections=SENDERS, max_keepalive_connections=SENDERS)
    with httpx.Client(limits=limits, timeout=60) as client, ThreadPoolExecutor(SENDERS) as senders:
        begun = time.perf_counter()
        address = f"{url}/hooks/memory"
        each = list(senders.map(lambda message: posted(client, address, message), messages))
        return each, time.perf_counter() - begun


def posted(client: httpx.Client, url: str, message: bytes, expected: int = httpx.codes.NO_CONTENT) -> float:
    begun = time.perf_counter()
    answer = client.post(url, content=message)
    took = time.perf_counter() - begun
    if answer.status_code != expected:
        raise AssertionError(f"HTTP {answer.status_code}")
    return took


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def watched(address: str) -> list[bytes]:
    """Rows of calendars that are linked and have an open channel; the message each channel posts."""
    from genie.flows.keep_channels import hash_of
    from genie.store.models import (
        Agency,
        Channel,
        Company,
        Connection,
        Module,
        RemoteCalendar,
        RemoteKey,
        Schedule,
    )
    from genie.store.sealed import seal

    now = datetime.now(UTC)
    company = Company.objects.create(
        agency=Agency.objects.create(name="Bench"), name="Bench", slug="bench", created_at=now
    )
    schedule = Schedule.objects.create(company=company, name="Always", zone="UTC")
    key = RemoteKey.objects.create(
        company=company,
        kind="memory",
        identity="bench",
        label="bench",
        secret=seal(world().secret(ACCOUNT)),
        created_at=now,
    )
    messages = []
    for number in range(CALENDARS):
        slug, token = f"c{number}", secrets.token_urlsafe(32)
        calendar = RemoteCalendar.objects.create(key=key, remote_id=slug, name=slug, may_write=True)
        module = Module.objects.create(
            company=company, name=slug, slug=slug, schedule=schedule, created_at=now
        )
        Connection.objects.create(module=module, calendar=calendar, realtime=True, linked_at=now)
        channel = Channel.objects.create(
            calendar=calendar,
            channel_id=secrets.token_hex(16),
            token_hash=hash_of(token),
            address=address,
            state=Channel.State.OPEN,
            made_at=now,
            heard_at=now,
            renew_at=now + timedelta(days=3),
            expires_at=now + timedelta(days=7),
        )
        said = {"channel": channel.channel_id, "token": token, "says": "changed"}
        messages.append(json.dumps([said]).encode())
    return messages


def until_read() -> None:
    """Wait until every nudge is answered."""
    from genie.store.queries.drains import to_read

    while to_read(datetime.now(UTC)).exists():
        time.sleep(0.05)


def world() -> Any:
    """The calendar system, the same in each process that makes it."""
    from genie.providers.memory.world import World

    made = World(WORLD)
    owner = made.add_account(ACCOUNT)
    for number in range(CALENDARS):
        owner.add_calendar(f"c{number}", f"c{number}")
    return made


@contextlib.contextmanager
def web(port: int, url: str) -> Iterator[None]:
    """The web server as `make run` starts it."""
    command = ["-m", "granian", "--interface", "wsgi", "genie.config.wsgi:application", "--port", str(port)]
    command += ["--workers", "2", "--blocking-threads", "4", "--no-ws"]
    with program(command) as process:
        while not answers(url):
            if process.poll() is not None:
                raise RuntimeError(f"the web server ended at once ({process.returncode})")
            time.sleep(0.05)
        yield


@contextlib.contextmanager
def worker(file: Path) -> Iterator[Any]:
    """A worker that counts; yields how often each calendar was read until now."""
    with program(["-m", "bench.hooks", "worker", str(file)]) as process:

        def reads() -> Counter[str]:
            file.unlink(missing_ok=True)
            process.send_signal(signal.SIGUSR1)
            while not file.exists():
                time.sleep(0.02)
            return Counter(json.loads(file.read_text()))

        yield reads


def work(file: Path) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    made = world()

    def write(number: int, frame: Any) -> None:
        asked = list(made.requests)
        half = file.with_suffix(".half")
        half.write_text(json.dumps(Counter(rest[0] for name, rest in asked if name == "changes")))
        half.rename(file)

    signal.signal(signal.SIGUSR1, write)
    call_command("procrastinate", "worker")


@contextlib.contextmanager
def program(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=product.ROOT,
        env=os.environ | {"PYTHONPATH": f"{product.ROOT / 'src'}:{product.ROOT}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        httpx.get(f"{url}/hooks/memory")
    except httpx.TransportError:
        return False
    return True


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure"]:
            print(json.dumps(measured()))
        case ["worker", file]:
            work(Path(file))
        case _:
            print(report(measure()))
