"""Both ways, on PostgreSQL, with an in-process calendar world."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.sync_scene import CUSTOMER, MONDAY, Scene, at, stage

from genie.core.errors import Transient
from genie.core.event import When
from genie.flows.cancel import cancel
from genie.flows.edit import edit
from genie.flows.offer import slots
from genie.flows.reschedule import reschedule
from genie.providers.memory.world import Repeat
from genie.store.models import Appointment, Change, EventLink, Message, Module, RemoteCalendar, RemoteKey
from genie.web.dashboard.leads.said import standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    return stage()


def booked(scene: Scene) -> Appointment:
    appointment = scene.book(MONDAY)
    scene.drain()
    return appointment


def refreshed(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(id=appointment.id)


def test_a_booking_becomes_an_event_that_bears_our_key(scene: Scene) -> None:
    appointment = booked(scene)
    (event,) = scene.owner.events("work")
    assert event.content.when == at(0)
    assert event.content.title == "Visit: Jane Doe"
    assert "jane@example.org" in (event.content.description or "")
    assert event.identity and event.identity.key == scene.link(appointment).id.hex
    assert scene.link(appointment).state == EventLink.State.CLEAN


def test_nothing_to_do_asks_nothing_but_one_read_per_poll(scene: Scene) -> None:
    booked(scene)
    scene.poll()
    scene.world.requests.clear()
    scene.poll()
    assert [name for name, _ in scene.world.requests] == ["changes"]


def test_our_own_write_comes_back_as_no_change(scene: Scene) -> None:
    appointment = booked(scene)
    scene.poll()
    scene.poll()
    assert scene.writes() == ["create"]
    assert [name for name, _ in scene.world.requests].count("get") == 0
    assert refreshed(appointment).revision == 1


def test_a_move_there_reschedules_here_and_tells_once(scene: Scene) -> None:
    appointment = booked(scene)
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    scene.poll()
    moved = refreshed(appointment)
    assert (moved.start, moved.end) == (at(3).start, at(3).end)
    line = moved.history.get(field="when")
    assert (line.origin, line.by) == (Change.Origin.CALENDAR, "Work")
    customers = Message.objects.filter(appointment=moved, audience="customer", kind="rescheduled")
    assert [m.state for m in customers] == ["owed"]
    assert customers[0].not_before >= scene.now + timedelta(seconds=60)
    assert scene.writes() == ["create"]


def test_edits_there_come_in_field_by_field(scene: Scene) -> None:
    appointment = booked(scene)
    event = scene.owner.event("work", scene.link(appointment).remote_id)
    assert event
    text = f"Bring the forms.\n\n{event.content.description}"
    scene.owner.edit("work", event.id, title="Visit: Jane (VIP)", place="Room 2", description=text)
    scene.poll()
    after = refreshed(appointment)
    assert (after.title, after.place, after.notes) == ("Visit: Jane (VIP)", "Room 2", "Bring the forms.")
    assert not Message.objects.filter(appointment=after, kind="rescheduled").exists()
    assert scene.writes() == ["create"]


def test_a_deletion_there_cancels_here_and_the_customer_hears_later(scene: Scene) -> None:
    appointment = booked(scene)
    scene.owner.delete("work", scene.link(appointment).remote_id)
    scene.poll()
    assert refreshed(appointment).state == "cancelled"
    message = Message.objects.get(appointment=appointment, audience="customer", kind="cancelled")
    assert (message.state, message.not_before) == ("owed", scene.now + timedelta(seconds=120))
    scene.later(minutes=3)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert scene.writes() == ["create"]


def test_cut_and_paste_is_a_move(scene: Scene) -> None:
    appointment = booked(scene)
    new = scene.owner.cut_and_paste("work", scene.link(appointment).remote_id, when=at(5))
    scene.poll()
    assert refreshed(appointment).start == at(5).start
    assert scene.link(appointment).remote_id == new
    assert not Message.objects.filter(kind="cancelled").exists()


def test_a_paste_that_comes_late_brings_the_appointment_back(scene: Scene) -> None:
    appointment = booked(scene)
    old = scene.link(appointment).remote_id
    copy = scene.owner.copy("work", old, when=at(5))
    kept = scene.owner.event("work", copy)
    assert kept
    scene.owner.delete("work", copy)
    scene.owner.delete("work", old)
    scene.poll()
    assert refreshed(appointment).state == "cancelled"
    scene.owner._calendar("work").put(kept)  # pasted from the clipboard half a minute later
    scene.later(minutes=3)
    scene.drain()
    back = refreshed(appointment)
    assert (back.state, back.start) == ("confirmed", at(5).start)
    states = Message.objects.filter(audience="customer", kind="cancelled").values_list("state", flat=True)
    assert list(states) == ["dropped"]


def test_moved_to_another_calendar_is_followed_and_watched(scene: Scene) -> None:
    appointment = booked(scene)
    scene.owner.add_calendar("private", "Private")
    scene.owner.cut_and_paste("work", scene.link(appointment).remote_id, to="private")
    scene.poll()
    link = scene.link(appointment)
    assert (link.calendar.remote_id, refreshed(appointment).state) == ("private", "confirmed")
    scene.poll()
    scene.owner.move("private", link.remote_id, at(2))
    scene.poll()
    assert refreshed(appointment).start == at(2).start


def test_a_copy_is_foreign(scene: Scene) -> None:
    appointment = booked(scene)
    copy = scene.owner.copy("work", scene.link(appointment).remote_id, when=at(6))
    scene.poll()
    assert refreshed(appointment).start == at(0).start
    cancel(company_id=scene.module.company_id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)
    scene.poll()
    assert [event.id for event in scene.owner.events("work")] == [copy]


def test_a_copy_is_foreign_also_when_the_original_was_moved_and_called_off(scene: Scene) -> None:
    """Which of the two is ours nobody knows: nothing is written, and the appointment is off either way."""
    appointment = booked(scene)
    scene.owner.add_calendar("private", "Private")
    copy = scene.owner.copy("work", scene.link(appointment).remote_id, when=at(6))
    moved = scene.owner.cut_and_paste("work", scene.link(appointment).remote_id, to="private")
    scene.owner.cancel("private", moved)
    version = scene.owner.event("work", copy)
    cancel(company_id=scene.module.company_id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)
    scene.poll()
    scene.settle()
    assert scene.owner.event("work", copy) == version


def test_what_was_moved_and_called_off_there_is_cancelled(scene: Scene) -> None:
    appointment = booked(scene)
    scene.owner.add_calendar("private", "Private")
    moved = scene.owner.cut_and_paste("work", scene.link(appointment).remote_id, to="private")
    scene.owner.cancel("private", moved)
    scene.poll()
    scene.settle()
    assert refreshed(appointment).state == "cancelled"
    owed = Message.objects.filter(appointment=appointment, audience="customer", state="owed")
    assert [letter.kind for letter in owed] == ["cancelled"]


def test_changes_here_go_there(scene: Scene) -> None:
    appointment = booked(scene)
    ids = {"company_id": scene.module.company_id, "appointment_id": appointment.id}
    reschedule(**ids, start=at(2).start, actor=CUSTOMER, now=scene.now)
    edit(**ids, title="Tour", notes="Side door", actor=CUSTOMER, now=scene.now)
    scene.drain()
    (event,) = scene.owner.events("work")
    assert (event.content.when, event.content.title) == (at(2), "Tour")
    assert (event.content.description or "").startswith("Side door\n\n")
    cancel(**ids, actor=CUSTOMER, now=scene.now)
    scene.drain()
    assert scene.owner.events("work") == []
    assert scene.link(appointment).state == EventLink.State.ENDED


def test_both_sides_change_different_fields(scene: Scene) -> None:
    appointment = booked(scene)
    scene.owner.move("work", scene.link(appointment).remote_id, at(4))
    edit(
        company_id=scene.module.company_id,
        appointment_id=appointment.id,
        title="Tour",
        actor=CUSTOMER,
        now=scene.now,
    )
    scene.drain()
    (event,) = scene.owner.events("work")
    assert (event.content.title, event.content.when) == ("Tour", at(4))
    assert (refreshed(appointment).title, refreshed(appointment).start) == ("Tour", at(4).start)


@pytest.mark.parametrize(("rule", "winner"), [("calendar_wins", "Theirs"), ("dashboard_wins", "Ours")])
def test_both_sides_change_the_same_field(scene: Scene, rule: str, winner: str) -> None:
    Module.objects.filter(id=scene.module.id).update(conflict_rule=rule)
    appointment = booked(scene)
    scene.owner.edit("work", scene.link(appointment).remote_id, title="Theirs")
    edit(
        company_id=scene.module.company_id,
        appointment_id=appointment.id,
        title="Ours",
        actor=CUSTOMER,
        now=scene.now,
    )
    scene.drain()
    (event,) = scene.owner.events("work")
    assert event.content.title == refreshed(appointment).title == winner
    lost = Change.objects.get(appointment=appointment, lost=True)
    assert {lost.new, winner} == {"Theirs", "Ours"}


def offered_on_monday(scene: Scene) -> list[datetime]:
    return slots(module=scene.module, first=MONDAY.date(), last=MONDAY.date(), now=scene.now)


def test_a_visit_cancelled_here_frees_its_time_and_goes_on_doing_so(scene: Scene) -> None:
    Module.objects.filter(id=scene.module.id).update(capacity=1)
    scene.module.refresh_from_db()
    appointment = booked(scene)
    scene.poll()  # the mirror holds its event as busy time
    assert appointment.start not in offered_on_monday(scene)
    cancel(company_id=scene.module.company_id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)
    assert appointment.start in offered_on_monday(scene)
    scene.drain()  # the event is deleted, and the calendar not read since
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert appointment.start in offered_on_monday(scene)


def test_an_all_day_event_keeps_the_appointments_time_and_is_flagged(scene: Scene) -> None:
    appointment = booked(scene)
    day = When(MONDAY.replace(hour=0), MONDAY.replace(hour=0) + timedelta(days=1), "UTC", all_day=True)
    link = scene.link(appointment)
    scene.owner.move("work", link.remote_id, day)
    scene.poll()
    after = refreshed(appointment)
    assert after.start == MONDAY and "all-day" in after.attention
    assert scene.writes() == ["create"]
    assert not offered_on_monday(scene)  # the owner's calendar is full that day, so the day is
    scene.owner.move("work", link.remote_id, at(2))
    scene.poll()
    assert offered_on_monday(scene)
    assert (refreshed(appointment).start, refreshed(appointment).attention) == (at(2).start, "")


def test_a_series_is_left_alone(scene: Scene) -> None:
    appointment = booked(scene)
    link = scene.link(appointment)
    scene.owner.repeat("work", link.remote_id, Repeat(timedelta(days=7), 5))
    scene.poll()
    assert scene.link(appointment).state == EventLink.State.PARKED
    assert "repeating" in refreshed(appointment).attention
    scene.owner.repeat("work", link.remote_id, None)
    scene.later(minutes=20)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.CLEAN
    assert refreshed(appointment).attention == ""


def test_a_series_is_not_written_when_the_visit_moves_here(scene: Scene) -> None:
    appointment = booked(scene)
    link = scene.link(appointment)
    scene.owner.repeat("work", link.remote_id, Repeat(timedelta(days=7), 5))
    scene.poll()
    (series,) = scene.owner.events("work")
    ids: dict[str, Any] = {"company_id": scene.module.company_id, "appointment_id": appointment.id}
    reschedule(**ids, start=at(2).start, actor=CUSTOMER, now=scene.now)
    edit(**ids, title="Retitled", actor=CUSTOMER, now=scene.now)
    scene.drain()
    assert scene.owner.events("work") == [series]
    assert scene.link(appointment).state == EventLink.State.PARKED
    assert "repeating" in refreshed(appointment).attention
    scene.owner.repeat("work", link.remote_id, None)
    scene.poll()
    (event,) = scene.owner.events("work")
    assert (event.content.when, event.content.title) == (at(2), "Retitled")
    assert refreshed(appointment).attention == ""


def test_a_series_that_its_owner_declines_is_a_cancellation(scene: Scene) -> None:
    appointment = booked(scene)
    link = scene.link(appointment)
    scene.owner.repeat("work", link.remote_id, Repeat(timedelta(days=7), 5))
    scene.poll()
    scene.owner.cancel("work", link.remote_id)
    scene.poll()
    assert refreshed(appointment).state == "cancelled"
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert scene.writes() == ["create"]


@pytest.mark.parametrize("seen", [False, True])
def test_cancelling_here_leaves_a_series_of_the_owner_s_alone(scene: Scene, *, seen: bool) -> None:
    appointment = booked(scene)
    link = scene.link(appointment)
    scene.owner.repeat("work", link.remote_id, Repeat(timedelta(days=7), 5))
    if seen:
        scene.poll()
    cancel(appointment_id=appointment.id, company_id=appointment.company_id, actor=CUSTOMER, now=scene.now)
    scene.drain()
    scene.later(hours=1)
    scene.drain()
    (event,) = scene.owner.events("work")
    assert event.repeat is not None
    after = refreshed(appointment)
    assert after.state == "cancelled" and "left there" in after.attention
    assert not EventLink.objects.exclude(state=EventLink.State.ENDED).exists()


def test_outside_the_rules_is_accepted_and_flagged(scene: Scene) -> None:
    appointment = booked(scene)
    night = MONDAY + timedelta(hours=14)  # 23:00
    scene.owner.move(
        "work", scene.link(appointment).remote_id, When(night, night + timedelta(hours=1), "UTC")
    )
    scene.poll()
    assert refreshed(appointment).start == night
    assert "rules" in refreshed(appointment).attention


def test_a_block_somebody_deleted_is_put_back_once_an_hour(scene: Scene) -> None:
    appointment = booked(scene)
    link = scene.link(appointment)
    scene.owner.edit("work", link.remote_id, description="All mine")
    scene.poll()
    (event,) = scene.owner.events("work")
    assert (event.content.description or "").startswith("All mine\n\n")
    assert "jane@example.org" in (event.content.description or "")
    assert refreshed(appointment).notes == "All mine"
    scene.owner.edit("work", link.remote_id, description="Mine again")
    scene.poll()
    scene.poll()
    assert [e.content.description for e in scene.owner.events("work")] == ["Mine again"]
    assert refreshed(appointment).notes == "Mine again"


def test_switched_off_nothing_flows_back_and_on_again_it_does(scene: Scene) -> None:
    appointment = booked(scene)
    scene.connection.realtime = False
    scene.connection.save()
    scene.owner.move("work", scene.link(appointment).remote_id, at(3))
    scene.poll()
    assert refreshed(appointment).start == MONDAY
    scene.connection.realtime = True
    scene.connection.save()
    scene.poll()
    assert refreshed(appointment).start == at(3).start


def test_a_lost_answer_to_a_create_makes_no_second_event(scene: Scene) -> None:
    scene.world.after = lose("create")
    appointment = booked(scene)
    scene.world.after = None
    edit(
        company_id=scene.module.company_id,
        appointment_id=appointment.id,
        title="Changed since",
        actor=CUSTOMER,
        now=scene.now,
    )
    scene.settle()
    (event,) = scene.owner.events("work")
    assert event.content.title == "Changed since"
    assert refreshed(appointment).title == "Changed since"


def test_cancelled_while_the_create_is_unknown_leaves_nothing(scene: Scene) -> None:
    scene.world.after = lose("create")
    appointment = booked(scene)
    scene.world.after = None
    cancel(company_id=scene.module.company_id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)
    scene.settle()
    assert scene.owner.events("work") == []
    assert scene.link(appointment).state == EventLink.State.ENDED


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("request_", ["get", "delete", "calendars", "find"])
def test_cancelled_here_while_it_was_cut_and_pasted_there_leaves_nothing(
    scene: Scene, request_: str, effect: bool
) -> None:
    """Whatever request goes wrong first: that the event is not where it was is its owner's doing."""
    appointment = booked(scene)
    scene.owner.add_calendar("private", "Private")
    scene.owner.cut_and_paste("work", scene.link(appointment).remote_id, to="private")
    cancel(company_id=scene.module.company_id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)
    setattr(scene.world, "after" if effect else "before", lose(request_))
    scene.drain()
    scene.settle()
    assert scene.owner.events("private") == []
    assert scene.link(appointment).state == EventLink.State.ENDED


