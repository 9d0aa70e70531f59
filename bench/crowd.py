"""Many processes that do at the same moment what they are told: for races, in tests and in `make bench`.

Each is the whole product: a request goes through middleware, view, flow and database, on connections of its
own. What they are to do comes as lines of JSON, and so do their answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
UNLIMITED = {
    "GENIE_LIMITS_PER_ADDRESS": "off",
    "GENIE_LIMITS_PER_EMAIL": "off",
    "GENIE_APPOINTMENTS_PER_EMAIL": "0",
    "GENIE_HOLDS_PER_ADDRESS": "0",
    "GENIE_PUBLIC_URL": "http://127.0.0.1:8000",
    "GENIE_LOG_LEVEL": "ERROR",
}
"""Nobody in a crowd is turned away for coming from one address."""


class Post(NamedTuple):
    """A form sent to a path."""

    path: str
    fields: dict[str, str]


@contextmanager
def crowd(processes: int, *, threads: int, database: str) -> Iterator[Crowd]:
    """Processes that are ready to go, with so many threads each."""
    env = os.environ | UNLIMITED | {"DATABASE_URL": database, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.crowd", str(threads)],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # each refused post is a line of Django's log
            text=True,
        )
        for _ in range(processes)
    ]
    made = Crowd(running)
    try:
        made.answers()
        yield made
    finally:
        for process in running:
            process.kill()
            process.communicate()


class Crowd:
    """Work is dealt out in turn; all begin together."""

    def __init__(self, running: Sequence[subprocess.Popen[str]]) -> None:
        self._running = running

    def post(self, posts: Sequence[Post]) -> list[str]:
        """What became of each, in no order: see `said`."""
        return [said for part in self.each("post", posts) for said in part]

    def each(self, what: str, work: Sequence[Any]) -> list[Any]:
        """One answer of each process, which gets its share of the work."""
        shares = [work[number :: len(self._running)] for number in range(len(self._running))]
        for process, share in zip(self._running, shares, strict=True):
            self._tell(process, {"do": what, "work": share})
        self.answers()  # each has its share in hand
        for process in self._running:
            self._tell(process, "go")
        return self.answers()

    def answers(self) -> list[Any]:
        found = []
        for process in self._running:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("a process of the crowd ended")
            found.append(json.loads(line))
        return found

    @staticmethod
    def _tell(process: subprocess.Popen[str], line: Any) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()


def stand_ready(threads: int) -> None:
    """What each process does."""
    import django

    django.setup()
    from django.db import connection

    def warm(_: int) -> None:
        said(Post("/book/nobody/nothing", {}))  # what only the first request is slow with
        connection.ensure_connection()
        time.sleep(0.05)  # so that no thread does another's share of this

    doing: dict[str, Callable[[ThreadPoolExecutor, list[Any]], Any]] = {
        "post": lambda pool, work: list(pool.map(said, work)),
        "book": lambda pool, work: booked(work),
        "insert": lambda pool, work: inserted(work),
    }
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(warm, range(threads)))
        answer("ready")
        for line in sys.stdin:
            told = json.loads(line)
            answer("ready")
            sys.stdin.readline()
            answer(doing[told["do"]](pool, told["work"]))


def answer(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def said(post: Sequence[Any]) -> str:
    """done, taken, or what else the status was; of a hold: held, gone, or 204 for none."""
    from django.test import Client

    path, fields = post
    client = Client(SERVER_NAME="127.0.0.1", SERVER_PORT="8000")
    response = client.post(path, fields)
    match response.status_code:
        case 302:
            return "done"
        case 409:
            return "taken"
        case 200:
            return "held" if b"data-kept" in response.content else "gone"
    return str(response.status_code)


def booked(work: list[list[Any]]) -> list[float]:
    """Books (module's id, start) one by one through the flow; when it began and ended, and how many were
    booked."""
    from genie.flows.book import BookingForm, SlotTaken, book

    begun, done = time.time(), 0
    for module_id, start in work:
        form = BookingForm(key=uuid4(), name="Ann Lee", email="ann@customer.example")
        try:
            book(
                module_id=module_id, start=datetime.fromisoformat(start), answers=form, now=datetime.now(UTC)
            )
        except SlotTaken:
            continue
        done += 1
    return [begun, time.time(), done]


def inserted(work: list[list[Any]]) -> list[float]:
    """Bare rows, each committed by itself, guarded by the constraint that stands behind bookings."""
    from django.db import connection

    begun = time.time()
    with connection.cursor() as cursor:
        for module_id, start, end in work:
            cursor.execute(
                'INSERT INTO bench_floor (module_id, lane, start, "end") VALUES (%s, 0, %s, %s)',
                [module_id, start, end],
            )
    return [begun, time.time(), len(work)]


if __name__ == "__main__":
    stand_ready(int(sys.argv[1]))
