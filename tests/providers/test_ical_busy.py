"""Busy time of series with all their exceptions, checked by hand and against another library."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from genie.core.event import Busy, BusyKind
from genie.providers.caldav.mapping import read
from genie.providers.ical.recurrence import OCCURRENCES
from genie.providers.ical.times import Setting
from genie.providers.port import Window

BERLIN = Setting("Europe/Berlin", frozenset({"ana@example.org"}))
WINTER = Window(datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC))
DAILY = (
    "DTSTART;TZID=Europe/Berlin:20261130T090000",
    "DTEND;TZID=Europe/Berlin:20261130T100000",
    "RRULE:FREQ=DAILY;COUNT=5",
)


def calendar(*events: tuple[str, ...]) -> str:
    blocks = [("BEGIN:VEVENT", "UID:1@x", "DTSTAMP:20261101T000000Z", *body, "END:VEVENT") for body in events]
    inner = "\r\n".join(line for block in blocks for line in block)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{inner}\r\nEND:VCALENDAR\r\n"


def busy(*events: tuple[str, ...], window: Window = WINTER, setting: Setting = BERLIN) -> list[str]:
    """`02 09:00-10:00`, wall time in Berlin."""
    there = read(calendar(*events), setting, window)
    assert there.problem == ""
    return [shown(one) for one in there.busy]


def shown(one: Busy) -> str:
    start, end = (moment.astimezone(ZoneInfo("Europe/Berlin")) for moment in (one.start, one.end))
    kind = "" if one.kind is BusyKind.BUSY else f" {one.kind}"
    return f"{start:%d %H:%M}-{end:%H:%M}{kind}"


def test_a_series_from_before_the_window():
    assert busy(DAILY) == [f"0{day} 09:00-10:00" for day in (1, 2, 3, 4)]


def test_left_out_moved_cancelled_and_added_occurrences():
    master = (
        *DAILY,
        "EXDATE;TZID=Europe/Berlin:20261201T090000",
        "RDATE;TZID=Europe/Berlin:20261209T120000,20261210T120000",
        "RDATE;VALUE=PERIOD:20261211T080000Z/PT3H",
    )
    moved = ("RECURRENCE-ID;TZID=Europe/Berlin:20261202T090000", "DTSTART:20261208T140000Z", "DURATION:PT30M")
    off = ("RECURRENCE-ID:20261203T080000Z", "DTSTART:20261203T080000Z", "STATUS:CANCELLED")
    assert busy(master, moved, off) == [
        "04 09:00-10:00",
        "08 15:00-15:30",
        "09 12:00-13:00",
        "10 12:00-13:00",
        "11 09:00-12:00",
    ]


def test_an_occurrence_moved_out_of_the_window_is_not_busy_where_it_was():
    moved = ("RECURRENCE-ID;TZID=Europe/Berlin:20261202T090000", "DTSTART:20270108T140000Z", "DURATION:PT30M")
    assert busy(DAILY, moved) == ["01 09:00-10:00", "03 09:00-10:00", "04 09:00-10:00"]


def test_one_occurrence_made_free_or_tentative():
    free = (*one_day("20261202"), "TRANSP:TRANSPARENT")
    maybe = (*one_day("20261203"), "STATUS:TENTATIVE")
    assert busy(DAILY, free, maybe) == ["01 09:00-10:00", "03 09:00-10:00 tentative", "04 09:00-10:00"]


def one_day(day: str) -> tuple[str, ...]:
    zone = ";TZID=Europe/Berlin"
    return (f"RECURRENCE-ID{zone}:{day}T090000", f"DTSTART{zone}:{day}T090000", f"DTEND{zone}:{day}T100000")


def test_a_free_series_with_one_busy_occurrence():
    assert busy((*DAILY, "TRANSP:TRANSPARENT"), one_day("20261202")) == ["02 09:00-10:00"]


def test_an_invitation_to_single_occurrences_only():
    assert busy(one_day("20261202"), one_day("20261204")) == ["02 09:00-10:00", "04 09:00-10:00"]


def test_a_series_keeps_its_wall_time_when_clocks_change():
    window = Window(datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC))
    series = ("DTSTART;TZID=Europe/Berlin:20261001T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY")
    assert busy(series, window=window) == ["24 09:00-10:00", "25 09:00-10:00", "26 09:00-10:00"]


@pytest.mark.parametrize("until", ["20261203T080000Z", "20261203T090000", "20261203"])
def test_until_counts_its_last_occurrence_in_every_form(until):
    series = (
        "DTSTART;TZID=Europe/Berlin:20260701T090000",
        "DURATION:PT1H",
        f"RRULE:FREQ=DAILY;UNTIL={until}",
    )
    assert busy(series) == ["01 09:00-10:00", "02 09:00-10:00", "03 09:00-10:00"]


def test_all_day_series_in_the_calendar_s_zone():
    series = ("DTSTART;VALUE=DATE:20261130", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE;VALUE=DATE:20261202")
    there = read(calendar(series), BERLIN, WINTER)
    assert [shown(one) for one in there.busy] == ["01 00:00-00:00", "03 00:00-00:00"]
    assert all(one.all_day for one in there.busy)


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ((), BusyKind.BUSY),
        (("TRANSP:TRANSPARENT",), None),
        (("STATUS:CANCELLED",), None),
        (("STATUS:TENTATIVE",), BusyKind.TENTATIVE),
        (("X-MICROSOFT-CDO-BUSYSTATUS:OOF",), BusyKind.OUT_OF_OFFICE),
        (("X-MICROSOFT-CDO-BUSYSTATUS:FREE",), None),
        (("ATTENDEE;PARTSTAT=DECLINED:mailto:ana@example.org",), None),
        (("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ana@example.org",), BusyKind.UNANSWERED),
        (("ATTENDEE;RSVP=TRUE:mailto:ana@example.org",), BusyKind.UNANSWERED),
        (("ATTENDEE;PARTSTAT=TENTATIVE:mailto:ANA@example.org",), BusyKind.TENTATIVE),
        (("ATTENDEE;PARTSTAT=ACCEPTED:mailto:ana@example.org",), BusyKind.BUSY),
        (("ATTENDEE;PARTSTAT=DECLINED:mailto:bo@example.org",), BusyKind.BUSY),
        (('ATTENDEE;EMAIL="ana@example.org";PARTSTAT=DECLINED:urn:uuid:1',), None),
    ],
)
def test_how_an_event_takes_time(lines, kind):
    there = read(calendar(("DTSTART:20261202T080000Z", "DURATION:PT1H", *lines)), BERLIN, WINTER)
    assert [one.kind for one in there.busy] == ([kind] if kind else [])


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTHDAY=31;BYMONTH=4",
        "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
        "FREQ=YEARLY;BYDAY=60MO",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15;BYMINUTE=0,1,2,3,4,5,6,7,8,9",
        "FREQ=SOMETIMES",
        "nonsense",
        "FREQ=DAILY;UNTIL=20269999T000000",
    ],
)
def test_a_rule_that_cannot_be_followed_is_a_problem_and_costs_little(rule):
    begun = time.process_time()
    there = read(calendar(("DTSTART:20200101T080000Z", "DURATION:PT1H", f"RRULE:{rule}")), BERLIN, WINTER)
    assert there.problem.endswith(".")
    assert len(there.busy) <= OCCURRENCES
    assert time.process_time() - begun < 3


# --- against another library

rules = st.builds(
    lambda freq, interval, count, by: f"FREQ={freq};INTERVAL={interval}{count}{by}",
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 4),
    st.sampled_from(["", ";COUNT=12", ";UNTIL=20260901T120000Z"]),
    st.sampled_from(["", ";BYDAY=MO,TH", ";BYMONTHDAY=1,15", ";BYMONTH=3,10"]),
)


@settings(max_examples=120, deadline=None)
@given(
    rules,
    st.datetimes(datetime(2025, 6, 1), datetime(2026, 6, 1)),
    st.integers(15, 60 * 30),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.lists(st.integers(0, 200), max_size=3),
)
def test_the_same_occurrences_as_recurring_ical_events(rule, begins, minutes, zone, excluded):
    begins = begins.replace(hour=9 + begins.hour % 8, second=0, microsecond=0)  # no clock changes by day
    end = begins + timedelta(minutes=minutes)
    form = "%Y%m%dT%H%M%S"
    left_out = [f"EXDATE;TZID={zone}:{begins + timedelta(days=n):{form}}" for n in excluded]
    span = (f"DTSTART;TZID={zone}:{begins:{form}}", f"DTEND;TZID={zone}:{end:{form}}")
    text = calendar((*span, f"RRULE:{rule}", *left_out))
    window = Window(datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    ours = [(one.start, one.end) for one in read(text, BERLIN, window).busy]
    theirs = sorted(
        (event.start.astimezone(UTC), event.end.astimezone(UTC))
        for event in recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(
            window.start, window.end
        )
    )
    assert [start for start, _ in ours] == [start for start, _ in theirs]
