"""Events over HTTP: making, reading, changing, deleting, and what Exchange makes of what it is sent."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.sandbox.microsoft.conftest import (
    ANA,
    BEN,
    IMMUTABLE,
    Json,
    days,
    got,
    made,
    refused,
    timed,
    viewed,
)

KEY = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name genie"
VISIT = timed("2026-11-25T10:00", "2026-11-25T11:00")


def test_an_event_is_answered_in_utc_and_keeps_its_zone(ana: httpx.Client):
    body = timed("2026-11-25T10:00", "2026-11-25T11:00", "Eastern Standard Time")
    said = made(ana, body)
    assert said["start"] == {"dateTime": "2026-11-25T15:00:00.0000000", "timeZone": "UTC"}
    assert said["originalStartTimeZone"] == "Eastern Standard Time"
    assert (said["type"], said["showAs"], said["isAllDay"]) == ("singleInstance", "busy", False)
    assert said["@odata.etag"] == f'W/"{said["changeKey"]}"'
    read = got(ana, f"me/events/{said['id']}", Prefer='outlook.timezone="W. Europe Standard Time"')
    assert read["start"] == {
        "dateTime": "2026-11-25T16:00:00.0000000",
        "timeZone": "W. Europe Standard Time",
    }


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific Standard Time", "UTC", "Etc/GMT"])
def test_windows_names_and_some_iana_names_are_zones(ana: httpx.Client, zone: str):
    assert made(ana, timed("2026-11-25T10:00", "2026-11-25T11:00", zone))["originalStartTimeZone"] == zone


@pytest.mark.parametrize("zone", ["Europe/Madrid", "Mars/Olympus", "tzone://Microsoft/Custom"])
def test_other_names_are_refused(ana: httpx.Client, zone: str):
    body = timed("2026-11-25T10:00", "2026-11-25T11:00", zone)
    assert refused(ana.post("me/events", json=body)) == (400, "TimeZoneNotSupportedException")
    prefer = {"Prefer": f'outlook.timezone="{zone}"'}
    event = made(ana, VISIT)
    answer = ana.get(f"me/events/{event['id']}", headers=prefer)
    assert refused(answer) == (400, "TimeZoneNotSupportedException")


def test_a_body_comes_back_as_exchange_writes_it(ana: httpx.Client):
    html = {"contentType": "HTML", "content": "<p onclick='x()'>Hi <b>you</b><!-- note --></p>"}
    said = made(ana, VISIT | {"body": html})
    assert said["body"]["contentType"] == "html"
    assert said["body"]["content"].endswith("<body><p>Hi <b>you</b></p></body></html>")
    assert said["bodyPreview"] == "Hi you"
    again = ana.patch(f"me/events/{said['id']}", json={"body": said["body"]}).json()
    assert again["body"] == said["body"]


def test_a_text_is_wrapped_and_can_be_read_as_text(ana: httpx.Client):
    text = {"contentType": "text", "content": "One & two\nthree"}
    said = made(ana, VISIT | {"body": text})
    assert "One &amp; two<br>\r\nthree" in said["body"]["content"]
    read = got(ana, f"me/events/{said['id']}", Prefer='outlook.body-content-type="text"')
    assert read["body"] == {"contentType": "text", "content": "One & two\r\nthree"}
    assert (
        len(made(ana, VISIT | {"body": {"contentType": "text", "content": "x" * 999}})["bodyPreview"]) == 255
    )


def test_whole_days_are_midnight_in_each_zone(ana: httpx.Client):
    said = made(ana, days("2026-11-25", "2026-11-27"))
    assert (said["isAllDay"], said["start"]["dateTime"]) == (True, "2026-11-25T00:00:00.0000000")
    read = got(ana, f"me/events/{said['id']}", Prefer='outlook.timezone="Tokyo Standard Time"')
    assert read["end"] == {"dateTime": "2026-11-27T00:00:00.0000000", "timeZone": "Tokyo Standard Time"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (timed("2026-11-25T10:00", "2026-11-26T10:00", isAllDay=True), "ErrorPropertyValidationFailure"),
        (days("2026-11-25", "2026-11-25"), "ErrorPropertyValidationFailure"),
        (timed("2026-11-25T10:00", "2026-11-25T09:00"), "ErrorCalendarEndDateIsEarlierThanStartDate"),
        ({"subject": "Nothing"}, "ErrorPropertyValidationFailure"),
        (VISIT | {"mood": "good"}, "RequestBodyRead"),
        (VISIT | {"showAs": "perhaps"}, "RequestBodyRead"),
        (VISIT | {"isAllDay": "yes"}, "RequestBodyRead"),
        (VISIT | {"start": {"dateTime": "soon", "timeZone": "UTC"}}, "RequestBodyRead"),
        (VISIT | {"attendees": [{"emailAddress": {"address": "nobody"}}]}, "ErrorInvalidRecipients"),
        (
            VISIT | {"singleValueExtendedProperties": [{"id": "mine", "value": "x"}]},
            "ErrorInvalidExtendedProperty",
        ),
    ],
)
def test_what_makes_no_event_is_refused(ana: httpx.Client, body: Json, code: str):
    assert refused(ana.post("me/events", json=body)) == (400, code)
    assert got(ana, "me/events")["value"] == []


def test_a_change_leaves_what_it_does_not_name(ana: httpx.Client):
    said = made(ana, VISIT | {"location": {"displayName": "Hall"}, "categories": ["Blue"]})
    changed = ana.patch(f"me/events/{said['id']}", json={"subject": "Moved", "showAs": "free"}).json()
    same = {"id", "location", "start", "end", "iCalUId", "categories", "createdDateTime"}
    assert {name: changed[name] for name in same} == {name: said[name] for name in same}
    assert (changed["subject"], changed["showAs"]) == ("Moved", "free")
    assert changed["changeKey"] != said["changeKey"]


def test_a_deleted_event_is_not_there(ana: httpx.Client):
    path = f"me/events/{made(ana, VISIT)['id']}"
    assert ana.delete(path).status_code == 204
    for answer in (ana.get(path), ana.patch(path, json={"subject": "x"}), ana.delete(path)):
        assert refused(answer) == (404, "ErrorItemNotFound")


def test_an_id_that_is_none_is_malformed(ana: httpx.Client):
    assert refused(ana.get("me/events/nothing")) == (400, "ErrorInvalidIdMalformed")
    assert refused(ana.get("me/calendars/nothing/events")) == (400, "ErrorInvalidIdMalformed")


# --- transactionId and If-Match ---


def test_the_same_request_again_is_answered_with_the_first_event(ana: httpx.Client):
    body = VISIT | {"transactionId": "t-1"}
    first = made(ana, body)
    assert made(ana, body)["id"] == first["id"]
    assert first["transactionId"] == "t-1"
    assert len(got(ana, "me/events")["value"]) == 1


def test_another_event_of_the_same_transaction_is_refused(microsoft: MicrosoftSandbox, ana: httpx.Client):
    body = VISIT | {"transactionId": "t-1"}
    event = made(ana, body)
    other = f"me/calendars/{microsoft.calendar_id(ANA, microsoft.calendar(ANA, 'Other'))}/events"
    refusal = (400, "ErrorDuplicateTransactionId")
    assert refused(ana.post("me/events", json=body | {"subject": "Else"})) == refusal
    assert refused(ana.post(other, json=body)) == refusal
    assert refused(ana.patch(f"me/events/{event['id']}", json={"transactionId": "t-2"}))[0] == 400
    ana.delete(f"me/events/{event['id']}")
    assert refused(ana.post("me/events", json=body)) == refusal


def test_if_match_counts_only_when_it_is_switched_on(microsoft: MicrosoftSandbox, ana: httpx.Client):
    event = made(ana, VISIT)
    path, old = f"me/events/{event['id']}", {"If-Match": event["@odata.etag"]}
    assert ana.patch(path, json={"subject": "One"}, headers=old).status_code == 200
    assert ana.patch(path, json={"subject": "Two"}, headers=old).status_code == 200
    microsoft.world.strict_match = True
    answer = ana.patch(path, json={"subject": "Three"}, headers=old)
    assert refused(answer) == (412, "ErrorIrresolvableConflict")
    assert refused(ana.delete(path, headers=old)) == (412, "ErrorIrresolvableConflict")
    assert ana.delete(path, headers={"If-Match": "*"}).status_code == 204


# --- ids ---


def test_the_default_id_changes_when_an_event_moves(microsoft: MicrosoftSandbox, ana: httpx.Client):
    event = made(ana, VISIT)
    immutable = got(ana, f"me/events/{event['id']}", **IMMUTABLE)["id"]
    assert immutable != event["id"]
    other = microsoft.calendar(ANA, "Other")
    with microsoft.world.lock:
        calendar, stored = microsoft.world.find_event(event["id"]) or pytest.fail("not there")
        microsoft.world.move(stored, calendar, other)
    assert refused(ana.get(f"me/events/{event['id']}")) == (404, "ErrorItemNotFound")
    moved = got(ana, f"me/events/{immutable}")
    assert moved["id"] not in (event["id"], immutable)
    assert moved["iCalUId"] == event["iCalUId"]
    assert got(ana, f"me/events/{immutable}/calendar")["name"] == "Other"


# --- extended properties ---


def marked(value: str) -> Json:
    return VISIT | {"singleValueExtendedProperties": [{"id": KEY, "value": value}]}


def test_an_extended_property_finds_the_event(ana: httpx.Client):
    made(ana, marked("one"))
    wanted = made(ana, marked("two"))
    assert "singleValueExtendedProperties" not in wanted
    named = f"singleValueExtendedProperties/Any(ep: ep/id eq '{KEY}' and ep/value eq 'two')"
    expand = f"singleValueExtendedProperties($filter=id eq '{KEY}')"
    found = got(ana, f"me/events?$filter={quote(named)}&$expand={quote(expand)}")["value"]
    assert [one["id"] for one in found] == [wanted["id"]]
    assert found[0]["singleValueExtendedProperties"] == [{"id": KEY, "value": "two"}]
    read = got(ana, f"me/events/{wanted['id']}?$expand={quote(expand)}&$select=id")
    assert set(read) == {"@odata.context", "@odata.etag", "id", "singleValueExtendedProperties"}


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("ep/value eq 'TWO'", ["two"]),
        ("startswith(ep/value,'t')", ["two"]),
        ("contains(ep/value,'n')", ["one"]),
        ("ep/value ne 'one'", ["two"]),
    ],
)
def test_an_extended_property_is_compared(ana: httpx.Client, condition: str, found: list[str]):
    for value in ("one", "two"):
        made(ana, marked(value) | {"subject": value})
    named = f"singleValueExtendedProperties/any(ep: ep/id eq '{KEY}' and {condition})"
    said = got(ana, f"me/events?$filter={quote(named)}")["value"]
    assert [one["subject"] for one in said] == found


def test_the_name_of_an_extended_property_has_a_case(ana: httpx.Client):
    made(ana, marked("one"))
    for name, count in ((KEY.replace("genie", "Genie"), 0), (KEY.replace("66F5", "66f5"), 1)):
        text = quote(f"singleValueExtendedProperties/any(ep: ep/id eq '{name}')")
        assert len(got(ana, f"me/events?$filter={text}")["value"]) == count
    text = quote(f"singleValueExtendedProperties/any(ep: startswith(ep/id,'{KEY}'))")
    assert refused(ana.get(f"me/events?$filter={text}")) == (400, "ErrorInvalidUrlQueryFilter")


def test_extended_properties_do_not_filter_a_view(ana: httpx.Client):
    named = quote(f"singleValueExtendedProperties/any(ep: ep/id eq '{KEY}' and ep/value eq 'x')")
    window = "startDateTime=2026-11-24T00:00:00Z&endDateTime=2026-11-27T00:00:00Z"
    assert ana.get(f"me/calendarView?{window}&$filter={named}").status_code == 500


# --- lists ---


@pytest.mark.parametrize("query", ['$search="visit"', "$apply=x", "$skiptoken=1"])
def test_query_options_that_are_not_known_are_refused_not_ignored(ana: httpx.Client, query: str):
    assert refused(ana.get(f"me/events?{query}")) == (400, "BadRequest")
    assert refused(ana.get(f"me/calendars?{query}")) == (400, "BadRequest")


def test_lists_are_paged_by_ten(ana: httpx.Client):
    for number in range(12):
        made(ana, VISIT | {"subject": f"{number:02}"})
    first = got(ana, "me/events?$orderby=subject&$count=true")
    assert (len(first["value"]), first["@odata.count"]) == (10, 12)
    rest = got(ana, first["@odata.nextLink"])
    names = [one["subject"] for one in first["value"] + rest["value"]]
    assert names == [f"{number:02}" for number in range(12)]
    assert "@odata.nextLink" not in rest
    assert ana.get("me/events/$count").text == "12"
    large = got(ana, "me/events", Prefer="odata.maxpagesize=100")
    assert len(large["value"]) == 12


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("subject eq 'a'", ["a"]),
        ("startswith(subject,'A') or subject eq 'c''d'", ["a", "c'd"]),
        ("not (isAllDay eq true) and showAs eq 'busy'", ["a", "b"]),
        ("start/dateTime ge '2026-11-26T00:00:00Z'", ["c'd"]),
        ("end/dateTime lt '2026-11-25T10:30:00'", []),
        ("contains(subject,'b')", ["b"]),
    ],
)
def test_events_are_filtered(ana: httpx.Client, text: str, found: list[str]):
    made(ana, VISIT | {"subject": "a"})
    made(ana, VISIT | {"subject": "b"})
    made(ana, days("2026-11-26", "2026-11-27", subject="c'd", showAs="free"))
    said = got(ana, f"me/events?$orderby=subject&$filter={quote(text)}")
    assert [one["subject"] for one in said["value"]] == found


@pytest.mark.parametrize("text", ["transactionId eq 't'", "subject like 'x'", "(", "body/content eq 'x'"])
def test_other_filters_are_refused(ana: httpx.Client, text: str):
    answer = ana.get(f"me/events?$filter={quote(text)}")
    assert refused(answer) == (400, "ErrorInvalidUrlQueryFilter")


def test_select_leaves_what_was_asked_for(ana: httpx.Client):
    made(ana, VISIT)
    said = got(ana, "me/events?$select=subject,start")["value"][0]
    assert set(said) == {"@odata.etag", "id", "subject", "start"}
    assert refused(ana.get("me/events?$select=mood"))[0] == 400


def test_a_view_has_what_lies_in_its_window(ana: httpx.Client):
    made(ana, VISIT)
    made(ana, timed("2026-11-26T23:00", "2026-11-27T01:00", subject="Late"))
    made(ana, days("2026-11-26", "2026-11-27", subject="Day"))
    assert [one["subject"] for one in viewed(ana, "2026-11-25", "2026-11-26")] == ["Visit"]
    assert [one["subject"] for one in viewed(ana, "2026-11-26", "2026-11-27")] == ["Day", "Late"]
    assert [one["subject"] for one in viewed(ana, "2026-11-27", "2026-11-28")] == ["Late"]
    assert refused(ana.get("me/calendarView")) == (400, "ErrorInvalidParameter")


# --- guests ---


def test_guests_are_mailed_whatever_the_app_wants(microsoft: MicrosoftSandbox, ana: httpx.Client):
    guests = [{"emailAddress": {"address": "sam@elsewhere.example", "name": "Sam"}, "type": "required"}]
    event = made(ana, VISIT | {"attendees": guests})
    assert event["attendees"][0]["status"]["response"] == "none"
    ana.patch(f"me/events/{event['id']}", json={"subject": "Moved"})
    assert ana.post(f"me/events/{event['id']}/cancel", json={"comment": "Sorry"}).status_code == 202
    assert [why for why, _to, _subject in microsoft.world.mailed] == ["invited", "updated", "cancelled"]
    assert refused(ana.get(f"me/events/{event['id']}"))[0] == 404


def test_an_invitation_is_answered(microsoft: MicrosoftSandbox, ben: httpx.Client):
    body = {"upn": BEN, "subject": "Talk", "start": "2026-11-25T10:00:00Z", "end": "2026-11-25T11:00:00Z"}
    first, second = (
        httpx.post(f"{microsoft.base_url}/_sandbox/microsoft/invite", json=body).json()["id"] for _ in "12"
    )
    read = got(ben, f"me/events/{first}")
    assert (read["isOrganizer"], read["responseStatus"]["response"]) == (False, "notResponded")
    later = {"sendResponse": True, "proposedNewTime": {}}
    assert refused(ben.post(f"me/events/{first}/accept", json=later))[0] == 400
    # as Microsoft's own SDK spells it
    assert ben.post(f"me/events/{first}/accept", json={"SendResponse": True}).status_code == 202
    assert got(ben, f"me/events/{first}")["responseStatus"]["response"] == "accepted"
    assert ben.post(f"me/events/{second}/decline", json={}).status_code == 202
    assert refused(ben.get(f"me/events/{second}"))[0] == 404
    assert refused(ben.post(f"me/events/{first}/cancel", json={}))[0] == 400


def test_one_cannot_answer_ones_own_meeting(ana: httpx.Client):
    event = made(ana, VISIT)
    assert refused(ana.post(f"me/events/{event['id']}/accept", json={})) == (400, "ErrorInvalidRequest")


def test_keys_may_stand_in_parentheses_and_paths_in_any_case(ana: httpx.Client):
    event = made(ana, VISIT)
    assert got(ana, f"ME/Events('{event['id']}')")["id"] == event["id"]
