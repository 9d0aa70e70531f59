"""Handed over to another of the team: under the rules of a booking, with its event and those who are told."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from tests.booking_scene import NOW, Shop, ny
from tests.flows.test_team_sync import Practice, practice  # noqa: F401 -- a fixture
from tests.sync_scene import at
from tests.team_scene import joins, member, team_shop, twin

from genie.core.appointment import NotPossible
from genie.core.errors import Rejected
from genie.flows.absorb import lock_link
from genie.flows.actor import SYSTEM
from genie.flows.amend import Overtaken
from genie.flows.book import SlotTaken, book
from genie.flows.cancel import cancel
from genie.flows.hand_over import NOT_FREE, NotOfTheTeam, hand_over
from genie.flows.leave_team import leave_team
from genie.flows.reschedule import reschedule
from genie.flows.say_whose import WITH_ANOTHER
from genie.store.models import (
    Appointment,
    Connection,
    EventLink,
    Incident,
    Message,
    Module,
    StaffMember,
    TimeOff,
)

pytestmark = pytest.mark.django_db
NINE, TEN = "2026-03-02T09:00", "2026-03-02T10:00"


def give(appointment: Appointment, staff: StaffMember, *, now: Any = NOW, **more: Any) -> Appointment:
    return hand_over(
        company_id=appointment.company_id,
        appointment_id=appointment.id,
        staff_id=staff.id,
        actor=SYSTEM,
        now=now,
        **more,
    )


def booked(where: Shop, start: str, staff: StaffMember) -> Appointment:
    return book(module_id=where.module.id, start=ny(start), answers=where.form(), now=NOW, staff_id=staff.id)


@pytest.fixture
def acme(db: None) -> tuple[Shop, StaffMember, StaffMember]:
    made, (ann, bob) = team_shop("Ann", "Bob")
    for one in (ann, bob):
        one.email = f"{one.name.lower()}@acme.example"
        one.save()
    return made, ann, bob


def test_it_is_with_the_other_one_at_the_same_time_and_the_history_says_so(acme):
    shop, ann, bob = acme
    visit = booked(shop, NINE, ann)
    handed = give(visit, bob, seen_revision=1)
    assert (handed.staff, handed.start, handed.revision, handed.attention) == (bob, visit.start, 2, "")
    line = handed.history.get(field="staff")
    assert (line.old, line.new, line.by) == ("Ann", "Bob", "Schedule Genie")
    assert booked(shop, NINE, ann).staff == ann, "whose time is free again"
    with pytest.raises(SlotTaken):
        booked(shop, NINE, bob)


def test_to_whom_it_is_with_already_changes_nothing(acme):
    shop, ann, _ = acme
    visit = booked(shop, NINE, ann)
    assert give(visit, ann).revision == 1


def test_who_is_not_free_gets_it_only_when_somebody_insists(acme):
    shop, ann, bob = acme
    visit, _ = booked(shop, NINE, ann), booked(shop, NINE, bob)
    with pytest.raises(SlotTaken):
        give(visit, bob)
    assert give(visit, bob, force=True).attention == NOT_FREE
    assert Appointment.objects.filter(staff=bob, lane=None).count() == 1
    give(visit, ann)
    visit.refresh_from_db()
    assert (visit.attention, visit.lane) == ("", 0)


def test_the_rules_are_those_of_whom_it_is_handed_to(acme):
    shop, ann, bob = acme
    visit = booked(shop, NINE, ann)
    off = {"start": ny(NINE), "end": ny(TEN)}
    TimeOff.objects.create(schedule=bob.schedule, **off)
    with pytest.raises(SlotTaken):
        give(visit, bob)
    other = twin(shop)
    joins(bob, other.module)
    later = booked(shop, TEN, ann)
    booked(other, TEN, bob)
    with pytest.raises(SlotTaken):
        give(later, bob)


def test_only_the_team_takes_it(acme):
    shop, ann, bob = acme
    visit = booked(shop, NINE, ann)
    rival, (rob,) = team_shop("Rob", slug="rival")
    leave_team(company_id=shop.company.id, module_id=shop.module.id, staff_id=bob.id)
    gone = member(shop, "Cy")
    gone.active = False
    gone.save()
    for one in (rob, bob, gone):
        with pytest.raises(NotOfTheTeam):
            give(visit, one, force=True)
    with pytest.raises(Appointment.DoesNotExist):
        hand_over(
            company_id=rival.company.id, appointment_id=visit.id, staff_id=rob.id, actor=SYSTEM, now=NOW
        )
    with pytest.raises(Appointment.DoesNotExist):
        hand_over(company_id=shop.company.id, appointment_id=uuid4(), staff_id=ann.id, actor=SYSTEM, now=NOW)


def test_neither_what_is_cancelled_nor_what_somebody_changed_meanwhile(acme):
    shop, ann, bob = acme
    visit = booked(shop, NINE, ann)
    with pytest.raises(Overtaken):
        give(visit, bob, seen_revision=7)
    cancel(company_id=shop.company.id, appointment_id=visit.id, actor=SYSTEM, now=NOW)
    with pytest.raises(NotPossible):
        give(visit, bob)


def letters(appointment: Appointment) -> dict[str, tuple[str, str, str]]:
    """What waits for whom: kind, with whom it is said to be, and with whom before."""
    waiting = Message.objects.filter(appointment=appointment, state=Message.State.OWED)
    return {
        one.recipient: (one.kind, one.details["told"]["with"], one.details.get("was_with", ""))
        for one in waiting
    }


def test_all_whom_it_concerns_are_told_once(acme):
    shop, ann, bob = acme
    visit = booked(shop, NINE, ann)
    Message.objects.update(state=Message.State.SENT, sent_at=NOW)
    give(visit, bob)
    to = letters(visit)
    assert set(to) == {"ann@customer.example", *shop.module.recipients, ann.email, bob.email}
    assert set(to.values()) == {("rescheduled", "Bob", "Ann")}
    give(visit, ann)
    assert letters(visit) == {}, "handed back before anybody heard of it"


def test_who_never_heard_of_it_need_not_hear_that_it_went(acme):
    shop, ann, bob = acme
    visit = booked(shop, NINE, ann)
    give(visit, bob)
    to = letters(visit)
    assert ann.email not in to
    assert to[bob.email] == ("rescheduled", "Bob", "Ann")
    assert to["ann@customer.example"][0] == "rescheduled", "the booking page named Ann"


def test_a_customer_who_was_told_no_name_is_not_told_of_one(acme):
    shop, ann, _ = acme
    visit = booked(shop, NINE, ann)
    Appointment.objects.update(staff=None)
    Message.objects.all().delete()
    give(visit, ann)
    assert "ann@customer.example" not in letters(visit)
    assert visit.history.get(field="staff").old == ""


# --- the event: two calendars of their own, or one that serves both


def test_its_event_leaves_one_calendar_and_is_made_on_the_other(practice: Practice) -> None:  # noqa: F811
    scene = practice.scene
    visit = scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.drain()
    give(visit, practice.ben, now=scene.now)
    scene.drain()
    assert (practice.titles("maria"), practice.titles("ben")) == ([], ["Visit: Ann"])
    (event,) = scene.owner.events("ben")
    assert "With: Ben" in (event.content.description or "")
    scene.poll()
    give(visit, practice.maria, now=scene.now)
    scene.drain()
    assert (practice.titles("maria"), practice.titles("ben")) == (["Visit: Ann"], [])
    scene.poll()
    visit.refresh_from_db()
    assert (visit.state, visit.staff) == ("confirmed", practice.maria)
    assert not EventLink.objects.exclude(state__in=["clean", "ended"]).exists()


def test_on_a_calendar_that_serves_both_it_stays_and_gets_the_name(practice: Practice) -> None:  # noqa: F811
    scene = practice.scene
    practice.unlink(practice.of(practice.maria), keep=False)
    visit = scene.book(at(0).start, name="Ann", staff=practice.cleo)
    scene.drain()
    (before,) = scene.owner.events("work")
    give(visit, practice.maria, now=scene.now)
    scene.drain()
    (event,) = scene.owner.events("work")
    assert event.id == before.id
    assert "With: Maria" in (event.content.description or "")


def test_where_no_calendar_serves_them_it_only_goes(practice: Practice) -> None:  # noqa: F811
    scene = practice.scene
    practice.unlink(practice.of(None), keep=False)
    visit = scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.drain()
    give(visit, practice.cleo, now=scene.now)
    scene.drain()
    assert practice.titles("maria") == []
    assert set(EventLink.objects.values_list("state", flat=True)) == {"ended"}


def test_what_the_old_calendar_still_says_counts_no_more(practice: Practice) -> None:  # noqa: F811
    """Its owner moves it while the deletion is refused: it goes in whatever version, once that works."""
    scene = practice.scene
    visit = scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.drain()

    def refuse(method: str, _: object) -> None:
        if method == "delete":
            raise Rejected("not allowed")

    scene.world.before = refuse
    give(visit, practice.ben, now=scene.now)
    scene.drain()
    old = EventLink.objects.get(appointment=visit, leaves=True)
    assert old.state == EventLink.State.PARKED
    assert practice.titles("ben") == ["Visit: Ann"], "is not kept waiting"
    scene.owner.move("maria", old.remote_id, at(3))
    scene.poll()
    visit.refresh_from_db()
    assert visit.start == at(0).start
    scene.world.before = None
    scene.later(minutes=20)
    scene.drain()
    assert practice.titles("maria") == []
    assert practice.titles("ben") == ["Visit: Ann"]


def test_an_event_that_was_dragged_to_a_colleague_can_follow_its_calendar(
    practice: Practice,  # noqa: F811
) -> None:
    scene = practice.scene
    visit = scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.drain()
    event_id = EventLink.objects.get(appointment=visit).remote_id
    scene.owner.cut_and_paste("maria", event_id, to="ben")
    scene.poll()
    visit.refresh_from_db()
    assert visit.attention.startswith(WITH_ANOTHER)
    give(visit, practice.ben, now=scene.now)
    scene.drain()
    visit.refresh_from_db()
    link = EventLink.objects.get(appointment=visit)
    assert (visit.staff, visit.attention) == (practice.ben, "")
    assert link.connection == Connection.objects.get(staff=practice.ben)
    assert practice.titles("ben") == ["Visit: Ann"]


def test_what_is_held_for_a_decision_is_decided_by_handing_it_over(practice: Practice) -> None:  # noqa: F811
    """It stands, with somebody else; the rest of the incident waits on."""
    scene = practice.scene
    for hour in range(4):
        scene.book(at(hour).start, name=f"Ann {hour}", staff=practice.maria)
    scene.drain()
    for link in EventLink.objects.filter(connection__staff=practice.maria):
        scene.owner.delete("maria", link.remote_id)
    scene.poll()
    one, other = EventLink.objects.filter(held_at__isnull=False).select_related("appointment", "incident")
    give(one.appointment, practice.ben, now=scene.now)
    scene.drain()
    scene.later(minutes=5)
    scene.drain()
    one.refresh_from_db()
    assert (one.state, one.incident) == ("ended", None)
    assert practice.titles("ben") == [one.appointment.title]
    other.refresh_from_db()
    assert (other.state, other.incident.decision) == ("held", "")
    give(other.appointment, practice.ben, now=scene.now)
    assert Incident.objects.get().decision == "", "those that were cancelled before wait for it"


# --- several at once


def at_once(*acts: Any) -> list[str]:
    """Each in a thread with a connection of its own; the names of what they raised, "" for none."""
    ready, raised = threading.Barrier(len(acts)), [""] * len(acts)

    def run(number: int) -> None:
        ready.wait()
        try:
            acts[number]()
        except Exception as exc:
            raised[number] = type(exc).__name__
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return raised


@pytest.mark.django_db(transaction=True)
def test_two_visits_handed_to_one_person_at_once_and_a_booking_with_them():
    """Only the time between stands against the other two, of which no constraint knows: the locks do."""
    shop, (ann, bob, cy) = team_shop("Ann", "Bob", "Cy", duration=30, between=30, start_every=30)
    other = twin(shop)
    joins(cy, other.module)
    for day in range(2, 6):
        early, late = f"2026-03-{day:02}T09:00", f"2026-03-{day:02}T09:30"
        first, second = booked(shop, early, ann), booked(shop, late, bob)
        raised = at_once(
            lambda one=first: give(one, cy),
            lambda one=second: give(one, cy),
            lambda start=late: booked(other, start, cy),
        )
        assert sorted(raised) == ["", "SlotTaken", "SlotTaken"]
        assert Appointment.objects.filter(staff=cy, start__in=(ny(early), ny(late))).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_swap_a_visit_do_not_wait_for_each_other():
    """Handed to and fro while it is moved: each change is whole, and whoever was late sees that."""
    shop, (ann, bob) = team_shop("Ann", "Bob")
    other = twin(shop)
    for one in (ann, bob):
        joins(one, other.module)
    for _ in range(4):
        here, there = booked(shop, NINE, ann), booked(other, NINE, bob)
        raised = at_once(
            lambda one=here: give(one, bob, force=True),
            lambda one=there: give(one, ann, force=True),
            lambda one=here: reschedule(
                company_id=shop.company.id,
                appointment_id=one.id,
                start=one.start + timedelta(hours=1),
                actor=SYSTEM,
                now=NOW,
                force=True,
            ),
        )
        assert set(raised) <= {"", "SlotTaken"}
        seats = Appointment.objects.exclude(lane=None).values_list("staff_id", "start")
        assert len(seats) == len(set(seats)), "nobody is in two places"
        Message.objects.all().delete()
        Appointment.objects.all().delete()


def test_the_locks_are_those_of_whom_it_is_with_now(practice: Practice) -> None:  # noqa: F811
    """With whom it is may have changed since the link was read."""
    scene = practice.scene
    visit = scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.drain()
    link = EventLink.objects.get(appointment=visit)
    Appointment.objects.update(staff=practice.ben)
    assert lock_link(link.id, link.version).appointment.staff == practice.ben


@pytest.mark.parametrize("to_whom", ["ben", "cleo"])
def test_a_question_to_the_customer_ends_with_it(practice: Practice, to_whom: str) -> None:  # noqa: F811
    scene = practice.scene
    rule = Module.InboundRule.ASK_THE_CUSTOMER
    Module.objects.filter(id=scene.module.id).update(inbound_rule=rule)
    visit = scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.drain()
    scene.owner.move("maria", scene.link(visit).remote_id, at(3))
    scene.poll()
    assert scene.link(visit).question_at
    give(visit, getattr(practice, to_whom), now=scene.now)
    scene.drain()
    where = "ben" if to_whom == "ben" else "work"
    (event,) = scene.owner.events(where)
    assert event.content.when.start == at(0).start
    assert practice.titles("maria") == []
    assert not EventLink.objects.filter(proposed_start__isnull=False).exists()
    assert not Message.objects.filter(kind="asked", state="owed").exists()
