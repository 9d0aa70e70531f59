"""The owner's page over a Google account: what its changes are to whoever reads the calendar by the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from tests.sandbox.conftest import GoogleDesk

from calendar_sandbox.google.api import reading
from calendar_sandbox.google.api.call import Call
from calendar_sandbox.google.clients import DEMO
from calendar_sandbox.google.scopes import CALENDAR

NINE = {"dateTime": "2026-11-24T09:00:00", "timeZone": "America/New_York"}
TEN = {"dateTime": "2026-11-24T10:00:00", "timeZone": "America/New_York"}
ROOM = {"private": {"genie": "keep-this"}}


def sync(google: GoogleDesk, token: str = "") -> tuple[list[dict[str, Any]], str]:
    """What an app that syncs the calendar is told, and its next token."""
    params = {"syncToken": [token]} if token else {}
    with google.world.lock:
        call = Call(google.world, google.person, args={"calendarId": google.calendar}, params=params)
        answer = reading.list_(call)
    return answer["items"], answer["nextSyncToken"]


def test_calendars_are_told_with_role_and_colour_the_own_one_first(google: GoogleDesk):
    other = google.world.add_account(f"boss-{google.account}")
    for name, role in (("Team", "writer"), ("Boss", "reader")):
        google.world.share(google.world.add_calendar(other, name), google.account, role)
    found = google.client.get("/calendars.json", params={"account": google.account.upper()}).json()[
        "calendars"
    ]
    told = [(one["name"], one["writable"]) for one in found]
    assert told == [(google.account, True), ("Team", True), ("Boss", False)]
    assert found[0]["href"] == google.account
    assert found[0]["zone"] == "Europe/Berlin"
    assert found[0]["color"].startswith("#")


def test_a_drag_keeps_zone_and_what_apps_wrote_and_a_sync_reports_it(google: GoogleDesk):
    made = google.insert(summary="Visit", start=NINE, end=TEN, extendedProperties=ROOM, description="keep")
    _items, token = sync(google)
    google.done("move", google.only("Visit"), start="2026-11-25T15:15")
    now = google.get(made["id"])
    assert now["start"] == {"dateTime": "2026-11-25T15:15:00+01:00", "timeZone": "America/New_York"}
    assert now["end"]["dateTime"] == "2026-11-25T16:15:00+01:00"
    assert (now["extendedProperties"], now["description"]) == (ROOM, "keep")
    assert now["etag"] != made["etag"]
    assert now["sequence"] == made["sequence"] + 1
    items, token = sync(google, token)
    assert items == [now]
    google.done("delete", google.only("Visit"))
    items, _token = sync(google, token)
    assert [(one["id"], one["status"]) for one in items] == [(made["id"], "cancelled")]


def test_a_form_saved_as_it_is_moves_nothing(google: GoogleDesk):
    made = google.insert(summary="Visit", start=NINE, end=TEN)
    google.done("edit", google.only("Visit"), title="Visit", start="2026-11-24T15:00", end="2026-11-24T16:00")
    assert google.get(made["id"])["sequence"] == made["sequence"]


def test_watchers_hear_of_the_owners_changes(google: GoogleDesk):
    heard: list[str] = []
    google.world.watchers.append(heard.append)
    google.done("create", title="Tea", start="2026-11-24T10:00", end="2026-11-24T11:00")
    google.world.watchers.remove(heard.append)
    assert f"events:{google.calendar}" in heard


def test_one_of_a_series_becomes_an_exception_with_its_original_start(google: GoogleDesk):
    made = google.insert(summary="Daily", start=NINE, end=TEN, recurrence=["RRULE:FREQ=DAILY;COUNT=5"])
    google.done("move", google.week()[1], start="2026-11-25T18:00")
    exception = google.get(f"{made['id']}_20261125T140000Z")
    assert exception["recurringEventId"] == made["id"]
    assert exception["originalStartTime"]["dateTime"] == "2026-11-25T15:00:00+01:00"
    assert exception["start"]["dateTime"] == "2026-11-25T18:00:00+01:00"
    assert google.get(made["id"])["etag"] == made["etag"]
    google.done("delete", google.week()[0], scope="one")
    assert google.get(f"{made['id']}_20261124T140000Z")["status"] == "cancelled"


def test_a_moved_series_takes_listed_days_along(google: GoogleDesk):
    zone = "TZID=America/New_York"
    lines = ["RRULE:FREQ=DAILY;UNTIL=20261128T140000Z", f"EXDATE;{zone}:20261125T090000"]
    made = google.insert(summary="Daily", start=NINE, end=TEN, recurrence=[*lines, "RDATE:20261202T140000Z"])
    google.done("move", google.week()[0], start="2026-11-24T16:30", scope="series")
    assert google.get(made["id"])["recurrence"] == [
        "RRULE:FREQ=DAILY;UNTIL=20261128T153000Z",
        f"EXDATE;{zone}:20261125T103000",
        "RDATE:20261202T153000Z",
    ]
    google.done("edit", google.week()[0], repeat="daily", repeat_until="2026-11-26", scope="series")
    assert [start[8:] for start in google.starts("Daily")] == ["24T16:30", "26T16:30"]


def test_a_moved_series_forgets_what_was_changed_alone(google: GoogleDesk):
    google.insert(summary="Daily", start=NINE, end=TEN, recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
    google.done("delete", google.week()[1], scope="one")
    google.done("edit", google.week()[1], title="Retro", scope="one")
    google.done("move", google.week()[0], start="2026-11-24T16:30", scope="series")
    assert google.starts("Daily") == [f"2026-11-{day}T16:30" for day in (24, 25, 26, 27)]


def test_a_monthly_rule_is_not_bent(google: GoogleDesk):
    google.insert(summary="Board", start=NINE, end=TEN, recurrence=["RRULE:FREQ=MONTHLY;BYDAY=4TU"])
    answer = google.post("move", google.only("Board"), start="2026-11-25T15:00", scope="series")
    assert answer.status_code == 400
    assert "by day or month" in answer.json()["error"]["what"]
    google.done("move", google.only("Board"), start="2026-11-24T18:00", scope="series")
    assert google.starts("Board") == ["2026-11-24T18:00"]


def invited(google: GoogleDesk, **fields: Any) -> dict[str, Any]:
    """An event somebody else asks the owner to come to."""
    boss = google.world.add_account(f"boss-{google.account}")
    guests = [{"email": google.account}, {"email": "guest@elsewhere.example"}]
    return google.insert(boss, summary="Review", start=NINE, end=TEN, attendees=guests, **fields)


@pytest.mark.parametrize("said", ["accepted", "tentative", "declined"])
def test_an_invitation_is_answered_and_the_organizer_is_told(google: GoogleDesk, said: str):
    made = invited(google)
    asked = google.only("Review")
    assert (asked["answer"], asked["invited_by"]) == ("needsAction", f"boss-{google.account}")
    google.done("answer", asked, answer=said)
    assert google.only("Review")["answer"] == said
    boss = google.world.account(f"boss-{google.account}")
    with google.world.lock:
        there = reading.get(Call(google.world, boss, args={"calendarId": boss.email, "eventId": made["id"]}))
    answers = {guest["email"]: guest["responseStatus"] for guest in there["attendees"]}
    assert answers == {google.account: said, "guest@elsewhere.example": "needsAction"}


def test_one_of_an_invited_series_is_declined_alone(google: GoogleDesk):
    invited(google, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    google.done("answer", google.week()[1], answer="declined", scope="one")
    assert [one["answer"] for one in google.week()] == ["needsAction", "declined", "needsAction"]
    google.done("answer", google.week()[0], answer="accepted", scope="series")
    assert [one["answer"] for one in google.week()][::2] == ["accepted", "accepted"]


def test_a_stale_answer_is_refused(google: GoogleDesk):
    made = invited(google)
    asked = google.only("Review")
    google.patch(made["id"], colorId="3")
    assert google.post("answer", asked, answer="declined").status_code == 412


def test_a_guest_cannot_move_somebody_elses_event(google: GoogleDesk):
    invited(google)
    answer = google.post("move", google.only("Review"), start="2026-11-24T18:00")
    assert answer.status_code == 403
    assert "organizer" in answer.json()["error"]["what"]
    assert google.starts("Review") == ["2026-11-24T15:00"]


def test_a_calendar_one_may_only_look_at_is_not_written(google: GoogleDesk):
    other = google.world.add_account(f"boss-{google.account}")
    calendar = google.world.add_calendar(other, "Boss")
    google.world.share(calendar, google.account, "freeBusyReader")
    google.insert(other, summary="Secret", start=NINE, end=TEN)
    with google.world.lock:
        google.world.share(google.world.calendars[other.email], google.account, "freeBusyReader")
    google.calendar = other.email
    (seen,) = google.week()
    assert (seen["title"], seen["notes"]) == ("Busy", "")
    assert google.post("move", seen, start="2026-11-24T18:00").status_code == 403
    assert (
        google.post("create", title="x", start="2026-11-24T18:00", end="2026-11-24T19:00").status_code == 403
    )
    assert "Read only" in google.client.get("/", params=google.here).text


def test_a_form_without_a_script_edits_and_declines(google: GoogleDesk):
    invited(google)
    seen = google.only("Review")
    value = f"{seen['occurrence']}|{seen['href']}"
    form = google.client.get("/events/edit", params=google.here | {"event": value}).text
    assert f"boss-{google.account} asks: are you coming?" in form
    fields = google.here | {
        "href": seen["href"],
        "etag": seen["etag"],
        "occurrence": "",
        "answer": "declined",
    }
    after = google.client.post("/events/answer", data=fields, follow_redirects=True)
    assert "You said that you will not come." in after.text
    assert "Review, Tue 24 Nov, 15:00–16:00, declined" in google.client.get("/", params=google.here).text


def test_a_moved_event_leaves_a_stub_and_has_a_new_organizer(google: GoogleDesk):
    made = google.insert(summary="Visit", start=NINE, end=TEN, extendedProperties=ROOM)
    other = google.second()
    _items, token = sync(google)
    google.done("transfer", google.only("Visit"), to=other)
    items, _token = sync(google, token)
    assert [(one["id"], one["status"]) for one in items] == [(made["id"], "cancelled")]
    google.calendar = other
    moved = google.get(made["id"])
    assert (moved["organizer"]["email"], moved["extendedProperties"]) == (other, ROOM)


def test_titles_are_text_and_never_markup(google: GoogleDesk):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    google.insert(summary=evil, location=evil, description=f"</textarea>{evil}", start=NINE, end=TEN)
    seen = google.only(evil)
    value = f"{seen['occurrence']}|{seen['href']}"
    form = google.client.get("/events/edit", params=google.here | {"event": value}).text
    for page in (google.client.get("/", params=google.here).text, form):
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


def test_more_events_than_a_page_holds_are_all_shown(google: GoogleDesk):
    with google.world.lock:
        for minute in range(2600):
            start = {"dateTime": f"2026-11-24T{9 + minute // 600:02d}:{minute // 10 % 60:02d}:00Z"}
            google.insert(summary=str(minute), start=start, end=start)
    assert len(google.week()) == 2600


def test_a_person_takes_an_apps_access_back(google: GoogleDesk):
    here = {"account": google.account}
    assert "No app has access." in google.client.get("/connections", params=here).text
    with google.world.lock:
        token = google.world.issue_access_token(google.person, DEMO.id, [f"{CALENDAR}.events", "openid"])
    page = google.client.get("/connections", params=here).text
    assert "Schedule Genie" in page
    assert "View and edit events on all your calendars" in page
    assert f'href="/connections?account={quote(google.account)}"' in google.client.get("/", params=here).text
    data = here | {"client": DEMO.id}
    foreign = google.client.post("/connections/remove", data=data, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert google.world.bearer(token.token)
    after = google.client.post("/connections/remove", data=data, follow_redirects=True)
    assert "No app has access." in after.text
    assert google.world.bearer(token.token) is None
    assert google.client.get("/connections", params={"account": "nobody@example.org"}).status_code == 404


@pytest.mark.browser
def test_the_owner_drags_declines_and_deletes_in_a_browser(google: GoogleDesk, page: Any):
    invited(google)
    google.insert(
        summary="Visit",
        start=NINE | {"dateTime": "2026-11-24T03:00:00"},
        end=TEN | {"dateTime": "2026-11-24T04:00:00"},
    )
    page.goto(f"{google.url}/?{urlencode(google.here | {'day': '2026-11-24'})}")
    target = page.locator(".block", has_text="Visit")
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 25, box["y"] + 15)
    page.mouse.move(box["x"] + 20, box["y"] + 10 + 48, steps=5)
    page.mouse.up()
    page.get_by_text("Now Tue 24 Nov, 10:00–11:00.").wait_for()
    assert google.starts("Visit") == ["2026-11-24T10:00"]
    page.locator(".block", has_text="Review").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.locator(".block.is-cancelled", has_text="Review").wait_for()
    assert google.only("Review")["answer"] == "declined"
    page.locator(".block", has_text="Visit").click()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete this event").click()
    target.wait_for(state="detached")
    assert [one["title"] for one in google.week()] == ["Review"]


@pytest.mark.browser
def test_a_change_by_an_app_appears_by_itself(google: GoogleDesk, page: Any):
    page.goto(f"{google.url}/?{urlencode(google.here | {'day': '2026-11-24'})}")
    google.insert(summary="Booked on the web", start=NINE, end=TEN)
    page.locator(".block", has_text="Booked on the web").wait_for(timeout=8000)
