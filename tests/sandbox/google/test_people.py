"""Who may see and do what: roles, scopes, private events, and guests who answer on their own calendars."""

from __future__ import annotations

from typing import Any

import pytest
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, BEN, Connect, Service, every_page, refused, timed

from calendar_sandbox.google.api.methods import METHODS
from calendar_sandbox.google.state import ROLES

SCOPE = "https://www.googleapis.com/auth/"
BODY = timed("2026-11-25T10:00", "2026-11-25T11:00", location="Room", description="Notes")


@pytest.fixture
def desk(google: GoogleSandbox) -> str:
    return google.calendar(ANA, "Desk")


def insert(service: Service, calendar: str, **more: Any) -> dict[str, Any]:
    made = service.events().insert(calendarId=calendar, body=BODY | more).execute()
    assert isinstance(made, dict)
    return made


def get(service: Service, calendar: str, event_id: str) -> dict[str, Any]:
    found = service.events().get(calendarId=calendar, eventId=event_id).execute()
    assert isinstance(found, dict)
    return found


# --- roles -----------------------------------------------------------------------------------------------


def test_a_stranger_finds_nothing(desk: str, ana: Service, ben: Service):
    made = insert(ana, desk)
    events = ben.events()
    for request in (
        events.list(calendarId=desk),
        events.get(calendarId=desk, eventId=made["id"]),
        events.insert(calendarId=desk, body=BODY),
        events.delete(calendarId=desk, eventId=made["id"]),
        ben.calendars().get(calendarId=desk),
        ben.calendarList().get(calendarId=desk),
    ):
        assert refused(request) == (404, "notFound")


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_sees_and_does(google: GoogleSandbox, desk: str, ana: Service, ben: Service, role: str):
    google.share(desk, BEN, role)
    plain, private = insert(ana, desk), insert(ana, desk, visibility="private")
    answer = ben.events().list(calendarId=desk).execute()
    assert answer["accessRole"] == role
    seen = {one["id"]: one for one in answer["items"]}
    assert ("location" in seen[plain["id"]]) == (role != "freeBusyReader")
    assert ("location" in seen[private["id"]]) == (role in ("writer", "owner"))
    assert seen[private["id"]]["start"] == private["start"]
    writes = role in ("writerWithoutPrivateAccess", "writer", "owner")
    events = ben.events()
    insertion = events.insert(calendarId=desk, body=BODY)
    change = events.patch(calendarId=desk, eventId=plain["id"], body={"summary": "New"})
    secret = events.patch(calendarId=desk, eventId=private["id"], body={"summary": "New"})
    if not writes:
        for request in (insertion, change, secret, events.delete(calendarId=desk, eventId=plain["id"])):
            assert refused(request) == (403, "requiredAccessLevel")
        return
    assert insertion.execute()["organizer"]["email"] == desk
    assert change.execute()["summary"] == "New"
    if role == "writerWithoutPrivateAccess":
        assert refused(secret) == (403, "forbidden")
        assert refused(events.delete(calendarId=desk, eventId=private["id"])) == (403, "forbidden")
    else:
        assert secret.execute()["summary"] == "New"


def test_hidden_details_are_not_found_by_searching(
    google: GoogleSandbox, desk: str, ana: Service, ben: Service
):
    google.share(desk, BEN, "reader")
    insert(ana, desk, visibility="private", summary="secret", extendedProperties={"private": {"a": "b"}})
    assert every_page(ben.events(), calendarId=desk, q="secret")[0] == []
    assert every_page(ben.events(), calendarId=desk, privateExtendedProperty="a=b")[0] == []
    [seen] = every_page(ben.events(), calendarId=desk)[0]
    assert not {"summary", "location", "description", "creator", "extendedProperties"} & set(seen)
    assert seen["visibility"] == "private"


def test_everybody_may_read_a_public_calendar(google: GoogleSandbox, desk: str, ben: Service):
    google.share(desk, "default", "reader")
    assert every_page(ben.events(), calendarId=desk)[0] == []
    assert [one["id"] for one in every_page(ben.calendarList())[0]] == [BEN]


