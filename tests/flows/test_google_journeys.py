"""What flows between an appointment and its event on Google (PRODUCT.md, *What flows*), on the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.google_sandbox import GoogleSandbox, google_sandbox, google_server  # noqa: F401  fixtures
from tests.providers.google_side import ANA, granted, settings_for, times
from tests.sync_scene import CUSTOMER, MONDAY, Business, at, office

from genie.core.event import When
from genie.flows.edit import edit
from genie.flows.reschedule import reschedule
from genie.store.models import (
    Appointment,
    BusyTime,
    Connection,
    EventLink,
    Message,
    RemoteCalendar,
    RemoteKey,
)
from genie.store.queries.busy import busy_stretches
from genie.store.sealed import seal

pytestmark = pytest.mark.django_db

OURS = "calendar.events."


@dataclass(kw_only=True)
class Google(Business):
    """`owner` is Ana at her calendar; both clocks go together."""

    sandbox: GoogleSandbox
    owner: httpx.Client

    def later(self, **span: float) -> None:
        super().later(**span)
        self.sandbox.advance(timedelta(**span))

    def booked(self) -> Appointment:
        appointment = self.book(MONDAY)
        self.drain()
        assert self.link(appointment).state == EventLink.State.CLEAN, self.link(appointment).reason
        return appointment

    def event_of(self, appointment: Appointment) -> dict[str, Any]:
        return self.did(self.owner.get(self.path(self.link(appointment).remote_id)))

    def change(self, appointment: Appointment, **body: Any) -> dict[str, Any]:
        return self.did(self.owner.patch(self.path(self.link(appointment).remote_id), json=body))

    def add(self, when: When, **body: Any) -> str:
        return str(self.did(self.owner.post(self.path(), json=times(when) | body))["id"])

    def path(self, event_id: str = "", *, calendar: str = "") -> str:
        path = f"calendars/{calendar or self.calendar.remote_id}/events"
        return f"{path}/{event_id}" if event_id else path

    def did(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    def asked(self) -> list[str]:
        """The API methods our side called since the last time, in order."""
        with self.sandbox.world.lock:
            calls = [one.call.removeprefix(OURS) for one in self.sandbox.world.request_log]
            self.sandbox.world.request_log.clear()
        return calls

    def busy(self, hours: float) -> bool:
        span = at(hours)
        return bool(
            busy_stretches(
                module_id=self.module.id,
                schedule_id=self.module.schedule_id,
                kinds=["busy", "tentative", "unanswered", "out_of_office"],
                start=span.start,
                end=span.end,
            )
        )


@pytest.fixture
def scene(google_sandbox: GoogleSandbox) -> Iterator[Google]:  # noqa: F811
    now = MONDAY - timedelta(days=3)
    google_sandbox.stop_clock(now)
    team = google_sandbox.calendar(ANA, "Team")
    secret = granted(google_sandbox)
    module = office(f"google-{team[:8]}", now=now)
    key = RemoteKey.objects.create(
        company=module.company,
        kind="google",
        identity=secret["sub"],
        label=ANA,
        secret=seal(dict(secret)),
        created_at=now,
    )
    calendar = RemoteCalendar.objects.create(key=key, remote_id=team, name="Team", may_write=True)
    connection = Connection.objects.create(module=module, calendar=calendar, realtime=True, linked_at=now)
    with google_sandbox.owner(ANA) as owner:
        yield Google(
            module=module,
            key=key,
            calendar=calendar,
            connection=connection,
            settings=settings_for(google_sandbox),
            now=now,
            sandbox=google_sandbox,
            owner=owner,
        )


def refreshed(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(id=appointment.id)


def test_a_booking_is_one_quiet_request_and_a_poll_another(scene: Google) -> None:
    appointment = scene.book(MONDAY)
    scene.drain()
    asked = scene.asked()
    assert asked.count("insert") == 1
    assert set(asked) == {"insert", "list"}
    event = scene.event_of(appointment)
    assert event["summary"] == "Visit: Jane Doe"
    assert "jane@example.org" in event["description"]
    assert "attendees" not in event
    scene.poll()
    scene.asked()
    for _ in range(3):
        scene.poll()
    assert scene.asked() == ["list"] * 3
    assert refreshed(appointment).revision == 1


def test_moved_there_it_is_rescheduled_here(scene: Google) -> None:
    appointment = scene.booked()
    scene.change(appointment, **times(at(3)))
    scene.poll()
    assert refreshed(appointment).start == at(3).start
    assert (
        Message.objects.filter(appointment=appointment, kind="rescheduled", audience="customer").count() == 1
    )
    assert set(scene.asked()) <= {"insert", "list", "get"}


def test_moved_here_it_is_patched_there(scene: Google) -> None:
    appointment = scene.booked()
    reschedule(
        company_id=appointment.company_id,
        appointment_id=appointment.id,
        start=at(2).start,
        actor=CUSTOMER,
        now=scene.now,
        force=True,
    )
    scene.asked()
    scene.drain()
    assert [call for call in scene.asked() if call != "list"] == ["get", "patch"]
    assert datetime.fromisoformat(scene.event_of(appointment)["start"]["dateTime"]) == at(2).start


def test_notes_written_on_google_s_page_come_in_as_text_and_our_block_stays_whole(scene: Google) -> None:
    appointment = scene.booked()
    before = scene.event_of(appointment)["description"]
    address = before[before.index("http") :].split()[0]
    block = before.replace("\n", "<br>").replace(address, f'<a href="{address}">{address}</a>')
    scene.change(appointment, description=f"<p>Bring <b>two</b> forms &amp; a pen</p>{block}")
    scene.poll()
    assert refreshed(appointment).notes == "Bring two forms & a pen"
    scene.later(hours=2)
    scene.drain()
    assert "patch" not in scene.asked()


def test_both_sides_at_once_are_merged_field_by_field(scene: Google) -> None:
    appointment = scene.booked()
    edit(
        company_id=appointment.company_id,
        appointment_id=appointment.id,
        actor=CUSTOMER,
        now=scene.now,
        title="Visit: J. Doe",
        place="Room 1",
    )
    scene.change(appointment, location="Room 2", **times(at(1)))
    scene.drain()
    scene.poll()
    after, there = refreshed(appointment), scene.event_of(appointment)
    assert (after.start, after.title, after.place) == (at(1).start, "Visit: J. Doe", "Room 2")
    assert (there["summary"], there["location"]) == ("Visit: J. Doe", "Room 2")
    assert after.history.filter(field="place", lost=True).exists()


def test_declined_there_it_is_cancelled_here_and_the_event_stays(scene: Google) -> None:
    appointment = scene.booked()
    scene.change(appointment, attendees=[{"email": scene.calendar.remote_id, "responseStatus": "declined"}])
    scene.poll()
    assert refreshed(appointment).state == "cancelled"
    assert scene.event_of(appointment)["status"] == "confirmed"
    assert scene.link(appointment).state == EventLink.State.ENDED


def test_deleted_there_it_is_cancelled_here(scene: Google) -> None:
    appointment = scene.booked()
    scene.did(scene.owner.delete(scene.path(scene.link(appointment).remote_id)))
    scene.poll()
    assert refreshed(appointment).state == "cancelled"
    scene.later(minutes=3)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert not {"insert", "patch", "delete"} & set(scene.asked()[1:])


def test_moved_to_another_calendar_it_is_followed(scene: Google) -> None:
    other = scene.sandbox.calendar(ANA, "Private")
    appointment = scene.booked()
    event_id = scene.link(appointment).remote_id
    scene.did(scene.owner.post(f"{scene.path(event_id)}/move", params={"destination": other}))
    scene.poll()
    assert refreshed(appointment).state == "confirmed"
    assert scene.link(appointment).calendar.remote_id == other
    scene.did(scene.owner.patch(scene.path(event_id, calendar=other), json=times(at(4))))
    scene.poll()
    assert refreshed(appointment).start == at(4).start


def test_made_a_series_it_is_left_alone_and_its_other_occurrences_are_busy(scene: Google) -> None:
    appointment = scene.booked()
    scene.change(appointment, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    scene.poll()
    assert scene.link(appointment).state == EventLink.State.PARKED
    assert "repeating" in refreshed(appointment).attention
    assert [scene.busy(24 * day) for day in range(4)] == [False, True, True, False]
    scene.later(minutes=20)
    scene.drain()
    scene.asked()
    scene.poll()
    assert scene.asked() == ["list"], "a series that nobody touches costs nothing"
    first = f"{scene.link(appointment).remote_id}_{MONDAY + timedelta(days=1):%Y%m%dT%H%M%SZ}"
    scene.did(scene.owner.delete(scene.path(first)))
    scene.poll()
    assert [scene.busy(24 * day) for day in range(4)] == [False, False, True, False]
    scene.change(appointment, recurrence=None)
    scene.later(minutes=20)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.CLEAN
    assert refreshed(appointment).attention == ""
    assert not any(scene.busy(24 * day) for day in range(4))


def test_a_series_deleted_by_its_owner_cancels(scene: Google) -> None:
    appointment = scene.booked()
    scene.change(appointment, recurrence=["RRULE:FREQ=WEEKLY"])
    scene.poll()
    scene.did(scene.owner.delete(scene.path(scene.link(appointment).remote_id)))
    scene.later(minutes=20)
    scene.drain()
    assert refreshed(appointment).state == "cancelled"
    assert not scene.busy(24 * 7)


def test_what_others_put_on_the_calendar_takes_time_or_not(scene: Google) -> None:
    weekly = scene.add(at(1), recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    scene.add(at(3), transparency="transparent")
    mine = [{"email": scene.calendar.remote_id, "responseStatus": "declined"}]
    scene.add(at(4), attendees=mine)
    scene.add(at(5), status="tentative")
    scene.did(
        scene.owner.post(scene.path(), json={"start": {"date": "2026-03-03"}, "end": {"date": "2026-03-04"}})
    )
    moved = f"{weekly}_{at(1).start + timedelta(days=7):%Y%m%dT%H%M%SZ}"
    scene.did(scene.owner.patch(scene.path(moved), json=times(at(24 * 7 + 6))))
    scene.poll()
    free = [
        hours for hours in (0, 1, 3, 4, 5, 24, 24 * 7 + 1, 24 * 7 + 6, 24 * 14 + 1) if not scene.busy(hours)
    ]
    assert free == [0, 3, 4, 24 * 7 + 1]
    scene.did(scene.owner.delete(scene.path(weekly)))
    scene.poll()
    assert not scene.busy(1)
    assert not scene.busy(24 * 14 + 1)
    assert scene.busy(5)


def test_a_touched_endless_series_leaves_the_mirror_small(scene: Google) -> None:
    weekly = scene.add(at(1), recurrence=["RRULE:FREQ=WEEKLY"])
    scene.poll()
    before = BusyTime.objects.filter(calendar=scene.calendar).count()
    scene.did(scene.owner.patch(scene.path(weekly), json={"summary": "New"}))
    scene.poll()
    assert BusyTime.objects.filter(calendar=scene.calendar).count() == before


def test_an_expired_token_is_one_full_read_and_changes_nothing(scene: Google) -> None:
    appointment = scene.booked()
    scene.poll()
    with scene.sandbox.world.lock:
        scene.sandbox.world.calendars[scene.calendar.remote_id].epoch += 1
    scene.asked()
    scene.poll()
    assert scene.asked() == ["list", "list"]
    assert refreshed(appointment).revision == 1
    assert not Message.objects.filter(kind="cancelled").exists()


def test_a_withdrawn_grant_turns_the_key_and_loses_nothing(scene: Google) -> None:
    appointment = scene.book(MONDAY)
    with scene.sandbox.world.lock:
        scene.sandbox.world.revoke_grant(scene.sandbox.account(ANA), "ours.apps.example")
    scene.drain()
    scene.key.refresh_from_db()
    assert scene.key.state == RemoteKey.State.NEEDS_REAUTHORIZATION
    assert scene.link(appointment).state == EventLink.State.OWES_PUSH
    RemoteKey.objects.update(secret=seal(dict(granted(scene.sandbox))), state=RemoteKey.State.ACTIVE)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.CLEAN


def test_an_hour_without_a_request_renews_the_token_and_keeps_it(scene: Google) -> None:
    appointment = scene.booked()
    scene.later(hours=2)
    scene.change(appointment, summary="Later")
    scene.drain()
    assert refreshed(appointment).title == "Later"
    version = RemoteKey.objects.get(id=scene.key.id).secret_version
    assert version == scene.key.secret_version + 1
    scene.poll()
    assert RemoteKey.objects.get(id=scene.key.id).secret_version == version


def test_a_visit_that_is_over_costs_no_look_each_night(scene: Google) -> None:
    """Google is asked from yesterday on, so what is past is in no list any more; nobody deleted it."""
    appointment = scene.booked()
    nights = []
    for _ in range(4):
        scene.later(days=2)
        scene.asked()
        scene.drain()
        nights.append(scene.asked().count("get"))
    assert nights[2:] == [0, 0]
    assert scene.link(appointment).state == EventLink.State.CLEAN
    scene.change(appointment, summary="Was pleasant")  # a change there is noticed all the same
    scene.drain()
    scene.poll()
    assert refreshed(appointment).title == "Was pleasant"
