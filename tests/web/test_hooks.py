"""`POST /hooks/<kind>`: believes nothing, answers at once, and a burst costs a handful of reads."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from tests.push_scene import PUSH, channel, watched
from tests.sync_scene import Scene, at

from genie.core.event import When
from genie.flows.drain import drain
from genie.providers.memory.world import Post
from genie.store import jobs
from genie.store.models import Channel, Connection, Module, RemoteCalendar
from genie.store.queries.drains import to_read
from genie.web.hooks import LARGEST

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene() -> Scene:
    scene = watched()
    forget_jobs()
    return scene


def post(body: Any = b"", *, kind: str = "memory", query: str = "", **headers: Any) -> HttpResponse:
    client = Client(enforce_csrf_checks=True)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/hooks/{kind}{query}", data, content_type="application/json", **headers)


def told(scene: Scene) -> Post:
    """The message of one change."""
    scene.owner.add("work", at(1))
    (message,) = scene.world.delivered()
    return message


def test_a_message_of_a_channel_wakes_its_calendar(scene: Scene) -> None:
    answer = post(told(scene).body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Set-Cookie" not in answer.headers
    assert stale(scene)
    assert waiting() == [scene.calendar.id]


def test_hello_wakes_nobody(scene: Scene) -> None:
    Channel.objects.update(heard_at=None)
    (there,) = scene.world.watches()
    assert post(there.post("hello").body).status_code == 204
    assert not stale(scene) and waiting() == []
    assert channel(scene).heard_at is not None


def test_a_message_that_comes_again_is_one_more_look(scene: Scene) -> None:
    message = told(scene)
    assert [post(message.body).status_code for _ in range(3)] == [204, 204, 204]
    assert waiting() == [scene.calendar.id]


@pytest.mark.parametrize(
    "changes",
    [
        {"token": "forged"},
        {"token": ""},
        {"channel": "0" * 32},
        {"channel": ""},
        {"channel": "x" * 1000},
        {"channel": "\x00"},
        {"channel": "\ud800"},
        {"token": "\ud800\x00"},
        {"channel": "' OR 1=1 --"},
    ],
    ids=repr,
)
def test_a_forged_one_is_404_and_nothing_else(scene: Scene, changes: dict[str, str]) -> None:
    (said,) = json.loads(told(scene).body)
    answer = post([said | changes])
    assert (answer.status_code, answer.content) == (404, b"")
    assert not stale(scene) and waiting() == []


def test_a_channel_of_another_kind_is_unknown(scene: Scene) -> None:
    body = told(scene).body
    (there,) = scene.world.watches()
    google = {"X-Goog-Channel-ID": there.id, "X-Goog-Channel-Token": there.token}
    assert post(kind="google", headers=google).status_code == 404
    assert post(body).status_code == 204


def test_a_bundle_counts_for_those_that_are_ours(scene: Scene) -> None:
    (said,) = json.loads(told(scene).body)
    strange = said | {"channel": "0" * 32}
    assert post([strange, said, said, strange]).status_code == 204
    assert waiting() == [scene.calendar.id]
    assert post([strange, strange]).status_code == 404


def test_a_handshake_is_echoed_as_plain_text(scene: Scene) -> None:
    answer = post(query="?echo=%3Cscript%3Ealert(1)%3C/script%3E")
    assert (answer.status_code, answer.content) == (200, b"<script>alert(1)</script>")
    assert answer["Content-Type"].startswith("text/plain")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not stale(scene)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{}", b"[]", b"[1]", b"[[[[", b"\xff", b'[{"channel": 1}]'], ids=repr
)
def test_what_is_no_message_is_400(body: bytes) -> None:
    answer = post(body)
    assert (answer.status_code, answer.content) == (400, b"")
    assert post(kind="google").status_code == 400


@pytest.mark.parametrize(("size", "status"), [(LARGEST, 400), (LARGEST + 1, 413), (3_000_000, 413)])
def test_a_huge_one_is_not_read(size: int, status: int) -> None:
    answer = post(b"x" * size)
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("kind", ["caldav", "paper", "%00", "..", "Memory", "google%2f"])
def test_a_kind_without_push_is_404(kind: str) -> None:
    assert post(b"[]", kind=kind).status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_only_posts(method: str) -> None:
    assert getattr(Client(), method)("/hooks/memory").status_code == 405


def test_it_needs_no_session(scene: Scene, django_assert_max_num_queries: Any) -> None:
    message = told(scene)
    with django_assert_max_num_queries(9) as asked:
        post(message.body, HTTP_COOKIE="sessionid=whatever; csrftoken=x")
    assert not any("session" in query["sql"] for query in asked)


def test_it_answers_while_somebody_holds_the_calendar(scene: Scene) -> None:
    message = told(scene)
    held, done = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                RemoteCalendar.objects.select_for_update().get(id=scene.calendar.id)
                held.set()
                done.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        holding = other.submit(hold)
        held.wait(10)
        assert post(message.body).status_code == 204
        done.set()
        holding.result()
    assert waiting(jobs.NUDGE) == [scene.calendar.id]


def test_a_message_while_somebody_reads_is_answered_by_another_read(scene: Scene) -> None:
    first = told(scene)
    post(first.body)

    def meanwhile(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "changes":
            scene.world.after = None
            post(told(scene).body)

    scene.world.after = meanwhile
    work(scene.calendar.id, now=scene.now)
    assert Counter(name for name, _ in scene.world.requests)["changes"] == 2
    assert scene.calendar.busy_times.count() == 2


# --- a burst

CALENDARS = 100
EACH = 10


def test_a_thousand_at_once_cost_a_handful_of_reads_each() -> None:
    """Ten messages for each of a hundred calendars by eight threads, while four workers take the jobs."""
    scene, calendars = many(CALENDARS)
    messages = [there.post("changed") for _ in range(EACH) for there in scene.world.watches()]
    assert len(messages) == CALENDARS * EACH
    tomorrow = scene.now + timedelta(days=1)
    for remote_id in calendars:
        scene.owner.add(remote_id, When(tomorrow, tomorrow + timedelta(hours=1), "UTC"))
    scene.world.delivered()
    over = threading.Event()
    with ThreadPoolExecutor(12) as pool:
        working = [pool.submit(until, over) for _ in range(4)]
        answers = list(pool.map(lambda message: closing(lambda: post(message.body).status_code), messages))
        over.set()
        took = sum(each.result() for each in working)
    assert set(answers) == {204}
    reads = Counter(arguments[0] for name, arguments in scene.world.requests if name == "changes")
    assert set(reads) == set(calendars)
    assert max(reads.values()) <= EACH and sum(reads.values()) <= CALENDARS * 5, reads.most_common(5)
    assert took <= CALENDARS * 5
    assert not to_read(timezone.now()).exists(), "the last message of each was answered by a read after it"
    assert RemoteCalendar.objects.filter(busy_times__isnull=False).count() == CALENDARS


def test_a_thousand_before_any_read_cost_one_each() -> None:
    scene, calendars = many(10)
    messages = [there.post("changed") for _ in range(EACH) for there in scene.world.watches()]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda message: closing(lambda: post(message.body)), messages))
    assert len(waiting()) == len(set(waiting())) == 10
    for calendar_id in waiting():
        work(calendar_id)
    reads = Counter(arguments[0] for name, arguments in scene.world.requests if name == "changes")
    assert reads == dict.fromkeys(calendars, 1)


def many(count: int) -> tuple[Scene, list[str]]:
    """So many calendars of one account, each linked, read and watched."""
    scene = watched()
    now = timezone.now()
    scene.world.clock = timezone.now
    names = [f"c{number}" for number in range(count)]
    for name in names:
        scene.owner.add_calendar(name, name)
        calendar = RemoteCalendar.objects.create(key=scene.key, remote_id=name, name=name, may_write=True)
        module = Module.objects.create(
            company=scene.module.company, name=name, slug=name, schedule=scene.module.schedule, created_at=now
        )
        Connection.objects.create(module=module, calendar=calendar, realtime=True, linked_at=now)
    Connection.objects.filter(calendar=scene.calendar).delete()
    Channel.objects.all().delete()
    scene.owner.drop_calendar("work")
    scene.now = now
    scene.drain()
    for message in scene.world.delivered():
        post(message.body)
    forget_jobs()
    scene.world.requests.clear()
    return scene, names


def until(over: Event) -> int:
    """A worker: take jobs until there are none and none will come."""
    took = 0
    try:
        while True:
            finished = over.is_set()
            calendar_id = take()
            if calendar_id is not None:
                took += 1
                work(calendar_id)
            elif finished:
                return took
    finally:
        connection.close()


def take() -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE id = (SELECT id FROM procrastinate_jobs "
            "WHERE task_name = %s ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING args->>'calendar_id'",
            [jobs.DRAIN],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def work(calendar_id: int, now: datetime | None = None) -> None:
    while drain(calendar_id=calendar_id, settings=PUSH, now=now or timezone.now()):
        pass


def closing(act: Any) -> Any:
    try:
        return act()
    finally:
        connection.close()


def stale(scene: Scene) -> bool:
    return to_read(scene.now).filter(id=scene.calendar.id).exists()


def waiting(task: str = jobs.DRAIN) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (args->>'calendar_id')::int FROM procrastinate_jobs WHERE task_name = %s ORDER BY id",
            [task],
        )
        return [row[0] for row in cursor.fetchall()]


def forget_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
