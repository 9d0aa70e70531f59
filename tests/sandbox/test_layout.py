"""Where events stand on the grid."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from calendar_sandbox.week.layout import bands, blocks
from calendar_sandbox.week.owner import Occurrence

BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = date(2026, 11, 24)


def event(start: date, end: date, title: str = "") -> Occurrence:
    return Occurrence("h", "e", "", "u", title, "", "", start, end, False, "CONFIRMED", False, "")


def at(hour: int, minute: int = 0, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=BERLIN)


def test_overlapping_events_stand_side_by_side_and_others_have_the_whole_width():
    found = blocks(
        [
            event(at(9), at(10), "a"),
            event(at(9, 30), at(11), "b"),
            event(at(10), at(10, 30), "c"),
            event(at(12), at(13), "d"),
        ],
        TUESDAY,
        BERLIN,
    )
    assert {(b.occurrence.title, b.left, b.width) for b in found} == {
        ("a", 0, 0.5),
        ("b", 0.5, 0.5),
        ("c", 0, 0.5),
        ("d", 0, 1),
    }


def test_a_night_is_cut_at_midnight():
    night = event(at(22), at(2, day=25))
    (evening,) = blocks([night], TUESDAY, BERLIN)
    (morning,) = blocks([night], date(2026, 11, 25), BERLIN)
    assert (evening.top, evening.bottom, evening.starts_here, evening.ends_here) == (
        22 * 60,
        24 * 60,
        True,
        False,
    )
    assert (morning.top, morning.bottom, morning.starts_here, morning.ends_here) == (0, 120, False, True)


def test_an_end_at_midnight_leaves_nothing_on_the_next_day():
    late = event(at(23), at(0, day=25))
    assert blocks([late], TUESDAY, BERLIN)[0].ends_here
    assert blocks([late], date(2026, 11, 25), BERLIN) == []


def test_an_event_of_no_length_is_seen():
    (found,) = blocks([event(at(9), at(9))], TUESDAY, BERLIN)
    assert (found.top, found.bottom) == (540, 540)


def test_all_day_events_take_the_first_free_row_and_end_with_the_week():
    monday = date(2026, 11, 23)
    long = event(date(2026, 11, 20), date(2026, 11, 25), "long")
    short = event(date(2026, 11, 24), date(2026, 11, 25), "short")
    after = event(date(2026, 11, 25), date(2026, 12, 9), "after")
    found = {
        band.occurrence.title: (band.first, band.days, band.row)
        for band in bands([long, short, after], monday)
    }
    assert found == {"long": (0, 2, 0), "short": (1, 1, 1), "after": (2, 5, 0)}
