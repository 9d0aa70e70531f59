"""One event: what a new one looks like, what writes change, what is refused and with which reason."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from googleapiclient.http import HttpRequest
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, Connect, Service, days, refused, timed

TEN = ("2026-11-25T10:00", "2026-11-25T11:00")
STRONG = re.compile(r'"[^"]+"')


def insert(service: Service, body: dict[str, Any], **values: Any) -> dict[str, Any]:
    found = service.events().insert(calendarId="primary", body=body, **values).execute()
    assert isinstance(found, dict)
    return found


def get(service: Service, event_id: str, calendar: str = "primary") -> dict[str, Any]:
    found = service.events().get(calendarId=calendar, eventId=event_id).execute()
    assert isinstance(found, dict)
    return found


def patch(service: Service, event_id: str, **body: Any) -> dict[str, Any]:
    found = service.events().patch(calendarId="primary", eventId=event_id, body=body).execute()
    assert isinstance(found, dict)
    return found


def with_header(request: HttpRequest, name: str, value: str) -> HttpRequest:
    request.headers[name] = value
    return request


# --- a new event -----------------------------------------------------------------------------------------


def test_a_new_event_has_all_that_google_adds(ana: Service):
    made = insert(ana, timed(*TEN, "Europe/Madrid"))
    assert re.fullmatch("[a-v0-9]{26}", made["id"])
    assert STRONG.fullmatch(made["etag"])
    assert made.pop("htmlLink").startswith("http://127.0.0.1:")
    assert made == {
        "kind": "calendar#event",
        "id": made["id"],
        "etag": made["etag"],
        "status": "confirmed",
        "summary": "Visit",
        "created": "2026-11-24T12:00:00.000Z",
        "updated": "2026-11-24T12:00:00.000Z",
        "creator": {"email": ANA, "self": True},
        "organizer": {"email": ANA, "self": True},
        "start": {"dateTime": "2026-11-25T09:00:00Z", "timeZone": "Europe/Madrid"},
        "end": {"dateTime": "2026-11-25T10:00:00Z", "timeZone": "Europe/Madrid"},
        "iCalUID": f"{made['id']}@google.com",
        "sequence": 0,
        "reminders": {"useDefault": True},
        "eventType": "default",
    }


def test_what_is_default_is_not_said(ana: Service):
    said = {"transparency": "opaque", "visibility": "default", "guestsCanModify": False, "attendees": []}
    made = insert(ana, timed(*TEN, **said))
    assert not set(said) & set(made)
    other = insert(ana, timed(*TEN, transparency="transparent", visibility="private", colorId="5"))
    assert (other["transparency"], other["visibility"], other["colorId"]) == ("transparent", "private", "5")


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        ({"dateTime": "2026-11-25T10:00:00+01:00"}, "2026-11-25T04:00:00-05:00"),
        ({"dateTime": "2026-11-25T10:00:00Z", "timeZone": "Asia/Tokyo"}, "2026-11-25T05:00:00-05:00"),
        ({"dateTime": "2026-11-25T10:00:00", "timeZone": "Asia/Tokyo"}, "2026-11-24T20:00:00-05:00"),
        ({"dateTime": "2026-11-25T10:00:00.250Z"}, "2026-11-25T05:00:00-05:00"),
    ],
)
def test_times_are_shown_in_the_calendars_zone(
    google: GoogleSandbox, connect: Connect, start: dict[str, str], shown: str
):
    google.account(ANA, time_zone="America/New_York")
    ana = connect(ANA)
    body = {"start": start, "end": {"dateTime": "2026-11-26T10:00:00Z"}}
    made = insert(ana, body)
    assert made["start"] == {"dateTime": shown, "timeZone": start.get("timeZone", "America/New_York")}
    elsewhere = ana.events().get(calendarId="primary", eventId=made["id"], timeZone="UTC").execute()
    assert elsewhere["start"]["dateTime"].endswith("Z")


def test_a_time_that_the_clocks_skip_moves_on_and_one_of_two_equal_ones_is_the_first(ana: Service):
    skipped = insert(ana, timed("2026-03-08T02:30", "2026-03-08T03:30", "America/New_York"))
    assert skipped["start"]["dateTime"] == "2026-03-08T07:30:00Z"
    twice = insert(ana, timed("2026-11-01T01:30", "2026-11-01T01:45", "America/New_York"))
    assert twice["start"]["dateTime"] == "2026-11-01T05:30:00Z"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"start": {"dateTime": "2026-11-25T10:00:00Z"}}, "required"),
        ({"end": {"date": "2026-11-25"}}, "required"),
        ({"start": {"dateTime": "2026-11-25T10:00:00"}, "end": {"date": "2026-11-25"}}, "required"),
        ({"start": {"dateTime": "2026-11-25T10:00:00Z"}, "end": {"date": "2026-11-26"}}, "invalid"),
        ({"start": {"date": "2026-11-25"}, "end": {"date": "2026-11-25"}}, "timeRangeEmpty"),
        (timed("2026-11-25T10:00", "2026-11-25T09:59"), "timeRangeEmpty"),
        (timed("2026-11-25T10:00", "2026-11-25T11:00", "Mars/Base"), "invalid"),
        (timed("2026-13-25T10:00", "2026-11-25T11:00"), "invalid"),
        ({"start": {"date": "soon"}, "end": {"date": "later"}}, "invalid"),
        (
            {
                "start": {"date": "2026-11-25", "dateTime": "2026-11-25T10:00:00Z"},
                "end": {"date": "2026-11-26"},
            },
            "invalid",
        ),
        (timed(*TEN, status="maybe"), "invalid"),
        (timed(*TEN, transparency="busy"), "invalid"),
        (timed(*TEN, colorId="12"), "invalid"),
        (timed(*TEN, summary=["a", "list"]), "invalid"),
        (timed(*TEN, attendees=[{"email": "nobody"}]), "invalid"),
        (timed(*TEN, attendees=[{"email": "a@b.c", "responseStatus": "yes"}]), "invalid"),
        (
            timed(*TEN, reminders={"useDefault": False, "overrides": [{"method": "sms", "minutes": 5}]}),
            "invalid",
        ),
        (
            timed(*TEN, reminders={"useDefault": True, "overrides": [{"method": "popup", "minutes": 5}]}),
            "cannotUseDefaultRemindersAndSpecifyOverride",
        ),
        (timed(*TEN, source={"url": "ftp://x", "title": "y"}), "invalid"),
        (timed(*TEN, eventType="fromGmail"), "eventTypeRestriction"),
        (timed(*TEN, eventType="workingLocation"), "malformedWorkingLocationEvent"),
        (days("2026-11-25", "2026-11-26", eventType="outOfOffice"), "malformedOutOfOfficeEvent"),
        (timed(*TEN, eventType="birthday"), "malformedBirthdayEvent"),
    ],
)
def test_an_event_that_cannot_be_is_refused(ana: Service, body: dict[str, Any], reason: str):
    assert refused(ana.events().insert(calendarId="primary", body=body)) == (400, reason)
    assert ana.events().list(calendarId="primary").execute()["items"] == []


def test_a_timed_event_may_have_no_length(ana: Service):
    made = insert(ana, timed("2026-11-25T10:00", "2026-11-25T10:00"))
    assert made["start"]["dateTime"] == made["end"]["dateTime"]


def test_a_body_that_is_no_json_is_a_parse_error(google: GoogleSandbox):
    with google.client(ANA) as client:
        answer = client.post(
            "calendars/primary/events", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["errors"][0]["reason"] == "parseError"


def test_fields_nobody_knows_are_ignored_and_numbers_taken_for_texts(google: GoogleSandbox):
    google.check_traffic = False
    with google.client(ANA) as client:
        made = client.post("calendars/primary/events", json=timed(*TEN, mood="good", description=5)).json()
    assert "mood" not in made
    assert made["description"] == "5"


# --- limits ----------------------------------------------------------------------------------------------


def test_long_texts_are_cut_and_long_keys_dropped_without_a_word(ana: Service):
    properties = {"private": {"k" * 45: "dropped", "kept": "v" * 2000}, "shared": {}}
    made = insert(ana, timed(*TEN, description="x" * 9000, extendedProperties=properties))
    assert len(made["description"]) == 8192
    assert made["extendedProperties"] == {"private": {"kept": "v" * 1024}}


def test_there_is_a_limit_of_properties_and_of_reminders(ana: Service):
    many = {"private": {f"key{number}": "x" for number in range(301)}}
    insertion = ana.events().insert(calendarId="primary", body=timed(*TEN, extendedProperties=many))
    assert refused(insertion) == (400, "invalid")
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": n} for n in range(6)]}
    insertion = ana.events().insert(calendarId="primary", body=timed(*TEN, reminders=reminders))
    assert refused(insertion) == (400, "invalid")


def test_attachments_and_meetings_count_for_clients_that_say_so(ana: Service):
    meeting = {"createRequest": {"requestId": "1", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}
    file = [{"fileUrl": "https://example.org/plan.pdf", "title": "Plan"}]
    body = timed(*TEN, conferenceData=meeting, attachments=file)
    without = insert(ana, body)
    assert not {"conferenceData", "attachments", "hangoutLink"} & set(without)
    with_them = insert(ana, body, conferenceDataVersion=1, supportsAttachments=True)
    assert with_them["hangoutLink"].startswith("https://meet.google.com/")
    assert with_them["conferenceData"]["createRequest"]["status"] == {"statusCode": "success"}
    assert with_them["attachments"] == file
    kept = patch(ana, with_them["id"], summary="Other", conferenceData=None, attachments=None)
    assert kept["conferenceData"] == with_them["conferenceData"]
    assert kept["attachments"] == file


# --- names -----------------------------------------------------------------------------------------------


def test_a_client_may_choose_the_id_and_never_again(ana: Service):
    body = timed(*TEN, id="abcdefghijklmnopqrstuv0123456789")
    made = insert(ana, body)
    assert made["iCalUID"] == "abcdefghijklmnopqrstuv0123456789@google.com"
    assert refused(ana.events().insert(calendarId="primary", body=body)) == (409, "duplicate")
    ana.events().delete(calendarId="primary", eventId=made["id"]).execute()
    assert refused(ana.events().insert(calendarId="primary", body=body)) == (409, "duplicate")
    assert get(ana, made["id"])["status"] == "cancelled"


@pytest.mark.parametrize("wrong", ["abcd", "ABCDE", "abcde-f", "wxyzw", "a" * 1025, ""])
def test_ids_are_of_a_small_alphabet(ana: Service, wrong: str):
    insertion = ana.events().insert(calendarId="primary", body=timed(*TEN, id=wrong))
    assert refused(insertion) == (400, "invalid")


def test_an_id_is_free_on_another_calendar(google: GoogleSandbox, ana: Service):
    other = google.calendar(ANA, "Other")
    insert(ana, timed(*TEN, id="abcde"))
    ana.events().insert(calendarId=other, body=timed(*TEN, id="abcde")).execute()


def test_an_id_or_an_ical_uid_but_not_both(ana: Service):
    both = timed(*TEN, id="abcde", iCalUID="x@example.com")
    assert refused(ana.events().insert(calendarId="primary", body=both)) == (400, "invalid")
    made = insert(ana, timed(*TEN, iCalUID="x@example.com"))
    assert made["id"].startswith("_")
    again = ana.events().insert(calendarId="primary", body=timed(*TEN, iCalUID="x@example.com"))
    assert refused(again) == (409, "duplicate")


def test_importing_twice_brings_the_first_one_up_to_date(ana: Service):
    events = ana.events()
    body = timed(*TEN, iCalUID="x@example.com", organizer={"email": "boss@example.com"}, sequence=3)
    first = events.import_(calendarId="primary", body=body).execute()
    assert first["organizer"] == {"email": "boss@example.com"}
    second = events.import_(calendarId="primary", body=body | {"summary": "New"}).execute()
    assert (second["id"], second["summary"], second["sequence"]) == (first["id"], "New", 3)
    assert refused(events.import_(calendarId="primary", body=timed(*TEN))) == (400, "required")


# --- changing --------------------------------------------------------------------------------------------


def test_each_write_is_a_new_version_and_a_new_time_a_new_sequence(google: GoogleSandbox, ana: Service):
    made = insert(ana, timed(*TEN))
    google.advance(timedelta(seconds=5))
    renamed = patch(ana, made["id"], summary="Renamed")
    assert renamed["etag"] != made["etag"]
    assert renamed["updated"] == "2026-11-24T12:00:05.000Z"
    assert (renamed["created"], renamed["sequence"]) == (made["created"], 0)
    moved = patch(ana, made["id"], end={"dateTime": "2026-11-25T12:00:00Z"})
    assert moved["sequence"] == 1
    assert moved["start"] == made["start"]
    assert len({made["etag"], renamed["etag"], moved["etag"]}) == 3


def test_changing_reminders_changes_the_version_and_not_the_time_of_change(
    google: GoogleSandbox, ana: Service
):
    made = insert(ana, timed(*TEN))
    google.advance(timedelta(seconds=5))
    reminded = patch(ana, made["id"], reminders={"useDefault": False})
    assert reminded["reminders"] == {"useDefault": False}
    assert reminded["updated"] == made["updated"]
    assert reminded["etag"] != made["etag"]


def test_a_patch_merges_objects_replaces_lists_and_removes_by_null(ana: Service):
    made = insert(
        ana,
        timed(
            *TEN,
            location="Room",
            attendees=[{"email": "a@example.com"}, {"email": "b@example.com"}],
            extendedProperties={"private": {"a": "1", "b": "2"}, "shared": {"c": "3"}},
        ),
    )
    changed = patch(
        ana,
        made["id"],
        location=None,
        attendees=[{"email": "b@example.com", "responseStatus": "accepted"}],
        extendedProperties={"private": {"a": None, "d": "4"}},
    )
    assert "location" not in changed
    assert changed["attendees"] == [{"email": "b@example.com", "responseStatus": "accepted"}]
    assert changed["extendedProperties"] == {"private": {"b": "2", "d": "4"}, "shared": {"c": "3"}}
    assert changed["summary"] == "Visit"


def test_all_day_to_timed_and_back_needs_the_other_key_to_be_null(ana: Service):
    made = insert(ana, days("2026-11-25", "2026-11-26"))
    times: dict[str, Any] = {
        "start": {"dateTime": "2026-11-25T10:00:00Z"},
        "end": {"dateTime": "2026-11-25T11:00:00Z"},
    }
    events = ana.events()
    assert refused(events.patch(calendarId="primary", eventId=made["id"], body=times)) == (400, "invalid")
    timed_now = patch(ana, made["id"], **{name: {**value, "date": None} for name, value in times.items()})
    assert timed_now["start"] == {"dateTime": "2026-11-25T10:00:00Z", "timeZone": "UTC"}
    whole = {"start": {"date": "2026-11-27"}, "end": {"date": "2026-11-28"}}
    assert refused(events.patch(calendarId="primary", eventId=made["id"], body=whole)) == (400, "invalid")
    back = patch(ana, made["id"], **{name: {**value, "dateTime": None} for name, value in whole.items()})
    assert (back["start"], back["end"]) == (whole["start"], whole["end"])


def test_an_update_replaces_everything_that_can_be_written(ana: Service):
    made = insert(ana, timed(*TEN, location="Room", colorId="3", extendedProperties={"private": {"a": "1"}}))
    body = {"start": made["start"], "end": made["end"], "summary": "Bare", "id": "other", "iCalUID": "other"}
    updated = ana.events().update(calendarId="primary", eventId=made["id"], body=body).execute()
    assert not {"location", "colorId", "extendedProperties"} & set(updated)
    for name in ("id", "iCalUID", "created", "creator", "organizer", "sequence", "eventType"):
        assert updated[name] == made[name]
    google_needs_times = ana.events().update(calendarId="primary", eventId=made["id"], body={"summary": "x"})
    assert refused(google_needs_times) == (400, "required")


def test_a_sequence_may_grow_and_not_shrink(ana: Service):
    made = insert(ana, timed(*TEN, sequence=4))
    assert patch(ana, made["id"], sequence=7)["sequence"] == 7
    lower = ana.events().patch(calendarId="primary", eventId=made["id"], body={"sequence": 6})
    assert refused(lower) == (400, "invalid")


def test_the_type_of_an_event_stays(ana: Service):
    made = insert(ana, timed(*TEN))
    other = ana.events().patch(calendarId="primary", eventId=made["id"], body={"eventType": "focusTime"})
    assert refused(other) == (400, "eventTypeRestriction")
    away = insert(
        ana, timed(*TEN, eventType="outOfOffice", outOfOfficeProperties={"autoDeclineMode": "declineNone"})
    )
    assert patch(ana, away["id"], summary="Away")["eventType"] == "outOfOffice"


# --- versions --------------------------------------------------------------------------------------------


def test_a_write_may_name_the_version_it_was_made_from(ana: Service):
    events = ana.events()
    made = insert(ana, timed(*TEN))
    newer = patch(ana, made["id"], summary="Newer")
    for request in (
        events.patch(calendarId="primary", eventId=made["id"], body={"summary": "Lost"}),
        events.update(calendarId="primary", eventId=made["id"], body=timed(*TEN)),
        events.delete(calendarId="primary", eventId=made["id"]),
    ):
        assert refused(with_header(request, "If-Match", made["etag"])) == (412, "conditionNotMet")
    assert get(ana, made["id"]) == newer
    fits = events.patch(calendarId="primary", eventId=made["id"], body={"summary": "Kept"})
    assert with_header(fits, "If-Match", newer["etag"]).execute()["summary"] == "Kept"
    any_version = events.delete(calendarId="primary", eventId=made["id"])
    assert with_header(any_version, "If-Match", "*").execute() == ""


def test_after_a_deletion_the_old_version_does_not_fit(ana: Service):
    made = insert(ana, timed(*TEN))
    ana.events().delete(calendarId="primary", eventId=made["id"]).execute()
    late = ana.events().patch(calendarId="primary", eventId=made["id"], body={"summary": "Late"})
    assert refused(with_header(late, "If-Match", made["etag"])) == (412, "conditionNotMet")


def test_reading_again_what_is_the_same_costs_nothing(google: GoogleSandbox):
    with google.client(ANA) as client:
        made = client.post("calendars/primary/events", json=timed(*TEN)).json()
        path = f"calendars/primary/events/{made['id']}"
        first = client.get(path)
        assert first.headers["etag"] == made["etag"]
        again = client.get(path, headers={"If-None-Match": made["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        client.patch(path, json={"summary": "New"})
        assert client.get(path, headers={"If-None-Match": made["etag"]}).status_code == 200
        list_etag = client.get("calendars/primary/events").headers["etag"]
        again = client.get("calendars/primary/events", headers={"If-None-Match": list_etag})
        assert again.status_code == 304


# --- going and coming back -------------------------------------------------------------------------------


def test_a_deleted_event_is_read_as_cancelled_with_its_details(ana: Service):
    made = insert(ana, timed(*TEN, location="Room"))
    assert ana.events().delete(calendarId="primary", eventId=made["id"]).execute() == ""
    gone = get(ana, made["id"])
    assert (gone["status"], gone["location"], gone["start"]) == ("cancelled", "Room", made["start"])
    assert gone["etag"] != made["etag"]
    assert refused(ana.events().delete(calendarId="primary", eventId=made["id"])) == (410, "deleted")
    assert refused(ana.events().get(calendarId="primary", eventId="neverwas")) == (404, "notFound")


def test_a_deleted_event_comes_back_only_when_its_status_is_said(ana: Service):
    made = insert(ana, timed(*TEN))
    ana.events().delete(calendarId="primary", eventId=made["id"]).execute()
    events = ana.events()
    silent = events.patch(calendarId="primary", eventId=made["id"], body={"summary": "Zombie"})
    assert refused(silent) == (403, "forbidden")
    silent = events.update(calendarId="primary", eventId=made["id"], body=timed(*TEN))
    assert refused(silent) == (403, "forbidden")
    back = patch(ana, made["id"], status="confirmed")
    assert (back["status"], back["sequence"]) == ("confirmed", 1)
    assert patch(ana, made["id"], status="cancelled")["status"] == "cancelled"
    assert refused(events.delete(calendarId="primary", eventId=made["id"])) == (410, "deleted")


def test_a_moved_event_leaves_a_cancelled_stub_and_may_come_home(google: GoogleSandbox, ana: Service):
    other = google.calendar(ANA, "Other")
    made = insert(ana, timed(*TEN))
    events = ana.events()
    moved = events.move(calendarId="primary", eventId=made["id"], destination=other).execute()
    assert (moved["id"], moved["iCalUID"]) == (made["id"], made["iCalUID"])
    assert moved["organizer"]["email"] == other
    assert get(ana, made["id"])["status"] == "cancelled"
    assert get(ana, made["id"], other)["status"] == "confirmed"
    stub = events.patch(calendarId="primary", eventId=made["id"], body={"status": "confirmed"})
    assert refused(stub) == (403, "forbidden")
    home = events.move(calendarId=other, eventId=made["id"], destination="primary").execute()
    assert home["organizer"] == {"email": ANA, "self": True}
    assert get(ana, made["id"])["status"] == "confirmed"
    assert get(ana, made["id"], other)["status"] == "cancelled"


def test_what_cannot_be_moved(google: GoogleSandbox, ana: Service):
    other = google.calendar(ANA, "Other")
    events = ana.events()
    away = insert(ana, timed(*TEN, eventType="outOfOffice"))
    move = events.move(calendarId="primary", eventId=away["id"], destination=other)
    assert refused(move) == (400, "eventTypeRestriction")
    series = insert(ana, timed(*TEN, recurrence=["RRULE:FREQ=DAILY;COUNT=2"]))
    move = events.move(calendarId="primary", eventId=f"{series['id']}_20261125T100000Z", destination=other)
    assert refused(move) == (400, "cannotChangeOrganizerOfInstance")
    gone = insert(ana, timed(*TEN))
    events.delete(calendarId="primary", eventId=gone["id"]).execute()
    move = events.move(calendarId="primary", eventId=gone["id"], destination=other)
    assert refused(move) == (410, "deleted")
    move = events.move(calendarId="primary", eventId=series["id"], destination="nowhere@example.org")
    assert refused(move) == (404, "notFound")


# --- the wire --------------------------------------------------------------------------------------------


def test_answers_can_be_partial_packed_and_pretty(google: GoogleSandbox):
    with google.client(ANA) as client:
        for number in range(20):
            client.post("calendars/primary/events", json=timed(*TEN, summary=f"Visit {number}"))
        masked = client.get(
            "calendars/primary/events", params={"fields": "items(id,start/dateTime),etag"}
        ).json()
        assert set(masked) == {"items", "etag"}
        assert all(
            set(one) == {"id", "start"} and set(one["start"]) == {"dateTime"} for one in masked["items"]
        )
        packed = client.get("calendars/primary/events", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        plain = client.get("calendars/primary/events", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.json() == packed.json()
        assert b"\n" in client.get("calendars/primary/events", params={"prettyPrint": "true"}).content
        ignored = {"alt": "json", "key": "x", "quotaUser": "y", "prettyPrint": "false"}
        assert client.get("calendars/primary/events", params=ignored).status_code == 200
        wrong = client.get("calendars/primary/events", params={"fields": "items(id,colour)"})
        assert wrong.status_code == 400
        assert wrong.json()["error"]["errors"][0]["reason"] == "invalidParameter"


def test_a_long_query_may_come_as_a_body(ana: Service):
    """The client library does so by itself beyond 2,048 characters."""
    insert(ana, timed(*TEN, summary="needle"))
    found = ana.events().list(calendarId="primary", q=" ".join(["needle"] * 400)).execute()["items"]
    assert [one["summary"] for one in found] == ["needle"]


def test_only_tokens_that_count_are_let_in(google: GoogleSandbox):
    with google.client(ANA, lifetime=60) as client:
        assert client.get("calendars/primary").status_code == 200
        google.advance(timedelta(seconds=60))
        late = client.get("calendars/primary")
        assert late.status_code == 401
        assert late.json()["error"]["errors"][0]["reason"] == "authError"
        assert late.json()["error"]["status"] == "UNAUTHENTICATED"
        assert 'error="invalid_token"' in late.headers["www-authenticate"]
        nobody = client.get("calendars/primary", headers={"Authorization": ""})
        assert nobody.status_code == 401
        assert nobody.json()["error"]["errors"][0]["reason"] == "required"
        sent_else = client.get(
            "calendars/primary", headers={"Authorization": ""}, params={"access_token": google.token(ANA)}
        )
        assert sent_else.status_code == 200
