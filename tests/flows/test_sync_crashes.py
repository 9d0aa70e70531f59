"""A worker dies before any statement that writes and around any request: started again, it loses and doubles
nothing. What it had only read is forgotten with it: dying between two reads is dying before the next write.

Once in process, with a calendar world in memory and an error nobody catches; once for real, as a process
that gets SIGKILL between two writes while a real Radicale holds the events.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from tests.outside import CalDavServer
from tests.sync_crash import WRITES, Crash, dying_at, killed_at
from tests.sync_scene import CUSTOMER, MONDAY, Scene, at, stage

from genie.core.appointment import State
from genie.flows.cancel import cancel
from genie.flows.drain import drain
from genie.flows.edit import edit
from genie.providers.caldav.auth import authorize
from genie.providers.registry import ProviderSettings
from genie.store.models import Appointment, EventLink, Message, RemoteCalendar, RemoteKey
from genie.store.sealed import seal

pytestmark = pytest.mark.django_db(transaction=True)

Prepare = Callable[[Scene], Appointment]
FAR = 400
"""More writes than any of these drains has."""


def a_booking(scene: Scene) -> Appointment:
    return scene.book(MONDAY)


def an_edit(scene: Scene) -> Appointment:
    appointment = _in_step(scene)
    edit(
        company_id=appointment.company_id,
        appointment_id=appointment.id,
        title="Edited",
        actor=CUSTOMER,
        now=scene.now,
    )
    return appointment


def a_cancellation(scene: Scene) -> Appointment:
    appointment = _in_step(scene)
    cancel(company_id=appointment.company_id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)
    return appointment


def a_move_there(scene: Scene) -> Appointment:
    appointment = _in_step(scene)
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    scene.later(minutes=1)
    return appointment


def a_deletion_there(scene: Scene) -> Appointment:
    appointment = _in_step(scene)
    scene.owner.delete("work", scene.link(appointment).remote_id)
    scene.later(minutes=1)
    return appointment


def a_full_read_after_a_move(scene: Scene) -> Appointment:
    appointment = a_move_there(scene)
    scene.owner.expire_cursors("work")
    for hour in range(3):
        scene.owner.add("work", at(20 + hour))
    return appointment


def _in_step(scene: Scene) -> Appointment:
    appointment = scene.book(MONDAY)
    scene.drain()
    scene.poll()
    return appointment


SITUATIONS: list[Prepare] = [
    a_booking,
    an_edit,
    a_cancellation,
    a_move_there,
    a_deletion_there,
    a_full_read_after_a_move,
]


@pytest.mark.parametrize("prepare", SITUATIONS)
def test_dying_before_any_write(prepare: Prepare) -> None:
    expected = _undisturbed(prepare)
    for statement in range(1, FAR):
        scene = stage(page_size=2)
        appointment = prepare(scene)
        died = _dies(scene, statement)
        scene.settle()
        assert _end(scene, appointment) == expected, f"died before write {statement}"
        if not died:
            assert statement > 3
            return
    raise AssertionError("a drain of one change should be over by now")


@pytest.mark.parametrize("prepare", SITUATIONS)
@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_dying_around_any_request(prepare: Prepare, effect: bool) -> None:
    expected = _undisturbed(prepare)
    for request in range(1, 30):
        scene = stage(page_size=2)
        appointment = prepare(scene)
        left = request

        def die(name: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash

        setattr(scene.world, "after" if effect else "before", die)
        try:
            scene.drain()
        except Crash:
            connection.close()
        scene.settle()
        assert _end(scene, appointment) == expected, (
            f"died {'after' if effect else 'before'} request {request}"
        )
        if left > 0:
            assert request > 1
            return
    raise AssertionError("a drain of one change should be over by now")


def test_a_killed_process_leaves_a_real_server_in_step(radicale: CalDavServer) -> None:
    """SIGKILL before any write of a drain that creates one event and takes in another's move."""
    kills = 0
    for statement in range(1, FAR):
        scene, moved = _on_radicale(radicale, f"kill-{statement}")
        other = scene.book(at(6).start, name="Second Guest")
        died = killed_at(statement, partial(_work, scene))
        kills += died == signal.SIGKILL
        for _ in range(3):
            scene.later(minutes=20)
            _work(scene)
        _assert_both_in_step(radicale, scene, moved, other, statement)
        if died == 0:
            break
    assert kills > 8, kills


