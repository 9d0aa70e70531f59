"""Linking and unlinking with the drain at work: what is on the calendar then, and who was asked what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.sync_scene import CUSTOMER, MONDAY, SETTINGS, Scene, at, stage

from genie.core.errors import Transient
from genie.core.event import When
from genie.flows.absorb import NO_TIME
from genie.flows.cancel import cancel
from genie.flows.connect_calendar import connect_calendar
from genie.flows.drain import drain
from genie.flows.edit import edit
from genie.flows.retry_link import retry_link
from genie.flows.set_realtime import set_realtime
from genie.flows.unlink import Unlinked, unlink
from genie.providers.memory.provider import id_of
from genie.providers.port import EventIdentity
from genie.store.models import Appointment, Connection, EventLink, Message, RemoteCalendar

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return stage()


def end(scene: Scene, *, keep: bool) -> Unlinked:
    return unlink(
        company_id=scene.module.company_id,
        connection_id=scene.connection.id,
        keep_copies=keep,
        settings=SETTINGS,
        now=scene.now,
        wait_seconds=1,
    )


def link_again(scene: Scene, remote_id: str = "work") -> Connection:
    return connect_calendar(module=scene.module, key=scene.key, remote_id=remote_id, user=None, now=scene.now)


def settled(scene: Scene) -> None:
    scene.poll()
    drain(calendar_id=scene.calendar.id, settings=SETTINGS, now=scene.now)


def change_title(scene: Scene, appointment: Appointment, title: str) -> None:
    edit(
        company_id=scene.module.company_id,
        appointment_id=appointment.id,
        title=title,
        actor=CUSTOMER,
        now=scene.now,
    )


def titles(scene: Scene, calendar: str = "work") -> list[str | None]:
    return [event.content.title for event in scene.owner.events(calendar)]


def booked(scene: Scene, *names: str) -> list[Appointment]:
    visits = [scene.book(at(n).start, name=name) for n, name in enumerate(names)]
    scene.poll()
    Message.objects.all().delete()
    return visits


def test_after_unlinking_no_request_reaches_the_provider(scene: Scene) -> None:
    (visit,) = booked(scene, "Jane")
    assert end(scene, keep=True) is Unlinked.DONE
    scene.world.requests.clear()
    scene.owner.move("work", scene.link(visit).remote_id, at(4))
    change_title(scene, visit, "Changed here")
    scene.book(at(6).start, name="Joe")
    RemoteCalendar.objects.update(nudged_at=scene.now, watched_at=scene.now)
    scene.settle()
    for _ in range(3):
        settled(scene)
    assert scene.world.requests == []
    assert Appointment.objects.get(id=visit.id).start == MONDAY
    assert titles(scene) == ["Visit: Jane"]


def test_removing_takes_the_copies_away_and_then_ends(scene: Scene) -> None:
    booked(scene, "Jane", "Joe", "Jim")
    scene.now = at(0.9).end  # Jane's visit is over
    assert end(scene, keep=False) is Unlinked.REMOVING
    settled(scene)
    assert titles(scene) == ["Visit: Jane"]
    connection = Connection.objects.get()
    assert (connection.state, connection.ended_at) == ("ended", scene.now)
    assert not Message.objects.exists()
    assert {a.state for a in Appointment.objects.all()} == {"confirmed"}
    scene.world.requests.clear()
    settled(scene)
    assert scene.world.requests == []


def test_linking_the_same_calendar_again_adopts_the_copies_silently(scene: Scene) -> None:
    jane, joe = booked(scene, "Jane", "Joe")
    end(scene, keep=True)
    scene.owner.move("work", scene.link(jane).remote_id, at(5))
    scene.owner.delete("work", scene.link(joe).remote_id)
    change_title(scene, jane, "Changed while unlinked")
    link_again(scene)
    scene.settle()
    events = scene.owner.events("work")
    assert [(e.content.title, e.content.when) for e in events] == [
        ("Changed while unlinked", at(0)),
        ("Visit: Joe", at(1)),
    ]
    assert {link.state for link in EventLink.objects.all()} == {EventLink.State.CLEAN}
    assert EventLink.objects.count() == 2
    assert not Message.objects.exists()


def test_beside_a_copy_marked_as_cancelled_meanwhile_there_is_a_new_one_when_linked_again(
    scene: Scene,
) -> None:
    (jane,) = booked(scene, "Jane")
    end(scene, keep=True)
    scene.owner.cancel("work", scene.link(jane).remote_id)
    link_again(scene)
    scene.settle()
    assert Appointment.objects.get().state == "confirmed"
    assert sorted(e.content.cancelled for e in scene.owner.events("work")) == [False, True]
    assert not Message.objects.exists()


def test_linking_another_calendar_makes_new_copies_there(scene: Scene) -> None:
    booked(scene, "Jane")
    scene.owner.add_calendar("tours", "Tours")
    RemoteCalendar.objects.create(key=scene.key, remote_id="tours", name="Tours", may_write=True)
    end(scene, keep=True)
    link_again(scene, "tours")
    scene.settle()
    assert titles(scene) == titles(scene, "tours") == ["Visit: Jane"]
    end_of_second = Connection.objects.get(state="linked")
    unlink(
        company_id=scene.module.company_id,
        connection_id=end_of_second.id,
        keep_copies=True,
        settings=SETTINGS,
        now=scene.now,
        wait_seconds=1,
    )
    link_again(scene)  # and back to the first, whose copy is still there
    scene.settle()
    assert titles(scene) == titles(scene, "tours") == ["Visit: Jane"]


def test_after_removal_the_same_calendar_gets_the_visits_anew(scene: Scene) -> None:
    booked(scene, "Jane")
    end(scene, keep=False)
    settled(scene)
    assert titles(scene) == []
    link_again(scene)
    scene.settle()
    assert titles(scene) == ["Visit: Jane"]
    assert Appointment.objects.get().state == "confirmed"


# --- real-time updates off: appointments are pushed, nothing flows back


def off(scene: Scene, *, on: bool = False) -> None:
    set_realtime(company_id=scene.module.company_id, connection_id=scene.connection.id, on=on, now=scene.now)


def test_switched_off_a_write_that_meets_a_change_there_takes_nothing_in(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    off(scene)
    scene.owner.move("work", scene.link(jane).remote_id, at(5))
    scene.poll()
    change_title(scene, jane, "Changed here")
    scene.settle()
    after = Appointment.objects.get()
    assert (after.start, after.title) == (MONDAY, "Changed here")
    (event,) = scene.owner.events("work")
    assert (event.content.title, event.content.when) == ("Changed here", at(0))
    assert not Message.objects.filter(kind="rescheduled").exists()


def test_switched_off_a_write_that_meets_a_deletion_makes_the_event_anew(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    off(scene)
    scene.owner.delete("work", scene.link(jane).remote_id)
    scene.poll()
    assert Appointment.objects.get().state == "confirmed"
    change_title(scene, jane, "Changed here")
    scene.settle()
    assert Appointment.objects.get().state == "confirmed"
    assert titles(scene) == ["Changed here"]
    assert not Message.objects.filter(kind="cancelled").exists()


def test_switched_off_a_cancelled_mark_there_does_not_cancel_here(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    off(scene)
    scene.owner.cancel("work", scene.link(jane).remote_id)
    change_title(scene, jane, "Changed here")
    scene.settle()
    assert Appointment.objects.get().state == "confirmed"
    assert titles(scene) == ["Changed here"]


def test_switched_on_what_changed_there_meanwhile_comes_in(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    off(scene)
    scene.owner.move("work", scene.link(jane).remote_id, at(5))
    scene.poll()
    off(scene, on=True)
    scene.drain()
    assert Appointment.objects.get().start == at(5).start


def test_switched_on_a_no_that_our_write_could_not_take_back_counts(scene: Scene) -> None:
    """As at Google, where the owner's answer to their own event stays what it is."""
    (jane,) = booked(scene, "Jane")
    off(scene)
    scene.owner.cancel("work", scene.link(jane).remote_id)
    scene.world.rewrite = lambda content: replace(content, cancelled=True)
    change_title(scene, jane, "Changed here")
    scene.settle()
    assert Appointment.objects.get().state == "confirmed"
    off(scene, on=True)
    scene.drain()
    assert Appointment.objects.get().state == "cancelled"
    assert scene.link(jane).state == EventLink.State.ENDED


