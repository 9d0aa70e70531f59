"""iCalendar objects to events and back, without a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.providers.sides import NINE, TEN, at, content, fresh

from genie.core.errors import Malformed
from genie.core.event import EventContent, When
from genie.providers.caldav.mapping import edited, read, written
from genie.providers.ical import lines
from genie.providers.ical.times import Setting, needs_zone
from genie.providers.port import EventIdentity

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
BERLIN = Setting("Europe/Berlin", frozenset({"ana@example.org"}))


def event(*body: str, calendar: str = "") -> str:
    text = "\r\n".join(("BEGIN:VEVENT", "UID:1@x", "DTSTAMP:20261101T000000Z", *body, "END:VEVENT"))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{calendar}{text}\r\nEND:VCALENDAR\r\n"


# --- writing what is read


def test_a_new_event_is_plain_and_names_nobody():
    text = written(fresh(), content(), now=NOW)
    (made,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert made["summary"] == "Chat"
    assert made["dtstart"].dt.isoformat() == "2026-12-01T09:00:00+01:00"
    assert made["dtstart"].params["TZID"] == "Europe/Berlin"
    assert "ATTENDEE" not in text
    assert "ORGANIZER" not in text
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75


def test_the_zone_s_definition_comes_along_and_is_right_on_both_sides_of_a_change():
    text = written(fresh(), content(at("2026-07-01 09:00")), now=NOW)
    (zone,) = icalendar.Calendar.from_ical(text).walk("VTIMEZONE")
    rules = zone.to_tz(lookup_tzid=False)
    for wall, hours in ((datetime(2026, 3, 29, 1, 59), 1), (datetime(2026, 3, 29, 3, 0), 2)):
        assert rules.utcoffset(wall) == timedelta(hours=hours)
    for wall, hours in ((datetime(2026, 10, 25, 1, 59), 2), (datetime(2026, 10, 25, 3, 0), 1)):
        assert rules.utcoffset(wall) == timedelta(hours=hours)


words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=300)
texts = st.lists(words, max_size=4).map("\n".join)
zones = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"])
moments = st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@st.composite
def contents(draw: st.DrawFn) -> EventContent:
    start = draw(moments)
    when = When(start, start + timedelta(minutes=draw(st.integers(0, 3_000))), draw(zones))
    return EventContent(when, draw(words), draw(words), draw(texts), draw(st.booleans()))


@settings(max_examples=150, deadline=None)
@given(contents())
def test_whatever_is_written_is_read_the_same_by_us_and_by_others(wanted):
    identity = EventIdentity("0f" * 16, 3)
    text = written(identity, wanted, now=NOW)
    there = read(text, BERLIN)
    assert seen(there.content, wanted)
    assert there.identity == identity
    (other,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert other.start.astimezone(UTC) == there.content.when.start
    assert str(other.get("summary", "")) == wanted.title


def seen(there: EventContent, wanted: EventContent) -> bool:
    """The same; the zone may be UTC where the wall shows an hour twice."""
    assert there.when.zone in (wanted.when.zone, "UTC")
    return replace(there, when=wanted.when) == wanted and there.when.same_instants(wanted.when)


def test_the_second_of_two_equal_hours_is_kept_apart_from_the_first():
    second = When(
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC), "Europe/Berlin"
    )
    there = read(written(fresh(), content(second), now=NOW), BERLIN)
    assert there.content.when.same_instants(second)


@settings(max_examples=100, deadline=None)
@given(contents(), contents())
def test_an_edit_ends_in_what_was_wanted_and_keeps_the_rest(first, second):
    text = written(EventIdentity("0f" * 16, 3), first, now=NOW)
    own = "X-OWNER:kept\r\n"
    alarm = "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT"
    text = edited(text.replace("END:VEVENT", own + alarm), second, BERLIN, now=NOW)
    assert seen(read(text, BERLIN).content, second)
    assert own in text
    assert alarm in text


# --- editing what an owner has

OWN = event(
    'ORGANIZER;CN="Ana, the owner":mailto:ana@example.org',
    'ATTENDEE;CN="Bo; : friend";PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:bo@example.org',
    "DTSTART;TZID=Europe/Berlin:20261201T090000",
    "DURATION:PT1H",
    "SEQUENCE:4",
    "SUMMARY;LANGUAGE=de:Alt",
    'DESCRIPTION;ALTREP="data:text/html,<b>x</b>":Alt',
    "X-ALT-DESC;FMTTYPE=text/html:<b>Alt</b>",
    "LOCATION:Alt",
    'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="Alt":geo:1,2',
    "CATEGORIES:Rot,Blau\\, hell",
    "X-WEIRD;p=1:\\q\\,;raw",
    "ATTACH;VALUE=BINARY;ENCODING=BASE64:AAAA",
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "TRIGGER:-PT10M",
    "END:VALARM",
)


def test_only_what_differs_is_touched():
    same = content(NINE, title="Alt", place="Alt", description="Alt")
    before, after = lines.unfolded(OWN), lines.unfolded(edited(OWN, same, BERLIN, now=NOW))
    touched = {line.partition(":")[0] for line in set(before) ^ set(after)}
    assert touched <= {"DTSTAMP", "LAST-MODIFIED"}


def test_a_move_replaces_duration_and_counts_the_sequence():
    wanted = content(TEN, title="Alt", place="Alt", description="Alt")
    text = edited(OWN, wanted, BERLIN, now=NOW)
    (made,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert made.end.isoformat() == "2026-12-01T11:00:00+01:00"
    assert "DURATION" not in made
    assert made["sequence"] == 5
    assert 'ATTENDEE;CN="Bo; : friend";PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:bo@example.org' in text.replace(
        "\r\n ", ""
    )
    assert "X-WEIRD;p=1:\\q\\,;raw" in text


def test_richer_twins_go_with_the_text_they_belong_to():
    text = edited(OWN, content(NINE, title="Alt", place="Neu", description="Neu"), BERLIN, now=NOW)
    assert "X-ALT-DESC" not in text
    assert "ALTREP" not in text
    assert "STRUCTURED" not in text
    assert "LOCATION:Neu" in text


def test_an_event_given_to_another_organizer_is_not_ours_to_write():
    theirs = OWN.replace("mailto:ana@example.org", "mailto:zoe@example.org")
    assert read(OWN, BERLIN).read_only_why == ""
    assert read(theirs, BERLIN).read_only_why.endswith(".")


def test_a_private_event_shown_without_details_is_unknown_not_empty():
    identity = fresh()
    text = written(identity, content(), now=NOW).replace("END:VEVENT", "CLASS:CONFIDENTIAL\r\nEND:VEVENT")
    assert read(text, BERLIN).content.title == "Chat"
    stripped = "\r\n".join(
        line
        for line in lines.unfolded(text)
        if not line.startswith(("X-SCHEDULE", "SUMMARY", "LOCATION", "DESCRIPTION"))
    )
    there = read(stripped, BERLIN)
    assert there.identity == identity
    assert (there.content.title, there.content.place, there.content.description) == (None, None, None)


# --- times as they come


@pytest.mark.parametrize(
    ("body", "start", "end"),
    [
        (["DTSTART:20261201T080000Z", "DTEND:20261201T090000Z"], "08:00", "09:00"),
        (["DTSTART:20261201T090000", "DURATION:PT90M"], "08:00", "09:30"),
        (["DTSTART;TZID=Europe/Berlin:20261201T090000", "DURATION:P1DT1H"], "08:00", "33:00"),
        (
            ["DTSTART;TZID=W. Europe Standard Time:20261201T090000", "DTEND:20261201T090000Z"],
            "08:00",
            "09:00",
        ),
        (['DTSTART;TZID="(UTC-05:00) Eastern":20261201T030000', "DURATION:PT1H"], "08:00", "09:00"),
        (
            ["DTSTART;TZID=/vendor.org/2005_1/America/New_York:20261201T030000", "DURATION:PT1H"],
            "08:00",
            "09:00",
        ),
        (["DTSTART;TZID=Nobody Knows:20261201T090000", "DURATION:PT1H"], "08:00", "09:00"),
        (
            ["dtstart;tzid=Europe/Berlin:20261201T090000", "dtend;tzid=Europe/Berlin:20261201T100000"],
            "08:00",
            "09:00",
        ),
        (["DTSTART:20261201T080000Z"], "08:00", "08:00"),
    ],
)
def test_times_in_all_their_forms(body, start, end):
    when = read(event(*body), BERLIN).content.when
    assert clock(when.start) == start
    assert clock(when.end) == end


def clock(moment: datetime) -> str:
    minutes = int((moment - datetime(2026, 12, 1, tzinfo=UTC)).total_seconds() // 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def test_a_zone_of_its_own_making_is_followed():
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Customized Time Zone\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\n"
        "TZOFFSETFROM:+0330\r\nTZOFFSETTO:+0330\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    body = "DTSTART;TZID=Customized Time Zone:20261201T093000"
    when = read(event(body, "DURATION:PT1H", calendar=zone), BERLIN).content.when
    assert clock(when.start) == "06:00"
    assert when.zone == ""


def test_a_windows_named_zone_is_an_iana_zone_to_us():
    when = read(event("DTSTART;TZID=Eastern Standard Time:20260701T090000", "DURATION:PT1H"), BERLIN)
    assert when.content.when.zone == "America/New_York"
    assert when.content.when.start == datetime(2026, 7, 1, 13, tzinfo=UTC)


def test_an_all_day_event_lasts_from_midnight_to_midnight_of_the_calendar():
    when = read(event("DTSTART;VALUE=DATE:20261201"), BERLIN).content.when
    assert when == When(
        datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 1, 23, tzinfo=UTC), "Europe/Berlin", True
    )


def test_declined_by_the_owner_is_cancelled_and_declined_by_a_guest_is_not():
    def answered(address: str) -> bool:
        attendee = f"ATTENDEE;PARTSTAT=DECLINED:MAILTO:{address}"
        return read(event("DTSTART:20261201T080000Z", attendee), BERLIN).content.cancelled

    assert answered("Ana@Example.org")
    assert not answered("bo@example.org")


@pytest.mark.parametrize(
    "line", ["DTSTART;VALUE=DATE:20261201", "DTSTART:20261201T080000", "DTSTART;TZID=What:20261201T080000"]
)
def test_the_calendar_s_zone_is_asked_for_only_where_it_counts(line):
    assert needs_zone(event(line))
    assert not needs_zone(written(fresh(), content(), now=NOW))
    assert not needs_zone(event("DTSTART;TZID=Eastern Standard Time:20260701T090000"))


# --- what is no event

BROKEN = {
    "nothing": "",
    "a page": "<html>not found</html>",
    "cut off": event("DTSTART:20261201T080000Z")[:-30],
    "crossed": "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\nEND:VEVENT\r\n",
    "too deep": "BEGIN:VCALENDAR\r\n"
    + "BEGIN:VEVENT\r\n" * 500
    + "END:VEVENT\r\n" * 500
    + "END:VCALENDAR\r\n",
    "no event": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
    "no beginning": event("SUMMARY:x"),
    "a word for a date": event("DTSTART:soon"),
    "a day that is not": event("DTSTART:20260230T080000Z"),
    "an hour that is not": event("DTSTART:20260201T280000Z"),
    "an end that is not": event("DTSTART:20260201T080000Z", "DTEND:x"),
    "a duration that is not": event("DTSTART:20260201T080000Z", "DURATION:P"),
    "a duration without end": event("DTSTART:20260201T080000Z", "DURATION:P99999999999W"),
    "before time": event("DTSTART;TZID=Asia/Tokyo:00010101T000000"),
    "after time": event("DTSTART;TZID=America/New_York:99991231T235959", "DURATION:P1D"),
    "no value": event("DTSTART"),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_malformed_in_words(text):
    with pytest.raises(Malformed) as refused:
        read(text, BERLIN)
    assert str(refused.value).endswith(".")
    with pytest.raises(Malformed):
        edited(text, content(), BERLIN, now=NOW)


PIECES = (
    "BEGIN:VCALENDAR END:VCALENDAR BEGIN:VEVENT END:VEVENT DTSTART ;TZID= : , \\ DTEND: EXDATE: "
    "20261201T080000Z 20261201 00010101 99991231T235959 RRULE:FREQ=DAILY ;COUNT=3 RDATE;VALUE=PERIOD: /P1D "
    "RECURRENCE-ID: DURATION: P1W -PT5M Europe/Berlin UID:1"
)
pieces = st.sampled_from([*PIECES.split(), "\r\n", "\n ", '"'])


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(pieces, max_size=40).map("".join), st.text(max_size=200)), st.booleans())
def test_nothing_but_malformed_is_ever_raised(noise, inside):
    text = event("DTSTART:20261201T080000Z", noise) if inside else noise
    try:
        read(text, BERLIN)
        edited(text, content(), BERLIN, now=NOW)
    except Malformed as fault:
        assert str(fault).endswith(".")


def test_a_large_event_is_read_in_its_time():
    """An attachment just below the limit costs no more than splitting it."""
    text = event(
        "DTSTART:20261201T080000Z", "ATTACH;ENCODING=BASE64;VALUE=BINARY:" + "\r\n ".join(["A" * 74] * 13_000)
    )
    assert read(text, BERLIN).content.when.start == datetime(2026, 12, 1, 8, tzinfo=UTC)
