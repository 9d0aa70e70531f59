"""PRODUCT.md's table *What flows, in which direction*, row by row, with Google: the stand-in, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.flows.what_flows import WhatFlows, fresh, of, told
from tests.google_sandbox import GoogleSandbox
from tests.google_scene import GoogleScene, on_google
from tests.standin_owner import day

from genie.flows.add_availability_calendar import add_availability_calendar
from genie.flows.edit import edit
from genie.store.models import Appointment, EventLink, Module

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(google_sandbox: GoogleSandbox) -> Iterator[GoogleScene]:
    with on_google(google_sandbox) as made:
        yield made


class TestWithGoogle(WhatFlows):
    pass


def instants(event: dict[str, Any]) -> tuple[datetime, datetime]:
    start, end = (datetime.fromisoformat(event[name]["dateTime"]) for name in ("start", "end"))
    return start.astimezone(UTC), end.astimezone(UTC)


# --- here


def test_booked_here_an_event_is_made_there(scene: GoogleScene) -> None:
    appointment = scene.book(scene.nine)
    Appointment.objects.filter(id=appointment.id).update(place="Room 1", zone="Europe/Madrid")
    scene.drain()
    event = scene.event_of(appointment)
    assert scene.wrote() == ["create"]
    assert (event["summary"], event["location"]) == ("Visit: Jane Doe", "Room 1")
    assert instants(event) == (scene.at(0).start, scene.at(0).end)
    assert event["start"]["timeZone"] == event["end"]["timeZone"] == "Europe/Madrid"
    described = event["description"]
    assert all(line in described for line in ("Jane Doe", "jane@example.org", "Please ring twice."))
    assert f"/company/{scene.company.slug}/appointments/{appointment.id}" in described
    assert event.get("transparency", "opaque") == "opaque"
    assert "attendees" not in event, "Google would write letters of its own"


def test_what_else_the_owner_chose_stays_and_texts_are_shown_as_they_were_typed(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.change(appointment, colorId="5", reminders={"useDefault": False, "overrides": []})
    edit(**of(appointment), notes="Bring <two> forms", now=scene.now)
    scene.drain()
    event = scene.event_of(appointment)
    assert event["description"].startswith("Bring &lt;two> forms\n\n")
    assert event["colorId"] == "5"
    scene.poll()
    assert fresh(appointment).notes == "Bring <two> forms"


# --- there


def test_notes_written_on_google_s_pages_are_kept_here_as_text(scene: GoogleScene) -> None:
    """Its editor keeps HTML: line breaks, links, entities, lists; our block goes through it, too."""
    appointment = scene.booked()
    before = scene.event_of(appointment)["description"]
    address = before[before.index("http") :].split()[0]
    block = before.replace("\n", "<br>").replace(
        address, f'<a href="{address}" target="_blank">{address}</a>'
    )
    own = "<p>Bring <b>two</b> forms&nbsp;&amp; a pen</p><ul><li>x &lt; y</li><li>Ümlaut</li></ul>"
    scene.change(appointment, description=f"{own}{block}<br>Bye")
    scene.asked()
    scene.poll()
    assert fresh(appointment).notes == "Bring two forms & a pen\nx < y\nÜmlaut\n\nBye"
    assert scene.link(appointment).state == EventLink.State.CLEAN
    scene.later(hours=2)
    scene.drain()
    assert scene.wrote() == [], "the block is whole: nothing to repair"


def test_declined_by_a_guest_it_stands(scene: GoogleScene) -> None:
    appointment = scene.booked()
    guests = [{"email": "guest@example.net", "responseStatus": "declined"}]
    scene.change(appointment, attendees=guests)
    scene.poll()
    assert (fresh(appointment).state, fresh(appointment).revision) == ("confirmed", 1)
    assert scene.link(appointment).state == EventLink.State.CLEAN


def test_moved_to_a_calendar_the_key_does_not_reach_it_is_cancelled(scene: GoogleScene) -> None:
    """One that the account lost, or that is not its own: nobody here can see it there."""
    appointment = scene.booked()
    bobs = scene.sandbox.calendar("bob@example.org", "Bob's")
    scene.sandbox.share(bobs, scene.owner.email, "writer")
    scene.owner.to_calendar(scene.link(appointment).remote_id, bobs)
    scene.sandbox.share(bobs, scene.owner.email, "none")
    scene.poll()
    after = fresh(appointment)
    assert (after.state, told(appointment)) == ("cancelled", ["cancelled"])
    assert after.history.get(field="state").note == "deleted on the calendar"


# --- what takes time


@pytest.mark.parametrize(
    ("body", "by_policy"),
    [
        ({"status": "tentative"}, True),
        ({"attendees": [{"email": "me", "responseStatus": "tentative"}]}, True),
        ({"attendees": [{"email": "me", "responseStatus": "needsAction"}]}, True),
        ({"attendees": [{"email": "me", "responseStatus": "accepted"}]}, False),
        ({"attendees": [{"email": "other@example.net", "responseStatus": "tentative"}]}, False),
    ],
    ids=["tentative", "perhaps", "unanswered", "accepted", "another's perhaps"],
)
def test_what_is_not_sure_takes_time_by_policy(
    scene: GoogleScene, body: dict[str, Any], by_policy: bool
) -> None:
    scene.owner.insert(scene.at(2), **as_me(scene, body))
    scene.poll()
    assert not scene.offered(2)
    Module.objects.update(tentative_blocks=False)
    scene.module.refresh_from_db()
    assert scene.offered(2) == by_policy


@pytest.mark.parametrize(
    "body",
    [{"transparency": "transparent"}, {"attendees": [{"email": "me", "responseStatus": "declined"}]}],
    ids=["free", "declined"],
)
def test_free_and_declined_take_no_time(scene: GoogleScene, body: dict[str, Any]) -> None:
    scene.owner.insert(scene.at(2), **as_me(scene, body))
    scene.poll()
    assert scene.offered(2)


def as_me(scene: GoogleScene, body: dict[str, Any]) -> dict[str, Any]:
    """On one's own calendar one is the guest that the calendar is."""
    guests = [
        guest | {"email": scene.team if guest["email"] == "me" else guest["email"]}
        for guest in body.get("attendees", ())
    ]
    return body | ({"attendees": guests} if guests else {})


@pytest.mark.parametrize("free", [False, True], ids=["busy", "free"])
def test_all_day_takes_the_day_unless_it_is_free(scene: GoogleScene, free: bool) -> None:
    body = {"transparency": "transparent"} if free else {}
    scene.owner.insert(day(scene.nine), **body)
    scene.poll()
    assert [scene.offered(hours) for hours in (0, 5, 24)] == [free, free, True]


def test_out_of_office_takes_its_time(scene: GoogleScene) -> None:
    """Google keeps such events on primary calendars only, so that one is read for the schedule."""
    schedule, own = scene.module.schedule, scene.owner.email
    primary = add_availability_calendar(
        schedule=schedule, key=scene.key, remote_id=own, now=scene.now
    ).calendar
    about = {"autoDeclineMode": "declineNone"}
    body = {"eventType": "outOfOffice", "outOfOfficeProperties": about, "summary": "Away"}
    scene.owner.insert(scene.at(2), calendar=own, **body)
    scene.drain()
    assert (scene.offered(2), scene.offered(3)) == (False, True)
    assert primary.busy_times.get().kind == "out_of_office"