def test_creator_and_organizer_of_an_event_on_a_shared_calendar(
    google: GoogleSandbox, desk: str, ben: Service
):
    google.share(desk, BEN, "writer")
    made = insert(ben, desk)
    assert made["creator"] == {"email": BEN}
    assert made["organizer"] == {"email": desk, "displayName": "Desk", "self": True}


# --- scopes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [m for m in METHODS if m.run is not None], ids=lambda method: method.id)
def test_each_method_wants_one_of_its_scopes(google: GoogleSandbox, method: Any):
    every_scope = {scope for other in METHODS for scope in other.scopes}
    others = [f"{SCOPE}{scope}" for scope in sorted(every_scope - set(method.scopes))]
    path = method.path.format(calendarId="primary", eventId="abcde", setting="timezone")
    with google.client(ANA, ["openid", *others]) as client:
        answer = client.request(method.verb, path, json={} if method.takes else None)
    assert answer.status_code == 403
    error = answer.json()["error"]
    assert error["errors"][0]["reason"] == "insufficientPermissions"
    assert error["status"] == "PERMISSION_DENIED"
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_some_scopes_are_good_for_some_calendars_only(
    google: GoogleSandbox, connect: Connect, desk: str, ana: Service
):
    google.share(desk, BEN, "writer")
    insert(ana, desk)
    owned = connect(BEN, [f"{SCOPE}calendar.events.owned"])
    insert(owned, "primary")
    assert refused(owned.events().list(calendarId=desk)) == (403, "forbidden")
    free = connect(BEN, [f"{SCOPE}calendar.events.freebusy"])
    [seen] = every_page(free.events(), calendarId=desk)[0]
    assert "summary" not in seen
    public = connect(BEN, [f"{SCOPE}calendar.events.public.readonly"])
    assert refused(public.events().list(calendarId=desk)) == (403, "forbidden")
    google.share(desk, "default", "reader")
    assert len(every_page(public.events(), calendarId=desk)[0]) == 1
    apps = connect(BEN, [f"{SCOPE}calendar.app.created"])
    assert refused(apps.events().list(calendarId="primary")) == (403, "forbidden")
    mine = apps.calendars().insert(body={"summary": "Mine"}).execute()["id"]
    insert(apps, mine)
    other_app = connect(BEN, [f"{SCOPE}calendar.app.created"], client_id="another")
    assert refused(other_app.events().list(calendarId=mine)) == (403, "forbidden")


# --- guests ----------------------------------------------------------------------------------------------

GUEST = [{"email": BEN}]


def test_a_guest_finds_the_event_on_the_own_calendar_and_answers_there(ana: Service, ben: Service):
    made = insert(ana, "primary", attendees=GUEST)
    assert made["attendees"] == [{"email": BEN, "responseStatus": "needsAction"}]
    copy = get(ben, "primary", made["id"])
    assert copy["attendees"] == [{"email": BEN, "responseStatus": "needsAction", "self": True}]
    assert copy["organizer"] == {"email": ANA}
    assert copy["iCalUID"] == made["iCalUID"]
    answered = [{"email": BEN, "responseStatus": "declined", "comment": "Away"}]
    ben.events().patch(calendarId="primary", eventId=made["id"], body={"attendees": answered}).execute()
    theirs = get(ana, "primary", made["id"])
    assert theirs["attendees"] == [{"email": BEN, "responseStatus": "declined", "comment": "Away"}]
    assert theirs["etag"] != made["etag"]
    [change] = every_page(ana.events(), calendarId="primary", updatedMin="2026-11-24T00:00:00Z")[0]
    assert change["attendees"][0]["responseStatus"] == "declined"


