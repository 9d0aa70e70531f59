"""Several workers at one calendar, at the same moment, on connections of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from tests.sync_scene import MONDAY, SETTINGS, Scene, stage

from genie.flows.drain import drain
from genie.flows.sweep import sweep
from genie.store.locks import Busy, calendar_lock
from genie.store.models import Appointment, EventLink

pytestmark = pytest.mark.django_db(transaction=True)


def test_four_workers_make_each_event_once() -> None:
    scene = stage()
    for number in range(12):
        scene.book(MONDAY + timedelta(hours=number))
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: _work(scene), range(8)))
    scene.drain()
    events = scene.owner.events("work")
    assert len(events) == 12
    assert scene.writes() == ["create"] * 12
    assert set(EventLink.objects.values_list("state", flat=True)) == {EventLink.State.CLEAN}


def test_bookings_while_workers_run_are_all_sent() -> None:
    scene = stage()

    def book(number: int) -> None:
        try:
            scene.book(MONDAY + timedelta(hours=number))
            _drain(scene)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        list(people.map(book, range(20)))
    scene.drain()
    assert len(scene.owner.events("work")) == Appointment.objects.count() == 20
    assert scene.writes() == ["create"] * 20


def test_a_calendar_that_is_held_is_left_to_its_holder() -> None:
    scene = stage()
    scene.book(MONDAY)
    with ThreadPoolExecutor(1) as other, calendar_lock(scene.calendar.id):
        assert other.submit(_held, scene).result() is True
        assert other.submit(_work, scene).result() == 0
    assert scene.world.requests == []
    assert _work(scene) > 0


def test_a_sweep_wakes_what_is_owed_once() -> None:
    scene = stage()
    scene.book(MONDAY)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")  # the wake-up was lost
    assert sweep(now=scene.now) == 1
    assert sweep(now=scene.now) == 0, "one wake-up waits already"


def _drain(scene: Scene) -> int:
    rounds = 0
    while drain(calendar_id=scene.calendar.id, settings=SETTINGS, now=scene.now):
        rounds += 1
    return rounds


def _work(scene: Scene) -> int:
    try:
        return _drain(scene)
    finally:
        connection.close()


def _held(scene: Scene) -> bool:
    try:
        with calendar_lock(scene.calendar.id, wait_seconds=0.05):
            return False
    except Busy:
        return True
    finally:
        connection.close()
