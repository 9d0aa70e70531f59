"""Bad input on a real server: a clear message, or a parked item with its reason; nothing is lost.

Wrong passwords, servers that are down, slow, full of errors or not calendar servers, calendars that vanish,
events no program should write. Each test follows the way a person notices: the pages, the letters, the rows;
and ends with everything in step again once the cause is gone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from tests.caldav_owner import CalDavOwner
from tests.caldav_scene import PASSWORD, QUICK, CalDavScene, on_radicale, register
from tests.outside import Radicale
from tests.proxy import HANG_UP, Asked, Reply, only, saying
from tests.reading import words
from tests.sync_scene import CUSTOMER

from genie.core.errors import NotACalendarServer, Unreachable, WrongPassword
from genie.flows.add_availability_calendar import add_availability_calendar
from genie.flows.cancel import cancel
from genie.flows.check_key import check_key
from genie.flows.create_registration_link import create_registration_link
from genie.flows.drain import drain
from genie.flows.edit import edit
from genie.flows.offer import is_offered
from genie.flows.reschedule import reschedule
from genie.flows.unlink import unlink
from genie.store.models import (
    Appointment,
    EventLink,
    Message,
    RegistrationLink,
    RemoteCalendar,
    RemoteKey,
    Schedule,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(radicale: Radicale) -> Iterator[CalDavScene]:
    """The pages speak of the real time, so the scene begins with it."""
    with on_radicale(radicale, now=timezone.now().replace(microsecond=0)) as made:
        yield made


@dataclass
class Desk:
    """The admin before the dashboard."""

    scene: CalDavScene
    client: Client

    def configuration(self) -> str:
        return self._read(f"/company/{self.scene.company.slug}/apps/main/calendar")

    def appointment(self, appointment: Appointment) -> str:
        return self._read(f"/company/{self.scene.company.slug}/appointments/{appointment.id}")

    def authorization(self) -> str:
        return self._read(f"/company/{self.scene.company.slug}/keys")

    def schedule(self) -> str:
        return self._read(f"/company/{self.scene.company.slug}/schedules/{self.scene.module.schedule_id}")

    def press(self, path: str, **fields: object) -> str:
        """Press a button; what the page then says."""
        answer = self.client.post(f"/company/{self.scene.company.slug}/{path}", fields, follow=True)
        assert answer.status_code == 200, answer.status_code
        return words(answer)

    def _read(self, path: str) -> str:
        answer: HttpResponse = self.client.get(path)  # type: ignore[assignment]
        assert answer.status_code == 200, (path, answer.status_code)
        return words(answer)


@pytest.fixture
def desk(scene: CalDavScene, client: Client, settings: object) -> Desk:
    settings.GENIE_PRIVATE_NETWORKS = True  # type: ignore[attr-defined]
    client.force_login(scene.admin)
    return Desk(scene, client)


CONTROLS = {chr(n) for n in [*range(9), *range(11, 32), 127, *range(128, 160)]}
CONTROLS |= {"\u202d", "\u202e"}  # letters in another order than they are written
BROKE_OFF = "The connection to the calendar server broke off."
MAINTENANCE = "<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"


def again(scene: CalDavScene, *, address: str, password: str = PASSWORD, **renews: RemoteKey) -> RemoteKey:
    """The account's owner answers another registration link."""
    return register(
        scene.admin,
        scene.company,
        address=address,
        user=scene.owner.user,
        password=password,
        now=scene.now,
        **renews,
    )


def retitle(scene: CalDavScene, appointment: Appointment, title: str) -> None:
    edit(
        company_id=scene.company.id,
        appointment_id=appointment.id,
        title=title,
        actor=CUSTOMER,
        now=scene.now,
    )


def cancelled(scene: CalDavScene, appointment: Appointment) -> None:
    cancel(company_id=scene.company.id, appointment_id=appointment.id, actor=CUSTOMER, now=scene.now)


def told(appointment: Appointment) -> list[str]:
    """What the customer is going to hear since the scene began."""
    owed = Message.objects.filter(appointment=appointment, audience="customer", state=Message.State.OWED)
    return list(owed.values_list("kind", flat=True))


