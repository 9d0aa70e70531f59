"""Weekly hours: joined where they meet, said in one line."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie.core.week import DayRange, joined, said_week


def hours(weekday: int, opens: str, closes: str) -> DayRange:
    return DayRange(weekday, time.fromisoformat(opens), time.fromisoformat(closes))


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ([("09:00", "12:00"), ("13:00", "17:00")], [("09:00", "12:00"), ("13:00", "17:00")]),
        ([("09:00", "12:00"), ("12:00", "17:00")], [("09:00", "17:00")]),
        ([("13:00", "17:00"), ("09:00", "14:00")], [("09:00", "17:00")]),
        ([("09:00", "17:00"), ("10:00", "11:00")], [("09:00", "17:00")]),
        ([("20:00", "02:00"), ("22:00", "03:00")], [("20:00", "03:00")]),
        ([("09:00", "12:00"), ("09:00", "10:00")], [("09:00", "12:00")]),
        ([("00:00", "00:00"), ("09:00", "10:00")], [("00:00", "00:00")]),
        # more than a day long together: one range cannot say it
        ([("06:00", "06:00"), ("08:00", "07:00")], [("06:00", "06:00"), ("08:00", "07:00")]),
    ],
)
def test_ranges_of_a_day_that_meet_are_one(
    given_: list[tuple[str, str]], kept: list[tuple[str, str]]
) -> None:
    assert joined(hours(0, *one) for one in given_) == [hours(0, *one) for one in kept]


def test_ranges_of_different_days_stay_apart() -> None:
    both = [hours(0, "09:00", "17:00"), hours(1, "09:00", "17:00")]
    assert joined(reversed(both)) == both


walls = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
ranges = st.builds(DayRange, st.integers(0, 1), walls, walls)


def covered(of: list[DayRange]) -> set[tuple[int, int]]:
    return {(one.weekday, minute) for one in of for minute in range(*one.minutes, 15)}


@given(st.lists(ranges, max_size=8))
def test_joining_opens_and_closes_nothing(some: list[DayRange]) -> None:
    assert covered(joined(some)) == covered(some)
    starts = [(one.weekday, one.opens) for one in joined(some)]
    assert len(set(starts)) == len(starts)  # the table holds one range per weekday and opening time


def test_a_week_is_said_in_one_line() -> None:
    office = [hours(day, "09:00", "17:00") for day in range(5)]
    assert said_week(office) == "Mon–Fri 09:00–17:00"
    assert said_week([*office, hours(5, "20:00", "02:00")]).endswith("; Sat 20:00–02:00 (next day)")
    assert said_week([hours(0, "09:00", "12:00"), hours(1, "09:00", "12:00")]) == "Mon, Tue 09:00–12:00"
    assert said_week([]) == "closed all week"


def test_there_are_seven_weekdays() -> None:
    with pytest.raises(ValueError, match="weekday"):
        hours(7, "09:00", "10:00")
