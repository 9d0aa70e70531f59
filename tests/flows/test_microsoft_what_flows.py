"""PRODUCT.md's table *What flows, in which direction*, row by row, with Microsoft: the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.flows.what_flows import WEEK, WhatFlows, fresh, lists_lag, of, told
from tests.microsoft_sandbox import CONTROL, MicrosoftSandbox
from tests.microsoft_scene import MicrosoftScene, on_microsoft
from tests.providers.microsoft_side import ANA, BOB
from tests.standin_owner import day

from genie.core.event import When
from genie.flows.add_availability_calendar import add_availability_calendar
from genie.flows.cancel import cancel
from genie.flows.edit import edit
from genie.flows.reschedule import reschedule
from genie.providers.microsoft.mapping import ANOTHER_ORGANISES
from genie.store.models import Appointment, EventLink, Module

pytestmark = pytest.mark.django_db

TEAMS = (
    '<div class="me-email-text" lang="en-US"><div>________________</div><div>Microsoft Teams meeting</div>'
    '<div><a href="https://teams.microsoft.com/l/meetup-join/19%3ameeting_x">Join the meeting now</a></div>'
    "<div>Meeting ID: 123 456 789</div><div>________________</div></div>"
)
PARIS = "Europe/Paris"


@pytest.fixture
def scene(microsoft_sandbox: MicrosoftSandbox, request: pytest.FixtureRequest) -> Iterator[MicrosoftScene]:
    with on_microsoft(microsoft_sandbox, shared=getattr(request, "param", "") == "shared") as made:
        yield made


class TestWithMicrosoft(WhatFlows):
    pass


class TestWhereAnIdIsFoundUnderAnyCalendar:
    """As clients of Graph have seen it (microsoft-graph-docs #391): then an answer by id does not say that
    the event is on the calendar that was asked."""

    @pytest.fixture(autouse=True)
    def found_anywhere(self, scene: MicrosoftScene) -> None:
        scene.sandbox.world.finds_anywhere = True

    test_moved_to_another_calendar_it_is_followed = WhatFlows.test_moved_to_another_calendar_it_is_followed
    test_beside_a_copy = WhatFlows.test_moved_to_another_calendar_beside_a_copy_it_is_followed_all_the_same
    test_and_back_again = WhatFlows.test_and_back_again
    test_cancelled_here_before_the_move_was_seen = (
        WhatFlows.test_cancelled_here_before_the_move_was_seen_it_goes_from_where_it_is
    )
    test_deleted_there_it_is_cancelled_here = WhatFlows.test_deleted_there_it_is_cancelled_here

    def test_moved_while_lists_lag_behind_it_is_followed(self, scene: MicrosoftScene) -> None:
        """A list that still shows it where it was does not hide that it went."""
        appointment = scene.booked()
        event_id = scene.link(appointment).remote_id
        scene.owner.to_other_calendar(event_id)
        lists_lag(scene)
        scene.drain()
        assert scene.link(appointment).calendar.remote_id == scene.private
        scene.heal()
        scene.owner.move(event_id, scene.at(4))
        scene.poll()
        assert fresh(appointment).start == scene.at(4).start

    def test_moved_while_our_own_change_waits_it_is_followed(self, scene: MicrosoftScene) -> None:
        """The calendar has told that it went before our change is tried again, which then succeeds: an answer
        by id does not make it one of this calendar."""
        appointment = scene.booked()
        event_id = scene.link(appointment).remote_id
        edit(**of(appointment), title="Retitled", now=scene.now)
        scene.owner.to_other_calendar(event_id)
        scene.later(minutes=1)
        scene.sandbox.fault("reset_before", call="events.update")
        scene.drain()
        assert scene.link(appointment).state == EventLink.State.OWES_PUSH
        scene.later(minutes=1)
        scene.drain()
        assert scene.link(appointment).calendar.remote_id == scene.private
        event = scene.owner.seen(event_id)
        assert event.content.title == "Retitled"
        assert fresh(appointment).state == "confirmed"


def moment(said: dict[str, str]) -> datetime:
    return datetime.fromisoformat(said["dateTime"])


# --- here


def test_booked_here_an_event_is_made_there(scene: MicrosoftScene) -> None:
    appointment = scene.book(scene.nine)
    Appointment.objects.filter(id=appointment.id).update(place="Room 1", zone=PARIS)
    scene.drain()
    event = scene.event_of(appointment)
    assert scene.wrote() == ["create"]
    assert (event["subject"], event["location"]["displayName"]) == ("Visit: Jane Doe", "Room 1")
    assert moment(event["start"]) == scene.nine.replace(tzinfo=None)
    assert moment(event["end"]) - moment(event["start"]) == timedelta(hours=1)
    assert event["originalStartTimeZone"] == event["originalEndTimeZone"] == "Romance Standard Time"
    described = scene.seen(appointment).content.description or ""
    assert all(line in described for line in ("Jane Doe", "jane@example.org", "Please ring twice."))
    assert f"/company/{scene.company.slug}/appointments/{appointment.id}" in described
    assert (event["showAs"], event["attendees"]) == ("busy", []), "Outlook would write letters of its own"
    assert not scene.sandbox.world.mailed


def test_what_else_the_owner_chose_stays(scene: MicrosoftScene) -> None:
    appointment = scene.booked()
    guest = {"emailAddress": {"address": "guest@example.net"}, "type": "required"}
    chosen = {
        "categories": ["Red category"],
        "isReminderOn": False,
        "showAs": "oof",
        "sensitivity": "private",
    }
    scene.change(appointment, attendees=[guest], **chosen)
    edit(**of(appointment), title="Tour", place="Room 2", notes="Bring <two> forms", now=scene.now)
    reschedule(**of(appointment), start=scene.at(3).start, now=scene.now)
    scene.drain()
    event = scene.event_of(appointment)
    assert (event["subject"], event["location"]["displayName"]) == ("Tour", "Room 2")
    assert {name: event[name] for name in chosen} == chosen
    assert [one["emailAddress"]["address"] for one in event["attendees"]] == ["guest@example.net"]
    scene.poll()
    assert fresh(appointment).notes == "Bring <two> forms"


# --- there


def test_notes_written_in_outlook_are_kept_here_as_text(scene: MicrosoftScene) -> None:
    """Its editor keeps HTML: fonts, links, entities, lists; our block goes through it, too."""
    appointment = scene.booked()
    before = scene.event_of(appointment)["body"]["content"]
    own = (
        '<p class="MsoNormal"><span style="font-size:11pt">Bring <b>two</b> forms&nbsp;&amp; a pen</span></p>'
        "<ul><li>x &lt; y</li><li>Ümlaut</li></ul>"
    )
    html = before.replace("<body>", f"<body>{own}").replace("</body>", "<div>Bye</div></body>")
    scene.change(appointment, body={"contentType": "html", "content": html})
    scene.asked()
    scene.poll()
    assert fresh(appointment).notes == "Bring two forms & a pen\nx < y\nÜmlaut\n\nBye"
    assert scene.link(appointment).state == EventLink.State.CLEAN
    scene.later(hours=2)
    scene.drain()
    assert scene.wrote() == [], "the block is whole: nothing to repair"
    edit(**of(appointment), notes="Bring two forms & a pencil\nx < y\nÜmlaut\n\nBye", now=scene.now)
    scene.drain()
    html = scene.event_of(appointment)["body"]["content"]
    assert '<p class="MsoNormal"><span style="font-size:11pt">Bring two forms &amp; a pencil</span>' in html
    assert "<ul><li>x &lt; y</li><li>Ümlaut</li></ul>" in html, "lines that did not change stay"
    scene.poll()
    assert fresh(appointment).notes == "Bring two forms & a pencil\nx < y\nÜmlaut\n\nBye"


def test_notes_written_as_plain_text_are_kept_here(scene: MicrosoftScene) -> None:
    scene.owner.writes_text = True
    appointment = scene.booked()
    block = scene.seen(appointment).content.description
    scene.edit(appointment, description=f"Ring twice,\n  then <wait> & knock\n\n{block}")
    scene.poll()
    assert fresh(appointment).notes == "Ring twice,\n  then <wait> & knock"
    edit(**of(appointment), notes="Just ring", now=scene.now)
    scene.drain()
    assert scene.seen(appointment).content.description == f"Just ring\n\n{block}"


@pytest.mark.parametrize("text", ["", "Changed\nby us"], ids=["as it was", "with other notes"])
def test_the_part_by_which_people_join_a_meeting_is_no_note_and_is_kept(
    scene: MicrosoftScene, text: str
) -> None:
    """*Add online meeting* in Outlook puts it at the end of the body."""
    appointment = scene.booked()
    body = scene.event_of(appointment)["body"]["content"].replace("</body>", f"{TEAMS}</body>")
    scene.change(appointment, isOnlineMeeting=True, body={"contentType": "html", "content": body})
    scene.poll()
    assert fresh(appointment).notes == ""
    edit(**of(appointment), notes=text, title="Retitled", now=scene.now)
    reschedule(**of(appointment), start=scene.at(2).start, now=scene.now)
    scene.drain()
    event = scene.event_of(appointment)
    assert event["subject"] == "Retitled"
    assert event["isOnlineMeeting"]
    assert TEAMS in event["body"]["content"]
    scene.poll()
    assert (fresh(appointment).notes, fresh(appointment).start) == (text, scene.at(2).start)


def test_declined_by_a_guest_it_stands(scene: MicrosoftScene) -> None:
    appointment = scene.booked()
    guest = {
        "emailAddress": {"address": "guest@example.net", "name": "Guest"},
        "type": "required",
        "status": {"response": "declined", "time": "2026-02-27T10:00:00Z"},
    }
    scene.owner.becomes(scene.link(appointment).remote_id, attendees=[guest])
    scene.poll()
    assert (fresh(appointment).state, fresh(appointment).revision) == ("confirmed", 1)
    assert scene.link(appointment).state == EventLink.State.CLEAN


def test_declined_by_its_owner_it_is_cancelled_here_and_stays_there(scene: MicrosoftScene) -> None:
    """Where another organises it by now: Outlook may keep what its owner declined."""
    appointment = scene.booked()
    scene.asked()
    said = {"response": "declined", "time": "2026-02-27T10:00:00Z"}
    scene.owner.becomes(scene.link(appointment).remote_id, isOrganizer=False, responseStatus=said)
    scene.poll()
    assert (fresh(appointment).state, told(appointment)) == ("cancelled", ["cancelled"])
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert scene.seen(appointment).content.cancelled
    assert scene.offered(0)
    assert scene.wrote() == []


def test_cancel_in_outlook_takes_it_away_and_is_a_cancellation(scene: MicrosoftScene) -> None:
    """*Cancel meeting*, which its organizer has where there are guests."""
    appointment = scene.booked()
    scene.owner.ask("POST", f"{scene.owner.where(scene.link(appointment).remote_id)}/cancel", json={})
    scene.poll()
    assert (fresh(appointment).state, told(appointment)) == ("cancelled", ["cancelled"])


@pytest.mark.parametrize("shown", ["free", "tentative", "oof", "workingElsewhere"])
def test_shown_as_something_else_there_the_visit_stands(scene: MicrosoftScene, shown: str) -> None:
    Module.objects.update(capacity=1)
    scene.module.refresh_from_db()
    appointment = scene.booked()
    scene.change(appointment, showAs=shown)
    scene.poll()
    assert (fresh(appointment).state, fresh(appointment).revision) == ("confirmed", 1)
    assert not scene.offered(0), "it takes its time as the visit it is"
    assert told(appointment) == []


def test_organised_by_another_person_it_is_only_read(scene: MicrosoftScene) -> None:
    appointment = scene.booked()
    organizer = {"emailAddress": {"name": "Sam", "address": "sam@elsewhere.example"}}
    scene.owner.becomes(scene.link(appointment).remote_id, isOrganizer=False, organizer=organizer)
    scene.poll()
    scene.move(appointment, scene.at(3))
    scene.poll()
    assert fresh(appointment).start == scene.at(3).start, "what changes there comes in"
    edit(**of(appointment), title="Retitled", now=scene.now)
    scene.asked()
    scene.drain()
    link = scene.link(appointment)
    assert (link.state, link.reason) == (EventLink.State.PARKED, ANOTHER_ORGANISES)
    assert scene.wrote() == []


def test_moved_to_a_calendar_the_key_does_not_reach_it_is_cancelled(scene: MicrosoftScene) -> None:
    """Into another mailbox: there it is another event."""
    appointment = scene.booked()
    world = scene.sandbox.world
    bobs = scene.sandbox.calendar(BOB, "Bob's")
    with world.lock:
        source, stored = world.find_event(scene.link(appointment).remote_id) or pytest.fail("not there")
        world.move(stored, source, bobs)
    scene.poll()
    after = fresh(appointment)
    assert (after.state, told(appointment)) == ("cancelled", ["cancelled"])
    assert after.history.get(field="state").note == "deleted on the calendar"


def test_moved_away_and_back_between_two_reads_where_the_delta_forgets_it(scene: MicrosoftScene) -> None:
    """It is told as removed, and never again (microsoft-graph-docs #21752). What it says is read by id."""
    scene.sandbox.world.forgets_returned = True
    appointment = scene.booked()
    scene.poll()
    event_id = scene.link(appointment).remote_id
    scene.owner.to_other_calendar(event_id)
    scene.owner.to_other_calendar(event_id)
    scene.move(appointment, scene.at(3))
    scene.poll()
    after = fresh(appointment)
    assert (after.state, after.start) == ("confirmed", scene.at(3).start)
    assert scene.link(appointment).calendar.remote_id == scene.team
    assert told(appointment) == ["rescheduled"]


@pytest.mark.parametrize("scene", ["shared"], indirect=True)
def test_on_somebody_else_s_calendar_it_flows_both_ways(scene: MicrosoftScene) -> None:
    appointment = scene.booked()
    scene.move(appointment, scene.at(3))
    scene.edit(appointment, title="Jane", place="Room 1")
    scene.poll()
    after = fresh(appointment)
    assert (after.start, after.title, after.place) == (scene.at(3).start, "Jane", "Room 1")
    edit(**of(appointment), title="Retitled", now=scene.now)
    scene.drain()
    assert scene.seen(appointment).content.title == "Retitled"
    scene.owner.delete(scene.link(appointment).remote_id)
    scene.poll()
    assert (fresh(appointment).state, told(appointment)) == ("cancelled", ["cancelled"])


@pytest.mark.parametrize("scene", ["shared"], indirect=True)
@pytest.mark.parametrize("role", ["write", "limitedRead"])
def test_texts_that_are_hidden_from_this_account_are_no_change(scene: MicrosoftScene, role: str) -> None:
    """A private event on another's calendar, and a share without details: only its times count."""
    appointment = scene.booked()
    edit(**of(appointment), notes="Bring a pen", place="Room 1", now=scene.now)
    scene.drain()
    if role == "write":
        with scene.sandbox.owner(BOB) as bob:
            answer = bob.patch(
                f"me/events/{scene.link(appointment).remote_id}", json={"sensitivity": "private"}
            )
            assert answer.is_success
    scene.move(appointment, scene.at(3))
    with scene.sandbox.world.lock:
        scene.stored()[0].shares[scene.sandbox.account(ANA).oid] = role
    scene.poll()
    after = fresh(appointment)
    assert (after.title, after.place, after.notes) == ("Visit: Jane Doe", "Room 1", "Bring a pen")
    assert after.start == scene.at(3).start


# --- what takes time


@pytest.mark.parametrize(
    ("body", "by_policy"),
    [
        ({"showAs": "tentative"}, True),
        ({"responseStatus": {"response": "tentativelyAccepted"}, "isOrganizer": False}, True),
        ({"responseStatus": {"response": "notResponded"}, "isOrganizer": False}, True),
        ({"responseStatus": {"response": "accepted"}, "isOrganizer": False}, False),
    ],
    ids=["tentative", "perhaps", "unanswered", "accepted"],
)
def test_what_is_not_sure_takes_time_by_policy(
    scene: MicrosoftScene, body: dict[str, Any], by_policy: bool
) -> None:
    scene.owner.becomes(scene.owner.add(scene.at(2)), **body)
    scene.poll()
    assert not scene.offered(2)
    Module.objects.update(tentative_blocks=False)
    scene.module.refresh_from_db()
    assert scene.offered(2) == by_policy


@pytest.mark.parametrize(
    "body",
    [
        {"showAs": "free"},
        {"showAs": "workingElsewhere"},
        {"isCancelled": True},
        {"responseStatus": {"response": "declined"}, "isOrganizer": False},
    ],
    ids=["free", "elsewhere", "cancelled", "declined"],
)
def test_what_takes_no_time(scene: MicrosoftScene, body: dict[str, Any]) -> None:
    scene.owner.becomes(scene.owner.add(scene.at(2)), **body)
    scene.poll()
    assert scene.offered(2)


def test_an_invitation_takes_time_until_it_is_declined(scene: MicrosoftScene) -> None:
    """Invitations lie on the account's own calendar, so that one is read for the schedule."""
    own = scene.sandbox.calendar_id(ANA)
    add_availability_calendar(schedule=scene.module.schedule, key=scene.key, remote_id=own, now=scene.now)
    span = scene.at(2)
    invited = {"upn": ANA, "subject": "Board", "start": span.start.isoformat(), "end": span.end.isoformat()}
    answer = httpx.post(f"{scene.sandbox.base_url}{CONTROL}/invite", json=invited)
    event_id = answer.json()["immutableId"]
    scene.drain()
    assert not scene.offered(2)
    scene.owner.ask("POST", f"me/events/{event_id}/decline", json={"sendResponse": False})
    scene.poll()
    assert scene.offered(2)


@pytest.mark.parametrize("free", [False, True], ids=["busy", "free"])
def test_all_day_takes_the_day_unless_it_is_free(scene: MicrosoftScene, free: bool) -> None:
    scene.owner.insert(day(scene.nine), **({"showAs": "free"} if free else {}))
    scene.poll()
    assert [scene.offered(hours) for hours in (0, 5, 24)] == [free, free, True]


def test_all_day_is_the_day_of_the_zone_it_was_made_in(scene: MicrosoftScene) -> None:
    """Graph says midnight to midnight, whatever zone that is in."""
    midnight = scene.nine.replace(hour=0)
    body = {
        name: {"dateTime": f"{one:%Y-%m-%dT00:00:00}", "timeZone": "Tokyo Standard Time"}
        for name, one in (("start", midnight), ("end", midnight + timedelta(days=1)))
    }
    scene.owner.insert(day(scene.nine), **body)
    scene.poll()
    assert [scene.busy(hours) for hours in (-10, -9, 5, 6)] == [True, True, True, False]


def test_out_of_office_takes_its_time(scene: MicrosoftScene) -> None:
    scene.owner.insert(scene.at(2), showAs="oof")
    scene.poll()
    assert (scene.offered(2), scene.offered(3)) == (False, True)
    assert scene.calendar.busy_times.get().kind == "out_of_office"


# --- series


def test_a_weekly_series_over_the_change_of_clocks_is_where_its_owner_sees_it(scene: MicrosoftScene) -> None:
    """Nine o'clock in Paris: after 29 March an hour earlier in UTC."""
    nine = scene.nine
    series = scene.owner.add(When(nine, nine + timedelta(hours=1), PARIS))
    scene.owner.repeat(series, weeks=6)
    scene.poll()
    assert [scene.busy(WEEK * week) for week in range(6)] == [True, True, True, True, False, False]
    assert [scene.busy(WEEK * week - 1) for week in range(6)] == [False, False, False, False, True, True]


def test_a_series_of_ours_that_is_cancelled_here_is_left_there(scene: MicrosoftScene) -> None:
    appointment = scene.booked(1)
    scene.owner.repeat(scene.link(appointment).remote_id)
    scene.poll()
    cancel(**of(appointment), now=scene.now)
    scene.asked()
    scene.drain()
    assert scene.wrote() == []
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert len(scene.owner.events()) == 1
