"""A worker dies before any write and around any request of a drain: nothing is lost or doubled.

A small selection of test_sync_crashes, over real HTTP: what is the same at every stand-in. All cases of a
situation happen to one business, with a visit each. A class of tests for a calendar system inherits `Crashes`
and has a fixture `scene` whose drains are quiet.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection
from tests.standin_scene import StandInScene
from tests.sync_crash import WRITES, Crash, dying_at, dying_when
from tests.sync_scene import CUSTOMER

from genie.flows.cancel import cancel
from genie.store.models import Appointment, EventLink, Message

Prepare = Callable[[StandInScene, int], Appointment]
FAR = 60
"""More writes than any of these drains has."""


def a_booking(scene: StandInScene, hour: int) -> Appointment:
    """And the calendar is to be read, too."""
    scene.later(minutes=1)
    return scene.book(scene.at(hour).start)


def a_cancellation(scene: StandInScene, hour: int) -> Appointment:
    appointment = scene.booked(hour)
    scene.poll()
    cancel(company_id=scene.company.id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)
    return appointment


def a_move_there(scene: StandInScene, hour: int) -> Appointment:
    """By itself, not one of many in an hour, which would be held."""
    EventLink.objects.filter(calendar=scene.calendar).update(came_in_at=None)
    appointment = scene.booked(hour)
    scene.poll()
    scene.move(appointment, scene.at(hour + 0.5))
    scene.later(minutes=1)
    return appointment


@pytest.mark.parametrize("prepare", [a_booking, a_cancellation, a_move_there])
class Crashes:
    def test_dying_before_any_write(self, scene: StandInScene, prepare: Prepare) -> None:
        expected = undisturbed(scene, prepare)
        for write in range(1, FAR):
            appointment = prepare(scene, 2 * write)
            died = dies(scene, write)
            scene.settle()
            assert the_end(scene, appointment, 2 * write) == expected, f"died before write {write}"
            if not died:
                assert write > 5
                return
        raise AssertionError("a drain of one change should be over by now")

    @pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
    def test_dying_around_any_request(self, scene: StandInScene, prepare: Prepare, effect: bool) -> None:
        expected = undisturbed(scene, prepare)
        waiting = scene.standin.faults.waiting
        for request in range(1, 10):
            appointment = prepare(scene, 2 * request)
            scene.sandbox.fault("reset_after" if effect else "reset_before", skip=request - 1)
            try:
                with dying_when(lambda: not waiting):
                    scene.drain()
            except Crash:
                connection.close()
            over = bool(waiting)
            scene.settle()
            assert the_end(scene, appointment, 2 * request) == expected, f"died around request {request}"
            if over:
                assert request > 1
                return
        raise AssertionError("a drain of one change should be over by now")


def undisturbed(scene: StandInScene, prepare: Prepare) -> dict[str, Any]:
    appointment = prepare(scene, 0)
    scene.drain()
    scene.settle()
    return the_end(scene, appointment, 0)


def dies(scene: StandInScene, write: int) -> bool:
    """Whether it came to the drain's n-th write."""
    with ExitStack() as stack:
        stack.enter_context(dying_at(write, of=WRITES))
        try:
            scene.drain()
        except Crash:
            connection.close()  # its locks and its open transaction are gone with it
            return True
    return False


def the_end(scene: StandInScene, appointment: Appointment, hour: int) -> dict[str, Any]:
    """Everything that must be the same, whatever happened on the way; times as of the visit's first hour."""
    after, link = Appointment.objects.get(id=appointment.id), scene.link(appointment)
    first = scene.at(hour).start
    events = [event for event in scene.owner.events() if event.key == link.id.hex]
    lines = after.history.values_list("field", "revision", "origin")
    messages = Message.objects.filter(appointment=after).values_list("kind", "recipient")
    return {
        "state": after.state,
        "when": (after.start - first, after.end - first),
        "revision": after.revision,
        "events": [(event.content.when.start - first, event.content.title) for event in events],
        "link": link.state,
        "history": sorted(lines),
        "messages": sorted(messages),
    }