def fresh(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(id=appointment.id)


def unchanged(appointment: Appointment) -> bool:
    """Neither moved nor cancelled since the test saw it."""
    after = fresh(appointment)
    return (after.start, after.end, after.state) == (appointment.start, appointment.end, "confirmed")


def letters(scene: CalDavScene) -> list[tuple[str, str]]:
    """What is owed to somebody, as (kind, audience)."""
    owed = Message.objects.filter(company=scene.company, state=Message.State.OWED)
    return sorted(owed.values_list("kind", "audience"))


def moved_by(text: str, *, hours: int) -> str:
    """An event's text with its start and end so much later (they are in UTC)."""

    def later(found: re.Match[str]) -> str:
        moment = datetime.strptime(found[2], "%Y%m%dT%H%M%SZ") + timedelta(hours=hours)
        return f"{found[1]}{moment:%Y%m%dT%H%M%SZ}"

    return re.sub(r"(DTSTART:|DTEND:)(\d{8}T\d{6}Z)", later, text)


def put(scene: CalDavScene, visit: Appointment, start: str, end: str) -> None:
    """The owner's program writes the visit's beginning and end in these lines."""
    name = scene.link(visit).remote_id
    text = both(set_line("DTSTART", start), set_line("DTEND", end))(scene.owner.read(name))
    scene.server.place_of(scene.owner.calendar + name).write_text(text)


def duration(*, hours: int = 0, minutes: int = 0) -> str:
    return f"DURATION:PT{60 * hours + minutes}M"


def bomb(scene: CalDavScene, name: str) -> None:
    """A series with an occurrence each second, for ever."""
    place = scene.server.place_of(scene.owner.calendar + name)
    place.write_text(place.read_text().replace("END:VEVENT", "RRULE:FREQ=SECONDLY\r\nEND:VEVENT"))


def offered(scene: CalDavScene, hours: int) -> bool:
    """Whether a prospect may choose that hour."""
    return is_offered(module=scene.module, start=scene.at(hours).start, now=scene.now)


def calendar_of(scene: CalDavScene) -> RemoteCalendar:
    return RemoteCalendar.objects.get(id=scene.calendar.id)


def out_of_step(scene: CalDavScene, *appointments: Appointment) -> list[str]:
    """What is wrong with their events: each stands there once, as it is here, and its link is clean."""
    events = scene.owner.events()
    wrong = []
    for appointment in map(fresh, appointments):
        link = scene.link(appointment)
        bearers = [event for event in events if event.key == link.id.hex]
        there = [(event.id, event.content.when.start, event.content.title) for event in bearers]
        if there != [(link.remote_id, appointment.start, appointment.title)]:
            wrong.append(f"{appointment}: {there} is on the calendar")
        if link.state != EventLink.State.CLEAN:
            wrong.append(f"{appointment}: {link.state} {link.reason}")
    return wrong


# --- who signs in


def test_a_wrong_password_makes_no_key_and_the_link_stays_open(
    scene: CalDavScene, desk: Desk, client: Client
) -> None:
    made = create_registration_link(
        company=scene.company, kind="caldav", user=scene.admin, hours=72, settings=QUICK, now=timezone.now()
    )
    before = RemoteKey.objects.count()
    typed = {"address": scene.proxy.url, "user": scene.owner.user, "password": "not this one"}
    page = words(client.post(f"/connect/{made.token}", typed))
    assert "127.0.0.1 does not accept this user and password. Nothing was saved. Check both;" in page
    assert "not this one" not in page
    assert RemoteKey.objects.count() == before
    assert RegistrationLink.objects.get(id=made.link.id).used_at is None
    client.post(f"/connect/{made.token}", {**typed, "password": PASSWORD})
    assert RegistrationLink.objects.get(id=made.link.id).used_at is not None


def test_a_server_that_is_down_makes_no_key(scene: CalDavScene) -> None:
    scene.server.stop()
    try:
        with pytest.raises(Unreachable, match=r"refuses the connection\. Nothing was saved\. Check the"):
            again(scene, address=scene.server.base_url)
    finally:
        scene.server.start()
    assert RemoteKey.objects.count() == 1


def test_a_web_page_in_the_servers_place_makes_no_key(scene: CalDavScene) -> None:
    scene.proxy.before.append(saying(200, MAINTENANCE, headers={"Content-Type": "text/html"}))
    with pytest.raises(NotACalendarServer, match="but it is not a calendar server"):
        again(scene, address=scene.proxy.url)
    assert RemoteKey.objects.count() == 1


def test_a_password_changed_on_the_server_waits_for_its_owner(scene: CalDavScene, desk: Desk) -> None:
    moved, edited, late = scene.booked(0), scene.booked(2, name="Joe"), scene.at(5)
    scene.server.set_password(scene.owner.user, "a new password")
    scene.owner = CalDavOwner(scene.server, scene.owner.user, scene.owner.calendar)
    scene.owner.move(scene.link(moved).remote_id, scene.at(4))
    retitle(scene, edited, "Changed here")
    scene.poll()

    key = RemoteKey.objects.get(id=scene.key.id)
    assert key.state == RemoteKey.State.NEEDS_REAUTHORIZATION
    assert key.trouble == "The calendar server no longer accepts this user and password."
    assert key.trouble in desk.authorization()
    page = desk.configuration()
    assert f"{key.label} needs re-authorization: nothing can be sent or read until its owner signs in" in page
    assert "1 change is waiting." in page
    assert f"The access to {key.label} has ended; it needs re-authorization." in desk.appointment(edited)
    assert unchanged(moved)
    assert letters(scene) == [("attention", "company")]
    assert Message.objects.get(kind="attention").recipient == scene.admin.email

    booked = scene.book(late.start, name="Jim")
    asked = len(scene.proxy.asked)
    scene.poll()
    scene.poll()
    assert len(scene.proxy.asked) == asked, "a key that is refused is not tried again and again"
    assert not check_key(key=key, settings=QUICK, now=scene.now)
    with pytest.raises(WrongPassword):
        again(scene, address=scene.proxy.url, reauthorizes=key)
    assert letters(scene).count(("attention", "company")) == 1

    again(scene, address=scene.proxy.url, password="a new password", reauthorizes=key)
    scene.drain()
    scene.poll()
    assert not out_of_step(scene, moved, edited, booked)
    assert fresh(moved).start == scene.at(4).start
    assert fresh(edited).title == "Changed here"
    assert told(moved) == ["rescheduled"]
    assert told(edited) == []


def test_the_old_password_is_valid_again(scene: CalDavScene, desk: Desk) -> None:
    appointment = scene.booked()
    scene.server.set_password(scene.owner.user, "mistyped by the operator")
    retitle(scene, appointment, "Changed here")
    scene.poll()
    page = desk.press(f"keys/{scene.key.id}/check")
    assert f"The key of {scene.key.label} does not open its account any more" in page
    scene.server.set_password(scene.owner.user, PASSWORD)
    assert f"The key of {scene.key.label} works." in desk.press(f"keys/{scene.key.id}/check")
    scene.drain()
    assert not out_of_step(scene, appointment)
    assert fresh(appointment).title == "Changed here"


# --- the server


def test_a_server_that_is_down_is_waited_for(scene: CalDavScene, desk: Desk) -> None:
    there = scene.booked()
    scene.server.stop()
    try:
        booked = scene.book(scene.at(2).start, name="Joe")
        retitle(scene, there, "Changed here")
        scene.poll()
        page = desk.configuration()
        assert "2 changes are waiting. The connection to the calendar server broke off. Trying again" in page
        assert "waiting to be sent to Work" in desk.appointment(booked)
        link, calendar = scene.link(there), calendar_of(scene)
        assert (link.state, calendar.state) == (EventLink.State.OWES_PUSH, RemoteCalendar.State.OK)
        for waits in (link.next_attempt, calendar.next_attempt):
            assert waits and scene.now < waits <= scene.now + timedelta(minutes=15)
        for _ in range(20):
            scene.later(minutes=15)
            scene.drain()
        assert unchanged(there) and unchanged(booked)
        assert letters(scene) == []
        for _ in range(3):
            scene.later(hours=20)
            scene.drain()
        assert letters(scene) == [("attention", "company")]
    finally:
        scene.server.start()
    scene.later(minutes=16)
    scene.drain()
    assert not out_of_step(scene, there, booked)
    assert calendar_of(scene).trouble == ""
    assert told(there) == []
    assert "In step." in desk.configuration()


def test_an_availability_calendar_that_cannot_be_read_is_said_and_told(
    scene: CalDavScene, desk: Desk
) -> None:
    unlink(
        company_id=scene.company.id,
        connection_id=scene.connection.id,
        keep_copies=True,
        settings=QUICK,
        now=scene.now,
    )
    add_availability_calendar(
        schedule=scene.module.schedule, key=scene.key, remote_id=scene.calendar.remote_id, now=scene.now
    )
    scene.owner.add(scene.at(4))
    scene.drain()
    assert not offered(scene, 4)
    scene.server.stop()
    try:
        scene.later(hours=25)
        scene.drain()
    finally:
        scene.server.start()
    assert BROKE_OFF in desk.schedule()
    assert not offered(scene, 4), "what was read last goes on counting"
    assert letters(scene) == [("attention", "company")]
    letter = Message.objects.get(company=scene.company, kind="attention")
    assert desk.client.get(letter.details["path"]).status_code == 200
    scene.later(minutes=16)
    scene.drain()
    assert BROKE_OFF not in desk.schedule()


def test_retry_does_not_wait_for_a_server_that_is_back(scene: CalDavScene, desk: Desk) -> None:
    appointment = scene.booked()
    scene.proxy.before.append(saying(503, headers={"Retry-After": "7200"}))
    retitle(scene, appointment, "Changed here")
    scene.poll()
    scene.proxy.heal()
    scene.drain()
    assert scene.owner.events()[0].content.title != "Changed here"
    assert "It is being tried again now" in desk.press("apps/main/calendar/retry")
    scene.drain()
    assert not out_of_step(scene, appointment)


def test_a_server_that_goes_down_in_the_middle_of_a_read(scene: CalDavScene, desk: Desk) -> None:
    """Two pages, and the connection breaks between them: what was read stays, the rest is read again."""
    appointment = scene.booked()
    for number in range(90):
        scene.owner.add(scene.at(24 + number))
    scene.owner.move(scene.link(appointment).remote_id, scene.at(3))
    multigets: list[Asked] = []

    def second_one_breaks(asked: Asked) -> Reply | None:
        if b"multiget" in asked.body:
            multigets.append(asked)
        return HANG_UP if len(multigets) > 1 else None

    scene.proxy.before.append(second_one_breaks)
    cursor = calendar_of(scene).cursor
    scene.poll()
    calendar = calendar_of(scene)
    assert (calendar.cursor, calendar.trouble) == (cursor, BROKE_OFF)
    assert 0 < calendar.busy_times.count() < 91
    assert BROKE_OFF in desk.configuration()
    assert unchanged(appointment)
    scene.proxy.heal()
    scene.later(minutes=16)
    scene.drain()
    assert calendar_of(scene).busy_times.count() == 91
    assert fresh(appointment).start == scene.at(3).start
    assert (out_of_step(scene, appointment), told(appointment)) == ([], ["rescheduled"])


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (429, "The calendar server asks to try again later (HTTP 429)."),
        (503, "The calendar server asks to try again later (HTTP 503)."),
    ],
)
def test_retry_after_is_kept_to(scene: CalDavScene, desk: Desk, status: int, said: str) -> None:
    appointment = scene.booked()
    scene.proxy.before.append(saying(status, headers={"Retry-After": "1800"}))
    retitle(scene, appointment, "Changed here")
    scene.poll()
    assert said in desk.configuration()
    assert said in desk.appointment(appointment)
    asked = len(scene.proxy.asked)
    for _ in range(28):
        scene.poll()
    assert len(scene.proxy.asked) == asked, "asked before the time it named"
    scene.proxy.heal()
    scene.later(minutes=3)
    scene.drain()
    assert not out_of_step(scene, appointment)


