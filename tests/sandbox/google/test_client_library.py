"""google-api-python-client drives every method the stand-in offers."""

from __future__ import annotations

from typing import Any

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, BEN, Connect, Service, days, every_page, refused, timed

from calendar_sandbox.google.api.methods import METHODS

OFFERED = {method.id for method in METHODS if method.run is not None}
NOT_OFFERED = {method.id for method in METHODS if method.run is None}


def test_only_sharing_quick_words_and_handing_over_are_not_offered(ana: Service):
    assert {name.split(".")[1] for name in NOT_OFFERED} == {"acl", "events", "calendars"}
    assert refused(ana.acl().list(calendarId="primary")) == (501, "notImplemented")
    assert refused(ana.events().quickAdd(calendarId="primary", text="Lunch at noon")) == (
        501,
        "notImplemented",
    )


def test_every_method_is_driven(google: GoogleSandbox, connect: Connect):
    ana, ben = connect(ANA), connect(BEN)
    drive_calendars(google, ana, ben)
    drive_events(ana)
    drive_the_rest(ana)
    driven = {one.call for one in google.requests() if one.status < 400}
    assert driven == OFFERED


def drive_calendars(google: GoogleSandbox, ana: Service, ben: Service) -> None:
    made = ana.calendars().insert(body={"summary": "Desk", "timeZone": "Europe/Madrid"}).execute()
    read = ana.calendars().get(calendarId=made["id"]).execute()
    assert read == made
    patched = ana.calendars().patch(calendarId=made["id"], body={"location": "Hall"}).execute()
    assert (patched["summary"], patched["location"]) == ("Desk", "Hall")
    updated = ana.calendars().update(calendarId=made["id"], body={"summary": "Counter"}).execute()
    assert updated["summary"] == "Counter"
    assert "location" not in updated
    google.share(made["id"], "default", "reader")
    entry = ben.calendarList().insert(body={"id": made["id"]}).execute()
    assert (entry["accessRole"], entry["summary"]) == ("reader", "Counter")
    ben.calendarList().patch(calendarId=made["id"], body={"summaryOverride": "Theirs"}).execute()
    ben.calendarList().update(calendarId=made["id"], body={"colorId": "9", "hidden": True}).execute()
    seen = ben.calendarList().get(calendarId=made["id"]).execute()
    assert (seen["summaryOverride"], seen["colorId"], seen["hidden"]) == ("Theirs", "9", True)
    assert [e["id"] for e in every_page(ben.calendarList())[0]] == [BEN]
    assert len(every_page(ben.calendarList(), showHidden=True)[0]) == 2
    ben.calendarList().delete(calendarId=made["id"]).execute()
    ana.calendars().delete(calendarId=made["id"]).execute()
    assert refused(ana.calendars().get(calendarId=made["id"])) == (404, "notFound")


def drive_events(ana: Service) -> None:
    events = ana.events()
    made = events.insert(calendarId="primary", body=timed("2026-11-25T10:00", "2026-11-25T11:00")).execute()
    events.patch(calendarId="primary", eventId=made["id"], body={"location": "Room"}).execute()
    body = timed("2026-11-25T12:00", "2026-11-25T13:00", summary="Moved")
    events.update(calendarId="primary", eventId=made["id"], body=body).execute()
    read = events.get(calendarId="primary", eventId=made["id"]).execute()
    assert (read["summary"], read["start"]["dateTime"]) == ("Moved", "2026-11-25T12:00:00Z")
    assert "location" not in read
    series = days("2026-11-24", "2026-11-25", recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    series = events.insert(calendarId="primary", body=series).execute()
    instances = events.instances(calendarId="primary", eventId=series["id"]).execute()["items"]
    assert [one["start"]["date"] for one in instances] == ["2026-11-24", "2026-11-25", "2026-11-26"]
    other = ana.calendars().insert(body={"summary": "Other"}).execute()["id"]
    moved = events.move(calendarId="primary", eventId=made["id"], destination=other).execute()
    assert moved["organizer"] == {"email": other, "displayName": "Other", "self": True}
    imported = timed("2026-11-25T10:00", "2026-11-25T11:00", iCalUID="from-elsewhere@example.com")
    events.import_(calendarId=other, body=imported).execute()
    assert len(every_page(events, calendarId=other)[0]) == 2
    events.delete(calendarId=other, eventId=made["id"], sendUpdates="none").execute()
    ana.calendars().clear(calendarId="primary").execute()
    assert every_page(events, calendarId="primary")[0] == []


def drive_the_rest(ana: Service) -> None:
    hook: dict[str, Any] = {"type": "web_hook", "address": "http://127.0.0.1:9/hook"}
    channels = [
        ana.events().watch(calendarId="primary", body=hook | {"id": "one"}).execute(),
        ana.calendarList().watch(body=hook | {"id": "two"}).execute(),
        ana.settings().watch(body=hook | {"id": "three"}).execute(),
    ]
    for channel in channels:
        ana.channels().stop(body={"id": channel["id"], "resourceId": channel["resourceId"]}).execute()
    asked = {
        "timeMin": "2026-11-24T00:00:00Z",
        "timeMax": "2026-11-25T00:00:00Z",
        "items": [{"id": "primary"}],
    }
    assert ana.freebusy().query(body=asked).execute()["calendars"]["primary"] == {"busy": []}
    assert ana.colors().get().execute()["event"]["11"]["background"] == "#dc2127"
    settings, _token = every_page(ana.settings(), maxResults=5)
    assert {"timezone", "locale", "weekStart"} <= {one["id"] for one in settings}
    assert ana.settings().get(setting="timezone").execute()["value"] == "UTC"


def test_the_endpoint_can_be_given_the_librarys_own_way(google: GoogleSandbox):
    credentials = Credentials(token=google.token(ANA))
    service = build(
        "calendar",
        "v3",
        credentials=credentials,
        client_options={"api_endpoint": google.api},
        static_discovery=True,
    )
    assert service.calendars().get(calendarId="primary").execute()["id"] == ANA
    service.close()


def test_a_token_that_has_run_out_is_refreshed_by_the_library(google: GoogleSandbox):
    account = google.account(ANA)
    with google.world.lock:
        client = next(iter(google.world.clients.values()))
        scopes = ["https://www.googleapis.com/auth/calendar"]
        refresh = google.world.issue_refresh_token(account, client.id, scopes).token
    credentials = Credentials(
        token="run out",
        refresh_token=refresh,
        token_uri=f"{google.base_url}/token",
        client_id=client.id,
        client_secret=client.secret,
    )
    service = build("calendar", "v3", credentials=credentials, client_options={"api_endpoint": google.api})
    assert service.calendars().get(calendarId="primary").execute()["id"] == ANA
    assert [one.status for one in google.requests("calendar.calendars.get")] == [401, 200]
    service.close()
