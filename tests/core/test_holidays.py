"""Holidays: fixed dates, nth and last weekdays, one year only, parts of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core import reference

from genie.core.holidays import LAST, Holiday, closed, occurrences
from genie.core.spans import MINUTE, Covered, micros, moment

NEW_YORK = ZoneInfo("America/New_York")


def dates(holidays, **between):
    return {day for day, _ in occurrences(holidays, **between)}


def test_a_fixed_date_returns_every_year():
    found = dates([Holiday("Christmas", 12, day=25)], first=date(2026, 1, 1), last=date(2027, 12, 31))
    assert found == {date(2026, 12, 25), date(2027, 12, 25)}


def test_a_holiday_of_one_year_stays_there():
    found = dates([Holiday("Move", 5, day=4, year=2026)], first=date(2025, 1, 1), last=date(2028, 1, 1))
    assert found == {date(2026, 5, 4)}


def test_leap_day_and_fifth_monday_are_left_out_where_there_are_none():
    assert Holiday("Leap", 2, day=29).date_in(2026) is None
    assert Holiday("Leap", 2, day=29).date_in(2028) == date(2028, 2, 29)
    assert Holiday("Fifth", 2, weekday=0, week=5).date_in(2026) is None
    assert Holiday("Fifth", 3, weekday=0, week=5).date_in(2026) == date(2026, 3, 30)


@given(st.integers(1990, 2100), st.integers(1, 12), st.integers(0, 6), st.sampled_from([1, 2, 3, 4, 5, LAST]))
def test_nth_and_last_weekday_against_a_walk_through_the_month(year, month, weekday, week):
    days = [date(year, month, 1) + timedelta(n) for n in range(31)]
    fitting = [d for d in days if d.month == month and d.weekday() == weekday]
    expected = fitting[-1] if week == LAST else (fitting[week - 1] if week <= len(fitting) else None)
    assert Holiday("any", month, weekday=weekday, week=week).date_in(year) == expected


@pytest.mark.parametrize("said", [{}, {"day": 1, "weekday": 1, "week": 1}, {"weekday": 1}])
def test_a_holiday_says_a_day_or_a_weekday(said):
    with pytest.raises(ValueError, match="either a day or a weekday"):
        Holiday("bad", 5, **said)


@pytest.mark.parametrize(("start", "end"), [(time(14), time(14)), (time(14), time(9))])
def test_a_part_that_is_backwards_is_refused(start, end):
    with pytest.raises(ValueError, match="ends after it starts"):
        Holiday("bad", 5, day=1, start=start, end=end)


def spans(covered: Covered, zone: ZoneInfo) -> list[str]:
    def said(instant: int) -> str:
        return f"{moment(instant):%d %H:%M}"

    return [f"{said(start)}-{said(end)}" for start, end in covered.stretches()]


@pytest.mark.parametrize(
    ("part", "utc"),
    [
        ({}, "24 05:00-25 05:00"),
        ({"start": time(14)}, "24 19:00-25 05:00"),
        ({"end": time(10)}, "24 05:00-24 15:00"),
        ({"start": time(12), "end": time(13, 30)}, "24 17:00-24 18:30"),
    ],
)
def test_a_part_of_a_day_is_wall_time_of_the_zone(part, utc):
    eve = Holiday("Christmas Eve", 12, day=24, **part)
    day = date(2026, 12, 24)
    assert spans(closed([eve], zone=NEW_YORK, first=day, last=day), NEW_YORK) == [utc]


def test_what_touches_is_one_and_a_whole_date_takes_its_parts_in():
    days = [
        Holiday("a", 12, day=24, start=time(14)),
        Holiday("b", 12, day=25),
        Holiday("c", 12, day=25, end=time(9)),
    ]
    found = closed(days, zone=NEW_YORK, first=date(2026, 12, 1), last=date(2026, 12, 31))
    assert spans(found, NEW_YORK) == ["24 19:00-26 05:00"]


def test_a_part_that_the_clocks_leave_out_closes_nothing():
    """8 March 2026: 02:00 to 03:00 does not exist in New York."""
    gap = Holiday("gap", 3, day=8, start=time(2), end=time(2, 45))
    assert closed([gap], zone=NEW_YORK, first=date(2026, 3, 8), last=date(2026, 3, 8)).stretches() == []


def test_a_date_with_hours_of_its_own_is_left_to_them():
    holidays = [Holiday("Christmas", 12, day=25), Holiday("Boxing", 12, day=26, start=time(12))]
    first, last = date(2026, 12, 1), date(2027, 12, 31)
    besides = {date(2026, 12, 25), date(2026, 12, 26)}
    assert [day for day, _ in occurrences(holidays, first=first, last=last, besides=besides)] == [
        date(2027, 12, 25),
        date(2027, 12, 26),
    ]
    both = closed(holidays, zone=NEW_YORK, first=first, last=date(2026, 12, 31), besides=besides)
    assert both.stretches() == []


# Clocks go forward and back over midnight, by half an hour, by a whole day
ZONES = {
    "America/New_York": date(2026, 11, 1),
    "America/Sao_Paulo": date(2018, 11, 4),
    "America/Havana": date(2026, 11, 1),
    "Australia/Lord_Howe": date(2026, 4, 5),
    "Asia/Beirut": date(2026, 10, 25),
    "Pacific/Apia": date(2011, 12, 30),
    "Asia/Kathmandu": date(2026, 6, 1),
}


@st.composite
def closings(draw):
    name = draw(st.sampled_from(sorted(ZONES)))
    near = st.integers(-2, 2).map(lambda days: ZONES[name] + timedelta(days))
    quarters = st.none() | st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
    holidays = []
    for day in draw(st.lists(near, max_size=4)):
        start, end = draw(quarters), draw(quarters)
        if start is not None and end is not None and end <= start:
            start = None
        which = draw(
            st.sampled_from(
                [
                    {"day": day.day},
                    {"day": day.day, "year": day.year},
                    {"day": day.day, "year": day.year + 1},
                    {"weekday": day.weekday(), "week": (day.day + 6) // 7},
                    {"weekday": day.weekday(), "week": LAST},
                ]
            )
        )
        holidays.append(Holiday("any", day.month, start=start, end=end, **which))
    first = draw(near)
    besides = draw(st.sets(near, max_size=2))
    return ZoneInfo(name), holidays, first, first + timedelta(draw(st.integers(0, 3))), besides


@settings(max_examples=150, deadline=None)
@given(closings())
def test_closed_agrees_with_a_walk_through_every_minute(case):
    zone, holidays, first, last, besides = case
    begin = reference.minute(datetime.combine(first, time(), UTC)) - 30 * 60
    end = reference.minute(datetime.combine(last, time(), UTC)) + 54 * 60
    expected = set()
    for number in range(begin, end):
        on = reference.local(number, zone).date()
        if not first <= on <= last or on in besides:
            continue
        for holiday in holidays:
            if holiday.date_in(on.year) != on:
                continue
            after = holiday.start is None or number >= reference.instant(on, holiday.start, zone)
            before = holiday.end is None or number < reference.instant(on, holiday.end, zone)
            if after and before:
                expected.add(number)
    found = closed(holidays, zone=zone, first=first, last=last, besides=besides)
    minutes = {n for low, high in found.stretches() for n in range(low // MINUTE, high // MINUTE)}
    assert minutes == expected
    assert found == Covered.by(found.stretches())


def test_a_whole_date_that_the_clocks_enter_twice_is_closed_both_times():
    """Havana, 1 November 2026: at 01:00 the clocks go back to 00:00; the date has 25 hours."""
    zone = ZoneInfo("America/Havana")
    found = closed([Holiday("x", 11, day=1)], zone=zone, first=date(2026, 11, 1), last=date(2026, 11, 1))
    ((start, end),) = found.stretches()
    assert end - start == 25 * 60 * MINUTE
    assert start == micros(datetime(2026, 11, 1, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    ("holiday", "rule", "part"),
    [
        (Holiday("x", 12, day=25), "25 December", "all day"),
        (Holiday("x", 12, day=24, year=2026, start=time(14)), "24 December 2026", "from 14:00"),
        (Holiday("x", 11, weekday=3, week=4, end=time(10)), "fourth Thursday of November", "until 10:00"),
        (
            Holiday("x", 5, weekday=0, week=LAST, year=2027, start=time(12), end=time(13, 30)),
            "last Monday of May 2027",
            "12:00–13:30",
        ),
    ],
)
def test_it_says_when_it_is_and_what_it_closes(holiday, rule, part):
    assert (holiday.rule_said, holiday.part_said) == (rule, part)
