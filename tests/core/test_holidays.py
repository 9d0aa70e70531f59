"""Holidays: fixed dates, nth and last weekdays, one year only."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie.core.holidays import LAST, Holiday, dates_closed


def test_a_fixed_date_returns_every_year():
    closed = dates_closed([Holiday("Christmas", 12, day=25)], first=date(2026, 1, 1), last=date(2027, 12, 31))
    assert closed == {date(2026, 12, 25), date(2027, 12, 25)}


def test_a_holiday_of_one_year_stays_there():
    closed = dates_closed(
        [Holiday("Move", 5, day=4, year=2026)], first=date(2025, 1, 1), last=date(2028, 1, 1)
    )
    assert closed == {date(2026, 5, 4)}


def test_leap_day_and_fifth_monday_are_left_out_where_there_are_none():
    assert Holiday("Leap", 2, day=29).date_in(2026) is None
    assert Holiday("Leap", 2, day=29).date_in(2028) == date(2028, 2, 29)
    assert Holiday("Fifth", 2, weekday=0, week=5).date_in(2026) is None
    assert Holiday("Fifth", 3, weekday=0, week=5).date_in(2026) == date(2026, 3, 30)


@given(st.integers(1990, 2100), st.integers(1, 12), st.integers(0, 6), st.sampled_from([1, 2, 3, 4, LAST]))
def test_nth_and_last_weekday_against_a_walk_through_the_month(year, month, weekday, week):
    days = [date(year, month, 1) + timedelta(n) for n in range(31)]
    fitting = [d for d in days if d.month == month and d.weekday() == weekday]
    expected = fitting[-1] if week == LAST else fitting[week - 1]
    assert Holiday("any", month, weekday=weekday, week=week).date_in(year) == expected


@pytest.mark.parametrize("said", [{}, {"day": 1, "weekday": 1, "week": 1}, {"weekday": 1}])
def test_a_holiday_says_a_day_or_a_weekday(said):
    with pytest.raises(ValueError, match="either a day or a weekday"):
        Holiday("bad", 5, **said)