def test_a_guest_changes_only_what_is_the_guests_own(ana: Service, ben: Service):
    made = insert(ana, "primary", attendees=[*GUEST, {"email": "x@example.com"}])
    events = ben.events()
    later = {"start": {"dateTime": "2026-11-25T10:30:00Z"}}
    for body in (
        {"summary": "Mine"},
        later,
        {"attendees": GUEST},
        {"extendedProperties": {"shared": {"a": "b"}}},
    ):
        request = events.patch(calendarId="primary", eventId=made["id"], body=body)
        assert refused(request) == (403, "forbiddenForNonOrganizer")
    own = {
        "colorId": "4",
        "transparency": "transparent",
        "reminders": {"useDefault": False},
        "extendedProperties": {"private": {"mine": "1"}},
    }
    events.patch(calendarId="primary", eventId=made["id"], body=own).execute()
    theirs = get(ana, "primary", made["id"])
    assert not {"colorId", "transparency", "extendedProperties"} & set(theirs)
    ana.events().patch(calendarId="primary", eventId=made["id"], body={"summary": "Renamed"}).execute()
    mine = get(ben, "primary", made["id"])
    assert mine["summary"] == "Renamed"
    assert {name: mine[name] for name in own} == own


def test_guests_may_change_all_where_the_organizer_lets_them(ana: Service, ben: Service):
    made = insert(ana, "primary", attendees=GUEST, guestsCanModify=True)
    ben.events().patch(calendarId="primary", eventId=made["id"], body={"summary": "Ours"}).execute()
    assert get(ana, "primary", made["id"])["summary"] == "Ours"


def test_deleting_ends_it_everywhere_for_the_organizer_and_is_a_refusal_for_a_guest(
    ana: Service, ben: Service
):
    made = insert(ana, "primary", attendees=GUEST)
    ben.events().delete(calendarId="primary", eventId=made["id"]).execute()
    theirs = get(ana, "primary", made["id"])
    assert (theirs["status"], theirs["attendees"][0]["responseStatus"]) == ("confirmed", "declined")
    ana.events().patch(calendarId="primary", eventId=made["id"], body={"summary": "Still"}).execute()
    assert get(ben, "primary", made["id"])["status"] == "cancelled"
    other = insert(ana, "primary", attendees=GUEST)
    ana.events().delete(calendarId="primary", eventId=other["id"]).execute()
    assert get(ben, "primary", other["id"])["status"] == "cancelled"


def test_guests_come_and_go(ana: Service, ben: Service):
    made = insert(ana, "primary")
    body: dict[str, Any] = {"attendees": GUEST}
    ana.events().patch(calendarId="primary", eventId=made["id"], body=body).execute()
    assert get(ben, "primary", made["id"])["status"] == "confirmed"
    ana.events().patch(calendarId="primary", eventId=made["id"], body={"attendees": []}).execute()
    assert get(ben, "primary", made["id"])["status"] == "cancelled"
    ana.events().patch(calendarId="primary", eventId=made["id"], body=body).execute()
    assert get(ben, "primary", made["id"])["status"] == "confirmed"


def test_a_guest_has_the_whole_series(ana: Service, ben: Service):
    made = insert(ana, "primary", attendees=GUEST, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    second = f"{made['id']}_20261126T100000Z"
    ana.events().patch(calendarId="primary", eventId=second, body={"summary": "Special"}).execute()
    found = every_page(ben.events(), calendarId="primary", singleEvents=True)[0]
    assert sorted(one["summary"] for one in found) == ["Special", "Visit", "Visit"]
    ana.events().delete(calendarId="primary", eventId=made["id"]).execute()
    assert every_page(ben.events(), calendarId="primary", singleEvents=True)[0] == []


def test_an_event_of_an_organizer_elsewhere_is_a_copy_too(ana: Service):
    body = BODY | {
        "iCalUID": "x@example.com",
        "organizer": {"email": "boss@example.com"},
        "attendees": [{"email": ANA}],
    }
    made = ana.events().import_(calendarId="primary", body=body).execute()
    request = ana.events().patch(calendarId="primary", eventId=made["id"], body={"summary": "Mine"})
    assert refused(request) == (403, "forbiddenForNonOrganizer")
    accepted = {"attendees": [{"email": ANA, "responseStatus": "accepted"}]}
    answer = ana.events().patch(calendarId="primary", eventId=made["id"], body=accepted).execute()
    assert answer["attendees"][0]["responseStatus"] == "accepted"
    move = ana.events().move(calendarId="primary", eventId=made["id"], destination="primary")
    assert refused(move) == (400, "cannotChangeOrganizer")