def test_a_deletion_without_an_answer_is_not_repeated_on_a_copy(scene: Scene) -> None:
    appointment = booked(scene)
    copy = scene.owner.copy("work", scene.link(appointment).remote_id, when=at(5))
    cancel(company_id=scene.module.company_id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)
    scene.world.after = lose("delete")
    scene.drain()
    scene.settle()
    assert [event.id for event in scene.owner.events("work")] == [copy]
    assert scene.link(appointment).state == EventLink.State.ENDED


def test_a_lost_answer_to_an_update_is_not_the_owners_change(scene: Scene) -> None:
    appointment = booked(scene)
    ids: dict[str, Any] = {"company_id": scene.module.company_id, "appointment_id": appointment.id}
    scene.world.after = lose("update")
    edit(**ids, title="B", actor=CUSTOMER, now=scene.now)
    scene.drain()
    scene.world.after = None
    edit(**ids, title="C", actor=CUSTOMER, now=scene.now)
    scene.settle()
    (event,) = scene.owner.events("work")
    assert event.content.title == refreshed(appointment).title == "C"
    assert not Change.objects.filter(lost=True).exists()


def test_a_forgotten_cursor_reads_everything_and_changes_nothing(scene: Scene) -> None:
    appointment = booked(scene)
    scene.poll()
    scene.owner.expire_cursors("work")
    scene.owner.move("work", scene.link(appointment).remote_id, at(1))
    scene.poll()
    assert refreshed(appointment).start == at(1).start
    assert scene.writes() == ["create"]


