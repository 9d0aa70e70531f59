"""The module's rule *Ask the customer to accept the new time*."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from tests.sync_crash import WRITES, Crash, dying_at
from tests.sync_scene import CUSTOMER, Scene, at, stage

from genie.core.appointment import State
from genie.core.event import When
from genie.flows.absorb import OUTSIDE_RULES
from genie.flows.accept_time import accept_time
from genie.flows.actor import person
from genie.flows.ask import NOTICE
from genie.flows.cancel import cancel
from genie.flows.decide import decide
from genie.flows.deliver import deliver, due
from genie.flows.edit import edit
from genie.flows.keep_time import QuestionClosed, keep_time
from genie.flows.offer import is_offered
from genie.flows.reschedule import reschedule
from genie.flows.set_realtime import set_realtime
from genie.flows.unlink import unlink
from genie.notices.port import Letterhead, OutgoingMail
from genie.store.models import (
    Appointment,
    EventLink,
    Incident,
    Message,
    Module,
    RemoteCalendar,
    RemoteKey,
    Role,
    User,
)

pytestmark = pytest.mark.django_db(transaction=True)

ASK = Module.InboundRule.ASK_THE_CUSTOMER


class Post:
    """A mail server that takes everything."""

    letterhead = Letterhead("genie@acme.example", "https://genie.example")

    def __init__(self) -> None:
        self.taken: list[OutgoingMail] = []

    def send(self, mail: OutgoingMail) -> None:
        self.taken.append(mail)


def ruled(**how: Any) -> Scene:
    scene = stage(**how)
    Module.objects.filter(id=scene.module.id).update(inbound_rule=ASK)
    scene.booked(100, name="Somebody else")
    return scene


@pytest.fixture
def scene() -> Scene:
    return ruled()


def fresh(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(id=appointment.id)


def there(scene: Scene, appointment: Appointment) -> list[Any]:
    key = scene.link(appointment).id.hex
    events = [e for e in scene.owner.events("work") if e.identity and e.identity.key == key]
    return [e.content.when.start for e in events if not e.content.cancelled]


def asked(scene: Scene, hours: float = 3) -> Appointment:
    """Moved on the calendar, and the customer has the question."""
    appointment = scene.booked()
    move(scene, appointment, hours)
    letters_leave(scene)
    return appointment


def move(scene: Scene, appointment: Appointment, hours: float) -> None:
    scene.owner.move("work", scene.link(appointment).remote_id, at(hours))
    scene.poll()


def letters_leave(scene: Scene) -> list[OutgoingMail]:
    scene.later(minutes=2)
    post = Post()
    for message_id in due(now=scene.now):
        deliver(message_id=message_id, sender=post, now=scene.now)
    return [mail for mail in post.taken if mail.to == "jane@example.org"]


def told(appointment: Appointment, to: str = "customer") -> list[str]:
    """What has left or will, in order."""
    found = Message.objects.filter(appointment=appointment, audience=to).exclude(state="dropped")
    return list(found.exclude(kind="booked").order_by("revision").values_list("kind", flat=True))


def answer(scene: Scene, appointment: Appointment, what: Any, hours: float = 3, by: Any = CUSTOMER) -> Any:
    done = what(
        company_id=scene.company.id,
        appointment_id=appointment.id,
        proposed=at(hours),
        actor=by,
        now=scene.now,
    )
    scene.drain()
    return done


def is_open(scene: Scene, appointment: Appointment) -> bool:
    return scene.link(appointment).question_at is not None


def in_step(scene: Scene, appointment: Appointment, when: When) -> bool:
    """Both sides at one time, nothing owed, no question, and a poll writes nothing."""
    link, writes = scene.link(appointment), scene.writes()
    scene.poll()
    return (
        (link.state, link.question_at, link.proposed_start) == (EventLink.State.CLEAN, None, None)
        and fresh(appointment).start == when.start
        and there(scene, appointment) == [when.start]
        and scene.writes() == writes
    )


def test_a_move_is_asked_about_and_changes_nothing_yet(scene: Scene) -> None:
    appointment = scene.booked()
    writes = scene.writes()
    move(scene, appointment, 3)
    assert fresh(appointment).start == appointment.start
    assert there(scene, appointment) == [at(3).start]
    link = scene.link(appointment)
    assert (link.state, link.proposed_start, link.proposed_end) == ("clean", at(3).start, at(3).end)
    assert link.answer_until == appointment.start - NOTICE
    (line,) = appointment.history.filter(field="asked")
    assert (line.origin, line.by, line.new.split("/")[0]) == ("calendar", "Work", at(3).start.isoformat())
    (letter,) = letters_leave(scene)
    assert letter.subject.startswith("Another time? Appointment, Mon 2 Mar 2026, 12:00")
    assert "from Mon 2 Mar 2026, 09:00–10:00 (UTC) to Mon 2 Mar 2026, 12:00–13:00 (UTC)" in letter.text
    assert f"https://genie.example/visit/{appointment.manage_token}" in letter.text
    assert "Please say until Mon 2 Mar 2026, 07:00" in letter.text
    assert letter.attachment is None
    scene.poll()
    assert scene.writes() == writes
    assert told(appointment, "company") == []


def test_accepted_it_moves_here_and_nothing_is_written(scene: Scene) -> None:
    appointment = asked(scene)
    writes = scene.writes()
    answer(scene, appointment, accept_time)
    assert scene.writes() == writes
    assert in_step(scene, appointment, at(3))
    line = appointment.history.filter(field="when").get()
    assert (line.origin, line.by) == ("customer", "Jane Doe")
    assert told(appointment) == ["asked", "rescheduled"]
    assert told(appointment, "company") == ["rescheduled"]
    (letter,) = letters_leave(scene)
    assert letter.attachment is not None


def test_kept_it_is_put_back(scene: Scene) -> None:
    appointment = asked(scene)
    answer(scene, appointment, keep_time)
    assert in_step(scene, appointment, at(0))
    line = appointment.history.filter(field="kept").get()
    assert (line.origin, line.by) == ("customer", "Jane Doe")
    assert told(appointment) == ["asked", "kept"]
    assert told(appointment, "company") == ["kept"]


def test_kept_by_somebody_here_the_customer_hears_it(scene: Scene) -> None:
    appointment = asked(scene)
    ann = User.objects.create(
        email=f"ann@{scene.company.slug}.example",
        name="Ann",
        role=Role.COMPANY_ADMIN,
        agency=scene.company.agency,
        created_at=scene.now,
    )
    answer(scene, appointment, keep_time, by=person(ann))
    assert told(appointment) == ["asked", "kept"]
    assert told(appointment, "company") == []
    assert appointment.history.get(field="kept").by == "Ann"


def test_without_an_answer_the_old_time_stands(scene: Scene) -> None:
    appointment = asked(scene)
    scene.now = appointment.start - NOTICE
    scene.drain()
    assert in_step(scene, appointment, at(0))
    assert told(appointment) == ["asked", "kept"]
    assert told(appointment, "company") == ["kept"]


def test_where_nobody_looked_until_it_was_over_it_is_put_back_all_the_same(scene: Scene) -> None:
    appointment = asked(scene)
    scene.now = appointment.end
    scene.drain()
    assert in_step(scene, appointment, at(0))
    assert told(appointment) == ["asked"]  # a letter about yesterday helps nobody
    assert told(appointment, "company") == ["kept"]


def test_where_the_module_names_nobody_the_admins_hear_of_it(scene: Scene) -> None:
    Module.objects.filter(id=scene.module.id).update(recipients=[])
    User.objects.create(
        email=f"super@{scene.company.slug}.example",
        name="Sue",
        role=Role.AGENCY_ADMIN,
        agency=scene.company.agency,
        created_at=scene.now,
    )
    appointment = asked(scene)
    answer(scene, appointment, keep_time)
    letter = Message.objects.get(company=scene.company, kind=Message.Kind.ATTENTION)
    assert letter.details["heading"] == "An appointment stays at its time, other than on Work"
    assert letter.details["path"].endswith(f"/appointments/{appointment.id}")


def test_without_an_answer_and_without_access_nobody_waits_for_it(scene: Scene) -> None:
    appointment = asked(scene)
    RemoteKey.objects.filter(id=scene.key.id).update(state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    scene.now = appointment.start - NOTICE
    scene.drain()
    assert not is_open(scene, appointment)
    assert told(appointment) == ["asked", "kept"]


def test_several_moves_in_a_row_are_one_question(scene: Scene) -> None:
    appointment = scene.booked()
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    scene.poll()
    scene.owner.move("work", scene.link(appointment).remote_id, at(4))
    scene.poll()
    (letter,) = letters_leave(scene)
    assert "13:00" in letter.subject
    with pytest.raises(QuestionClosed):
        answer(scene, appointment, accept_time, 3)
    answer(scene, appointment, accept_time, 4)
    assert in_step(scene, appointment, at(4))


def test_moved_again_it_is_asked_again(scene: Scene) -> None:
    appointment = asked(scene)
    move(scene, appointment, 5)
    assert len(letters_leave(scene)) == 1
    assert told(appointment) == ["asked", "asked"]
    answer(scene, appointment, keep_time, 5)
    assert in_step(scene, appointment, at(0))


def test_moved_back_before_anybody_was_asked_nobody_hears_of_it(scene: Scene) -> None:
    appointment = scene.booked()
    move(scene, appointment, 3)
    move(scene, appointment, 0)
    assert letters_leave(scene) == []
    assert in_step(scene, appointment, at(0))
    assert told(appointment) == []


def test_moved_back_after_that_the_customer_hears_that_it_stays(scene: Scene) -> None:
    appointment = asked(scene)
    move(scene, appointment, 0)
    (letter,) = letters_leave(scene)
    assert letter.subject.startswith("It stays: Appointment, Mon 2 Mar 2026, 09:00")
    assert in_step(scene, appointment, at(0))


@pytest.mark.parametrize("how", ["delete", "cancel"])
def test_a_deletion_is_applied_and_told(scene: Scene, how: str) -> None:
    appointment = asked(scene)
    getattr(scene.owner, how)("work", scene.link(appointment).remote_id)
    scene.poll()
    scene.settle()
    assert fresh(appointment).state == State.CANCELLED
    assert not is_open(scene, appointment)
    assert told(appointment) == ["asked", "cancelled"]


def test_rescheduled_here_that_counts(scene: Scene) -> None:
    appointment = asked(scene)
    reschedule(
        company_id=scene.company.id,
        appointment_id=appointment.id,
        start=at(24).start,
        actor=CUSTOMER,
        now=scene.now,
        force=True,
    )
    scene.drain()
    assert in_step(scene, appointment, at(24))
    assert told(appointment) == ["asked", "rescheduled"]


def test_rescheduled_here_before_the_question_left_it_is_not_asked(scene: Scene) -> None:
    appointment = scene.booked()
    move(scene, appointment, 3)
    for hours in (24, 0):
        reschedule(
            company_id=scene.company.id,
            appointment_id=appointment.id,
            start=at(hours).start,
            actor=CUSTOMER,
            now=scene.now,
            force=True,
        )
    scene.drain()
    assert letters_leave(scene) == []
    assert in_step(scene, appointment, at(0))


def test_cancelled_here_the_event_goes(scene: Scene) -> None:
    appointment = asked(scene)
    cancel(company_id=scene.company.id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)
    scene.drain()
    assert there(scene, appointment) == []
    assert told(appointment) == ["asked", "cancelled"]
    with pytest.raises(QuestionClosed):
        answer(scene, appointment, accept_time)


def test_all_else_goes_on_flowing_both_ways(scene: Scene) -> None:
    appointment = asked(scene)
    edit(
        company_id=scene.company.id,
        appointment_id=appointment.id,
        title="Tour with Ann",
        actor=CUSTOMER,
        now=scene.now,
    )
    scene.drain()
    event = scene.owner.event("work", scene.link(appointment).remote_id)
    assert event
    assert (event.content.title, event.content.when.start) == ("Tour with Ann", at(3).start)
    scene.owner.edit("work", scene.link(appointment).remote_id, place="Room 3")
    scene.poll()
    assert (fresh(appointment).place, fresh(appointment).start) == ("Room 3", appointment.start)
    assert is_open(scene, appointment)
    answer(scene, appointment, accept_time)
    assert in_step(scene, appointment, at(3))


def test_both_sides_moved_ours_stays_and_theirs_is_asked_about(scene: Scene) -> None:
    appointment = scene.booked()
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    reschedule(
        company_id=scene.company.id,
        appointment_id=appointment.id,
        start=at(24).start,
        actor=CUSTOMER,
        now=scene.now,
        force=True,
    )
    scene.poll()
    assert fresh(appointment).start == at(24).start
    assert is_open(scene, appointment)
    answer(scene, appointment, accept_time)
    assert in_step(scene, appointment, at(3))


def test_too_late_to_ask_it_is_applied_and_told(scene: Scene) -> None:
    appointment = scene.booked()
    scene.now = appointment.start - timedelta(hours=1)
    move(scene, appointment, 3)
    assert fresh(appointment).start == at(3).start
    assert told(appointment) == ["rescheduled"]


def test_where_customers_are_not_written_to_it_is_applied(scene: Scene) -> None:
    Module.objects.filter(id=scene.module.id).update(tell_customer=False)
    appointment = scene.booked()
    move(scene, appointment, 3)
    assert in_step(scene, appointment, at(3))


def test_accepted_outside_the_rules_it_is_flagged() -> None:
    scene = ruled(capacity=1)
    appointment = asked(scene, 12)
    answer(scene, appointment, accept_time, 12)
    assert fresh(appointment).attention == OUTSIDE_RULES


def test_neither_time_is_given_to_anybody_else() -> None:
    scene = ruled(capacity=1)
    appointment = asked(scene)
    module = Module.objects.select_related("schedule").get(id=scene.module.id)

    def free(hours: float) -> bool:
        return is_offered(module=module, start=at(hours).start, now=scene.now)

    assert (free(0), free(3), free(4)) == (False, False, True)
    answer(scene, appointment, keep_time)
    assert (free(0), free(3)) == (False, True)


@pytest.mark.parametrize("linked", [True, False])
def test_when_nothing_flows_back_any_more_nothing_is_asked(scene: Scene, linked: bool) -> None:
    appointment = asked(scene)
    which = {"company_id": scene.company.id, "connection_id": scene.connection.id, "now": scene.now}
    if linked:
        set_realtime(on=False, **which)
        scene.drain()
    else:
        unlink(keep_copies=True, settings=scene.settings, **which)
    assert not is_open(scene, appointment)
    assert told(appointment) == ["asked", "kept"]
    assert there(scene, appointment) == [at(0 if linked else 3).start]


def test_by_another_rule_an_open_question_stays_and_the_next_move_follows_it(scene: Scene) -> None:
    appointment = asked(scene)
    Module.objects.filter(id=scene.module.id).update(inbound_rule=Module.InboundRule.APPLY_SILENTLY)
    scene.poll()
    assert is_open(scene, appointment)
    move(scene, appointment, 5)
    assert in_step(scene, appointment, at(5))
    assert told(appointment) == ["asked", "rescheduled"]  # who was asked hears how it ended


def test_so_it_is_put_back_by_that_rule(scene: Scene) -> None:
    appointment = asked(scene)
    Module.objects.filter(id=scene.module.id).update(inbound_rule=Module.InboundRule.PUT_IT_BACK)
    move(scene, appointment, 5)
    assert in_step(scene, appointment, at(0))
    assert told(appointment) == ["asked", "kept"]


def many(scene: Scene) -> list[Appointment]:
    """Four of five are moved at once: two are asked about, two are held."""
    visits = [scene.booked(2 * number, name=f"Guest {number}") for number in range(4)]
    for number, visit in enumerate(visits):
        scene.owner.move("work", scene.link(visit).remote_id, at(24 + 2 * number))
    scene.poll()
    assert not any(told(visit) and letters_leave(scene) for visit in visits)
    return visits


def decided(scene: Scene, decision: Incident.Decision) -> None:
    incident = Incident.objects.get(calendar=scene.calendar)
    decide(company_id=scene.company.id, incident_id=incident.id, decision=decision, user=None, now=scene.now)
    scene.drain()


def test_many_moves_at_once_are_held_and_then_asked_about(scene: Scene) -> None:
    visits = many(scene)
    assert sorted(scene.link(visit).state for visit in visits) == ["clean", "clean", "held", "held"]
    decided(scene, Incident.Decision.REALLY_CHANGED)
    assert len(letters_leave(scene)) == 4
    assert all(is_open(scene, visit) for visit in visits)
    assert [fresh(visit).start for visit in visits] == [visit.start for visit in visits]


def test_many_moves_that_are_put_back_are_no_questions(scene: Scene) -> None:
    visits = many(scene)
    decided(scene, Incident.Decision.PUT_BACK)
    assert letters_leave(scene) == []
    assert all(in_step(scene, visit, at(2 * number)) for number, visit in enumerate(visits))


def test_who_was_asked_and_whose_next_move_was_held_hears_that_it_stays(scene: Scene) -> None:
    first = asked(scene)
    others = [scene.booked(40 + 2 * number, name=f"Guest {number}") for number in range(3)]
    for number, visit in enumerate([*others, first]):
        scene.owner.move("work", scene.link(visit).remote_id, at(60 + 2 * number))
        scene.poll()
    assert scene.link(first).held_at
    assert not is_open(scene, first)
    decided(scene, Incident.Decision.PUT_BACK)
    assert in_step(scene, first, at(0))
    assert told(first) == ["asked", "kept"]


def test_made_all_day_there_it_is_no_question_any_more(scene: Scene) -> None:
    appointment = asked(scene)
    midnight = appointment.start.replace(hour=0)
    day = When(midnight, midnight + timedelta(days=1), "UTC", all_day=True)
    scene.owner.move("work", scene.link(appointment).remote_id, day)
    scene.poll()
    assert not is_open(scene, appointment)
    assert told(appointment) == ["asked", "kept"]
    assert fresh(appointment).start == appointment.start


def test_the_mirror_forgets_nothing_of_it_when_read_anew(scene: Scene) -> None:
    appointment = asked(scene)
    RemoteCalendar.objects.filter(id=scene.calendar.id).update(cursor="", full_read_at=None)
    scene.later(hours=21)
    scene.drain()
    assert is_open(scene, appointment)
    assert told(appointment) == ["asked"]


@pytest.mark.parametrize("how", ["accept", "keep", "ignore", "moved back"])
def test_dying_before_any_write(how: str) -> None:
    expected = None
    for statement in range(200):
        scene = ruled()
        appointment = scene.booked()
        move_there = scene.link(appointment).remote_id
        scene.owner.move("work", move_there, at(3))
        scene.later(minutes=1)
        died = True
        try:
            with dying_at(statement, of=WRITES):
                scene.drain()
                end_of_it(scene, appointment, how)
                died = False
        except Crash:
            connection.close()
            scene.drain()
            end_of_it(scene, appointment, how)
        scene.settle()
        end = (
            fresh(appointment).start - appointment.start,
            [start - appointment.start for start in there(scene, appointment)],
            scene.link(appointment).state,
            is_open(scene, appointment),
            sorted(set(appointment.history.values_list("field", flat=True))),
            told(appointment, "company"),
        )
        expected = expected or end
        assert end == expected, f"died before write {statement}"
        if statement and not died:
            assert statement > 5
            return
    raise AssertionError("this should be over by now")


def end_of_it(scene: Scene, appointment: Appointment, how: str) -> None:
    if how == "moved back":
        scene.owner.move("work", scene.link(appointment).remote_id, at(0))
        scene.poll()
    elif how == "ignore":
        scene.now = max(scene.now, appointment.start - NOTICE)
        scene.drain()
    elif is_open(scene, appointment):
        answer(scene, appointment, accept_time if how == "accept" else keep_time)
