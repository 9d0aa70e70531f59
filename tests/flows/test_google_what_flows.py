"""PRODUCT.md's table *What flows, in which direction*, row by row, with Google: the stand-in, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from tests.google_owner import day, times
from tests.google_sandbox import GoogleSandbox, google_sandbox, google_server  # noqa: F401  fixtures
from tests.google_scene import GoogleScene, on_google
from tests.sync_scene import CUSTOMER

from genie.core.event import When
from genie.flows.absorb import NO_TIME, OUTSIDE_RULES
from genie.flows.add_availability_calendar import add_availability_calendar
from genie.flows.cancel import cancel
from genie.flows.edit import edit
from genie.flows.offer import is_offered
from genie.flows.reschedule import reschedule
from genie.store.models import Appointment, Change, EventLink, Message, Module

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(google_sandbox: GoogleSandbox) -> Iterator[GoogleScene]:  # noqa: F811
    with on_google(google_sandbox) as made:
        yield made


def fresh(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(id=appointment.id)


def of(appointment: Appointment) -> dict[str, Any]:
    return {"company_id": appointment.company_id, "appointment_id": appointment.id, "actor": CUSTOMER}


def told(appointment: Appointment, audience: str = "customer") -> list[str]:
    """What is owed to them since everybody was told of the booking."""
    owed = Message.objects.filter(appointment=appointment, audience=audience, state=Message.State.OWED)
    return list(owed.values_list("kind", flat=True))


def instants(event: dict[str, Any]) -> tuple[datetime, datetime]:
    start, end = (datetime.fromisoformat(event[name]["dateTime"]) for name in ("start", "end"))
    return start.astimezone(UTC), end.astimezone(UTC)


def offered(scene: GoogleScene, hours: float) -> bool:
    return is_offered(module=scene.module, start=scene.at(hours).start, now=scene.now)


def writes(scene: GoogleScene) -> list[str]:
    """Which requests of ours wrote an event, since this was asked last."""
    return [call for call in scene.asked() if call in ("insert", "patch", "update", "delete", "move")]


# --- booked, here


def test_booked_here_an_event_is_made_there(scene: GoogleScene) -> None:
    appointment = scene.book(scene.nine)
    Appointment.objects.filter(id=appointment.id).update(place="Room 1", zone="Europe/Madrid")
    scene.drain()
    event = scene.event_of(appointment)
    assert writes(scene) == ["insert"]
    assert (event["summary"], event["location"]) == ("Visit: Jane Doe", "Room 1")
    assert instants(event) == (scene.at(0).start, scene.at(0).end)
    assert event["start"]["timeZone"] == event["end"]["timeZone"] == "Europe/Madrid"
    described = event["description"]
    assert all(line in described for line in ("Jane Doe", "jane@example.org", "Please ring twice."))
    assert f"/company/{scene.company.slug}/appointments/{appointment.id}" in described
    assert event.get("transparency", "opaque") == "opaque"
    assert "attendees" not in event, "Google would write letters of its own"


# --- rescheduled, edited, cancelled, here


def test_rescheduled_here_it_moves_there(scene: GoogleScene) -> None:
    appointment = scene.booked()
    before = scene.event_of(appointment)["id"]
    reschedule(**of(appointment), start=scene.at(3).start, now=scene.now)
    scene.asked()
    scene.drain()
    event = scene.event_of(appointment)
    assert writes(scene) == ["patch"]
    assert (event["id"], instants(event)) == (before, (scene.at(3).start, scene.at(3).end))
    assert told(appointment) == ["rescheduled"]


def test_edited_here_it_is_updated_there(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.change(appointment, colorId="5", reminders={"useDefault": False, "overrides": []})
    edit(**of(appointment), title="Tour & tasting", place="Room 2", notes="Bring <two> forms", now=scene.now)
    scene.drain()
    event = scene.event_of(appointment)
    assert (event["summary"], event["location"]) == ("Tour & tasting", "Room 2")
    assert event["description"].startswith("Bring &lt;two> forms\n\n"), "shown as it was typed"
    assert event["colorId"] == "5", "what else the owner chose stays"
    assert told(appointment) == []
    scene.poll()
    assert fresh(appointment).notes == "Bring <two> forms"


def test_cancelled_here_it_is_deleted_there(scene: GoogleScene) -> None:
    appointment = scene.booked()
    cancel(**of(appointment), now=scene.now)
    scene.asked()
    scene.drain()
    assert writes(scene) == ["delete"]
    assert scene.owner.events() == []
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert told(appointment) == ["cancelled"]


# --- moved or resized, there


@pytest.mark.parametrize("span", [(3, 4), (0, 2), (3, 3.5)], ids=["moved", "longer", "both"])
def test_moved_or_resized_there_it_is_rescheduled_here(scene: GoogleScene, span: tuple[float, float]) -> None:
    appointment = scene.booked()
    scene.asked()
    when = When(scene.at(span[0]).start, scene.at(span[1]).start, "UTC")
    scene.owner.move(scene.link(appointment).remote_id, when)
    scene.poll()
    after = fresh(appointment)
    assert (after.start, after.end, after.revision) == (when.start, when.end, 2)
    assert told(appointment) == ["rescheduled"]
    line = after.history.get(field="when")
    assert (line.origin, line.by) == (Change.Origin.CALENDAR, "Team")
    assert writes(scene) == [], "what came from there is not sent back"


def test_by_the_module_s_rule_the_customer_is_not_told(scene: GoogleScene) -> None:
    Module.objects.update(inbound_rule=Module.InboundRule.APPLY_SILENTLY)
    appointment = scene.booked()
    scene.change(appointment, **times(scene.at(3)))
    scene.poll()
    assert fresh(appointment).start == scene.at(3).start
    assert told(appointment) == []
    assert told(appointment, "company") == ["rescheduled"]


def test_only_another_zone_is_no_reschedule(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.change(appointment, **times(When(scene.at(0).start, scene.at(0).end, "America/New_York")))
    scene.poll()
    assert fresh(appointment).revision == 1
    assert told(appointment) == []


# --- title, place, notes, there


def test_title_and_place_changed_there_change_here(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.asked()
    scene.change(appointment, summary="  Jane,   the tall one ", location="Café Größe")
    scene.poll()
    after = fresh(appointment)
    assert (after.title, after.place) == ("Jane, the tall one", "Café Größe")
    assert told(appointment) == told(appointment, "company") == []
    assert writes(scene) == []


def test_notes_written_outside_our_block_are_kept_here(scene: GoogleScene) -> None:
    appointment = scene.booked()
    block = scene.event_of(appointment)["description"]
    scene.change(appointment, description=f"Side door\n\n{block}\n\nand a pen")
    scene.poll()
    assert fresh(appointment).notes == "Side door\n\nand a pen"
    edit(**of(appointment), notes="Front door", now=scene.now)
    scene.drain()
    described = scene.event_of(appointment)["description"]
    assert described == f"Front door\n\n{block}"


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
    assert writes(scene) == [], "the block is whole: nothing to repair"


def test_a_block_somebody_deleted_comes_back_below_their_notes(scene: GoogleScene) -> None:
    appointment = scene.booked()
    block = scene.event_of(appointment)["description"]
    scene.change(appointment, description="<b>All mine</b>")
    scene.poll()
    assert fresh(appointment).notes == "All mine"
    assert scene.event_of(appointment)["description"] == f"All mine\n\n{block}"


# --- deleted or declined, there


def test_deleted_there_it_is_cancelled_here(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.asked()
    scene.owner.delete(scene.link(appointment).remote_id)
    scene.poll()
    after = fresh(appointment)
    assert after.state == "cancelled"
    assert (after.history.get(field="state").by, told(appointment)) == ("Team", ["cancelled"])
    assert (
        Message.objects.get(appointment=after, audience="customer", kind="cancelled").not_before > scene.now
    )
    scene.later(minutes=3)
    scene.drain()
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert writes(scene) == []


def test_deleted_there_while_lists_lag_behind_it_is_cancelled_all_the_same(scene: GoogleScene) -> None:
    """A list that still shows it as a live bearer of our key proves nothing."""
    appointment = scene.booked()
    scene.owner.delete(scene.link(appointment).remote_id)
    scene.later(seconds=46)
    scene.sandbox.fault("stale", path=re.escape(quote(scene.team)), times=0, skip=1)
    scene.drain()
    assert fresh(appointment).state == "cancelled"
    assert any(kind == "stale" for kind, _ in scene.sandbox.google.faults.happened)


def test_cut_and_pasted_while_lists_lag_behind_it_comes_back(scene: GoogleScene) -> None:
    appointment = scene.booked()
    pasted = scene.owner.cut_and_paste(scene.link(appointment).remote_id, scene.at(5))
    scene.later(seconds=46)
    scene.sandbox.fault("stale", path=re.escape(quote(scene.team)), times=0, skip=1, changes=2)
    scene.drain()
    assert fresh(appointment).state == "cancelled", "for now: nothing shows where it is"
    scene.sandbox.no_faults()
    scene.later(minutes=3)
    scene.drain()
    assert (fresh(appointment).state, fresh(appointment).start) == ("confirmed", scene.at(5).start)
    assert scene.link(appointment).remote_id == pasted
    assert told(appointment) == ["rescheduled"]


def test_declined_by_its_owner_it_is_cancelled_here_and_stays_there(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.asked()
    scene.owner.cancel(scene.link(appointment).remote_id)
    scene.poll()
    assert (fresh(appointment).state, told(appointment)) == ("cancelled", ["cancelled"])
    assert scene.link(appointment).state == EventLink.State.ENDED
    assert scene.event_of(appointment)["status"] == "confirmed", "the refusal is its owner's word"
    assert offered(scene, 0), "what was declined takes no time"
    assert writes(scene) == []


def test_declined_by_a_guest_it_stands(scene: GoogleScene) -> None:
    appointment = scene.booked()
    guests = [{"email": "guest@example.net", "responseStatus": "declined"}]
    scene.change(appointment, attendees=guests)
    scene.poll()
    assert (fresh(appointment).state, fresh(appointment).revision) == ("confirmed", 1)
    assert scene.link(appointment).state == EventLink.State.CLEAN


def test_cancelled_silently_where_the_module_says_so(scene: GoogleScene) -> None:
    Module.objects.update(inbound_rule=Module.InboundRule.APPLY_SILENTLY)
    appointment = scene.booked()
    scene.owner.delete(scene.link(appointment).remote_id)
    scene.poll()
    assert (fresh(appointment).state, told(appointment)) == ("cancelled", [])


def test_cut_and_pasted_there_it_is_the_same_visit(scene: GoogleScene) -> None:
    appointment = scene.booked()
    pasted = scene.owner.cut_and_paste(scene.link(appointment).remote_id, scene.at(5))
    scene.poll()
    assert (fresh(appointment).start, scene.link(appointment).remote_id) == (scene.at(5).start, pasted)
    assert told(appointment) == ["rescheduled"]


def test_a_copy_made_there_is_not_the_visit(scene: GoogleScene) -> None:
    appointment = scene.booked()
    copy = scene.owner.copy(scene.link(appointment).remote_id, scene.at(5))
    version = scene.owner.get(copy)["etag"]
    scene.poll()
    assert fresh(appointment).start == scene.at(0).start
    assert not offered(scene, 5), "it takes time like any other event"
    cancel(**of(appointment), now=scene.now)
    scene.drain()
    assert [event.id for event in scene.owner.events()] == [copy]
    assert scene.owner.get(copy)["etag"] == version


# --- both sides at once


def test_different_fields_changed_on_both_sides_are_merged(scene: GoogleScene) -> None:
    appointment = scene.booked()
    edit(**of(appointment), title="Visit: J. Doe", now=scene.now)
    scene.change(appointment, location="Room 2", **times(scene.at(1)))
    scene.drain()
    scene.poll()
    after, event = fresh(appointment), scene.event_of(appointment)
    assert (after.start, after.title, after.place) == (scene.at(1).start, "Visit: J. Doe", "Room 2")
    assert (event["summary"], event["location"]) == ("Visit: J. Doe", "Room 2")
    assert instants(event)[0] == scene.at(1).start
    assert not after.history.filter(lost=True).exists()


@pytest.mark.parametrize(("rule", "kept"), [("calendar_wins", "there"), ("dashboard_wins", "here")])
def test_of_one_field_changed_on_both_sides_the_module_s_rule_keeps_one(
    scene: GoogleScene, rule: str, kept: str
) -> None:
    Module.objects.update(conflict_rule=rule)
    appointment = scene.booked()
    edit(**of(appointment), title="Said here", place="Room here", now=scene.now)
    reschedule(**of(appointment), start=scene.at(2).start, now=scene.now)
    scene.change(appointment, summary="Said there", location="Room there", **times(scene.at(4)))
    scene.drain()
    scene.poll()
    after, event = fresh(appointment), scene.event_of(appointment)
    hours = {"here": 2, "there": 4}
    assert (after.title, after.place, after.start) == (
        f"Said {kept}",
        f"Room {kept}",
        scene.at(hours[kept]).start,
    )
    assert (event["summary"], event["location"], instants(event)[0]) == (
        after.title,
        after.place,
        after.start,
    )
    (lost,) = {"here", "there"} - {kept}
    found = set(after.history.filter(lost=True).values_list("field", "new"))
    assert {("title", f"Said {lost}"), ("place", f"Room {lost}")} <= found
    assert "when" in {name for name, _ in found}, "the loser can be found in the history"
    assert told(appointment) == ["rescheduled"]


def test_cancelled_here_and_moved_there_is_cancelled(scene: GoogleScene) -> None:
    appointment = scene.booked()
    cancel(**of(appointment), now=scene.now)
    scene.change(appointment, **times(scene.at(4)))
    scene.drain()
    assert (fresh(appointment).state, scene.owner.events()) == ("cancelled", [])
    assert told(appointment) == ["cancelled"]


# --- onto a time that breaks a rule


def test_moved_there_outside_the_hours_it_is_accepted_and_flagged(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.change(appointment, **times(scene.at(11)))
    scene.poll()
    after = fresh(appointment)
    assert (after.start, after.attention) == (scene.at(11).start, OUTSIDE_RULES)
    assert scene.link(appointment).state == EventLink.State.CLEAN
    scene.change(appointment, **times(scene.at(3)))
    scene.poll()
    assert fresh(appointment).attention == ""


def test_moved_there_onto_another_visit_both_stand_and_it_is_flagged(scene: GoogleScene) -> None:
    Module.objects.update(capacity=1)
    scene.module.refresh_from_db()
    first, second = scene.booked(0), scene.booked(3, name="Joe")
    scene.change(second, **times(scene.at(0)))
    scene.poll()
    assert (fresh(second).start, fresh(second).attention) == (scene.at(0).start, OUTSIDE_RULES)
    assert (fresh(first).start, fresh(first).attention) == (scene.at(0).start, "")
    assert {fresh(first).state, fresh(second).state} == {"confirmed"}


# --- to another calendar of the account


def test_moved_to_another_calendar_it_is_followed(scene: GoogleScene) -> None:
    appointment = scene.booked()
    event_id = scene.link(appointment).remote_id
    scene.owner.to_other_calendar(event_id)
    scene.poll()
    link = scene.link(appointment)
    assert (fresh(appointment).state, link.state) == ("confirmed", EventLink.State.CLEAN)
    assert (link.calendar.remote_id, link.calendar.name) == (scene.private, "Private")
    scene.owner.move(event_id, scene.at(4))
    scene.poll()
    assert fresh(appointment).start == scene.at(4).start, "it is watched there"
    edit(**of(appointment), title="Retitled", now=scene.now)
    scene.drain()
    assert scene.owner.get(event_id)["summary"] == "Retitled"
    assert told(appointment) == ["rescheduled"]


def test_moved_to_another_calendar_beside_a_copy_it_is_followed_all_the_same(scene: GoogleScene) -> None:
    """The moved one keeps its id, so it is known from the copy that bears our key, too."""
    appointment = scene.booked()
    event_id = scene.link(appointment).remote_id
    scene.owner.copy(event_id, scene.at(5))
    scene.owner.to_other_calendar(event_id)
    scene.poll()
    link = scene.link(appointment)
    assert (fresh(appointment).state, link.calendar.remote_id) == ("confirmed", scene.private)
    assert (link.remote_id, fresh(appointment).start) == (event_id, scene.at(0).start)


def test_and_back_again(scene: GoogleScene) -> None:
    appointment = scene.booked()
    for calendar in (scene.private, scene.team, scene.private):
        scene.owner.to_other_calendar(scene.link(appointment).remote_id)
        scene.poll()
        assert scene.link(appointment).calendar.remote_id == calendar
    assert (fresh(appointment).revision, told(appointment)) == (1, [])


def test_moved_to_a_calendar_the_key_does_not_reach_it_is_cancelled(scene: GoogleScene) -> None:
    """One that the account lost, or that is not its own: nobody here can see it there."""
    appointment = scene.booked()
    bobs = scene.sandbox.calendar("bob@example.org", "Bob's")
    scene.sandbox.share(bobs, scene.owner.email, "writer")
    path = scene.owner.path(scene.link(appointment).remote_id)
    scene.owner.ask("POST", f"{path}/move", params={"destination": bobs})
    scene.sandbox.share(bobs, scene.owner.email, "none")
    scene.poll()
    after = fresh(appointment)
    assert (after.state, told(appointment)) == ("cancelled", ["cancelled"])
    assert after.history.get(field="state").note == "deleted on the calendar"


def test_cancelled_here_before_the_move_was_seen_it_goes_from_where_it_is(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.owner.to_other_calendar(scene.link(appointment).remote_id)
    cancel(**of(appointment), now=scene.now)
    scene.drain()
    assert scene.owner.events() == []


# --- what the owner makes by hand


def test_an_event_made_by_hand_takes_its_time_and_is_nothing_more(scene: GoogleScene) -> None:
    assert offered(scene, 2)
    own = scene.owner.insert(scene.at(2), summary="Dentist", description="private")
    version = scene.owner.get(own)["etag"]
    scene.poll()
    assert not offered(scene, 2)
    assert not Appointment.objects.filter(module=scene.module).exists()
    scene.owner.move(own, scene.at(3))
    scene.poll()
    assert (offered(scene, 2), offered(scene, 3)) == (True, False)
    scene.owner.delete(own)
    scene.poll()
    assert offered(scene, 3)
    assert (version, writes(scene)) == (version, [])


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
    guests = [
        guest | {"email": scene.team if guest["email"] == "me" else guest["email"]}
        for guest in body.get("attendees", ())
    ]
    scene.owner.insert(scene.at(2), **(body | ({"attendees": guests} if guests else {})))
    scene.poll()
    assert not offered(scene, 2)
    Module.objects.update(tentative_blocks=False)
    scene.module.refresh_from_db()
    assert offered(scene, 2) == by_policy


@pytest.mark.parametrize(
    "body",
    [{"transparency": "transparent"}, {"attendees": [{"email": "me", "responseStatus": "declined"}]}],
    ids=["free", "declined"],
)
def test_free_and_declined_take_no_time(scene: GoogleScene, body: dict[str, Any]) -> None:
    guests = [guest | {"email": scene.team} for guest in body.get("attendees", ())]
    scene.owner.insert(scene.at(2), **(body | ({"attendees": guests} if guests else {})))
    scene.poll()
    assert offered(scene, 2)


@pytest.mark.parametrize("free", [False, True], ids=["busy", "free"])
def test_all_day_takes_the_day_unless_it_is_free(scene: GoogleScene, free: bool) -> None:
    body = {"transparency": "transparent"} if free else {}
    scene.owner.insert(day(scene.nine), **body)
    scene.poll()
    assert [offered(scene, hours) for hours in (0, 5, 24)] == [free, free, True]


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
    assert (offered(scene, 2), offered(scene, 3)) == (False, True)
    assert primary.busy_times.get().kind == "out_of_office"


# --- series of the owner's


def occurrence(scene: GoogleScene, series: str, week: int) -> str:
    """The id of a weekly series' instance."""
    return f"{series}_{scene.at(1).start + timedelta(weeks=week):%Y%m%dT%H%M%SZ}"