def test_a_deletion_while_the_cursor_was_lost_is_found_by_the_full_read(scene: Scene) -> None:
    appointment = booked(scene)
    scene.poll()
    scene.owner.delete("work", scene.link(appointment).remote_id)
    scene.owner.expire_cursors("work")
    scene.poll()
    assert refreshed(appointment).state == "cancelled"


def test_a_calendar_that_is_gone_cancels_nothing(scene: Scene) -> None:
    appointment = booked(scene)
    kept = scene.owner._person.calendars["work"]
    scene.owner.drop_calendar("work")
    scene.poll()
    assert refreshed(appointment).state == "confirmed"
    calendar = RemoteCalendar.objects.get(id=scene.calendar.id)
    assert (calendar.state, bool(calendar.trouble)) == ("parked", True)
    scene.owner._person.calendars["work"] = kept
    scene.settle()
    assert RemoteCalendar.objects.get(id=scene.calendar.id).state == "ok"
    assert refreshed(appointment).state == "confirmed"


def test_a_changed_password_stops_the_key_and_keeps_the_debt(scene: Scene) -> None:
    scene.owner.change_password("new")
    appointment = booked(scene)
    key = RemoteKey.objects.get(id=scene.key.id)
    assert key.state == RemoteKey.State.NEEDS_REAUTHORIZATION
    assert scene.link(appointment).state == EventLink.State.OWES_PUSH
    scene.world.requests.clear()
    scene.poll()
    assert scene.world.requests == []


