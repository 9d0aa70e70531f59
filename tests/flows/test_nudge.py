"""A nudge is never lost: whatever the clocks say, whoever reads meanwhile, and however many come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction
from tests.sync_scene import MONDAY, SETTINGS, Scene, at, stage

from genie.flows.drain import drain
from genie.flows.nudge import nudge
from genie.store.models import RemoteCalendar
from genie.store.queries.drains import to_read
from genie.worker.tasks import nudge_calendar

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene() -> Scene:
    scene = stage()
    scene.drain()
    forget_jobs()
    return scene


def test_a_nudged_calendar_is_read_once(scene: Scene) -> None:
    nudge(calendar_id=scene.calendar.id, now=scene.now)
    assert jobs("genie.drain") == 1
    assert reads(scene) == 1
    assert not stale(scene)


def test_nudges_before_a_read_share_a_wake_up(scene: Scene) -> None:
    for _ in range(5):
        nudge(calendar_id=scene.calendar.id, now=scene.now)
    assert jobs("genie.drain") == 1
    assert reads(scene) == 1


def test_a_nudge_during_a_read_is_answered_by_another(scene: Scene) -> None:
    """Also at the same microsecond, and without a second wake-up: the drain that reads looks again."""
    nudge(calendar_id=scene.calendar.id, now=scene.now)
    once = [True]

    def nudged_meanwhile(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "changes" and once:
            once.pop()
            nudge(calendar_id=scene.calendar.id, now=scene.now)

    scene.world.after = nudged_meanwhile
    assert reads(scene) == 2
    assert jobs("genie.drain") == 1


@pytest.mark.parametrize("skew", [timedelta(minutes=-10), timedelta(minutes=10)], ids=["behind", "ahead"])
def test_the_clock_of_whoever_nudges_does_not_matter(scene: Scene, skew: timedelta) -> None:
    nudge(calendar_id=scene.calendar.id, now=scene.now + skew)
    assert stale(scene)
    assert reads(scene) == 1
    scene.world.requests.clear()
    nudge(calendar_id=scene.calendar.id, now=scene.now + skew)
    assert reads(scene) == 1


def test_a_nudge_with_a_slow_clock_during_a_read_is_kept(scene: Scene) -> None:
    scene.later(minutes=5)

    def nudged_meanwhile(name: str, arguments: tuple[Any, ...]) -> None:
        scene.world.after = None
        nudge(calendar_id=scene.calendar.id, now=scene.now - timedelta(minutes=3))

    scene.world.after = nudged_meanwhile
    assert reads(scene) == 2


def test_while_the_row_is_held_the_nudge_is_left_to_a_worker(scene: Scene) -> None:
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
        nudge(calendar_id=scene.calendar.id, now=scene.now)
        assert (jobs("genie.nudge"), jobs("genie.drain")) == (1, 0)
        assert not stale(scene)
        done.set()
        holding.result()
    nudge_calendar(calendar_id=scene.calendar.id)
    assert stale(scene) and jobs("genie.drain") == 1


def test_many_at_once_are_one_wake_up(scene: Scene) -> None:
    def one(_: int) -> None:
        try:
            nudge(calendar_id=scene.calendar.id, now=scene.now)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as people:
        list(people.map(one, range(40)))
    assert jobs("genie.drain") == 1


def test_nudges_while_workers_read_are_all_answered(scene: Scene) -> None:
    """The owner changes something and nudges, again and again; the last state is here when it is quiet."""
    appointment = scene.book(MONDAY)
    scene.drain()
    forget_jobs()
    event = scene.link(appointment).remote_id

    def owner(hour: int) -> None:
        try:
            scene.owner.move("work", event, at(hour))
            nudge(calendar_id=scene.calendar.id, now=scene.now)
        finally:
            connection.close()

    def worker(_: int) -> None:
        try:
            reads(scene)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        moves = [pool.submit(owner, hour) for hour in range(1, 12)]
        work = [pool.submit(worker, n) for n in range(12)]
        for each in moves + work:
            each.result()
    reads(scene)
    appointment.refresh_from_db()
    kept = scene.owner.event("work", event)
    assert kept and appointment.start == kept.content.when.start


def test_a_calendar_that_is_gone_is_nothing(scene: Scene) -> None:
    nudge(calendar_id=0, now=scene.now)
    assert jobs("genie.drain") == 0


def stale(scene: Scene) -> bool:
    return to_read(scene.now).filter(id=scene.calendar.id).exists()


def reads(scene: Scene) -> int:
    """Work until nothing is due; how many times the calendar was read."""
    before = len([name for name, _ in scene.world.requests if name == "changes"])
    while drain(calendar_id=scene.calendar.id, settings=SETTINGS, now=scene.now):
        pass
    return len([name for name, _ in scene.world.requests if name == "changes"]) - before


def jobs(task: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s", [task])
        return int(cursor.fetchone()[0])


def forget_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
