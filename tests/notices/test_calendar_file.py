"""The attached calendar file, read back by another pair of eyes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from icalendar import Calendar
from icalendar.cal import Component

from genie.core.event import When
from genie.notices.email.calendar_file import PublishedVisit, calendar_file

START = datetime(2026, 7, 3, 15, 0, tzinfo=UTC)
VISIT = PublishedVisit(
    uid="6f1c1a9e-3a34-4a7c-9b0e-0d3f5a2f7f11",
    revision=3,
    when=When(START, START + timedelta(hours=1), "America/New_York"),
    summary="Tour, Harbour Homes",
    place="12 Dock Street, Suite 4; rear",
    organizer="no-reply@genie.example",
    organizer_name="Harbour Homes",
    stamped=datetime(2026, 7, 1, 9, 0, tzinfo=UTC),
)


def read(visit: PublishedVisit) -> tuple[Calendar, Component]:
    calendar = Calendar.from_ical(calendar_file(visit).text)
    (event,) = calendar.walk("VEVENT")
    return calendar, event


def test_a_visit_is_published_with_its_identity_and_revision() -> None:
    calendar, event = read(VISIT)
    assert calendar["METHOD"] == "PUBLISH" == calendar_file(VISIT).method
    assert event["UID"] == VISIT.uid
    assert event["SEQUENCE"] == 3
    assert event["STATUS"] == "CONFIRMED"
    assert event["LOCATION"] == VISIT.place
    assert event.decoded("DTSTAMP") == VISIT.stamped


def test_the_time_is_wall_time_with_the_zone_described() -> None:
    calendar, event = read(VISIT)
    start = event.decoded("DTSTART")
    assert event["DTSTART"].params["TZID"] == "America/New_York"
    assert start == START
    assert start.hour == 11
    (zone,) = calendar.walk("VTIMEZONE")
    assert zone["TZID"] == "America/New_York"
    # a reader without zone data of its own must be able to work with what is described
    assert zone.to_tz(lookup_tzid=False).utcoffset(datetime(2026, 7, 3, 11)) == timedelta(hours=-4)
    assert len(calendar_file(VISIT).text.splitlines()) < 60


def test_an_unknown_zone_is_written_as_utc() -> None:
    calendar, event = read(replace(VISIT, when=When(START, START + timedelta(hours=1), "Not/AZone")))
    assert not calendar.walk("VTIMEZONE")
    assert event.to_ical().count(b"DTSTART:20260703T150000Z") == 1


def test_a_cancellation_cancels_the_same_event() -> None:
    calendar, event = read(replace(VISIT, cancelled=True, revision=4))
    assert calendar["METHOD"] == "CANCEL" == calendar_file(replace(VISIT, cancelled=True)).method
    assert event["STATUS"] == "CANCELLED"
    assert (event["UID"], event["SEQUENCE"]) == (VISIT.uid, 4)


def test_nobody_is_asked_for_an_answer() -> None:
    """RFC 5546 §3.2.1: PUBLISH has an ORGANIZER and no ATTENDEE."""
    for visit in (VISIT, replace(VISIT, cancelled=True)):
        _, event = read(visit)
        assert event["ORGANIZER"] == "mailto:no-reply@genie.example"
        assert event["ORGANIZER"].params["CN"] == "Harbour Homes"
        assert "ATTENDEE" not in event


def test_text_cannot_become_a_property() -> None:
    evil = 'x"\r\nATTENDEE:mailto:a@b\nMETHOD:REQUEST'
    calendar, event = read(replace(VISIT, summary=evil, place=evil, organizer_name=evil))
    assert calendar["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in event


def test_lines_are_folded_and_end_as_the_standard_says() -> None:
    text = calendar_file(replace(VISIT, summary="ü" * 180)).text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    assert read(replace(VISIT, summary="ü" * 180))[1]["SUMMARY"] == "ü" * 180
