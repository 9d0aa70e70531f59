"""How a time is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from genie.core.saying import said_ago, said_list, said_span, same_wall_time, zone_of


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "length", "zone", "said"),
    [
        (utc(2026, 3, 3, 15), HOUR, "America/New_York", "Tue 3 Mar 2026, 10:00–11:00 (New York)"),
        (utc(2026, 3, 3, 15), HOUR, "Asia/Kolkata", "Tue 3 Mar 2026, 20:30–21:30 (Kolkata)"),
        (utc(2026, 3, 3, 15), HOUR, "UTC", "Tue 3 Mar 2026, 15:00–16:00 (UTC)"),
        (utc(2026, 3, 3, 15), HOUR, "No/Such_Zone", "Tue 3 Mar 2026, 15:00–16:00 (UTC)"),
        (
            utc(2026, 3, 4, 4, 30),
            HOUR,
            "America/New_York",
            "Tue 3 Mar 2026, 23:30 – Wed 4 Mar 2026, 00:30 (New York)",
        ),
        # the night the clocks go back in New York: 01:30 comes twice, and only the offset tells which
        (
            utc(2026, 11, 1, 5, 30),
            timedelta(minutes=20),
            "America/New_York",
            "Sun 1 Nov 2026, 01:30–01:50 (New York, UTC−04:00)",
        ),
        (
            utc(2026, 11, 1, 6, 30),
            timedelta(minutes=20),
            "America/New_York",
            "Sun 1 Nov 2026, 01:30–01:50 (New York, UTC−05:00)",
        ),
        # across the change forward: the clock shows two hours for one
        (
            utc(2026, 3, 8, 6, 30),
            HOUR,
            "America/New_York",
            "Sun 8 Mar 2026, 01:30–03:30 (New York, UTC−05:00 to UTC−04:00)",
        ),
    ],
)
def test_a_span_is_said_as_people_say_it(start: datetime, length: timedelta, zone: str, said: str) -> None:
    assert said_span(start, start + length, zone) == said


def test_zones_that_show_the_same_time_are_told_from_those_that_do_not() -> None:
    assert same_wall_time(utc(2026, 3, 3, 15), "America/New_York", "America/Toronto")
    assert not same_wall_time(utc(2026, 3, 3, 15), "America/New_York", "Europe/Berlin")


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "/etc/passwd", "Europe", "a\0b", "x" * 500])
def test_what_is_no_zone_is_none(name: str) -> None:
    assert zone_of(name) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "just now"),  # another machine's clock
        (0, "just now"),
        (1.9, "just now"),
        (2, "2 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (86_399, "23 h ago"),
        (86_400, "Mon 2 Mar, 10:00"),
    ],
)
def test_how_long_ago_is_said_as_people_do(seconds: float, said: str) -> None:
    now = utc(2026, 3, 3, 15)
    assert said_ago(now - timedelta(seconds=seconds), now, "America/New_York") == said


@pytest.mark.parametrize(
    ("names", "said"),
    [([], ""), (["A"], "“A”"), (["A", "B"], "“A” and “B”"), (["A", "B", "C"], "“A”, “B” and “C”")],
)
def test_names_in_a_row(names, said):
    assert said_list(names) == said