def test_a_deletion_after_the_visit_only_ends_the_link(scene: Scene) -> None:
    appointment = booked(scene)
    scene.now = MONDAY + timedelta(hours=30)
    scene.drain()
    scene.owner.delete("work", scene.link(appointment).remote_id)
    scene.poll()
    assert refreshed(appointment).state == "confirmed"
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert not Message.objects.filter(kind="cancelled").exists()


def test_foreign_events_are_mirrored_as_busy_time_and_never_written(scene: Scene) -> None:
    scene.owner.add("work", at(2), title="Dentist")
    scene.owner.add("work", at(4), kind=None, title="Free")
    booked(scene)
    spans = set(RemoteCalendar.objects.get(id=scene.calendar.id).busy_times.values_list("start", flat=True))
    assert at(2).start in spans and at(4).start not in spans
    assert scene.writes() == ["create"]


def test_a_mistake_of_our_own_holds_up_no_other_and_is_said(scene: Scene) -> None:
    one, other = booked(scene), scene.book(at(2).start, name="Joe")
    scene.book(at(20).start, name="Ann")  # so that not all there are is moved at once
    scene.drain()
    broken = scene.link(one).remote_id

    def fail(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "get" and broken in arguments:
            raise ZeroDivisionError

    scene.world.before = fail
    for appointment in (one, other):
        scene.owner.move("work", scene.link(appointment).remote_id, at(5))
    scene.poll()
    assert (refreshed(one).start, refreshed(other).start) == (MONDAY, at(5).start)
    said = standing(refreshed(one), scene.link(one), scene.connection)
    assert (said.tone, said.before) == ("warn", "not read yet from")
    assert said.reason == "Schedule Genie made a mistake here (ZeroDivisionError); it tries again by itself."
    scene.world.before = None
    scene.later(minutes=6)
    scene.drain()
    assert refreshed(one).start == at(5).start
    assert standing(refreshed(one), scene.link(one), scene.connection).before == "in step with"


def lose(method: str) -> Any:
    """The answer to every `method` is lost after it took effect."""

    def after(name: str, arguments: tuple[Any, ...]) -> None:
        if name == method:
            raise Transient("The connection was cut.", outcome_unknown=True)

    return after
