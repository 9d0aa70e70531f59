"""The module's rule for a move or deletion made on the calendar, and two who write one event in turns."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from tests.sync_crash import WRITES, Crash, dying_at
from tests.sync_scene import CUSTOMER, Scene, at, stage

from genie.core.appointment import State
from genie.core.errors import Rejected, Transient
from genie.core.event import When
from genie.flows.absorb import PUT_BACK
from genie.flows.alternate import IN_TURNS
from genie.flows.reschedule import reschedule
from genie.flows.retry_link import retry_link
from genie.store.models import Appointment, EventLink, Incident, Message, Module

pytestmark = pytest.mark.django_db(transaction=True)


def ruled(rule: Module.InboundRule) -> Scene:
    scene = stage()
    Module.objects.filter(id=scene.module.id).update(inbound_rule=rule)
    scene.booked(100, name="Somebody else")
    return scene


@pytest.fixture
def scene() -> Scene:
    return ruled(Module.InboundRule.PUT_IT_BACK)


def refreshed(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(id=appointment.id)


def shown(scene: Scene, appointment: Appointment) -> list[Any]:
    key = scene.link(appointment).id.hex
    events = [e for e in scene.owner.events("work") if e.identity and e.identity.key == key]
    return [
        (e.content.when.start, e.identity.generation)
        for e in events
        if e.identity and not e.content.cancelled
    ]


def letters(appointment: Appointment, to: str) -> list[str]:
    found = Message.objects.filter(appointment=appointment, audience=to).exclude(kind="booked")
    return sorted(found.values_list("kind", flat=True))


def test_apply_silently_tells_the_company_alone() -> None:
    scene = ruled(Module.InboundRule.APPLY_SILENTLY)
    appointment = scene.booked()
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    scene.poll()
    assert refreshed(appointment).start == at(3).start
    assert letters(appointment, "customer") == [] and letters(appointment, "company") == ["rescheduled"]
    scene.owner.delete("work", scene.link(appointment).remote_id)
    scene.poll()
    assert refreshed(appointment).state == State.CANCELLED
    assert letters(appointment, "customer") == []


def test_a_move_is_put_back(scene: Scene) -> None:
    appointment = scene.booked()
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    scene.poll()
    assert refreshed(appointment).start == appointment.start
    assert shown(scene, appointment) == [(appointment.start, 1)]
    (line,) = appointment.history.filter(field="when")
    assert (line.lost, line.note, line.origin, line.by) == (True, PUT_BACK, "calendar", "Work")
    assert at(3).start.isoformat() in line.new
    assert letters(appointment, "customer") == letters(appointment, "company") == []
    assert scene.link(appointment).state == EventLink.State.CLEAN
    writes = scene.writes()
    scene.poll()
    assert scene.writes() == writes


def test_what_else_was_changed_with_the_move_comes_in(scene: Scene) -> None:
    appointment = scene.booked()
    remote_id = scene.link(appointment).remote_id
    scene.owner.move("work", remote_id, at(3))
    scene.owner.edit("work", remote_id, title="Tour with Ann")
    scene.poll()
    after = refreshed(appointment)
    assert (after.start, after.title) == (appointment.start, "Tour with Ann")
    assert shown(scene, appointment) == [(appointment.start, 1)]


def test_a_time_that_no_appointment_can_have_is_put_back(scene: Scene) -> None:
    appointment = scene.booked()
    midnight = appointment.start.replace(hour=0)
    day = When(midnight, midnight.replace(day=midnight.day + 1), "UTC", all_day=True)
    scene.owner.move("work", scene.link(appointment).remote_id, day)
    scene.poll()
    assert shown(scene, appointment) == [(appointment.start, 1)]
    assert refreshed(appointment).attention == ""


def test_a_deletion_is_put_back_under_the_next_generation(scene: Scene) -> None:
    appointment = scene.booked()
    scene.owner.delete("work", scene.link(appointment).remote_id)
    scene.poll()
    assert refreshed(appointment).state == State.CONFIRMED
    assert shown(scene, appointment) == []
    scene.later(minutes=2)
    scene.drain()
    assert shown(scene, appointment) == [(appointment.start, 2)]
    (line,) = appointment.history.filter(field="state")
    assert (line.lost, line.new, line.by) == (True, State.CANCELLED, "Work")
    assert letters(appointment, "customer") == letters(appointment, "company") == []


def test_a_declined_event_is_made_again(scene: Scene) -> None:
    appointment = scene.booked()
    scene.owner.cancel("work", scene.link(appointment).remote_id)
    scene.poll()
    assert shown(scene, appointment) == [(appointment.start, 2)]
    assert refreshed(appointment).state == State.CONFIRMED


def test_a_declined_event_does_not_stay_beside_the_one_that_is_made_again(scene: Scene) -> None:
    appointment, foreign = scene.booked(), scene.owner.add("work", at(40), title="Dentist")
    scene.owner.cancel("work", scene.link(appointment).remote_id)
    scene.poll()
    key = scene.link(appointment).id.hex
    assert len([e for e in scene.owner.events("work") if e.identity and e.identity.key == key]) == 1
    assert foreign in [e.id for e in scene.owner.events("work")]


@pytest.mark.parametrize("cut", [None, "create"])
def test_a_copy_of_a_declined_event_stays_as_it_is(scene: Scene, cut: str | None) -> None:
    """Also where the new one is not made at the first try: the declined one is gone by then."""
    appointment = scene.booked()
    declined = scene.link(appointment).remote_id
    copy = scene.owner.copy("work", declined, when=at(30))
    before = scene.owner.event("work", copy)
    assert before
    version = before.version

    def refuse(method: str, _: Any) -> None:
        if method == cut:
            scene.world.before = None
            raise Transient("Cut.", outcome_unknown=True)

    scene.world.before = refuse
    scene.owner.cancel("work", declined)
    for _ in range(4):
        scene.poll()
    kept = scene.owner.event("work", copy)
    assert kept
    assert (kept.version, kept.content.when.start) == (version, at(30).start)
    link = scene.link(appointment)
    assert link.state == EventLink.State.CLEAN
    assert link.remote_id not in (copy, declined)
    assert scene.owner.event("work", declined) is None


def test_a_decline_that_is_taken_back_meanwhile_is_the_same_event(scene: Scene) -> None:
    appointment = scene.booked()
    remote_id = scene.link(appointment).remote_id

    def taken_back(method: str, _: Any) -> None:
        if method == "get" and scene.link(appointment).declined_id:
            scene.world.before = None
            scene.owner.cancel("work", remote_id, cancelled=False)

    scene.world.before = taken_back
    scene.owner.cancel("work", remote_id)
    scene.poll()
    assert shown(scene, appointment) == [(appointment.start, 1)]
    assert scene.link(appointment).remote_id == remote_id


def test_a_declined_event_that_may_not_be_removed_stays(scene: Scene) -> None:
    appointment = scene.booked()

    def refuse(method: str, _: Any) -> None:
        if method == "delete":
            raise Rejected("Not this one.")

    scene.world.before = refuse
    scene.owner.cancel("work", scene.link(appointment).remote_id)
    scene.poll()
    assert shown(scene, appointment) == [(appointment.start, 2)]
    assert scene.link(appointment).state == EventLink.State.CLEAN


def test_one_that_was_cut_and_pasted_is_the_same(scene: Scene) -> None:
    appointment = scene.booked()
    scene.owner.cut_and_paste("work", scene.link(appointment).remote_id, when=at(5))
    scene.poll()
    scene.settle()
    assert [start for start, _ in shown(scene, appointment)] == [appointment.start]


def test_many_that_are_put_back_need_nobody(scene: Scene) -> None:
    visits = [scene.booked(2 * number) for number in range(8)]
    for visit in visits:
        scene.owner.delete("work", scene.link(visit).remote_id)
    scene.poll()
    scene.settle()
    assert not Incident.objects.exists()
    assert [len(shown(scene, visit)) for visit in visits] == [1] * 8


def test_two_who_write_in_turns_are_parked_with_the_reason(scene: Scene) -> None:
    appointment = scene.booked()
    remote_id = scene.link(appointment).remote_id
    for turn in range(8):
        scene.owner.move("work", remote_id, at(3 + turn))
        scene.poll()
    link = scene.link(appointment)
    assert (link.state, link.reason) == (EventLink.State.PARKED, IN_TURNS)
    assert scene.writes().count("update") == 3  # theirs, ours, theirs, ours, theirs, ours, theirs
    writes = scene.writes()
    scene.poll()
    assert scene.writes() == writes

    assert retry_link(company_id=scene.company.id, link_id=link.id, now=scene.now)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.CLEAN
    assert [start for start, _ in shown(scene, appointment)] == [appointment.start]


def test_after_an_hour_it_goes_on_by_itself(scene: Scene) -> None:
    appointment = scene.booked()
    for turn in range(4):
        scene.owner.move("work", scene.link(appointment).remote_id, at(3 + turn))
        scene.poll()
    assert scene.link(appointment).state == EventLink.State.PARKED
    scene.settle()
    assert scene.link(appointment).state == EventLink.State.CLEAN
    assert [start for start, _ in shown(scene, appointment)] == [appointment.start]


def test_an_event_that_is_deleted_again_and_again_is_not_made_for_ever(scene: Scene) -> None:
    appointment = scene.booked()
    for _ in range(8):
        if scene.link(appointment).remote_id:
            scene.owner.delete("work", scene.link(appointment).remote_id)
        scene.later(minutes=3)
        scene.drain()
        scene.later(minutes=3)
        scene.drain()
    assert scene.link(appointment).reason == IN_TURNS
    assert scene.writes().count("create") < 8


def test_a_person_here_and_one_there_may_change_their_minds() -> None:
    scene = ruled(Module.InboundRule.APPLY_AND_TELL)
    appointment = scene.booked()
    for turn in range(2):
        scene.owner.move("work", scene.link(appointment).remote_id, at(3 + turn))
        scene.poll()
        reschedule(
            company_id=scene.company.id,
            appointment_id=appointment.id,
            start=at(20 + turn).start,
            actor=CUSTOMER,
            now=scene.now,
            force=True,
        )
        scene.drain()
    assert scene.link(appointment).state == EventLink.State.CLEAN
    assert refreshed(appointment).start == at(21).start


@pytest.mark.parametrize("how", ["move", "delete"])
def test_dying_before_any_write(how: str) -> None:
    expected = None
    for statement in range(200):
        scene = ruled(Module.InboundRule.PUT_IT_BACK)
        appointment = scene.booked()
        remote_id = scene.link(appointment).remote_id
        scene.owner.move("work", remote_id, at(3)) if how == "move" else scene.owner.delete("work", remote_id)
        scene.later(minutes=1)
        died = True
        try:
            with dying_at(statement, of=WRITES):
                scene.drain()
                scene.later(minutes=2)
                scene.drain()
                died = False
        except Crash:
            connection.close()
        scene.settle()
        end = (
            refreshed(appointment).state,
            refreshed(appointment).start - appointment.start,
            [start - appointment.start for start, _ in shown(scene, appointment)],
            scene.link(appointment).state,
            sorted(appointment.history.values_list("field", "lost")),
            letters(appointment, "customer"),
        )
        expected = expected or end
        assert end == expected, f"died before write {statement}"
        if statement and not died:
            assert statement > 5
            return
    raise AssertionError("this drain should be over by now")
