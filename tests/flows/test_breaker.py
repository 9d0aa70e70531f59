"""Many deletions or moves on a calendar at once are held together until a person decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from tests.flows.test_sync import lose
from tests.sync_crash import WRITES, Crash, dying_at
from tests.sync_scene import Scene, at, stage

from genie.core.appointment import State
from genie.core.event import When
from genie.flows.actor import customer
from genie.flows.cancel import cancel
from genie.flows.connect_calendar import connect_calendar
from genie.flows.decide import decide
from genie.flows.deliver import due
from genie.flows.edit import edit
from genie.flows.offer import is_offered
from genie.flows.reschedule import reschedule
from genie.flows.set_realtime import set_realtime
from genie.flows.unlink import unlink
from genie.flows.why_not import why_not
from genie.store.models import (
    Access,
    Appointment,
    Connection,
    EventLink,
    Incident,
    Message,
    Module,
    Role,
    User,
)
from genie.store.queries.appointments import busy_beside
from genie.store.queries.seats import around

pytestmark = pytest.mark.django_db(transaction=True)

REALLY, PUT_BACK = Incident.Decision.REALLY_CHANGED, Incident.Decision.PUT_BACK
JANE = customer("Jane Doe")


@pytest.fixture
def scene() -> Scene:
    made = stage()
    admin = User.objects.create(
        email=f"admin@{made.company.slug}.example",
        name="Ann",
        role=Role.COMPANY_ADMIN,
        agency=made.company.agency,
        created_at=made.now,
    )
    Access.objects.create(user=admin, company=made.company)
    return made


def booked(scene: Scene, count: int) -> list[Appointment]:
    return [scene.booked(2 * number, name=f"Guest {number}") for number in range(count)]


def delete(scene: Scene, *appointments: Appointment) -> None:
    for appointment in appointments:
        scene.owner.delete("work", scene.link(appointment).remote_id)


def move(scene: Scene, hours: float, *appointments: Appointment) -> None:
    for appointment in appointments:
        start = Appointment.objects.get(id=appointment.id).start
        when = at((start - at(0).start) / timedelta(hours=1) + hours)
        scene.owner.move("work", scene.link(appointment).remote_id, when)


def states(appointments: list[Appointment]) -> list[str]:
    fresh = {a.id: a.state for a in Appointment.objects.filter(id__in=[a.id for a in appointments])}
    return [fresh[a.id] for a in appointments]


def starts(appointments: list[Appointment]) -> list[Any]:
    fresh = {a.id: a.start for a in Appointment.objects.filter(id__in=[a.id for a in appointments])}
    return [fresh[a.id] for a in appointments]


def incident(scene: Scene) -> Incident:
    return Incident.objects.get(calendar=scene.calendar, decision="")


def press(scene: Scene, decision: Incident.Decision) -> None:
    assert decide(
        company_id=scene.company.id,
        incident_id=incident(scene).id,
        decision=decision,
        user=User.objects.get(accesses__company=scene.company),
        now=scene.now,
    )
    scene.drain()


def letters(*appointments: Appointment, to: str = "customer") -> list[tuple[str, str]]:
    found = Message.objects.filter(appointment__in=appointments, audience=to).exclude(kind="booked")
    return sorted(found.values_list("kind", "state"))


def events(scene: Scene) -> list[Any]:
    """The starts of our events on the calendar."""
    return sorted(e.content.when.start for e in scene.owner.events("work") if e.identity)


def test_one_of_one_is_applied(scene: Scene) -> None:
    (only,) = booked(scene, 1)
    delete(scene, only)
    scene.poll()
    assert states([only]) == [State.CANCELLED]


def test_a_few_of_many_are_applied(scene: Scene) -> None:
    visits = booked(scene, 12)
    delete(scene, *visits[:5])
    scene.poll()
    assert states(visits).count(State.CANCELLED) == 5
    assert not Incident.objects.exists()


def test_what_comes_after_too_many_is_held_and_admins_are_told_once(scene: Scene) -> None:
    visits = booked(scene, 8)
    delete(scene, *visits[:6])
    scene.poll()
    scene.poll()
    assert states(visits).count(State.CANCELLED) == 2
    held = EventLink.objects.filter(calendar=scene.calendar, state=EventLink.State.HELD)
    assert held.count() == 4
    assert incident(scene).links.count() == 6
    told = Message.objects.filter(company=scene.company, appointment=None)
    assert [m.details["heading"] for m in told] == ["Many appointments were changed at once on Work"]


def test_letters_of_what_was_applied_before_wait_too(scene: Scene) -> None:
    visits = booked(scene, 4)
    delete(scene, *visits)
    scene.poll()
    scene.later(hours=1)
    owed = Message.objects.filter(appointment__in=visits, kind="cancelled", state="owed")
    assert owed.count() == 4  # two customers, and the company of each
    assert not set(owed.values_list("pk", flat=True)) & set(due(now=scene.now))


def test_deletions_that_arrive_in_several_reads_are_counted_together(scene: Scene) -> None:
    visits = booked(scene, 8)
    for visit in visits[:5]:
        delete(scene, visit)
        scene.poll()
        scene.later(minutes=10)
    assert states(visits).count(State.CANCELLED) == 2


def test_after_an_hour_they_count_no_more(scene: Scene) -> None:
    visits = booked(scene, 8)
    for visit in visits[:4]:
        delete(scene, visit)
        scene.poll()
        scene.later(minutes=31)
    assert states(visits).count(State.CANCELLED) == 4


def test_moves_and_deletions_are_counted_together(scene: Scene) -> None:
    visits = booked(scene, 8)
    delete(scene, visits[0])
    move(scene, 0.5, *visits[1:4])
    scene.poll()
    moved = [before != after for before, after in zip([v.start for v in visits], starts(visits), strict=True)]
    assert states(visits).count(State.CANCELLED) + sum(moved) == 2


def test_one_that_is_moved_again_and_again_is_one(scene: Scene) -> None:
    visits = booked(scene, 8)
    for _ in range(5):
        move(scene, 0.5, visits[0])
        scene.poll()
    assert starts(visits)[0] == visits[0].start + timedelta(hours=2.5)


def test_these_were_really_changed(scene: Scene) -> None:
    visits = booked(scene, 8)
    delete(scene, *visits[:3])
    move(scene, 0.5, *visits[3:6])
    scene.poll()
    scene.later(days=3)  # the visits are still to come only in part, and letters are not too old by that
    press(scene, REALLY)
    scene.poll()
    press_again = decide(
        company_id=scene.company.id,
        incident_id=Incident.objects.get().id,
        decision=PUT_BACK,
        user=None,
        now=scene.now,
    )
    assert not press_again
    assert not EventLink.objects.filter(incident__isnull=False).exists()
    assert not Message.objects.filter(held_by__isnull=False, state="owed").exists()


def test_really_changed_applies_what_is_held_and_tells_each_customer_once(scene: Scene) -> None:
    visits = booked(scene, 8)
    delete(scene, *visits[:3])
    move(scene, 0.5, *visits[3:6])
    scene.poll()
    press(scene, REALLY)
    assert states(visits) == [State.CANCELLED] * 3 + [State.CONFIRMED] * 5
    assert starts(visits)[3:6] == [v.start + timedelta(minutes=30) for v in visits[3:6]]
    assert letters(*visits) == [("cancelled", "owed")] * 3 + [("rescheduled", "owed")] * 3
    scene.later(minutes=5)
    assert len(due(now=scene.now)) == 12 + 1  # six to customers, six to the company, one to the admin
    scene.settle()
    assert not Incident.objects.filter(decision="").exists()
    assert not EventLink.objects.filter(incident__isnull=False).exists()


@pytest.mark.parametrize("decision", [REALLY, PUT_BACK])
def test_one_whose_creation_was_never_answered_does_not_wait_for_ever(
    scene: Scene, decision: Incident.Decision
) -> None:
    """Its owner deleted it before we knew that it was there, so its link does not know its id."""
    visits = booked(scene, 8)
    scene.world.after = lose("create")
    unknown = scene.book(scene.at(20).start, name="Guest 8")
    scene.drain()
    key = scene.link(unknown).id.hex

    def nor_found(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "find" and key in map(str, arguments):
            lose("find")(name, arguments)

    scene.world.after = nor_found
    delete(scene, *visits[:6])
    scene.poll()
    assert incident(scene)
    scene.world.after = None
    (there,) = (e for e in scene.owner.events("work") if e.identity.key == scene.link(unknown).id.hex)
    scene.owner.delete("work", there.id)
    scene.later(minutes=1)
    scene.drain()
    link = scene.link(unknown)
    assert (link.state, link.remote_id) == (EventLink.State.HELD, "")
    scene.later(minutes=20)
    scene.drain()
    assert scene.link(unknown).state == EventLink.State.HELD
    press(scene, decision)
    scene.settle()
    if decision == REALLY:
        assert states([unknown]) == [State.CANCELLED]
    else:
        assert states([unknown]) == [State.CONFIRMED]
        assert unknown.start in events(scene)
    assert not EventLink.objects.filter(incident__isnull=False).exists()


def test_after_the_decision_it_is_counted_anew(scene: Scene) -> None:
    visits = booked(scene, 12)
    delete(scene, *visits[:8])
    scene.poll()
    press(scene, REALLY)
    assert states(visits).count(State.CANCELLED) == 8
    delete(scene, *visits[8:10])  # two of the four that are left
    scene.poll()
    assert states(visits).count(State.CANCELLED) == 10
    delete(scene, visits[10])
    scene.poll()
    assert states(visits).count(State.CANCELLED) == 10
    assert Message.objects.filter(company=scene.company, appointment=None).count() == 2


def test_put_them_back(scene: Scene) -> None:
    visits = booked(scene, 8)
    before = starts(visits)
    delete(scene, *visits[:3])
    move(scene, 0.5, *visits[3:6])
    scene.poll()
    press(scene, PUT_BACK)
    scene.settle()
    assert states(visits) == [State.CONFIRMED] * 8
    assert starts(visits) == before
    assert events(scene) == sorted(before)
    links = EventLink.objects.filter(appointment__in=visits)
    assert set(links.values_list("state", flat=True)) == {EventLink.State.CLEAN}
    assert not links.filter(incident__isnull=False).exists()
    assert sorted(links.values_list("generation", flat=True)) == [1] * 5 + [2] * 3
    owed = Message.objects.filter(appointment__in=visits, state="owed")
    assert list(owed.values_list("kind", "recipient", "details")) == []
    assert set(letters(*visits)) <= {("cancelled", "dropped"), ("rescheduled", "dropped")}
    scene.poll()
    assert events(scene) == sorted(before)


def test_put_back_is_in_the_history(scene: Scene) -> None:
    visits = booked(scene, 3)
    delete(scene, visits[0], visits[2])
    scene.poll()
    move(scene, 3, visits[1])
    scene.poll()
    press(scene, PUT_BACK)
    lines = visits[0].history.filter(field="state").values_list("new", "origin", "by")
    assert list(lines) == [("cancelled", "calendar", "Work"), ("confirmed", "person", "Ann")]
    (lost,) = visits[1].history.filter(field="when")
    assert lost.lost and lost.origin == "calendar" and "put back" in lost.note


def test_a_deletion_whose_grace_was_over_is_put_back_as_well(scene: Scene) -> None:
    visits = booked(scene, 3)
    delete(scene, visits[0], visits[1])
    scene.poll()
    scene.later(minutes=10)
    scene.drain()
    assert states(visits).count(State.CANCELLED) == 2
    scene.drain()
    delete(scene, visits[2])
    scene.poll()
    press(scene, PUT_BACK)
    scene.settle()
    assert states(visits) == [State.CONFIRMED] * 3
    assert len(events(scene)) == 3


def test_declined_events_are_made_again(scene: Scene) -> None:
    visits = booked(scene, 3)
    for visit in visits:
        scene.owner.cancel("work", scene.link(visit).remote_id)
    scene.poll()
    assert states(visits).count(State.CANCELLED) == 2
    press(scene, PUT_BACK)
    scene.settle()
    assert states(visits) == [State.CONFIRMED] * 3
    live = [e for e in scene.owner.events("work") if e.identity and not e.content.cancelled]
    assert len(live) == 3


def test_who_was_told_of_a_cancellation_hears_that_it_stands(scene: Scene) -> None:
    visits = booked(scene, 3)
    delete(scene, visits[0])
    scene.poll()
    Message.objects.filter(appointment=visits[0], kind="cancelled").update(state="sent", sent_at=scene.now)
    scene.later(minutes=10)
    delete(scene, *visits[1:])
    scene.poll()
    press(scene, PUT_BACK)
    again = Message.objects.filter(appointment=visits[0], audience="customer", state="owed")
    assert [m.kind for m in again] == ["booked"]


def test_what_was_changed_here_since_is_not_put_back(scene: Scene) -> None:
    visits = booked(scene, 3)
    move(scene, 0.5, *visits)
    scene.poll()
    applied = next(v for v in visits if not scene.link(v).held_at)
    reschedule(
        company_id=scene.company.id,
        appointment_id=applied.id,
        start=at(30).start,
        actor=JANE,
        now=scene.now,
        force=True,
    )
    scene.drain()
    press(scene, PUT_BACK)
    assert starts([applied]) == [at(30).start]


def test_one_that_is_held_can_be_cancelled_and_edited_here(scene: Scene) -> None:
    visits = booked(scene, 4)
    move(scene, 0.5, *visits)
    scene.poll()
    first, second = [v for v in visits if scene.link(v).held_at]
    cancel(company_id=scene.company.id, appointment_id=first.id, actor=JANE, now=scene.now)
    edit(company_id=scene.company.id, appointment_id=second.id, title="New", actor=JANE, now=scene.now)
    scene.drain()
    assert scene.link(first).state == EventLink.State.ENDED
    assert scene.link(second).state == EventLink.State.HELD
    scene.poll()
    assert starts([second]) == [second.start], "an edit must not let the move in"
    press(scene, PUT_BACK)
    scene.settle()
    assert starts([second]) == [second.start]
    shown = {e.content.title for e in scene.owner.events("work")}
    assert "New" in shown


def test_what_the_owner_puts_back_there_waits_no_more(scene: Scene) -> None:
    visits = booked(scene, 4)
    move(scene, 0.5, *visits)
    scene.poll()
    held = [v for v in visits if scene.link(v).state == EventLink.State.HELD]
    move(scene, 0, *held)
    scene.poll()
    assert {scene.link(v).state for v in held} == {EventLink.State.CLEAN}
    assert starts(held) == [v.start for v in held]


def test_more_that_comes_while_held_is_held_too(scene: Scene) -> None:
    visits = booked(scene, 5)
    move(scene, 0.5, *visits[:4])
    scene.poll()
    scene.later(hours=5)
    delete(scene, visits[4])
    move(scene, 1.5, *[v for v in visits[:4] if scene.link(v).held_at])
    scene.poll()
    assert EventLink.objects.filter(state=EventLink.State.HELD, calendar=scene.calendar).count() == 3
    requests = len(scene.world.requests)
    scene.poll()
    assert len(scene.world.requests) - requests == 1, "what is held is not asked for again and again"
    press(scene, REALLY)
    scene.settle()
    assert states(visits)[4] == State.CANCELLED
    assert events(scene) == sorted(
        s for s, state in zip(starts(visits), states(visits), strict=True) if state == State.CONFIRMED
    )


def test_what_is_held_ends_with_the_link(scene: Scene) -> None:
    visits = booked(scene, 4)
    delete(scene, *visits)
    scene.poll()
    _unlink(scene)
    assert not Incident.objects.filter(decision="").exists()
    assert states(visits).count(State.CANCELLED) == 2
    assert not Message.objects.filter(held_by__isnull=False).exists(), "what was applied is told"
    made = connect_calendar(module=scene.module, key=scene.key, remote_id="work", user=None, now=scene.now)
    set_realtime(company_id=scene.company.id, connection_id=made.id, on=True, now=scene.now)
    scene.settle()
    assert states(visits).count(State.CANCELLED) == 2
    assert len(events(scene)) == 2


def test_what_is_held_is_let_go_when_nothing_flows_back_any_more(scene: Scene) -> None:
    visits = booked(scene, 4)
    move(scene, 0.5, *visits)
    scene.poll()
    for on in (False, True):
        assert not EventLink.objects.filter(state=EventLink.State.HELD).exists() or on is False
        set_realtime(company_id=scene.company.id, connection_id=scene.connection.id, on=on, now=scene.now)
        scene.drain()
    # on again: what differs comes in, counted anew
    moved = sum(a != b.start for a, b in zip(starts(visits), visits, strict=True))
    assert moved + EventLink.objects.filter(state=EventLink.State.HELD).count() == 4


def _unlink(scene: Scene) -> None:
    unlink(
        company_id=scene.company.id,
        connection_id=Connection.objects.get(module=scene.module, state="linked").id,
        keep_copies=True,
        settings=scene.settings,
        now=scene.now,
    )


# --- a worker dies before any statement that writes


def _noticing(scene: Scene) -> list[Appointment]:
    """In the order in which they are looked at, so that the same ones are applied each time."""
    visits = sorted(booked(scene, 4), key=lambda visit: scene.link(visit).id)
    delete(scene, visits[0], visits[2])
    move(scene, 0.5, visits[1], visits[3])
    scene.later(minutes=1)
    return visits


def _deciding(decision: Incident.Decision) -> Callable[[Scene], list[Appointment]]:
    def prepare(scene: Scene) -> list[Appointment]:
        visits = _noticing(scene)
        scene.drain()
        decide(
            company_id=scene.company.id,
            incident_id=incident(scene).id,
            decision=decision,
            user=None,
            now=scene.now,
        )
        return visits

    return prepare


@pytest.mark.parametrize("prepare", [_noticing, _deciding(REALLY), _deciding(PUT_BACK)])
def test_dying_before_any_write(prepare: Callable[[Scene], list[Appointment]]) -> None:
    expected = None
    for statement in range(0, 400):
        scene = stage()
        visits = prepare(scene)
        died = _dies(scene, statement)
        scene.settle()
        end = _end(scene, visits)
        expected = expected or end
        assert end == expected, f"died before write {statement}"
        if statement and not died:
            assert statement > 10
            return
    raise AssertionError("this drain should be over by now")


def _dies(scene: Scene, statement: int) -> bool:
    try:
        with dying_at(statement, of=WRITES):
            scene.drain()
    except Crash:
        connection.close()
        return True
    return False


def _end(scene: Scene, visits: list[Appointment]) -> dict[str, Any]:
    links = [scene.link(visit) for visit in visits]
    told = Message.objects.filter(appointment__in=visits).exclude(kind="booked").exclude(state="dropped")
    by_key = {e.identity.key: e for e in scene.owner.events("work") if e.identity}
    shown = [by_key.get(link.id.hex) for link in links]
    return {
        "states": states(visits),
        "moved": [now - visit.start for now, visit in zip(starts(visits), visits, strict=True)],
        "events": [e and e.content.when.start - v.start for e, v in zip(shown, visits, strict=True)],
        "on the calendar": len(events(scene)),
        "links": [(link.state, link.generation, link.incident_id is None) for link in links],
        "incidents": list(
            Incident.objects.filter(calendar=scene.calendar).values_list("decision", flat=True)
        ),
        "letters": sorted(
            (visits.index(m.appointment), m.kind, m.recipient, m.held_by_id is None) for m in told
        ),
        "history": [sorted((c.field, c.origin, c.lost) for c in v.history.all()) for v in visits],
        "admins": Message.objects.filter(company=scene.company, appointment=None).count(),
    }


def held_elsewhere() -> tuple[Scene, Appointment]:
    """One of several visits that were all moved by a day, and is held at its old time."""
    scene = stage(capacity=1)
    visits = booked(scene, 4)
    move(scene, 24.5, *visits)
    scene.poll()
    return scene, next(visit for visit in visits if scene.link(visit).held_at)


def is_free(scene: Scene, when: When, **also: Any) -> bool:
    module = Module.objects.select_related("schedule").get(id=scene.module.id)
    module.start_every = 30
    return is_offered(module=module, start=when.start, now=scene.now, **also)


def test_the_new_time_of_what_is_held_is_given_to_nobody_else() -> None:
    scene, held = held_elsewhere()
    theirs = scene.owner.event("work", scene.link(held).remote_id).content.when
    assert not is_free(scene, theirs)
    assert not is_free(scene, at((held.start - at(0).start) / timedelta(hours=1)))
    assert is_free(scene, theirs, ignoring=held.id)
    module = Module.objects.select_related("schedule").get(id=scene.module.id)
    module.start_every = 30
    whys = why_not(module=module, start=theirs.start, end=theirs.end, now=scene.now)
    (why,) = [one for one in whys if "not decided" in one]
    assert why.startswith("Another appointment may move there")
    shown = busy_beside(company_id=scene.company.id, start=theirs.start, end=theirs.end)
    assert shown == [(theirs.start, theirs.end)]


@pytest.mark.parametrize("decision", [REALLY, PUT_BACK])
def test_once_that_is_decided_one_of_the_two_times_is_free(decision: Incident.Decision) -> None:
    scene, held = held_elsewhere()
    theirs = scene.owner.event("work", scene.link(held).remote_id).content.when
    decided = Incident.objects.filter(calendar=scene.calendar)
    decide(
        company_id=scene.company.id, incident_id=decided.get().id, decision=decision, user=None, now=scene.now
    )
    scene.drain()
    ours = When(held.start, held.end, "UTC")
    left, taken = (ours, theirs) if decision == REALLY else (theirs, ours)
    assert is_free(scene, left)
    assert not is_free(scene, taken)
    assert scene.link(held).proposed_start is None


def test_a_booking_notices_a_move_that_is_held_after_it_looked() -> None:
    scene, held = held_elsewhere()
    link = scene.link(held)
    asked: dict[str, Any] = {"module_id": scene.module.id, "kind_id": None, "staff_id": None, "holder": ""}
    assert link.proposed_start
    assert link.proposed_end
    asked |= {"low": link.proposed_start, "high": link.proposed_end, "now": scene.now}
    before = around(**asked)
    EventLink.objects.filter(id=link.id).update(proposed_start=None, proposed_end=None)
    assert around(**asked) != before