def test_a_server_that_fails_over_everything_is_asked_less_and_less(scene: CalDavScene, desk: Desk) -> None:
    appointment = scene.booked()
    scene.proxy.before.append(saying(500, "Internal Server Error"))
    retitle(scene, appointment, "Changed here")
    asked = []
    for _ in range(60):
        before = len(scene.proxy.asked)
        scene.poll()
        asked.append(len(scene.proxy.asked) - before)
    assert sum(asked[:30]) < 60
    assert 0 < sum(asked[30:]) < 30
    assert "The calendar server failed (HTTP 500)." in desk.configuration()
    assert unchanged(appointment)
    scene.proxy.heal()
    scene.later(minutes=16)
    scene.drain()
    assert not out_of_step(scene, appointment)
    assert told(appointment) == []


def test_a_write_that_fails_after_its_effect_is_not_repeated_blindly(scene: CalDavScene) -> None:
    appointment = scene.booked()
    scene.proxy.after.append(lambda asked, reply: Reply(500) if asked.method == "PUT" else reply)
    retitle(scene, appointment, "Changed here")
    scene.drain()
    scene.proxy.heal()
    puts = len(scene.proxy.writes())
    scene.later(minutes=16)
    scene.drain()
    assert not out_of_step(scene, appointment)
    assert len(scene.proxy.writes()) == puts, "the event stood there already"


