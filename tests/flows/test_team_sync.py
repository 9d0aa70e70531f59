"""A team on calendars of their own: what goes where, what comes from where (decision 0084)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.staff_scene import person, team
from tests.sync_scene import CUSTOMER, MONDAY, SETTINGS, Scene, at, stage

from genie.core.event import When
from genie.flows.absorb import OUTSIDE_RULES
from genie.flows.book import BookingForm, book
from genie.flows.cancel import cancel
from genie.flows.connect_calendar import CannotConnect, connect_calendar
from genie.flows.deactivate_staff_member import deactivate_staff_member
from genie.flows.leave_team import leave_team
from genie.flows.reschedule import reschedule
from genie.flows.say_whose import WITH_ANOTHER
from genie.flows.set_realtime import set_realtime
from genie.flows.unlink import Unlinked, unlink
from genie.store.models import (
    Appointment,
    AvailabilityCalendar,
    Connection,
    EventLink,
    Message,
    RemoteCalendar,
    Role,
    StaffMember,
    User,
)
from genie.store.queries.connections import served_by, serving
from genie.store.queries.remote_calendars import where_used, zone_about

pytestmark = pytest.mark.django_db


@dataclass
class Practice:
    """Maria and Ben with a calendar each, Cleo with none; the module has *Work*."""

    scene: Scene
    maria: StaffMember
    ben: StaffMember
    cleo: StaffMember

    def titles(self, calendar: str) -> list[str]:
        return sorted(event.content.title or "" for event in self.scene.owner.events(calendar))

    def link(self, staff: StaffMember | None, remote_id: str, *, realtime: bool = True) -> Connection:
        linked = connect_calendar(
            module=self.scene.module,
            staff=staff,
            key=self.scene.key,
            remote_id=remote_id,
            user=None,
            now=self.scene.now,
        )
        return set_realtime(
            company_id=self.scene.module.company_id,
            connection_id=linked.id,
            on=realtime,
            now=self.scene.now,
        )

    def unlink(self, connection: Connection, *, keep: bool) -> Unlinked:
        return unlink(
            company_id=self.scene.module.company_id,
            connection_id=connection.id,
            keep_copies=keep,
            settings=SETTINGS,
            now=self.scene.now,
            wait_seconds=1,
        )

    def of(self, staff: StaffMember | None) -> Connection:
        return Connection.objects.get(module=self.scene.module, staff=staff, state=Connection.State.LINKED)

    def move_here(self, appointment: Appointment, hours: float) -> None:
        reschedule(
            company_id=appointment.company_id,
            appointment_id=appointment.id,
            start=at(hours).start,
            actor=CUSTOMER,
            now=self.scene.now,
            force=True,
        )


@pytest.fixture
def practice() -> Practice:
    scene = stage()
    for remote_id, name in (("maria", "Maria's"), ("ben", "Ben's"), ("spare", "Spare")):
        scene.owner.add_calendar(remote_id, name)
        RemoteCalendar.objects.create(key=scene.key, remote_id=remote_id, name=name, may_write=True)
    User.objects.create_user(
        f"admin@{scene.module.company.slug}.example",
        None,
        name="Ada",
        role=Role.AGENCY_ADMIN,
        agency=scene.module.company.agency,
        created_at=scene.now,
    )
    made = Practice(scene, *team(scene.module, "Maria", "Ben", "Cleo"))
    made.link(made.maria, "maria")
    made.link(made.ben, "ben")
    scene.drain()
    return made


def test_a_booking_goes_to_the_calendar_of_whom_it_is_with(practice: Practice) -> None:
    scene = practice.scene
    scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.book(at(0).start, name="Bob", staff=practice.ben)
    scene.book(at(0).start, name="Cy", staff=practice.cleo)
    scene.book(at(0).start, name="Di")
    scene.drain()
    assert practice.titles("maria") == ["Visit: Ann"]
    assert practice.titles("ben") == ["Visit: Bob"]
    assert practice.titles("work") == ["Visit: Cy", "Visit: Di"], "who has none is served by the module's"


@pytest.mark.parametrize(("name", "calendar"), [("Maria", "maria"), ("Ben", "ben"), ("Cleo", "work")])
def test_so_does_one_from_the_booking_page(practice: Practice, name: str, calendar: str) -> None:
    scene = practice.scene
    staff = StaffMember.objects.get(name=name)
    made = book(
        module_id=scene.module.id,
        start=at(0).start,
        answers=BookingForm(key=uuid.uuid4(), name="Ann", email="ann@example.org"),
        now=scene.now,
        staff_id=staff.id,
    )
    assert made.staff == staff
    scene.drain()
    shown = {one: len(practice.titles(one)) for one in ("maria", "ben", "work")}
    assert shown == {"maria": 0, "ben": 0, "work": 0} | {calendar: 1}
    assert not Message.objects.get(recipient=staff.email).details["attach"], "it is on the calendar already"


def test_whoever_is_free_gets_it_on_the_right_calendar(practice: Practice) -> None:
    """All three are free at nine: each gets one, on the calendar that serves them."""
    scene = practice.scene
    for number in range(3):
        book(
            module_id=scene.module.id,
            start=at(0).start,
            answers=BookingForm(key=uuid.uuid4(), name=f"Guest {number}", email=f"g{number}@example.org"),
            now=scene.now,
        )
    scene.drain()
    assert [len(practice.titles(one)) for one in ("maria", "ben", "work")] == [1, 1, 1]


def test_the_event_says_with_whom(practice: Practice) -> None:
    scene = practice.scene
    scene.book(at(0).start, staff=practice.cleo)
    scene.drain()
    (event,) = scene.owner.events("work")
    assert "\nWith: Cleo\n" in (event.content.description or "")


def test_a_move_on_one_calendar_moves_only_that_visit(practice: Practice) -> None:
    scene = practice.scene
    hers = scene.book(at(0).start, name="Ann", staff=practice.maria)
    his = scene.book(at(0).start, name="Bob", staff=practice.ben)
    scene.drain()
    (event,) = scene.owner.events("maria")
    scene.owner.move("maria", event.id, at(3))
    scene.poll()
    hers.refresh_from_db()
    his.refresh_from_db()
    assert (hers.start, his.start) == (at(3).start, at(0).start)
    assert hers.staff == practice.maria
    (kept,) = scene.owner.events("ben")
    assert kept.content.when.start == at(0).start


def test_a_deletion_on_one_calendar_cancels_only_that_visit(practice: Practice) -> None:
    scene = practice.scene
    hers = scene.book(at(0).start, staff=practice.maria)
    his = scene.book(at(0).start, staff=practice.ben)
    scene.drain()
    (event,) = scene.owner.events("ben")
    scene.owner.delete("ben", event.id)
    scene.poll()
    hers.refresh_from_db()
    his.refresh_from_db()
    assert (hers.state, his.state) == ("confirmed", "cancelled")


@pytest.mark.parametrize("keep", [True, False])
def test_unlinking_one_leaves_the_others(practice: Practice, keep: bool) -> None:
    scene = practice.scene
    scene.book(at(0).start, name="Ann", staff=practice.maria)
    his = scene.book(at(0).start, name="Bob", staff=practice.ben)
    scene.drain()
    practice.unlink(practice.of(practice.maria), keep=keep)
    scene.poll()
    assert practice.titles("maria") == (["Visit: Ann"] if keep else [])
    assert practice.titles("ben") == ["Visit: Bob"]
    practice.move_here(his, 4)
    scene.drain()
    (event,) = scene.owner.events("ben")
    assert event.content.when.start == at(4).start


def test_after_unlinking_new_visits_go_to_the_modules_calendar_and_old_ones_wait(practice: Practice) -> None:
    scene = practice.scene
    scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.drain()
    practice.unlink(practice.of(practice.maria), keep=False)
    scene.book(at(2).start, name="Bea", staff=practice.maria)
    scene.poll()
    assert (practice.titles("maria"), practice.titles("work")) == ([], ["Visit: Bea"])
    # whoever changes accounts links the next one, and all that is on no calendar is there
    practice.link(practice.maria, "spare")
    scene.drain()
    assert (practice.titles("spare"), practice.titles("work")) == (["Visit: Ann"], ["Visit: Bea"])


def test_what_is_changed_while_no_calendar_is_ones_own_goes_to_the_modules(practice: Practice) -> None:
    scene = practice.scene
    visit = scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.drain()
    practice.unlink(practice.of(practice.maria), keep=False)
    scene.poll()
    practice.move_here(visit, 5)
    scene.drain()
    assert practice.titles("work") == ["Visit: Ann"]


def test_what_was_booked_before_stays_where_it_is(practice: Practice) -> None:
    scene = practice.scene
    before = scene.book(at(0).start, name="Cy", staff=practice.cleo)
    scene.drain()
    practice.link(practice.cleo, "spare")
    scene.book(at(2).start, name="Dee", staff=practice.cleo)
    scene.drain()
    assert (practice.titles("work"), practice.titles("spare")) == (["Visit: Cy"], ["Visit: Dee"])
    # and it goes both ways there as before
    practice.move_here(before, 3)
    scene.drain()
    (event,) = scene.owner.events("work")
    assert event.content.when.start == at(3).start
    scene.owner.move("work", event.id, at(4))
    scene.poll()
    before.refresh_from_db()
    assert before.start == at(4).start
    assert practice.titles("spare") == ["Visit: Dee"]


def test_linking_the_modules_calendar_sends_it_who_has_none(practice: Practice) -> None:
    scene = practice.scene
    practice.unlink(practice.of(None), keep=True)
    scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.book(at(0).start, name="Cy", staff=practice.cleo)
    scene.book(at(0).start, name="Di")
    scene.drain()
    assert practice.titles("work") == []
    practice.link(None, "work")
    scene.drain()
    assert practice.titles("work") == ["Visit: Cy", "Visit: Di"]
    assert practice.titles("maria") == ["Visit: Ann"]


def test_linking_again_takes_up_the_copies_that_stayed(practice: Practice) -> None:
    scene = practice.scene
    scene.book(at(0).start, name="Ann", staff=practice.maria)
    gone = scene.book(at(2).start, name="Bea", staff=practice.maria)
    scene.drain()
    practice.unlink(practice.of(practice.maria), keep=True)
    cancel(company_id=gone.company_id, appointment_id=gone.id, actor=CUSTOMER, now=scene.now)
    scene.later(minutes=1)
    practice.link(practice.maria, "maria")
    scene.drain()
    assert practice.titles("maria") == ["Visit: Ann"]
    assert practice.titles("work") == []
    assert EventLink.objects.count() == 2


def test_a_copy_of_a_visit_that_lives_on_another_calendar_is_left_where_it_is(practice: Practice) -> None:
    """Maria's copies stayed; then the visit was changed, and so went to the module's calendar."""
    scene = practice.scene
    visit = scene.book(at(0).start, name="Ann", staff=practice.maria)
    scene.drain()
    practice.unlink(practice.of(practice.maria), keep=True)
    practice.move_here(visit, 5)
    scene.drain()
    practice.link(practice.maria, "maria")
    scene.drain()
    assert practice.titles("work") == ["Visit: Ann"]
    cancel(company_id=visit.company_id, appointment_id=visit.id, actor=CUSTOMER, now=scene.now)
    practice.unlink(practice.of(practice.maria), keep=True)
    practice.link(practice.maria, "maria")
    scene.drain()
    assert practice.titles("work") == []


def test_leaving_the_team_or_being_switched_off_keeps_visits_in_step(practice: Practice) -> None:
    scene = practice.scene
    hers = scene.book(at(0).start, staff=practice.maria)
    his = scene.book(at(0).start, staff=practice.ben)
    scene.drain()
    company = scene.module.company_id
    leave_team(company_id=company, module_id=scene.module.id, staff_id=practice.maria.id)
    deactivate_staff_member(company_id=company, staff_id=practice.ben.id)
    for calendar in ("maria", "ben"):
        (event,) = scene.owner.events(calendar)
        scene.owner.move(calendar, event.id, at(2))
    scene.poll()
    hers.refresh_from_db()
    his.refresh_from_db()
    assert hers.start == his.start == at(2).start
    practice.move_here(hers, 6)
    scene.drain()
    assert scene.owner.events("maria")[0].content.when.start == at(6).start
    assert scene.owner.events("work") == []


def test_moved_to_a_colleagues_calendar_it_stays_with_whom_it_is_and_is_flagged(practice: Practice) -> None:
    scene = practice.scene
    visit = scene.book(at(0).start, staff=practice.maria)
    scene.drain()
    (event,) = scene.owner.events("maria")
    scene.owner.cut_and_paste("maria", event.id, to="ben")
    scene.poll()
    visit.refresh_from_db()
    assert (visit.state, visit.staff) == ("confirmed", practice.maria)
    assert "moved to that of Ben. It is still with Maria" in visit.attention
    practice.move_here(visit, 3)
    scene.drain()
    (event,) = scene.owner.events("ben")
    assert event.content.when.start == at(3).start, "it goes on in step there"
    visit.refresh_from_db()
    visit.attention = f"{WITH_ANOTHER}Ben."
    visit.save()
    scene.owner.cut_and_paste("ben", event.id, to="maria")
    scene.poll()
    visit.refresh_from_db()
    assert visit.attention == ""
    # where everybody's are, nobody is surprised
    (event,) = scene.owner.events("maria")
    scene.owner.cut_and_paste("maria", event.id, to="work")
    scene.poll()
    visit.refresh_from_db()
    assert visit.attention == ""


def test_only_the_team_gets_calendars_and_one_each(practice: Practice) -> None:
    for staff, words in (
        (practice.maria, "Main office · Maria is linked to Maria's already"),
        (None, "Main office is linked to Work already"),
        (person(practice.scene.module.company, "Zoe"), "Zoe takes no new appointments of Main office"),
    ):
        with pytest.raises(CannotConnect, match=words):
            practice.link(staff, "spare")
    practice.link(practice.cleo, "ben")  # two people may share one


def test_two_people_on_one_calendar_keep_their_own(practice: Practice) -> None:
    scene = practice.scene
    practice.link(practice.cleo, "ben")
    his = scene.book(at(0).start, name="Bob", staff=practice.ben)
    scene.book(at(2).start, name="Cy", staff=practice.cleo)
    scene.drain()
    assert practice.titles("ben") == ["Visit: Bob", "Visit: Cy"]
    practice.unlink(practice.of(practice.cleo), keep=False)
    scene.poll()
    assert practice.titles("ben") == ["Visit: Bob"]
    (event,) = scene.owner.events("ben")
    scene.owner.move("ben", event.id, at(7))
    scene.poll()
    his.refresh_from_db()
    assert his.start == at(7).start, "the calendar is still read for him"


def test_who_serves_whom(practice: Practice) -> None:
    module = practice.scene.module.id
    for staff, calendar in (
        (practice.maria, "maria"),
        (practice.ben, "ben"),
        (practice.cleo, "work"),
        (None, "work"),
    ):
        found = serving(module_id=module, staff_id=staff.id if staff else None)
        assert found is not None and found.calendar.remote_id == calendar
    for staff in (practice.maria, practice.cleo, None):
        practice.scene.book(at(0).start, name=staff.name if staff else "Nobody", staff=staff)
    served = {visit.lead.name for visit in served_by(practice.of(None)).select_related("lead")}
    assert served == {"Cleo", "Nobody"}


def test_used_by_and_letters_name_the_person(practice: Practice) -> None:
    scene = practice.scene
    assert "Main office · Maria (linked to Maria's)" in where_used(scene.key)
    scene.owner.let_write("maria", False)
    scene.book(at(0).start, staff=practice.maria)
    scene.drain()
    letter = Message.objects.get(kind=Message.Kind.ATTENTION)
    path = f"/company/{scene.module.company.slug}/apps/main/team/{practice.maria.id}/calendar"
    assert letter.details["path"] == path


def test_silence_of_a_persons_calendar_leads_to_their_page(practice: Practice) -> None:
    scene = practice.scene
    scene.owner.drop_calendar("ben")
    for _ in range(14):
        scene.later(minutes=15)
        scene.drain()
    (letter,) = Message.objects.filter(kind=Message.Kind.ATTENTION)
    assert letter.details["path"].endswith(f"/apps/main/team/{practice.ben.id}/calendar")


def test_times_without_a_zone_are_the_persons(practice: Practice) -> None:
    schedule = practice.maria.schedule
    schedule.zone = "Asia/Kolkata"
    schedule.save()
    calendars = {c.remote_id: c for c in RemoteCalendar.objects.all()}
    assert zone_about(calendars["maria"].id) == "Asia/Kolkata"
    assert zone_about(calendars["work"].id) == "UTC"


def test_a_calendar_read_for_one_of_the_team_is_read_as_far_as_the_module_can_be_booked(
    practice: Practice,
) -> None:
    scene = practice.scene
    scene.module.horizon_days = 400
    scene.module.save()
    spare = RemoteCalendar.objects.get(remote_id="spare")
    AvailabilityCalendar.objects.create(schedule=practice.cleo.schedule, calendar=spare, added_at=scene.now)
    scene.drain()
    spare.refresh_from_db()
    assert spare.window_end is not None
    assert spare.window_end > scene.now + timedelta(days=400)


def test_a_move_there_outside_ones_own_hours_is_flagged(practice: Practice) -> None:
    """By Maria's schedule, not by the module's, which is open from eight."""
    scene = practice.scene
    scene.module.schedule.hours.update(opens="06:00")
    visit = scene.book(MONDAY, staff=practice.maria)
    scene.drain()
    (event,) = scene.owner.events("maria")
    early = MONDAY - timedelta(hours=2)
    scene.owner.move("maria", event.id, When(early, early + timedelta(hours=1), "UTC"))
    scene.poll()
    visit.refresh_from_db()
    assert (visit.start, visit.attention) == (early, OUTSIDE_RULES)
