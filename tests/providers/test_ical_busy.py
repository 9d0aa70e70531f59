"""Busy time of series with all their exceptions, checked by hand and against another library."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from tests.providers.test_ical_recurrence import rules

from genie.core.event import Busy, BusyKind
from genie.providers.caldav.mapping import read
from genie.providers.ical.recurrence import OCCURRENCES, occurrences
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


FUTURE = "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261202T090000"


def test_this_and_all_following_moved():
    later = (FUTURE, "DTSTART;TZID=Europe/Berlin:20261202T140000", "DURATION:PT30M")
    assert busy(DAILY, later) == ["01 09:00-10:00", "02 14:00-14:30", "03 14:00-14:30", "04 14:00-14:30"]


def test_this_and_all_following_called_off_or_made_free_but_for_one():
    off = (FUTURE, "DTSTART;TZID=Europe/Berlin:20261202T090000", "STATUS:CANCELLED")
    assert busy(DAILY, off, one_day("20261204")) == ["01 09:00-10:00", "04 09:00-10:00"]


def test_following_ones_moved_into_the_window_by_weeks():
    later = (FUTURE, "DTSTART;TZID=Europe/Berlin:20270102T090000", "DURATION:PT1H")
    window = Window(datetime(2027, 1, 3, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC))
    assert busy(DAILY, later, window=window) == ["03 09:00-10:00"]


def test_exceptions_of_many_years_are_heeded_where_they_count_and_cost_little():
    years = [
        f"EXDATE;TZID=Europe/Berlin:{datetime(2016, 1, 1) + timedelta(days=n):%Y%m%d}T090000"
        for n in range(3_000)
    ]
    series = ("DTSTART;TZID=Europe/Berlin:20160101T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY")
    here = "EXDATE;TZID=Europe/Berlin:20261203T090000,20261204T090000"
    begun = time.process_time()
    assert len(busy((*series, *years, here))) == 12
    assert time.process_time() - begun < 0.2


def test_an_exception_that_is_no_date_is_a_problem_wherever_it_stands():
    there = read(calendar((*DAILY, "EXDATE:yesterday")), BERLIN, WINTER)
    assert there.problem.endswith(".")


def test_a_series_that_began_before_all_windows_costs_what_a_new_one_does():
    series = ("DTSTART;TZID=Europe/Berlin:16010101T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=MO")
    begun = time.process_time()
    for _ in range(100):
        assert busy(series) == ["07 09:00-10:00", "14 09:00-10:00"]
    assert time.process_time() - begun < 0.5


# --- against another library

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu")
FORM = "%Y%m%dT%H%M%S"
NOT_THEIRS = ("BYSETPOS", "BYWEEKNO", "BYYEARDAY")
"""Parts in which dateutil differs from RFC 5545, or is held to ours elsewhere (test_ical_recurrence)."""


@dataclass(frozen=True)
class Shape:
    """How an event states its times: in a zone, in UTC, floating or all-day."""

    zone: str
    all_day: bool = False

    def line(self, name: str, wall: datetime) -> str:
        if self.all_day:
            return f"{name};VALUE=DATE:{wall:%Y%m%d}"
        if self.zone == "UTC":
            return f"{name}:{wall:{FORM}}Z"
        return f"{name};TZID={self.zone}:{wall:{FORM}}" if self.zone else f"{name}:{wall:{FORM}}"


@st.composite
def objects(draw):
    """A series with its exceptions: left out, added, moved and called off, at its own occurrences mostly."""
    shape = draw(st.sampled_from([*map(Shape, ZONES), Shape("UTC"), Shape(""), Shape("", all_day=True)]))
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    rule = draw(rules(freq).filter(lambda said: not any(part in said for part in NOT_THEIRS)))
    if (
        shape.all_day or "UNTIL" in rule
    ):  # times of day belong to no date, and an UNTIL to one form of DTSTART
        rule = ";".join(one for one in rule.split(";") if not one.startswith(("BYHOUR", "BYMINUTE", "UNTIL")))
    first = draw(st.datetimes(datetime(2023, 1, 1), datetime(2026, 6, 1))).replace(second=0, microsecond=0)
    first = first.replace(hour=0, minute=0) if shape.all_day else first
    lasts = (
        timedelta(days=draw(st.integers(1, 3)))
        if shape.all_day
        else timedelta(minutes=draw(st.integers(5, 1500)))
    )
    occurs = list(occurrences(rule, first, datetime(2027, 1, 1), zone=UTC)) or [first]
    some = draw(st.lists(st.sampled_from(occurs), max_size=6, unique=True))
    body = [shape.line("DTSTART", first), shape.line("DTEND", first + lasts), f"RRULE:{rule}"]
    body += [shape.line("EXDATE", wall) for wall in some[:2]]
    body += [shape.line("RDATE", wall + timedelta(days=1)) for wall in some[2:3]]
    moved, off = some[3:4], some[4:]
    others = [
        (
            shape.line("RECURRENCE-ID", wall),
            shape.line("DTSTART", wall + timedelta(days=2)),
            shape.line("DTEND", wall + timedelta(days=2) + lasts),
        )
        for wall in moved
    ]
    others += [
        (shape.line("RECURRENCE-ID", wall), shape.line("DTSTART", wall), "STATUS:CANCELLED") for wall in off
    ]
    return calendar(tuple(body), *others)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(objects(), st.datetimes(datetime(2025, 11, 1), datetime(2026, 9, 1)), st.integers(1, 120))
def test_the_same_occurrences_as_recurring_ical_events(text, begins, days):
    start = begins.replace(tzinfo=UTC)
    window = Window(start, start + timedelta(days=days))
    there = read(text, BERLIN, window)
    assume(not there.problem)  # more than a thousand
    ours = sorted((one.start, one.end) for one in there.busy)
    about = (window.start - timedelta(days=2), window.end + timedelta(days=2))  # floating times: it takes UTC
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(*about)
    theirs = sorted(
        (as_instant(one.start), as_instant(one.end)) for one in found if one.get("STATUS") != "CANCELLED"
    )
    theirs = [(a, b) for a, b in theirs if a < window.end and b > window.start]
    event(f"{min(len(ours), 3)} or more occurrences")
    assert [a for a, _ in ours if a >= start] == [a for a, _ in theirs if a >= start]
    assert [one for one in ours if is_calm(*one)] == [one for one in theirs if is_calm(*one)]


def is_calm(start: datetime, end: datetime) -> bool:
    """No clocks change about it: where they do, the library lets each hour on the wall count."""
    day = timedelta(days=1)
    return all(
        (start - day).astimezone(ZoneInfo(zone)).utcoffset()
        == (end + day).astimezone(ZoneInfo(zone)).utcoffset()
        for zone in ZONES
    )


def as_instant(value: date) -> datetime:
    """Floating times and dates are those of the calendar's own zone here."""
    wall = value if isinstance(value, datetime) else datetime.combine(value, clock())
    return (wall if wall.tzinfo else wall.replace(tzinfo=ZoneInfo("Europe/Berlin"))).astimezone(UTC)
