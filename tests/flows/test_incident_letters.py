"""What needs a person is told once per incident: also when a worker dies, or two find it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from tests.sync_crash import Crash, dying_at
from tests.sync_scene import CUSTOMER, Scene, at, stage

from genie.flows.check_key import note_access_lost
from genie.flows.connect_calendar import connect_calendar
from genie.flows.drain import drain
from genie.flows.edit import edit
from genie.flows.report_put_aside import report_put_aside
from genie.flows.report_silence import report_silence
from genie.flows.retry_link import retry_link
from genie.flows.unlink import unlink
from genie.store.models import Appointment, EventLink, Message, RemoteCalendar, RemoteKey, Role, User

pytestmark = pytest.mark.django_db(transaction=True)
READ_ONLY = "This account may only read this calendar."


@pytest.fixture
def scene() -> Scene:
    scene = stage()
    admin = User.objects.create_user(
        "boss@acme.example", role=Role.COMPANY_ADMIN, agency=scene.company.agency, created_at=scene.now
    )
    admin.accesses.create(company=scene.company)
    return scene


def letters(scene: Scene) -> int:
    return Message.objects.filter(company=scene.company, kind="attention", audience="company").count()


def days_pass(scene: Scene, days: int = 3) -> None:
    for _ in range(days * 4):
        scene.later(hours=6)
        scene.drain()


def parked(scene: Scene, appointment: Appointment) -> bool:
    return scene.link(appointment).state == EventLink.State.PARKED


def retitle(scene: Scene, appointment: Appointment, title: str) -> None:
    edit(
        company_id=scene.company.id,
        appointment_id=appointment.id,
        title=title,
        notes="",
        actor=CUSTOMER,
        now=scene.now,
    )


# --- put aside


def test_one_letter_while_the_same_thing_goes_on(scene: Scene) -> None:
    scene.owner.let_write("work", may_write=False)
    first = scene.book(at(200).start)
    scene.drain()
    assert letters(scene) == 1
    days_pass(scene)
    scene.book(at(202).start)
    scene.drain()
    retitle(scene, first, "Changed while it waits")
    scene.drain()
    assert retry_link(company_id=scene.company.id, link_id=scene.link(first).id, now=scene.now)
    scene.drain()
    assert parked(scene, first)
    assert letters(scene) == 1, "another visit, an edit, Retry: the same thing goes on"


def test_a_new_letter_when_it_was_resolved_and_comes_again(scene: Scene) -> None:
    scene.owner.let_write("work", may_write=False)
    visit = scene.book(at(200).start)
    scene.drain()
    scene.owner.let_write("work", may_write=True)
    scene.later(minutes=16)
    scene.drain()
    assert scene.link(visit).state == EventLink.State.CLEAN
    scene.owner.let_write("work", may_write=False)
    retitle(scene, visit, "Changed")
    scene.drain()
    assert parked(scene, visit)
    assert letters(scene) == 2


def test_another_reason_is_another_incident(scene: Scene) -> None:
    full, other = scene.booked(200), scene.booked(203, name="Joe")
    scene.owner.let_write("work", may_write=False)
    retitle(scene, full, "Changed")
    scene.drain()
    scene.owner.let_write("work", may_write=True)
    scene.owner.hand_over("work", scene.link(other).remote_id, "Somebody else is its organiser now.")
    scene.owner.hand_over("work", scene.link(full).remote_id, "Too large.")
    scene.later(minutes=16)
    retitle(scene, other, "Changed")
    scene.drain()
    assert parked(scene, full) and parked(scene, other)
    assert letters(scene) == 2, "the first goes on, whatever its reason is by now; the other is new"


def test_an_incident_ends_with_its_link(scene: Scene) -> None:
    scene.owner.let_write("work", may_write=False)
    scene.book(at(200).start)
    scene.drain()
    unlink(
        company_id=scene.company.id,
        connection_id=scene.connection.id,
        keep_copies=True,
        settings=scene.settings,
        now=scene.now,
    )
    scene.connection = connect_calendar(
        module=scene.module, key=scene.key, remote_id="work", user=None, now=scene.now
    )
    scene.drain()
    assert letters(scene) == 2, "somebody linked it in the belief that it can be written"


def test_a_worker_that_dies_tells_all_the_same_and_once(scene: Scene) -> None:
    scene.owner.let_write("work", may_write=False)
    scene.book(at(200).start)
    for statement in range(1, 200):
        try:
            with dying_at(statement):
                scene.drain()
        except Crash:
            connection.close()
        else:
            break
        assert letters(scene) <= 1
    scene.later(minutes=16)
    scene.drain()
    assert letters(scene) == 1


def test_two_workers_that_put_aside_at_once_tell_once(scene: Scene) -> None:
    links = [scene.link(scene.book(at(200 + hour).start)).id for hour in range(4)]

    def put_aside(number: int) -> None:
        try:
            report_put_aside(link_id=links[number % 4], why=READ_ONLY, now=scene.now)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(put_aside, range(16)))
    assert letters(scene) == 1


# --- a calendar that cannot be read


def test_two_workers_that_find_a_calendar_silent_tell_once(scene: Scene) -> None:
    scene.booked()
    scene.later(days=3)
    calendar = RemoteCalendar.objects.get(id=scene.calendar.id)

    def fail(_: int) -> None:
        try:
            report_silence(calendar=calendar, why="It is away.", gone=True, now=scene.now)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(fail, range(16)))
    assert letters(scene) == 1


def test_a_silence_goes_on_under_another_name(scene: Scene) -> None:
    scene.booked()
    calendar = RemoteCalendar.objects.get(id=scene.calendar.id)
    for name in ("Work", "Work and more"):
        calendar.name = name
        scene.later(days=3)
        report_silence(calendar=calendar, why="It is away.", gone=True, now=scene.now)
    assert letters(scene) == 1


# --- the access


def test_an_access_that_ended_is_told_once_with_the_page_to_renew_it(scene: Scene) -> None:
    scene.booked()
    scene.owner.change_password("another one")

    def work(_: int) -> None:
        try:
            while drain(calendar_id=scene.calendar.id, settings=scene.settings, now=scene.now):
                pass
        finally:
            connection.close()

    scene.later(minutes=2)
    stale = RemoteKey.objects.get(id=scene.key.id)
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(4)))
    note_access_lost(key=stale, trouble="It found out late.", now=scene.now)
    days_pass(scene)
    assert letters(scene) == 1
    letter = Message.objects.get(company=scene.company, kind="attention")
    assert letter.details["path"] == f"/company/{scene.company.slug}/keys/{scene.key.id}/reauthorize"