def test_a_web_page_in_the_servers_place_is_not_believed(scene: CalDavScene, desk: Desk) -> None:
    """Maintenance pages and hotspots answer *200 OK* to everything: nothing was written, nothing is gone."""
    there, gone = scene.booked(), scene.booked(2, name="Joe")
    scene.proxy.before.append(saying(200, MAINTENANCE, headers={"Content-Type": "text/html"}))
    booked = scene.book(scene.at(4).start, name="Jim")
    retitle(scene, there, "Changed here")
    cancelled(scene, gone)
    scene.poll()
    scene.poll()
    assert "A web page answers in the place of the calendar server" in desk.configuration()
    scene.proxy.heal()
    scene.settle()
    scene.poll()
    assert not out_of_step(scene, there, booked)
    assert fresh(booked).state == "confirmed"
    assert len(scene.owner.names()) == 2, "the cancelled one is off the calendar"
    assert scene.link(gone).state == EventLink.State.ENDED
    assert letters(scene) == [("cancelled", "company"), ("cancelled", "customer")], "of the cancelled one"


def test_one_event_the_server_cannot_hand_out_holds_up_no_other(scene: CalDavScene, desk: Desk) -> None:
    broken, other = scene.booked(), scene.booked(2, name="Joe")
    name = scene.link(broken).remote_id
    scene.owner.move(name, scene.at(5))
    scene.owner.move(scene.link(other).remote_id, scene.at(6))
    scene.proxy.before.append(only(lambda asked: name.encode() in asked.body, saying(500)))
    scene.poll()
    assert fresh(other).start == scene.at(6).start
    assert unchanged(broken)
    reason = "The calendar server cannot hand out this event (HTTP 500)."
    link = scene.link(broken)
    assert (link.state, link.reason) == (EventLink.State.PARKED, reason)
    assert reason in desk.configuration()
    assert reason in desk.appointment(broken)
    booked = scene.book(scene.at(3).start, name="Jim")
    scene.drain()
    assert scene.link(booked).state == EventLink.State.CLEAN
    scene.proxy.heal()
    scene.later(minutes=16)
    scene.drain()
    assert fresh(broken).start == scene.at(5).start
    assert not out_of_step(scene, broken, other, booked)


# --- the calendar


GONE = "This calendar is not on the server any more."


def test_a_calendar_that_was_deleted_parks_and_cancels_nothing(scene: CalDavScene, desk: Desk) -> None:
    there = scene.booked()
    place = scene.server.place_of(scene.owner.calendar.rstrip("/"))
    kept = place.with_name(".kept")
    place.rename(kept)
    booked = scene.book(scene.at(2).start, name="Joe")
    retitle(scene, there, "Changed here")
    scene.poll()
    calendar = calendar_of(scene)
    assert (calendar.state, calendar.trouble) == (RemoteCalendar.State.PARKED, GONE)
    assert f"{GONE} 2 changes are waiting." in desk.configuration()
    assert GONE in desk.appointment(there)
    assert letters(scene) == [], "it may be back in a minute"
    for _ in range(10):
        scene.later(hours=3)
        scene.drain()
    assert unchanged(there) and unchanged(booked)
    assert letters(scene) == [("attention", "company")], "told once"
    letter = Message.objects.get(company=scene.company, kind="attention")
    assert letter.details["heading"] == "The calendar Work cannot be reached"
    assert letter.details["reason"].startswith(f"{GONE} Until it can be read again, appointments wait here")
    assert desk.client.get(letter.details["path"]).status_code == 200
    kept.rename(place)
    scene.later(minutes=16)
    scene.drain()
    assert not out_of_step(scene, there, booked)
    assert told(there) == []
    assert "In step." in desk.configuration()
    place.rename(kept)
    scene.later(hours=1)
    scene.drain()
    assert len(letters(scene)) == 2, "it is news when it is gone again"


def test_a_calendar_that_has_another_address_now_is_followed(scene: CalDavScene, desk: Desk) -> None:
    """It has its name and our events: that proves it."""
    there = scene.booked()
    place = scene.server.place_of(scene.owner.calendar.rstrip("/"))
    place.rename(place.with_name("moved"))
    scene.owner.calendar = scene.owner.calendar.replace("/work/", "/moved/")
    booked = scene.book(scene.at(2).start, name="Joe")
    scene.owner.move(scene.link(there).remote_id, scene.at(4))
    scene.poll()
    scene.poll()
    calendar = calendar_of(scene)
    assert (calendar.state, calendar.trouble) == (RemoteCalendar.State.OK, "")
    assert calendar.remote_id.endswith("/moved/")
    assert fresh(there).start == scene.at(4).start
    assert not out_of_step(scene, there, booked)
    assert len(scene.owner.events()) == 2
    assert told(there) == ["rescheduled"]
    assert ("attention", "company") not in letters(scene)


@pytest.mark.parametrize("older", [False, True], ids=["sync-collection", "etags"])
def test_a_calendar_that_was_deleted_and_made_anew_gets_the_visits_again(
    radicale: Radicale, older: bool
) -> None:
    """That nothing is on it was nobody's decision about a visit."""
    with on_radicale(radicale, older=older) as scene:
        _is_made_anew(scene)


