"""Recurring events: masters, instances, exceptions, and what a sync says of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, Connect, Service, days, every_page, refused, timed

DAILY = ["RRULE:FREQ=DAILY;COUNT=5"]


def series(service: Service, rule: list[str], zone: str = "UTC", **more: Any) -> dict[str, Any]:
    body = timed("2026-11-24T10:00", "2026-11-24T11:00", zone, recurrence=rule, **more)
    made = service.events().insert(calendarId="primary", body=body).execute()
    assert isinstance(made, dict)
    return made


def listed(service: Service, **values: Any) -> list[dict[str, Any]]:
    return every_page(service.events(), calendarId="primary", **values)[0]


def instances(service: Service, event: dict[str, Any], **values: Any) -> list[dict[str, Any]]:
    found = service.events().instances(calendarId="primary", eventId=event["id"], **values).execute()["items"]
    assert isinstance(found, list)
    return found


def starts(items: list[dict[str, Any]]) -> list[str]:
    return [one["start"].get("date") or one["start"]["dateTime"] for one in items if "start" in one]


def synced(service: Service, token: str | None, **values: Any) -> tuple[list[dict[str, Any]], str | None]:
    return every_page(service.events(), calendarId="primary", syncToken=token, **values)


def token_of(service: Service, **values: Any) -> str | None:
    return every_page(service.events(), calendarId="primary", **values)[1]


# --- which instances -------------------------------------------------------------------------------------


def test_a_series_is_one_event_or_its_instances(ana: Service):
    master = series(ana, DAILY, "Europe/Madrid")
    assert [one["id"] for one in listed(ana)] == [master["id"]]
    assert master["recurrence"] == DAILY
    expanded = listed(ana, singleEvents=True, orderBy="startTime")
    assert [one["id"] for one in expanded] == [
        f"{master['id']}_202611{day}T090000Z" for day in (24, 25, 26, 27, 28)
    ]
    first = expanded[0]
    assert "recurrence" not in first
    assert first["recurringEventId"] == master["id"]
    assert first["originalStartTime"] == first["start"]
    assert first["start"] == {"dateTime": "2026-11-24T09:00:00Z", "timeZone": "Europe/Madrid"}
    assert first["iCalUID"] == master["iCalUID"]
    assert instances(ana, master) == expanded
    assert ana.events().get(calendarId="primary", eventId=first["id"]).execute() == first


def test_nine_oclock_stays_nine_oclock_when_the_clocks_change(ana: Service):
    body = timed(
        "2026-10-24T09:00", "2026-10-24T10:00", "Europe/Madrid", recurrence=["RRULE:FREQ=DAILY;COUNT=3"]
    )
    master = ana.events().insert(calendarId="primary", body=body).execute()
    found = instances(ana, master)
    assert starts(found) == ["2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z"]


@pytest.mark.parametrize(
    ("lines", "days_of_november"),
    [
        (["RRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=3"], [24, 26, 31]),
        (["RRULE:FREQ=DAILY;UNTIL=20261126"], [24, 25, 26]),
        (["RRULE:FREQ=DAILY;UNTIL=20261126T100000Z"], [24, 25, 26]),
        (["RRULE:FREQ=DAILY;UNTIL=20261126T095959Z"], [24, 25]),
        (["RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20261125T100000Z"], [24, 26, 27]),
        (["EXDATE;TZID=Europe/Madrid:20261125T110000", "RRULE:FREQ=DAILY;COUNT=3"], [24, 26]),
        (["RRULE:FREQ=DAILY;COUNT=2", "RDATE:20261130T100000Z"], [24, 25, 30]),
        (["RDATE:20261126T100000Z,20261128T100000Z"], [24, 26, 28]),
        (["RRULE:FREQ=DAILY;COUNT=6", "EXRULE:FREQ=DAILY;INTERVAL=2;COUNT=3"], [25, 27, 29]),
        (["rrule:freq=daily;count=2"], [24, 25]),
        (["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20261125"], [24, 26]),
    ],
)
def test_rules(ana: Service, lines: list[str], days_of_november: list[int]):
    wanted = [f"2026-11-{day}T10:00:00Z" if day < 31 else "2026-12-01T10:00:00Z" for day in days_of_november]
    assert starts(instances(ana, series(ana, lines))) == wanted


def test_rules_of_whole_days(ana: Service):
    body = days(
        "2026-11-24", "2026-11-26", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;VALUE=DATE:20261201"]
    )
    master = ana.events().insert(calendarId="primary", body=body).execute()
    found = instances(ana, master)
    assert [(one["id"], one["end"]["date"]) for one in found] == [
        (f"{master['id']}_20261124", "2026-11-26"),
        (f"{master['id']}_20261208", "2026-12-10"),
    ]
    assert found[0]["originalStartTime"] == {"date": "2026-11-24"}


@pytest.mark.parametrize(
    "lines",
    [
        ["RRULE:FREQ=SOMETIMES"],
        ["every day"],
        ["DTSTART:20261124T100000Z"],
        ["RRULE:FREQ=DAILY;COUNT=0;UNTIL=x"],
        ["EXDATE:20261124T100000Z"],
        ["RRULE:FREQ=DAILY;COUNT=1", "EXDATE:20261124T100000Z"],
        ["RRULE:FREQ=SECONDLY"],
    ],
)
def test_a_rule_that_cannot_be_is_refused(ana: Service, lines: list[str]):
    body = timed("2026-11-24T10:00", "2026-11-24T11:00", recurrence=lines)
    assert refused(ana.events().insert(calendarId="primary", body=body)) == (400, "invalid")


def test_a_series_needs_a_zone_by_name(ana: Service):
    body = {
        "start": {"dateTime": "2026-11-24T10:00:00Z"},
        "end": {"dateTime": "2026-11-24T11:00:00Z"},
        "recurrence": DAILY,
    }
    assert refused(ana.events().insert(calendarId="primary", body=body)) == (400, "required")


def test_a_series_without_an_end_goes_on_for_years_and_not_for_ever(ana: Service):
    series(ana, ["RRULE:FREQ=WEEKLY"])
    everything = listed(ana, singleEvents=True, maxResults=2500)
    assert len(everything) == 731  # one is past
    assert starts(everything)[-1].startswith("2040-")
    window = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-20T00:00:00Z"}
    assert len(listed(ana, singleEvents=True, **window)) == 3
    assert len(listed(ana, **window)) == 1
    before = {"timeMin": "2020-12-01T00:00:00Z", "timeMax": "2020-12-20T00:00:00Z"}
    assert listed(ana, **before) == []


def test_instances_can_be_asked_for_by_window_and_by_original_start(ana: Service):
    master = series(ana, DAILY)
    window = {"timeMin": "2026-11-25T10:30:00Z", "timeMax": "2026-11-27T10:00:00Z"}
    assert starts(instances(ana, master, **window)) == ["2026-11-25T10:00:00Z", "2026-11-26T10:00:00Z"]
    [one] = instances(ana, master, originalStart="2026-11-26T11:00:00+01:00")
    assert one["id"].endswith("_20261126T100000Z")
    request = ana.events().instances(calendarId="primary", eventId=master["id"], maxResults=2)
    pages = []
    while request is not None:
        page = request.execute()
        pages.append(len(page["items"]))
        request = ana.events().instances_next(request, page)
    assert pages == [2, 2, 1]


def test_an_instance_that_is_none_is_not_there(ana: Service):
    master = series(ana, ["RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20261125T100000Z"])
    for suffix in ("20261125T100000Z", "20261124T110000Z", "20261124", "20261129T100000Z"):
        request = ana.events().get(calendarId="primary", eventId=f"{master['id']}_{suffix}")
        assert refused(request) == (404, "notFound")
    single = (
        ana.events()
        .insert(calendarId="primary", body=timed("2026-11-24T10:00", "2026-11-24T11:00"))
        .execute()
    )
    assert refused(ana.events().instances(calendarId="primary", eventId=single["id"])) == (400, "badRequest")


# --- exceptions ------------------------------------------------------------------------------------------


def test_a_changed_instance_is_an_event_of_its_own(ana: Service):
    master = series(ana, DAILY)
    second = instances(ana, master)[1]
    later = {"start": {"dateTime": "2026-11-25T15:00:00Z"}, "end": {"dateTime": "2026-11-25T16:00:00Z"}}
    changed = ana.events().patch(calendarId="primary", eventId=second["id"], body=later).execute()
    assert changed["originalStartTime"] == second["start"]
    assert (changed["id"], changed["recurringEventId"]) == (second["id"], master["id"])
    assert changed["sequence"] == 1
    assert "recurrence" not in changed
    assert starts(listed(ana, singleEvents=True, orderBy="startTime")) == [
        "2026-11-24T10:00:00Z",
        "2026-11-25T15:00:00Z",
        "2026-11-26T10:00:00Z",
        "2026-11-27T10:00:00Z",
        "2026-11-28T10:00:00Z",
    ]
    assert {one["id"] for one in listed(ana)} == {master["id"], second["id"]}
    untouched = ana.events().get(calendarId="primary", eventId=master["id"]).execute()
    assert untouched["etag"] == master["etag"]


def test_a_deleted_instance_is_a_cancelled_exception(ana: Service):
    master = series(ana, DAILY)
    second = instances(ana, master)[1]
    token, plain = token_of(ana, singleEvents=True), token_of(ana)
    ana.events().delete(calendarId="primary", eventId=second["id"]).execute()
    assert len(listed(ana, singleEvents=True)) == 4
    assert len(instances(ana, master)) == 4
    assert len(instances(ana, master, showDeleted=True)) == 5
    cancelled = {
        "kind": "calendar#event",
        "id": second["id"],
        "status": "cancelled",
        "recurringEventId": master["id"],
        "originalStartTime": second["start"],
    }
    for since, values in ((token, {"singleEvents": True}), (plain, {})):
        [gone] = synced(ana, since, **values)[0]
        assert {**cancelled, "etag": gone["etag"]} == gone
    [in_the_list] = [one for one in listed(ana) if one["id"] == second["id"]]
    assert {**cancelled, "etag": in_the_list["etag"]} == in_the_list
    again = ana.events().delete(calendarId="primary", eventId=second["id"])
    assert refused(again) == (410, "deleted")
    back = (
        ana.events().patch(calendarId="primary", eventId=second["id"], body={"status": "confirmed"}).execute()
    )
    assert back["status"] == "confirmed"
    assert len(listed(ana, singleEvents=True)) == 5


def test_exceptions_inherit_what_they_did_not_change(ana: Service):
    master = series(ana, DAILY, location="Room 1")
    one, two = instances(ana, master)[:2]
    ana.events().patch(calendarId="primary", eventId=one["id"], body={"summary": "Special"}).execute()
    ana.events().patch(calendarId="primary", eventId=two["id"], body={"location": "Garden"}).execute()
    body = {"summary": "Renamed", "location": None}
    ana.events().patch(calendarId="primary", eventId=master["id"], body=body).execute()
    by_id = {e["id"]: (e["summary"], e.get("location")) for e in listed(ana, singleEvents=True)}
    assert by_id[one["id"]] == ("Special", None)
    assert by_id[two["id"]] == ("Renamed", "Garden")
    assert by_id[f"{master['id']}_20261126T100000Z"] == ("Renamed", None)


def test_exceptions_without_a_place_go_with_the_old_times(ana: Service):
    master = series(ana, DAILY)
    second = instances(ana, master)[1]
    ana.events().patch(calendarId="primary", eventId=second["id"], body={"summary": "Special"}).execute()
    token = token_of(ana, singleEvents=True)
    later = {"start": {"dateTime": "2026-11-24T12:00:00Z"}, "end": {"dateTime": "2026-11-24T13:00:00Z"}}
    ana.events().patch(calendarId="primary", eventId=master["id"], body=later).execute()
    assert {one["summary"] for one in listed(ana, singleEvents=True)} == {"Visit"}
    items, _token = synced(ana, token, singleEvents=True)
    gone = {one["id"] for one in items if one["status"] == "cancelled"}
    there = {one["id"] for one in items if one["status"] == "confirmed"}
    assert gone == {f"{master['id']}_202611{day}T100000Z" for day in (24, 25, 26, 27, 28)}
    assert there == {f"{master['id']}_202611{day}T120000Z" for day in (24, 25, 26, 27, 28)}


# --- what a sync says ------------------------------------------------------------------------------------


def test_a_changed_series_brings_all_its_instances(ana: Service):
    master = series(ana, ["RRULE:FREQ=WEEKLY"])
    window = {"timeMin": "2026-11-24T00:00:00Z", "timeMax": "2026-12-24T00:00:00Z"}
    token = token_of(ana, singleEvents=True, **window)
    ana.events().patch(calendarId="primary", eventId=master["id"], body={"location": "x"}).execute()
    items, _token = synced(ana, token, singleEvents=True, maxResults=2500)
    assert len(items) == 731  # "the token does not keep the window"


def test_a_shortened_series_names_the_instances_that_are_gone(ana: Service):
    master = series(ana, DAILY)
    token = token_of(ana, singleEvents=True)
    body = {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]}
    ana.events().patch(calendarId="primary", eventId=master["id"], body=body).execute()
    items, _token = synced(ana, token, singleEvents=True)
    assert [one["status"] for one in items] == ["confirmed"] * 2 + ["cancelled"] * 3


def test_a_deleted_series_names_its_instances_of_half_a_year_only(ana: Service):
    master = series(ana, ["RRULE:FREQ=WEEKLY"])
    special = instances(ana, master, timeMin="2028-01-01T00:00:00Z", maxResults=1)[0]
    ana.events().patch(calendarId="primary", eventId=special["id"], body={"summary": "x"}).execute()
    single, plain = token_of(ana, singleEvents=True, maxResults=2500), token_of(ana)
    ana.events().delete(calendarId="primary", eventId=master["id"]).execute()
    items, _token = synced(ana, single, singleEvents=True)
    assert all(one["status"] == "cancelled" for one in items)
    assert len(items) == 27 + 1  # the one that was an event of its own is always named
    items, _token = synced(ana, plain)
    assert {one["id"] for one in items} == {master["id"], special["id"]}
    assert listed(ana, singleEvents=True) == listed(ana) == []


def test_a_single_event_that_becomes_a_series_and_back(ana: Service):
    made = (
        ana.events()
        .insert(calendarId="primary", body=timed("2026-11-24T10:00", "2026-11-24T11:00"))
        .execute()
    )
    token = token_of(ana, singleEvents=True)
    ana.events().patch(calendarId="primary", eventId=made["id"], body={"recurrence": DAILY}).execute()
    items, token = synced(ana, token, singleEvents=True)
    assert [one["id"] for one in items if one["status"] == "cancelled"] == [made["id"]]
    assert len(items) == 6
    assert made["id"] not in {one["id"] for one in listed(ana, singleEvents=True)}
    ana.events().patch(calendarId="primary", eventId=made["id"], body={"recurrence": None}).execute()
    items, _token = synced(ana, token, singleEvents=True)
    assert [one["id"] for one in items if one["status"] == "confirmed"] == [made["id"]]
    assert len(items) == 6


def test_a_moved_series_takes_its_exceptions_along(google: GoogleSandbox, ana: Service):
    other = google.calendar(ANA, "Other")
    master = series(ana, DAILY)
    second = instances(ana, master)[1]
    ana.events().patch(calendarId="primary", eventId=second["id"], body={"summary": "Special"}).execute()
    token = token_of(ana, singleEvents=True)
    ana.events().move(calendarId="primary", eventId=master["id"], destination=other).execute()
    there = every_page(ana.events(), calendarId=other, singleEvents=True)[0]
    assert sorted(one["summary"] for one in there) == ["Special", *["Visit"] * 4]
    assert listed(ana, singleEvents=True) == []
    assert len(synced(ana, token, singleEvents=True)[0]) == 5


def test_tomorrow_the_series_reaches_further(google: GoogleSandbox, connect: Connect):
    ana = connect(ANA)
    series(ana, ["RRULE:FREQ=WEEKLY"])
    google.advance(timedelta(weeks=10))
    assert len(listed(ana, singleEvents=True, maxResults=2500)) == 741
