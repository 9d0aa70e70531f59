"""freebusy.query: what blocks, merged and clipped; what goes wrong stands with its calendar."""

from __future__ import annotations

from typing import Any

import pytest
from tests.google_sandbox import GoogleSandbox
from tests.sandbox.google.conftest import ANA, BEN, Connect, Service, days, refused, timed

DAY = {"timeMin": "2026-11-25T00:00:00Z", "timeMax": "2026-11-26T00:00:00Z"}


def busy(service: Service, *calendars: str, **more: Any) -> dict[str, Any]:
    body = {**DAY, "items": [{"id": name} for name in calendars or ("primary",)], **more}
    found = service.freebusy().query(body=body).execute()["calendars"]
    assert isinstance(found, dict)
    return found


def spans(service: Service, **more: Any) -> list[tuple[str, str]]:
    return [(one["start"][11:], one["end"][11:]) for one in busy(service, **more)["primary"]["busy"]]


def add(service: Service, body: dict[str, Any]) -> dict[str, Any]:
    made = service.events().insert(calendarId="primary", body=body).execute()
    assert isinstance(made, dict)
    return made


def test_busy_times_are_merged_and_clipped(ana: Service):
    add(ana, timed("2026-11-24T23:00", "2026-11-25T01:00"))
    add(ana, timed("2026-11-25T10:00", "2026-11-25T11:00"))
    add(ana, timed("2026-11-25T11:00", "2026-11-25T12:00"))
    add(ana, timed("2026-11-25T11:30", "2026-11-25T11:45"))
    add(ana, timed("2026-11-25T15:00", "2026-11-25T15:00"))
    add(ana, timed("2026-11-25T18:00", "2026-11-25T19:00", status="tentative"))
    assert spans(ana) == [("00:00:00Z", "01:00:00Z"), ("10:00:00Z", "12:00:00Z"), ("18:00:00Z", "19:00:00Z")]


def test_what_does_not_block(ana: Service, ben: Service):
    gone = add(ana, timed("2026-11-25T10:00", "2026-11-25T11:00"))
    ana.events().delete(calendarId="primary", eventId=gone["id"]).execute()
    add(ana, timed("2026-11-25T10:00", "2026-11-25T11:00", transparency="transparent"))
    place = {"type": "homeOffice", "homeOffice": {}}
    add(
        ana,
        timed(
            "2026-11-25T10:00",
            "2026-11-25T11:00",
            eventType="workingLocation",
            workingLocationProperties=place,
        ),
    )
    add(ana, days("2026-11-25", "2026-11-26", eventType="birthday"))
    guest = [{"email": ANA, "responseStatus": "declined"}]
    add(ben, timed("2026-11-25T10:00", "2026-11-25T11:00", attendees=guest))
    assert spans(ana) == []


def test_series_and_whole_days_block_in_the_calendars_zone(google: GoogleSandbox, connect: Connect):
    google.account(ANA, time_zone="America/New_York")
    ana = connect(ANA)
    master = add(ana, timed("2026-11-24T10:00", "2026-11-24T11:00", recurrence=["RRULE:FREQ=DAILY"]))
    assert spans(ana) == [("10:00:00Z", "11:00:00Z")]
    instance = f"{master['id']}_20261125T100000Z"
    later = {"start": {"dateTime": "2026-11-25T13:00:00Z"}, "end": {"dateTime": "2026-11-25T14:00:00Z"}}
    ana.events().patch(calendarId="primary", eventId=instance, body=later).execute()
    assert spans(ana) == [("13:00:00Z", "14:00:00Z")]
    ana.events().delete(calendarId="primary", eventId=instance).execute()
    assert spans(ana) == []
    add(ana, days("2026-11-25", "2026-11-26"))
    assert spans(ana) == [("05:00:00Z", "00:00:00Z")]
    assert spans(ana, timeZone="America/New_York") == [("00:00:00-05:00", "19:00:00-05:00")]


def test_each_calendar_has_its_own_errors(google: GoogleSandbox, ana: Service):
    shared = google.calendar(BEN, "Shared")
    google.share(shared, ANA, "freeBusyReader")
    found = busy(ana, shared, "nobody@example.org", BEN)
    not_found = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    assert found == {shared: {"busy": []}, "nobody@example.org": not_found, BEN: not_found}
    many = [f"c{number}@example.org" for number in range(60)]
    reasons = [one["errors"][0]["reason"] for one in busy(ana, *many).values()]
    assert reasons == ["notFound"] * 50 + ["tooManyCalendarsRequested"] * 10
    assert len(busy(ana, *many, calendarExpansionMax=2)) == 60


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"timeMin": "2026-11-25T00:00:00Z"}, "required"),
        ({**DAY, "timeMax": "2026-11-25T00:00:00Z"}, "timeRangeEmpty"),
        ({**DAY, "timeMax": "2027-11-25T00:00:00Z"}, "timeRangeTooLong"),
        ({**DAY, "timeMin": "2026-11-25T00:00:00"}, "badRequest"),
        ({**DAY, "timeZone": "Mars/Base"}, "invalid"),
        ({**DAY, "calendarExpansionMax": 51}, "invalid"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(ana: Service, body: dict[str, Any], reason: str):
    assert refused(ana.freebusy().query(body=body)) == (400, reason)