def _is_made_anew(scene: CalDavScene) -> None:
    visits = [scene.booked(n, name=f"Guest {n}") for n in range(3)]
    scene.owner.add(scene.at(6))
    scene.poll()
    scene.owner.drop_calendar()
    scene.poll()
    assert calendar_of(scene).state == RemoteCalendar.State.PARKED
    scene.server.make_calendar("work", name="Work", user=scene.owner.user)
    scene.owner.add(scene.at(7))
    scene.later(minutes=16)
    scene.drain()
    assert all(map(unchanged, visits))
    assert not out_of_step(scene, *visits)
    assert letters(scene) == []
    assert calendar_of(scene).state == RemoteCalendar.State.OK
    scene.owner.delete(scene.link(visits[0]).remote_id)
    scene.poll()
    assert fresh(visits[0]).state == "cancelled", "from then on a deletion is one again"


def test_a_calendar_that_is_gone_for_good_can_be_left(scene: CalDavScene, desk: Desk) -> None:
    visit = scene.booked()
    scene.owner.drop_calendar()
    scene.poll()
    page = desk.press("apps/main/calendar/unlink", copies="remove")
    assert "Unlinking. The copies of appointments still to come are being removed from Work" in page
    scene.poll()
    page = desk.configuration()
    assert "Unlinking: the copies are being removed from the calendar." in page
    assert GONE in page
    assert "Unlinked." in desk.press("apps/main/calendar/unlink", copies="keep")
    calendar = scene.server.make_calendar("second", name="Second", user=scene.owner.user)
    desk.press("apps/main/calendar/use-key", key=scene.key.id)
    path = scene.calendar.remote_id.replace("/work/", "/second/")
    desk.press("apps/main/calendar/connect", key=scene.key.id, calendar=path)
    scene.poll()
    second = CalDavOwner(scene.server, scene.owner.user, calendar)
    assert [event.content.title for event in second.events()] == ["Visit: Jane Doe"]
    second.close()
    assert unchanged(visit)
    assert letters(scene) == []


def test_a_calendar_that_becomes_read_only_still_tells_what_changes_there(
    scene: CalDavScene, desk: Desk
) -> None:
    there, edited = scene.booked(), scene.booked(2, name="Joe")
    scene.server.let_write(scene.owner.calendar, False)
    try:
        booked = scene.book(scene.at(4).start, name="Jim")
        retitle(scene, edited, "Changed here")
        scene.poll()
        reason = "The calendar server does not let this account write to this calendar."
        for visit in (booked, edited):
            link = scene.link(visit)
            assert (link.state, link.reason) == (EventLink.State.PARKED, reason)
            assert reason in desk.appointment(visit)
        page = desk.configuration()
        assert "2 appointments need a person, see below." in page
        assert page.count(reason) == 2
        text = scene.server.place_of(scene.owner.calendar + scene.link(there).remote_id)
        text.write_text(moved_by(text.read_text(), hours=1))  # a colleague who may
        scene.poll()
        assert fresh(there).start == scene.at(1).start
        assert all(map(unchanged, (edited, booked)))
    finally:
        scene.server.let_write(scene.owner.calendar, True)
    scene.later(minutes=16)
    scene.drain()
    assert not out_of_step(scene, there, edited, booked)


def test_retry_sends_what_a_read_only_calendar_refused(scene: CalDavScene, desk: Desk) -> None:
    visit = scene.booked()
    scene.server.let_write(scene.owner.calendar, False)
    try:
        retitle(scene, visit, "Changed here")
        scene.poll()
    finally:
        scene.server.let_write(scene.owner.calendar, True)
    assert "Trying again now." in desk.press(f"appointments/{visit.id}/retry")
    scene.drain()
    assert not out_of_step(scene, visit)


def test_the_copies_of_a_read_only_calendar_go_when_they_may(scene: CalDavScene, desk: Desk) -> None:
    scene.booked()
    scene.server.let_write(scene.owner.calendar, False)
    try:
        desk.press("apps/main/calendar/unlink", copies="remove")
        scene.poll()
        assert "does not let this account write" in desk.configuration()
    finally:
        scene.server.let_write(scene.owner.calendar, True)
    scene.later(minutes=16)
    scene.drain()
    assert scene.owner.names() == {}
    drain(calendar_id=scene.calendar.id, settings=QUICK, now=scene.now)
    assert "Not linked to a calendar." in desk.configuration()


def test_unlinking_asks_nothing_of_a_server_that_is_down(scene: CalDavScene, desk: Desk) -> None:
    visit = scene.booked()
    scene.server.stop()
    try:
        assert "Unlinked. Nothing is sent to Work" in desk.press("apps/main/calendar/unlink", copies="keep")
    finally:
        scene.server.start()
    asked = len(scene.proxy.asked)
    retitle(scene, visit, "Changed since")
    scene.poll()
    assert len(scene.proxy.asked) == asked
    assert [event.content.title for event in scene.owner.events()] == ["Visit: Jane Doe"]


# --- events


TOO_LARGE = "This event is too large to be read: its attachments would have to be taken out."
MEGABYTE = 1_000_000


def attach(size: int) -> Callable[[str], str]:
    """Put files of so many bytes into the event, as a person drops them there."""
    one = f"ATTACH;ENCODING=BASE64;VALUE=BINARY:{'QUJD' * 62_500}\r\n"
    return lambda text: text.replace("END:VEVENT", f"{one * (size // len(one) + 1)}END:VEVENT")


def set_line(name: str, line: str) -> Callable[[str], str]:
    """Replace a property of the event by this line."""
    return lambda text: re.sub(rf"{name}[;:][^\r]*\r\n(?: [^\r]*\r\n)*", f"{line}\r\n", text)