def _undisturbed(prepare: Prepare) -> dict[str, Any]:
    scene = stage(page_size=2)
    appointment = prepare(scene)
    scene.drain()
    scene.settle()
    return _end(scene, appointment)


def _dies(scene: Scene, statement: int) -> bool:
    try:
        with dying_at(statement, of=WRITES):
            scene.drain()
    except Crash:
        connection.close()  # its locks and its open transaction are gone with it
        return True
    return False


def _end(scene: Scene, appointment: Appointment) -> dict[str, Any]:
    """Everything that must be the same, whatever happened on the way."""
    after = Appointment.objects.get(id=appointment.id)
    events = [event for event in scene.owner.events("work") if event.identity]
    return {
        "state": after.state,
        "when": (after.start, after.end),
        "title": after.title,
        "revision": after.revision,
        "events": [(event.content.when.start, event.content.title) for event in events],
        "link": EventLink.objects.get(appointment=after).state,
        "history": list(after.history.values_list("field", "old", "new", "origin")),
        "messages": sorted(Message.objects.filter(appointment=after).values_list("kind", "recipient")),
        "busy": scene.calendar.busy_times.count(),
    }


def _work(scene: Scene) -> None:
    settings = ProviderSettings(allow_private_networks=True)
    while drain(calendar_id=scene.calendar.id, settings=settings, now=scene.now):
        pass


def _on_radicale(server: CalDavServer, slug: str) -> tuple[Scene, Appointment]:
    """A scene on a new calendar of a real server, with one appointment that its owner has just moved."""
    url = server.make_calendar(slug)
    settings = ProviderSettings(allow_private_networks=True)
    grant = authorize(address=url, user=server.user, password=server.password, settings=settings)
    scene = stage()
    RemoteKey.objects.filter(id=scene.key.id).update(
        kind="caldav", identity=grant.account.identity, secret=seal(grant.secret)
    )
    remote_id = next(info.id for info in grant.calendars if slug in info.id)
    RemoteCalendar.objects.filter(id=scene.calendar.id).update(remote_id=remote_id)
    moved = scene.book(MONDAY)
    _work(scene)
    href = f"{url.rstrip('/')}/{EventLink.objects.get(appointment=moved).remote_id.rsplit('/', 1)[-1]}"
    ics = server.get(href)
    assert "20260302T090000" in ics
    server.put(
        href, ics.replace("20260302T090000", "20260302T110000").replace("20260302T100000", "20260302T120000")
    )
    scene.later(minutes=2)
    return scene, moved


def _assert_both_in_step(
    server: CalDavServer, scene: Scene, moved: Appointment, other: Appointment, statement: int
) -> None:
    with server.client() as client:
        answer = client.request("PROPFIND", scene_url(server, scene), headers={"Depth": "1"})
    assert answer.text.count(".ics<") == 2, f"killed before write {statement}: {answer.text}"
    after = Appointment.objects.get(id=moved.id)
    assert (after.start, after.revision) == (at(2).start, 2)
    assert after.history.filter(field="when").count() == 1
    assert Message.objects.filter(appointment=after, kind="rescheduled", audience="customer").count() == 1
    assert Appointment.objects.get(id=other.id).state == State.CONFIRMED
    states = EventLink.objects.filter(appointment__in=[moved, other]).values_list("state", flat=True)
    assert set(states) == {EventLink.State.CLEAN}


def scene_url(server: CalDavServer, scene: Scene) -> str:
    remote = RemoteCalendar.objects.get(id=scene.calendar.id).remote_id
    return remote if remote.startswith("http") else f"{server.base_url.rstrip('/')}{remote}"