def test_each_occurrence_of_a_series_loses_its_slot(scene: GoogleScene) -> None:
    scene.owner.insert(scene.at(1), recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    scene.poll()
    weeks = [24 * 7 * week for week in range(4)]
    assert [offered(scene, 1 + week) for week in weeks] == [False, False, False, True]
    assert all(offered(scene, 2 + week) for week in weeks)


def test_exceptions_of_a_series_count_as_they_are(scene: GoogleScene) -> None:
    series = scene.owner.insert(scene.at(1), recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    scene.poll()
    path = scene.owner.path
    moved, gone, declined = (path(occurrence(scene, series, week)) for week in (1, 2, 3))
    scene.owner.ask("PATCH", moved, json=times(scene.at(24 * 7 + 6)))
    scene.owner.ask("DELETE", gone)
    mine = {"attendees": [{"email": scene.team, "responseStatus": "declined"}]}
    scene.owner.ask("PATCH", declined, json=mine)
    scene.poll()
    weeks = [1 + 24 * 7 * week for week in range(4)]
    assert [offered(scene, week) for week in weeks] == [False, True, True, True]
    assert not offered(scene, 24 * 7 + 6)


def test_a_series_that_is_cut_short_or_deleted_gives_its_slots_back(scene: GoogleScene) -> None:
    series = scene.owner.insert(scene.at(1), recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    scene.poll()
    scene.owner.patch(series, recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])
    scene.poll()
    weeks = [1 + 24 * 7 * week for week in range(4)]
    assert [offered(scene, week) for week in weeks] == [False, False, True, True]
    scene.owner.delete(series)
    scene.poll()
    assert all(offered(scene, week) for week in weeks)


def test_a_visit_made_a_series_keeps_its_time_and_the_other_occurrences_are_busy(scene: GoogleScene) -> None:
    appointment = scene.booked(1)
    scene.owner.repeat(scene.link(appointment).remote_id)
    scene.asked()
    scene.poll()
    assert scene.link(appointment).state == EventLink.State.PARKED
    assert (fresh(appointment).state, fresh(appointment).start) == ("confirmed", scene.at(1).start)
    assert [scene.busy(1 + 24 * 7 * week) for week in range(3)] == [False, True, True]
    assert (told(appointment), writes(scene)) == ([], [])


def test_a_visit_made_all_day_keeps_its_time_and_is_flagged(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.asked()
    scene.owner.move(scene.link(appointment).remote_id, day(scene.nine))
    scene.poll()
    after = fresh(appointment)
    assert (after.start, after.attention) == (scene.at(0).start, NO_TIME)
    assert (told(appointment), writes(scene)) == ([], [])
    assert not offered(scene, 5), "it takes the day, as it stands there"
    scene.owner.move(scene.link(appointment).remote_id, scene.at(2))
    scene.poll()
    assert (fresh(appointment).start, fresh(appointment).attention) == (scene.at(2).start, "")
    assert offered(scene, 5)


# --- real-time updates off, unlinked


def test_switched_off_nothing_comes_back(scene: GoogleScene) -> None:
    appointment = scene.booked()
    scene.connection.realtime = False
    scene.connection.save()
    scene.change(appointment, **times(scene.at(3)))
    scene.poll()
    assert fresh(appointment).start == scene.at(0).start
    edit(**of(appointment), title="Still sent", now=scene.now)
    scene.drain()
    assert scene.event_of(appointment)["summary"] == "Still sent"