def both(*changes: Callable[[str], str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for one in changes:
            text = one(text)
        return text

    return change


def test_ten_megabytes_on_an_appointment(scene: CalDavScene, desk: Desk) -> None:
    visit, other = scene.booked(), scene.booked(2, name="Joe")
    name = scene.link(visit).remote_id
    slim = scene.owner.read(name)
    scene.owner.rewrite(name, attach(10 * MEGABYTE))
    scene.owner.move(scene.link(other).remote_id, scene.at(3))
    scene.poll()
    link = scene.link(visit)
    assert (link.state, link.reason) == (EventLink.State.PARKED, TOO_LARGE)
    assert (desk.configuration().count(TOO_LARGE), TOO_LARGE in desk.appointment(visit)) == (1, True)
    assert unchanged(visit)
    assert fresh(other).start == scene.at(3).start
    retitle(scene, visit, "Changed here")
    scene.poll()
    assert scene.link(visit).reason == TOO_LARGE
    scene.owner.write(name, slim)
    scene.later(minutes=16)
    scene.drain()
    assert not out_of_step(scene, visit, other)
    assert fresh(visit).title == "Changed here"
    assert told(visit) == []
    assert TOO_LARGE not in desk.configuration()


def test_an_appointment_cancelled_here_goes_however_large_it_is_there(scene: CalDavScene) -> None:
    visit = scene.booked()
    scene.owner.rewrite(scene.link(visit).remote_id, attach(MEGABYTE))
    cancelled(scene, visit)
    scene.poll()
    assert scene.owner.names() == {}
    assert scene.link(visit).state == EventLink.State.ENDED


def test_an_event_that_became_too_large_keeps_its_time(scene: CalDavScene, desk: Desk) -> None:
    """A file dropped into the owner's own event must not free its time for a customer."""
    name = scene.owner.add(scene.at(4))
    scene.poll()
    assert not offered(scene, 4)
    scene.owner.rewrite(name, attach(MEGABYTE))
    scene.poll()
    assert not offered(scene, 4)
    assert TOO_LARGE in desk.configuration()
    scene.owner.delete(name)
    scene.poll()
    assert offered(scene, 4)
    assert TOO_LARGE not in desk.configuration()


BAD_DATE = "This event's date or time cannot be read."


def test_an_appointment_that_became_malformed(scene: CalDavScene, desk: Desk) -> None:
    """Servers refuse most nonsense; what one hands out all the same is put aside, with the reason."""
    visit, other = scene.booked(), scene.booked(2, name="Joe")
    scene.poll()
    name = scene.link(visit).remote_id
    scene.owner.rewrite(name, set_line("SUMMARY", "SUMMARY:Renamed there"))

    def garbled(asked: Asked, reply: Reply) -> Reply:
        return replace(reply, body=reply.body.replace(b"DTSTART:2", b"DTSTART:x"))

    scene.proxy.after.append(garbled)
    scene.poll()
    link = scene.link(visit)
    assert (link.state, link.reason) == (EventLink.State.PARKED, BAD_DATE)
    assert BAD_DATE in desk.configuration()
    assert BAD_DATE in desk.appointment(visit)
    assert unchanged(visit) and unchanged(other)
    assert letters(scene) == []
    scene.proxy.heal()
    desk.press(f"appointments/{visit.id}/retry")
    scene.drain()
    assert not out_of_step(scene, visit, other)
    assert fresh(visit).title == "Renamed there"


def test_an_event_that_became_malformed_keeps_its_time(scene: CalDavScene, desk: Desk) -> None:
    name = scene.owner.add(scene.at(4))
    scene.poll()
    scene.owner.rewrite(name, set_line("SUMMARY", "SUMMARY:Renamed"))
    scene.proxy.after.append(
        lambda asked, reply: replace(reply, body=reply.body.replace(b"DTSTART:2", b"DTSTART:x"))
    )
    scene.poll()
    assert not offered(scene, 4)
    assert BAD_DATE in desk.configuration()
    scene.proxy.heal()
    scene.owner.move(name, scene.at(6))
    scene.poll()
    assert (offered(scene, 4), offered(scene, 6)) == (True, False)
    assert BAD_DATE not in desk.configuration()


@pytest.mark.parametrize(
    ("tzid", "zone"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("(UTC+01:00) Amsterdam\\, Berlin\\, Bern\\, Rome\\, Stockholm\\, Vienna", "Etc/GMT-1"),
    ],
)
def test_a_windows_zone_is_understood(scene: CalDavScene, tzid: str, zone: str) -> None:
    """Outlook names zones in its own way, and often leaves their definition out."""
    visit = scene.booked()
    wall = scene.at(3).start.astimezone(ZoneInfo(zone))
    quoted = f'"{tzid}"'.replace("\\", "")
    put(scene, visit, f"DTSTART;TZID={quoted}:{wall:%Y%m%dT%H%M%S}", duration(hours=1))
    scene.poll()
    assert (fresh(visit).start, fresh(visit).end) == (scene.at(3).start, scene.at(3).end)
    assert told(visit) == ["rescheduled"]
    retitle(scene, visit, "Changed here")
    scene.poll()
    assert scene.link(visit).state == EventLink.State.CLEAN
    text = scene.owner.read(scene.link(visit).remote_id).replace("\r\n ", "")
    assert "SUMMARY:Changed here" in text
    assert f"TZID={quoted}" in text.replace(f"TZID={tzid}:", f"TZID={quoted}:"), "the time is theirs"


def test_a_zone_nobody_knows_moves_nobody(scene: CalDavScene, desk: Desk) -> None:
    """Ten o'clock somewhere: guessing the zone would tell a customer a wrong time."""
    visit = scene.booked()
    before = scene.owner.read(scene.link(visit).remote_id)
    put(scene, visit, f"DTSTART;TZID=Customized Time Zone 3:{scene.nine:%Y%m%dT120000}", duration(hours=1))
    scene.poll()
    reason = "This event's time zone (Customized Time Zone 3) is not known. Choose one that is named after a"
    assert unchanged(visit)
    assert letters(scene) == []
    assert scene.link(visit).reason.startswith(reason)
    assert reason in desk.appointment(visit)
    scene.owner.write(scene.link(visit).remote_id, before)
    scene.later(minutes=16)
    scene.drain()
    assert not out_of_step(scene, visit)


def test_a_floating_time_is_the_offices(scene: CalDavScene) -> None:
    """A time without a zone means the clock on the wall of whoever reads it: the office's."""
    Schedule.objects.filter(id=scene.module.schedule_id).update(zone="America/New_York")
    visit = scene.booked(6)
    there = ZoneInfo("America/New_York")
    wanted = scene.at(8).start
    put(scene, visit, f"DTSTART:{wanted.astimezone(there):%Y%m%dT%H%M%S}", duration(hours=1))
    scene.poll()
    assert fresh(visit).start == wanted
    name = scene.owner.add(scene.at(30))
    scene.owner.rewrite(
        name,
        both(
            set_line("DTSTART", f"DTSTART;VALUE=DATE:{scene.at(24).start:%Y%m%d}"),
            set_line("DTEND", f"DTEND;VALUE=DATE:{scene.at(48).start:%Y%m%d}"),
        ),
    )
    scene.poll()
    (busy,) = calendar_of(scene).busy_times.filter(remote_id=name)
    assert busy.start.astimezone(there).hour == 0


def test_an_event_that_ends_before_it_begins(scene: CalDavScene, desk: Desk) -> None:
    visit = scene.booked()
    put(scene, visit, f"DTSTART:{scene.at(3).start:%Y%m%dT%H%M%SZ}", "DTEND:20200101T000000Z")
    scene.poll()
    assert unchanged(visit)
    assert NO_SUCH_TIME in desk.appointment(visit)
    assert letters(scene) == []
    retitle(scene, visit, "Changed here")
    scene.poll()
    assert "DTEND:20200101T000000Z" in scene.owner.read(scene.link(visit).remote_id), "theirs to put right"
    scene.owner.move(scene.link(visit).remote_id, scene.at(4))
    scene.poll()
    assert (fresh(visit).start, fresh(visit).attention) == (scene.at(4).start, "")
    assert not out_of_step(scene, visit)


def test_a_rule_without_end_on_an_appointment(scene: CalDavScene, desk: Desk) -> None:
    visit, other = scene.booked(), scene.booked(2, name="Joe")
    name = scene.link(visit).remote_id
    single = scene.owner.read(name)
    bomb(scene, name)
    scene.poll()
    link = scene.link(visit)
    assert link.state == EventLink.State.PARKED
    assert "was made a repeating event" in link.reason
    assert "was made a repeating event" in desk.configuration()
    assert unchanged(visit) and unchanged(other)
    text = scene.owner.read(name)
    retitle(scene, other, "Changed here")
    retitle(scene, visit, "Changed here too")
    scene.poll()
    desk.press(f"appointments/{visit.id}/retry")
    scene.later(minutes=16)
    scene.drain()
    assert scene.owner.read(name) == text, "a series is never written"
    assert scene.link(visit).state == EventLink.State.PARKED
    scene.server.place_of(scene.owner.calendar + name).write_text(single)
    scene.later(minutes=16)
    scene.drain()
    assert not out_of_step(scene, visit, other)
    assert fresh(visit).title == "Changed here too"


def test_a_rule_without_end_on_an_event(scene: CalDavScene, desk: Desk) -> None:
    name = scene.owner.add(scene.at(4))
    bomb(scene, name)
    started = time.monotonic()
    scene.poll()
    assert time.monotonic() - started < 5
    reason = "This event repeats more often than once a day, which cannot be shown here."
    assert reason in desk.configuration()
    assert not offered(scene, 4), "its first occurrence counts"
    visit = scene.booked(6)
    assert not out_of_step(scene, visit)


def test_a_second_event_with_our_uid_is_foreign(scene: CalDavScene) -> None:
    """A server that takes the same UID twice, or a folder somebody copied."""
    visit = scene.booked()
    name = scene.link(visit).remote_id
    twin = scene.server.place_of(scene.owner.calendar + "twin.ics")
    twin.write_text(moved_by(scene.owner.read(name), hours=3))
    scene.poll()
    scene.poll()
    assert unchanged(visit)
    assert scene.link(visit).remote_id == name
    scene.owner.move(name, scene.at(1))
    scene.poll()
    assert fresh(visit).start == scene.at(1).start
    text = twin.read_text()
    cancelled(scene, visit)
    scene.poll()
    assert twin.read_text() == text
    assert list(scene.owner.names()) == ["twin.ics"]


NO_SUCH_TIME = "got a time that no appointment can have"
NO_SUCH_DATE = "This event's date lies outside of all calendars."


@pytest.mark.parametrize(
    ("year", "said"),
    [("0001", NO_SUCH_TIME), ("1969", NO_SUCH_TIME), ("9000", NO_SUCH_TIME), ("9999", NO_SUCH_DATE)],
)
def test_an_appointment_at_the_end_of_all_calendars(
    scene: CalDavScene, desk: Desk, year: str, said: str
) -> None:
    visit = scene.booked()
    put(scene, visit, f"DTSTART:{year}1231T233000Z", duration(minutes=25))
    scene.poll()
    assert unchanged(visit)
    assert said in desk.appointment(visit)
    assert letters(scene) == []
    scene.owner.move(scene.link(visit).remote_id, scene.at(4))
    scene.later(minutes=16)
    scene.drain()
    assert (fresh(visit).start, fresh(visit).attention) == (scene.at(4).start, "")


@pytest.mark.parametrize("year", ["0001", "9999"])
@pytest.mark.parametrize("rule", ["", "RRULE:FREQ=DAILY"])
def test_an_event_at_the_end_of_all_calendars(scene: CalDavScene, desk: Desk, year: str, rule: str) -> None:
    name = scene.owner.add(scene.at(4))
    changes = [
        set_line("DTSTART", f"DTSTART:{year}1231T233000Z"),
        set_line("DTEND", f"DTEND:{year}1231T235959Z"),
        lambda text: text.replace("END:VEVENT", f"{rule}\r\nEND:VEVENT") if rule else text,
    ]
    text = both(*changes)(scene.owner.read(name))
    scene.server.place_of(scene.owner.calendar + name).write_text(text)
    visit = scene.booked(6)
    scene.poll()
    assert not out_of_step(scene, visit)
    desk.configuration()


LONG = "The whole correspondence with the customer. " * 300  # 13,200 characters


def test_a_long_text_of_the_owner_is_never_cut_on_the_calendar(scene: CalDavScene, desk: Desk) -> None:
    """We keep 5,000 characters of the notes; writing those back would lose the rest."""
    visit = scene.booked()
    name = scene.link(visit).remote_id
    block = scene.owner.event(name).content.description  # type: ignore[union-attr]
    scene.owner.edit(name, description=f"{LONG}\n\n{block}")
    scene.poll()
    assert fresh(visit).notes.startswith("The whole correspondence")
    retitle(scene, visit, "Changed here")
    scene.poll()
    there = scene.owner.event(name)
    assert there and there.content.title == "Changed here"
    assert LONG.strip() in (there.content.description or "")
    assert not out_of_step(scene, visit)
    assert "too long" in desk.appointment(visit)
    scene.owner.edit(name, description=f"Short again\n\n{block}")
    scene.poll()
    assert (fresh(visit).notes, fresh(visit).attention) == ("Short again", "")


def test_a_long_title_of_the_owner_is_never_cut_on_the_calendar(scene: CalDavScene) -> None:
    visit = scene.booked()
    name = scene.link(visit).remote_id
    scene.owner.edit(name, title="T" * 400, place="P" * 900)
    scene.poll()
    assert (fresh(visit).title, fresh(visit).place) == ("T" * 250, "P" * 500)
    reschedule(
        company_id=scene.company.id,
        appointment_id=visit.id,
        start=scene.at(2).start,
        actor=CUSTOMER,
        now=scene.now,
    )
    scene.drain()
    there = scene.owner.event(name)
    assert there and (there.content.title, there.content.place) == ("T" * 400, "P" * 900)
    assert there.content.when.start == scene.at(2).start
    retitle(scene, visit, "Changed here")
    scene.poll()
    assert not out_of_step(scene, visit)


def test_a_description_of_a_megabyte(scene: CalDavScene, desk: Desk) -> None:
    visit = scene.booked()
    name = scene.link(visit).remote_id
    text = "Lorem ipsum dolor " * 50_000  # 900 kB: just read; our block is gone with it
    scene.owner.edit(name, description=text)
    started = time.monotonic()
    scene.poll()
    assert time.monotonic() - started < 10
    assert unchanged(visit)
    retitle(scene, visit, "Changed here")
    scene.poll()
    there = scene.owner.event(name)
    assert there and (there.content.title, there.content.description) == ("Changed here", text)
    scene.owner.edit(name, description=text + text)
    scene.poll()
    assert scene.link(visit).reason == TOO_LARGE
    assert TOO_LARGE in desk.appointment(visit)


HOSTILE = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "override": "Tour \u202egnp.exe\u202c \u2066isolate",
    "controls": "Bell\x07 escape\x1b[31m null? \x7f \x85 tab\t end",
    "separators": "line\u2028paragraph\u2029 zero\u200bwidth \ufeff mark",
    "template": "{{ settings.SECRET_KEY }} {% debug %} ${7*7} %s %(x)s",
    "astral": "👩‍👩‍👧‍👦" * 60,
    "ics": "END:VEVENT\\nEND:VCALENDAR\\nBEGIN:VCALENDAR",
    "letters": "Z̸̡̛̦̲̦͖̟̝̼͖͕̻a̴̛͚̹̼l̷̨̛g̵̛̤o̷",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_text(scene: CalDavScene, desk: Desk, name: str) -> None:
    visit = scene.booked()
    event = scene.link(visit).remote_id
    block = scene.owner.event(event).content.description  # type: ignore[union-attr]
    text = HOSTILE[name][:200]
    scene.owner.edit(event, title=text, place=text, description=f"{text}\n\n{block}")
    scene.poll()
    after = fresh(visit)
    assert after.title and after.place and after.notes
    assert not set(after.title + after.notes) & CONTROLS
    page = desk.client.get(f"/company/{scene.company.slug}/appointments/{visit.id}").content.decode()
    assert "<script>alert(1)" not in page and "<img src=x" not in page
    assert desk.configuration()
    revision, puts = after.revision, len(scene.proxy.writes())
    for _ in range(3):
        scene.poll()
    assert (fresh(visit).revision, len(scene.proxy.writes())) == (revision, puts), "an echo"
    retitle(scene, visit, f"{text} again")
    scene.poll()
    assert scene.link(visit).state == EventLink.State.CLEAN
    assert scene.owner.event(event).content.title.endswith(" again")  # type: ignore[union-attr]
    assert unchanged(visit)
    assert letters(scene) == []
