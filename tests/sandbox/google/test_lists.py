"""events.list and calendarList.list: pages, windows, filters, increments and their refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, BEN, Connect, Service, days, every_page, refused, timed


def titles(items: list[dict[str, Any]]) -> list[str]:
    return [one.get("summary", one["status"]) for one in items]


def add(service: Service, start: str, end: str, summary: str, **more: Any) -> dict[str, Any]:
    body = timed(start, end, summary=summary, **more)
    made = service.events().insert(calendarId="primary", body=body).execute()
    assert isinstance(made, dict)
    return made


def listed(service: Service, **values: Any) -> list[dict[str, Any]]:
    return every_page(service.events(), calendarId="primary", **values)[0]


def synced(service: Service, token: str, **values: Any) -> tuple[list[dict[str, Any]], str]:
    items, following = every_page(service.events(), calendarId="primary", syncToken=token, **values)
    assert following is not None
    return items, following


def first_token(service: Service, **values: Any) -> str:
    token = every_page(service.events(), calendarId="primary", **values)[1]
    assert token is not None
    return token


# --- pages and windows -----------------------------------------------------------------------------------


def test_the_head_of_a_list_says_what_it_is(google: GoogleSandbox, connect: Connect):
    google.account(ANA, time_zone="Europe/Madrid")
    answer = connect(ANA).events().list(calendarId="primary").execute()
    assert answer.pop("etag")
    assert answer.pop("nextSyncToken")
    assert answer == {
        "kind": "calendar#events",
        "summary": ANA,
        "updated": "2026-11-24T12:00:00.000Z",
        "timeZone": "Europe/Madrid",
        "accessRole": "owner",
        "defaultReminders": [{"method": "popup", "minutes": 30}],
        "items": [],
    }


@pytest.mark.parametrize(
    "order", [{}, {"orderBy": "updated"}, {"orderBy": "startTime", "singleEvents": True}]
)
def test_pages_together_are_the_whole(ana: Service, order: dict[str, Any]):
    for number in range(7):
        add(ana, "2026-11-25T10:00", "2026-11-25T11:00", f"{number}")
    pages = []
    request = ana.events().list(calendarId="primary", maxResults=3, **order)
    while request is not None:
        page = request.execute()
        pages.append(page)
        assert ("nextSyncToken" in page) == ("nextPageToken" not in page and not order.get("orderBy"))
        request = ana.events().list_next(request, page)
    assert [len(page["items"]) for page in pages] == [3, 3, 1]
    assert sorted(titles([one for page in pages for one in page["items"]])) == [str(n) for n in range(7)]


def test_a_page_has_250_events_unless_asked_and_2500_at_most(google: GoogleSandbox, ana: Service):
    sample = add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "sample")
    with google.world.lock:
        calendar = google.world.calendars[ANA]
        stored = calendar.events[sample["id"]].resource
        for number in range(2600):
            google.world.keep(calendar, stored | {"id": f"e{number:05d}", "iCalUID": f"{number}"})
    google.check_traffic = False
    assert len(ana.events().list(calendarId="primary").execute()["items"]) == 250
    assert len(ana.events().list(calendarId="primary", maxResults=9999).execute()["items"]) == 2500
    assert refused(ana.events().list(calendarId="primary", maxResults=0)) == (400, "invalidParameter")


def test_an_event_that_changes_while_somebody_pages_is_not_missed(ana: Service):
    made = [add(ana, "2026-11-25T10:00", "2026-11-25T11:00", f"{number}") for number in range(6)]
    request = ana.events().list(calendarId="primary", maxResults=2)
    page = request.execute()
    seen = {one["id"]: one for one in page["items"]}
    for number, event in enumerate(made):  # also those on the page that was read, and one is deleted
        body = {"summary": f"new {number}"}
        ana.events().patch(calendarId="primary", eventId=event["id"], body=body).execute()
    ana.events().delete(calendarId="primary", eventId=made[5]["id"]).execute()
    while (request := ana.events().list_next(request, page)) is not None:
        page = request.execute()
        seen |= {one["id"]: one for one in page["items"]}
    changes, _token = synced(ana, page["nextSyncToken"])
    seen |= {one["id"]: one for one in changes}
    assert titles([seen[one["id"]] for one in made]) == [*(f"new {n}" for n in range(5)), "cancelled"]


def test_a_window_takes_what_overlaps_it(google: GoogleSandbox, connect: Connect):
    google.account(ANA, time_zone="America/New_York")
    ana = connect(ANA)
    add(ana, "2026-11-25T09:00", "2026-11-25T10:00", "before")
    add(ana, "2026-11-25T09:30", "2026-11-25T10:30", "into")
    add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "inside")
    add(ana, "2026-11-25T10:00", "2026-11-25T10:00", "moment")
    add(ana, "2026-11-25T08:00", "2026-11-25T20:00", "around")
    add(ana, "2026-11-25T12:00", "2026-11-25T13:00", "after")
    whole = days("2026-11-25", "2026-11-26", summary="day in New York")  # 05:00 to 05:00 UTC
    ana.events().insert(calendarId="primary", body=whole).execute()
    window = {"timeMin": "2026-11-25T10:00:00Z", "timeMax": "2026-11-25T12:00:00Z"}
    assert set(titles(listed(ana, **window))) == {"into", "inside", "moment", "around", "day in New York"}
    early = {"timeMin": "2026-11-25T00:00:00Z", "timeMax": "2026-11-25T05:00:00Z"}
    assert listed(ana, **early) == []
    assert titles(listed(ana, timeMin="2026-11-25T20:00:00Z")) == ["day in New York"]
    offset = {"timeMin": "2026-11-25T11:00:00+01:00", "timeMax": "2026-11-25T13:00:00+01:00"}
    assert len(listed(ana, **offset)) == 5


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"timeMin": "2026-11-25T10:00:00"}, "badRequest"),
        ({"timeMin": "tomorrow"}, "badRequest"),
        ({"timeMin": "2026-11-25T10:00:00Z", "timeMax": "2026-11-25T10:00:00Z"}, "timeRangeEmpty"),
        ({"orderBy": "startTime"}, "badRequest"),
        ({"timeZone": "Mars/Base"}, "invalid"),
        ({"pageToken": "made-up"}, "invalid"),
        ({"syncToken": "made-up"}, "invalid"),
        ({"privateExtendedProperty": "name"}, "invalid"),
        ({"fields": "items(whatever)"}, "invalidParameter"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(ana: Service, values: dict[str, Any], reason: str):
    assert refused(ana.events().list(calendarId="primary", **values)) == (400, reason)


def test_parameters_of_another_kind_are_refused(google: GoogleSandbox):
    with google.client(ANA) as client:
        for values in (
            {"singleEvents": "maybe"},
            {"eventTypes": "party"},
            {"orderBy": "size"},
            {"alt": "xml"},
        ):
            answer = client.get("calendars/primary/events", params=values)
            assert answer.status_code == 400
            assert answer.json()["error"]["errors"][0]["reason"] == "invalidParameter"


def test_a_page_token_belongs_to_its_question(ana: Service):
    for number in range(3):
        add(ana, "2026-11-25T10:00", "2026-11-25T11:00", f"{number}")
    page = ana.events().list(calendarId="primary", maxResults=2).execute()
    other = ana.events().list(calendarId="primary", pageToken=page["nextPageToken"], q="other")
    assert refused(other) == (400, "invalid")


def test_orders(google: GoogleSandbox, ana: Service):
    late = add(ana, "2026-11-27T10:00", "2026-11-27T11:00", "late")
    add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "early")
    google.advance(timedelta(minutes=1))
    ana.events().patch(calendarId="primary", eventId=late["id"], body={"location": "x"}).execute()
    assert titles(listed(ana, orderBy="startTime", singleEvents=True)) == ["early", "late"]
    assert titles(listed(ana, orderBy="updated")) == ["early", "late"]


# --- filters ---------------------------------------------------------------------------------------------


def test_events_are_found_by_words_and_names_and_properties(ana: Service):
    add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "Dentist", location="Mill Street")
    add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "Lunch", attendees=[{"email": "sam@example.com"}])
    key = {"private": {"link": "7", "made": "genie"}, "shared": {"team": "a"}}
    tagged = add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "Tagged", extendedProperties=key)
    assert titles(listed(ana, q="mill DENTIST")) == ["Dentist"]
    assert titles(listed(ana, q="sam@")) == ["Lunch"]
    assert titles(listed(ana, iCalUID=tagged["iCalUID"])) == ["Tagged"]
    assert titles(listed(ana, privateExtendedProperty="link=7")) == ["Tagged"]
    assert titles(listed(ana, privateExtendedProperty=["link=7", "made=genie"])) == ["Tagged"]
    assert listed(ana, privateExtendedProperty=["link=7", "made=else"]) == []
    assert titles(listed(ana, sharedExtendedProperty="team=a")) == ["Tagged"]
    assert listed(ana, sharedExtendedProperty="link=7") == []


def test_event_types_can_be_chosen(ana: Service):
    add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "plain")
    add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "away", eventType="outOfOffice")
    assert titles(listed(ana, eventTypes="outOfOffice")) == ["away"]
    assert len(listed(ana, eventTypes=["outOfOffice", "default"])) == 2


def test_deleted_events_are_shown_when_asked_for(google: GoogleSandbox, ana: Service):
    kept = add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "kept")
    google.advance(timedelta(hours=1))
    gone = add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "gone")
    ana.events().delete(calendarId="primary", eventId=gone["id"]).execute()
    assert titles(listed(ana)) == ["kept"]
    shown = {one["id"]: one for one in listed(ana, showDeleted=True)}
    assert set(shown) == {kept["id"], gone["id"]}
    assert (shown[gone["id"]]["status"], shown[gone["id"]]["summary"]) == ("cancelled", "gone")
    assert titles(listed(ana, updatedMin="2026-11-24T12:30:00Z")) == ["gone"]
    too_long_ago = ana.events().list(calendarId="primary", updatedMin="2026-10-01T00:00:00Z")
    assert refused(too_long_ago) == (410, "updatedMinTooLongAgo")


def test_most_guests_of_an_event_can_be_left_out(ana: Service):
    guests = [{"email": ANA}, {"email": "b@example.com"}, {"email": "c@example.com"}]
    add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "meeting", attendees=guests)
    [whole] = listed(ana)
    assert len(whole["attendees"]) == 3
    [short] = listed(ana, maxAttendees=2)
    assert short["attendeesOmitted"] is True
    assert [one["email"] for one in short["attendees"]] == [ANA]


# --- increments ------------------------------------------------------------------------------------------


def test_an_increment_brings_what_changed_and_what_is_gone(ana: Service):
    stays, changes, goes = (
        add(ana, "2026-11-25T10:00", "2026-11-25T11:00", title) for title in ("stays", "changes", "goes")
    )
    token = first_token(ana)
    assert synced(ana, token) == ([], token)
    ana.events().patch(calendarId="primary", eventId=changes["id"], body={"summary": "changed"}).execute()
    ana.events().delete(calendarId="primary", eventId=goes["id"]).execute()
    new = add(ana, "2030-11-25T10:00", "2030-11-25T11:00", "new")
    items, following = synced(ana, token)
    by_id = {one["id"]: one for one in items}
    assert set(by_id) == {changes["id"], goes["id"], new["id"]}
    assert stays["id"] not in by_id
    assert by_id[changes["id"]]["summary"] == "changed"
    gone = by_id[goes["id"]]
    assert gone == {
        "kind": "calendar#event",
        "id": goes["id"],
        "etag": gone["etag"],
        "status": "cancelled",
    }
    assert synced(ana, following)[0] == []
    assert synced(ana, token)[0] == items  # a token may be used again


def test_an_increment_in_pages_needs_its_token_on_each(ana: Service):
    token = first_token(ana)
    made = [add(ana, "2026-11-25T10:00", "2026-11-25T11:00", f"{n}") for n in range(5)]
    items, _token = synced(ana, token, maxResults=2)
    assert [one["id"] for one in items] == [one["id"] for one in made]


def test_a_sync_token_does_not_keep_the_window(ana: Service):
    add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "inside")
    window = {"timeMin": "2026-11-25T00:00:00Z", "timeMax": "2026-11-26T00:00:00Z"}
    token = first_token(ana, singleEvents=True, **window)
    add(ana, "2031-11-25T10:00", "2031-11-25T11:00", "years away")
    items, _token = synced(ana, token, singleEvents=True)
    assert titles(items) == ["years away"]


@pytest.mark.parametrize(
    "values",
    [
        {"timeMin": "2026-11-25T00:00:00Z"},
        {"timeMax": "2026-11-25T00:00:00Z"},
        {"q": "x"},
        {"orderBy": "updated"},
        {"updatedMin": "2026-11-24T00:00:00Z"},
        {"iCalUID": "x"},
        {"privateExtendedProperty": "a=b"},
        {"sharedExtendedProperty": "a=b"},
        {"showDeleted": False},
        {"singleEvents": True},
        {"eventTypes": "default"},
    ],
)
def test_what_cannot_stand_beside_a_sync_token(ana: Service, values: dict[str, Any]):
    request = ana.events().list(calendarId="primary", syncToken=first_token(ana), **values)
    assert refused(request) == (400, "badRequest")


@pytest.mark.parametrize("values", [{"orderBy": "updated"}, {"q": "x"}, {"iCalUID": "x"}])
def test_some_questions_give_no_sync_token(ana: Service, values: dict[str, Any]):
    assert "nextSyncToken" not in ana.events().list(calendarId="primary", **values).execute()


def test_sync_tokens_expire_and_are_of_one_calendar(google: GoogleSandbox, ana: Service):
    other = google.calendar(ANA, "Other")
    token = first_token(ana)
    elsewhere = ana.events().list(calendarId=other, syncToken=token)
    assert refused(elsewhere) == (400, "invalid")
    with google.world.lock:
        google.world.calendars[ANA].epoch += 1
    assert refused(ana.events().list(calendarId="primary", syncToken=token)) == (410, "fullSyncRequired")
    assert synced(ana, first_token(ana))[0] == []


def test_another_role_makes_a_full_sync_needed(google: GoogleSandbox, ben: Service):
    desk = google.calendar(ANA, "Desk")
    google.share(desk, BEN, "writer")
    token = every_page(ben.events(), calendarId=desk)[1]
    google.share(desk, BEN, "reader")
    assert refused(ben.events().list(calendarId=desk, syncToken=token)) == (410, "fullSyncRequired")


def test_details_of_the_gone_are_shown_when_asked_for(ana: Service):
    made = add(ana, "2026-11-25T10:00", "2026-11-25T11:00", "gone")
    token = first_token(ana)
    ana.events().delete(calendarId="primary", eventId=made["id"]).execute()
    [gone] = synced(ana, token, showDeleted=True)[0]
    assert (gone["status"], gone["summary"]) == ("cancelled", "gone")


# --- the list of calendars -------------------------------------------------------------------------------


def test_an_entry_of_the_list(google: GoogleSandbox, connect: Connect):
    google.account(ANA, time_zone="Europe/Madrid")
    desk = google.calendar(ANA, "Desk")
    ana = connect(ANA)
    [own, other] = every_page(ana.calendarList())[0]
    assert own.pop("etag") != other.pop("etag")
    assert own.pop("notificationSettings")["notifications"][0] == {"type": "eventCreation", "method": "email"}
    for entry in (own, other):
        assert entry.pop("backgroundColor").startswith("#")
        assert entry.pop("colorId").isdigit()
        assert entry.pop("conferenceProperties")
    common = {
        "kind": "calendar#calendarListEntry",
        "timeZone": "Europe/Madrid",
        "accessRole": "owner",
        "foregroundColor": "#000000",
        "selected": True,
    }
    reminders = [{"method": "popup", "minutes": 30}]
    assert own == {**common, "id": ANA, "summary": ANA, "primary": True, "defaultReminders": reminders}
    assert other == {**common, "id": desk, "summary": "Desk", "dataOwner": ANA, "defaultReminders": []}


def test_the_list_has_pages_roles_and_increments(google: GoogleSandbox, connect: Connect):
    ben = connect(BEN)
    shared = {}
    for role in ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner"):
        shared[role] = google.calendar(ANA, role)
        google.share(shared[role], BEN, role)
    everything, token = every_page(ben.calendarList(), maxResults=2)
    assert [one["accessRole"] for one in everything] == ["owner", *shared]
    assert [one["summary"] for one in every_page(ben.calendarList(), minAccessRole="writer")[0]] == [
        BEN,
        "writer",
        "owner",
    ]
    assert every_page(ben.calendarList(), syncToken=token)[0] == []
    google.share(shared["writer"], BEN, "none")
    with google.world.lock:
        google.world.remove_calendar(google.world.calendars[shared["owner"]])
    google.share(google.calendar(ANA, "new"), BEN, "reader")
    news, following = every_page(ben.calendarList(), syncToken=token)
    assert [one.get("summary", one.get("deleted")) for one in news] == [True, True, "new"]
    assert every_page(ben.calendarList(), syncToken=following)[0] == []
    assert len(every_page(ben.calendarList())[0]) == 5
    assert len(every_page(ben.calendarList(), showDeleted=True)[0]) == 7
    mixed = ben.calendarList().list(syncToken=token, minAccessRole="writer")
    assert refused(mixed) == (400, "badRequest")
    assert refused(ben.calendarList().list(syncToken="made-up")) == (400, "invalid")


def test_what_cannot_be_done_to_calendars(google: GoogleSandbox, ana: Service, ben: Service):
    desk = google.calendar(ANA, "Desk")
    google.share(desk, BEN, "writer")
    assert refused(ana.calendars().delete(calendarId="primary")) == (400, "cannotDeletePrimaryCalendar")
    assert refused(ben.calendars().delete(calendarId=desk)) == (403, "requiredAccessLevel")
    assert refused(ben.calendars().patch(calendarId=desk, body={"summary": "x"})) == (
        403,
        "requiredAccessLevel",
    )
    assert refused(ana.calendarList().delete(calendarId=desk)) == (400, "cannotUnsubscribeOwnCalendar")
    assert refused(ben.calendarList().insert(body={"id": "nobody@example.org"})) == (404, "notFound")
    assert refused(ana.calendars().insert(body={"summary": "x", "timeZone": "Mars/Base"})) == (400, "invalid")
    assert refused(ana.calendarList().patch(calendarId=desk, body={"colorId": "99"})) == (400, "invalid")
    assert refused(ana.settings().get(setting="mood")) == (404, "notFound")