def test_switched_on_a_no_that_came_just_before_our_write_counts_at_once(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    scene.world.rewrite = lambda content: replace(content, cancelled=True)
    change_title(scene, jane, "Changed here")
    scene.drain()
    assert Appointment.objects.get().state == "cancelled"


@pytest.mark.parametrize("lost", [False, True])
def test_linking_again_adopts_a_copy_that_was_cut_and_pasted(scene: Scene, lost: bool) -> None:
    (jane,) = booked(scene, "Jane")
    scene.owner.cut_and_paste("work", scene.link(jane).remote_id, when=at(5))
    end(scene, keep=True)
    link_again(scene)
    if lost:  # the worker never hears of its first request
        scene.world.after = lambda *_asked: lose(scene)
    scene.settle()
    (event,) = scene.owner.events("work")
    assert (event.content.when, event.id) == (at(0), scene.link(jane).remote_id)
    assert scene.link(jane).state == EventLink.State.CLEAN
    assert not Message.objects.exists()


def test_linking_again_removes_the_copy_of_a_visit_that_was_cancelled_meanwhile(scene: Scene) -> None:
    jane, _joe, jim = booked(scene, "Jane", "Joe", "Jim")
    company = scene.module.company_id
    cancel(company_id=company, appointment_id=jim.id, actor=CUSTOMER, now=scene.now)  # gone from there
    scene.poll()
    end(scene, keep=True)
    scene.later(minutes=1)
    scene.owner.move("work", scene.link(jane).remote_id, at(6))
    cancel(company_id=company, appointment_id=jane.id, actor=CUSTOMER, now=scene.now)
    link_again(scene)
    letters = Message.objects.count()
    scene.world.requests.clear()
    scene.settle()
    assert titles(scene) == ["Visit: Joe"]
    assert [name for name, _ in scene.world.requests].count("delete") == 1
    assert {scene.link(one).state for one in (jane, jim)} == {EventLink.State.ENDED}
    assert Message.objects.count() == letters


def test_linking_again_pays_a_deletion_that_was_owed_when_the_link_ended(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    cancel(company_id=scene.module.company_id, appointment_id=jane.id, actor=CUSTOMER, now=scene.now)
    end(scene, keep=True)  # before any worker came to it
    link_again(scene)
    scene.settle()
    assert titles(scene) == []


def test_linking_again_after_a_removal_never_takes_our_own_deletion_for_the_owners(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    end(scene, keep=False)
    settled(scene)
    scene.connection = link_again(scene)
    off(scene, on=True)

    def cut(name: str, _arguments: object) -> None:
        if name == "create":
            lose(scene)

    scene.world.before = cut  # the first time nobody knows whether it arrived
    scene.poll()
    assert scene.world.before is None, "it was cut"
    scene.settle()
    assert Appointment.objects.get(id=jane.id).state == "confirmed"
    assert titles(scene) == ["Visit: Jane"]
    assert not Message.objects.exists()


def test_linking_again_knows_the_original_beside_its_copy(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    original = scene.link(jane).remote_id
    copy = scene.owner.copy("work", original, when=at(6))
    end(scene, keep=True)
    before = scene.owner.event("work", copy)
    change_title(scene, jane, "Changed while unlinked")
    link_again(scene)
    scene.settle()
    assert scene.owner.event("work", copy) == before
    assert scene.link(jane).remote_id == original
    assert sorted(map(str, titles(scene))) == ["Changed while unlinked", "Visit: Jane"]


def test_linking_again_after_a_removal_leaves_a_copy_alone(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    copy = scene.owner.copy("work", scene.link(jane).remote_id, when=at(6))
    end(scene, keep=False)
    settled(scene)
    before = scene.owner.event("work", copy)
    link_again(scene)
    scene.settle()
    assert scene.owner.event("work", copy) == before
    assert len(titles(scene)) == 2


def test_linking_again_takes_a_flag_away_that_was_about_the_event_before(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    day = MONDAY.replace(hour=0)
    scene.owner.move(
        "work", scene.link(jane).remote_id, When(day, day + timedelta(days=1), "UTC", all_day=True)
    )
    scene.poll()
    assert Appointment.objects.get().attention == NO_TIME
    end(scene, keep=False)
    settled(scene)
    link_again(scene)
    scene.settle()
    assert [event.content.when for event in scene.owner.events("work")] == [at(0)]
    assert Appointment.objects.get().attention == ""


def test_linking_again_the_dashboard_wins_also_at_the_second_attempt(scene: Scene) -> None:
    (jane,) = booked(scene, "Jane")
    end(scene, keep=True)
    change_title(scene, jane, "Changed while unlinked")
    scene.connection = link_again(scene)
    off(scene, on=True)
    scene.world.before = lambda *_asked: lose(scene)
    scene.poll()
    assert scene.world.before is None, "the first attempt was cut"
    scene.settle()
    assert titles(scene) == ["Changed while unlinked"]
    assert Appointment.objects.get().title == "Changed while unlinked"


def lose(scene: Scene) -> None:
    scene.world.before = scene.world.after = None
    raise Transient("cut", outcome_unknown=True)


# --- whose is it?


def ids(scene: Scene, calendar: str = "work") -> list[str]:
    return [event.id for event in scene.owner.events(calendar)]


def cancel_here(scene: Scene, appointment: Appointment) -> None:
    cancel(company_id=scene.module.company_id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)


def test_a_copy_stays_when_copies_are_removed_and_its_original_was_deleted(scene: Scene) -> None:
    appointment = scene.booked(name="Jane")
    end(scene, keep=False)
    original = scene.link(appointment).remote_id
    scene.owner.move("work", original, at(1))
    copy = scene.owner.copy("work", original, when=at(31))
    scene.owner.delete("work", original)
    scene.settle()
    assert ids(scene) == [copy]
    scene.connection.refresh_from_db()
    assert scene.connection.state == Connection.State.ENDED
    scene.connection = link_again(scene)
    scene.settle()
    assert sorted(ids(scene)) == sorted([copy, scene.link(appointment).remote_id])


def test_what_is_linked_and_was_cut_and_pasted_is_removed_when_it_is_cancelled(scene: Scene) -> None:
    """As long as it is linked the only one that bears our key is the visit's, seen before or not."""
    appointment = scene.booked(name="Jane")
    scene.owner.cut_and_paste("work", scene.link(appointment).remote_id, when=at(5))
    cancel_here(scene, appointment)
    scene.settle()
    assert ids(scene) == []


def test_what_went_to_another_calendar_unseen_is_removed_there(scene: Scene) -> None:
    """It has another id there, and the same UID."""
    appointment = scene.booked(name="Jane")
    scene.owner.add_calendar("tours", "Tours")
    scene.owner.carry_over("work", scene.link(appointment).remote_id, "tours")
    end(scene, keep=False)
    scene.settle()
    assert ids(scene) == ids(scene, "tours") == []


# --- identities


def lagging(scene: Scene) -> None:
    """What is there by now is found by no search yet."""
    scene.world.unlisted = {event.id for event in scene.owner.events("work")}


@pytest.mark.parametrize("times", [1, 3])
def test_linked_again_while_lists_lag_behind_no_second_event_is_made(scene: Scene, times: int) -> None:
    appointment = scene.booked(name="Jane")
    lagging(scene)
    for _ in range(times):
        end(scene, keep=True)
        scene.connection = link_again(scene)
    scene.settle()
    assert titles(scene) == ["Visit: Jane"]
    assert scene.link(appointment).state == EventLink.State.CLEAN
    assert scene.link(appointment).former_id == ""


def test_a_create_without_an_answer_is_asked_for_again_when_it_is_linked_again(scene: Scene) -> None:
    appointment = scene.book(MONDAY, name="Jane")

    def lost(method: str, _: object) -> None:
        if method == "create":
            raise Transient("cut", outcome_unknown=True)

    scene.world.after = lost
    scene.drain()
    scene.world.after = None
    lagging(scene)
    end(scene, keep=True)
    scene.connection = link_again(scene)
    scene.settle()
    assert titles(scene) == ["Visit: Jane"]
    assert scene.link(appointment).state == EventLink.State.CLEAN


def test_one_whose_event_was_deleted_meanwhile_is_made_again(scene: Scene) -> None:
    appointment = scene.booked(name="Jane")
    end(scene, keep=True)
    scene.owner.delete("work", scene.link(appointment).remote_id)
    scene.connection = link_again(scene)
    scene.settle()
    assert titles(scene) == ["Visit: Jane"]
    assert scene.link(appointment).generation == 2


def use_up(scene: Scene, appointment: Appointment, generations: range) -> None:
    """The ids of these generations were used before, and are gone."""
    person = scene.world.person("desk@acme.example")
    assert person
    key = scene.link(appointment).id.hex
    person.calendars["work"].used.update(id_of(EventIdentity(key, number)) for number in generations)


def test_after_many_links_an_identity_that_is_taken_needs_nobody(scene: Scene) -> None:
    """The limit is about identities that are taken in a row, not about how often it was linked."""
    appointment = scene.booked(name="Jane")
    for _ in range(7):
        end(scene, keep=False)
        scene.drain()
        scene.connection = link_again(scene)
        scene.drain()
    end(scene, keep=False)
    scene.drain()
    use_up(scene, appointment, range(9, 11))
    scene.connection = link_again(scene)
    scene.settle()
    link = scene.link(appointment)
    assert (link.state, link.generation, link.taken) == (EventLink.State.CLEAN, 11, 0)
    assert titles(scene) == ["Visit: Jane"]


def test_a_server_that_refuses_every_identity_needs_a_person_and_retry_begins_anew(scene: Scene) -> None:
    appointment = scene.book(MONDAY, name="Jane")
    use_up(scene, appointment, range(1, 9))
    scene.drain()
    link = scene.link(appointment)
    assert (link.state, link.taken) == (EventLink.State.PARKED, 5)
    assert "refuses every new event" in link.reason
    scene.later(minutes=16)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.PARKED, "it is no deletion of the owner's"
    assert retry_link(company_id=scene.company.id, link_id=link.id, now=scene.now)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.CLEAN
