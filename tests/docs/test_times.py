"""docs/times.md tells the truth: its examples are run."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from genie.core.availability import Rules, offered
from genie.core.hours import Hours, instant_of
from genie.core.saying import said_span
from genie.core.spans import moment

PAGE = Path(__file__).parents[2] / "docs" / "times.md"
NEW_YORK = ZoneInfo("America/New_York")
EXAMPLES = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.read_text().split("## Examples")[1], re.MULTILINE))
HOURLY = Rules(duration=60)


def answer(start: str) -> tuple[str, str]:
    (found,) = [(question, said) for question, said in EXAMPLES.items() if question.startswith(start)]
    return found


def local_starts(opens: time, closes: time, first: date, last: date) -> list[datetime]:
    hours = Hours(NEW_YORK, {6: [(opens, closes)]})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = offered(hours=hours, rules=HOURLY, first=first, last=last, now=now)
    return [start.astimezone(NEW_YORK) for start in found]


@pytest.mark.parametrize("wall", ["2026-03-08 02:30", "2026-11-01 01:30"])
def test_wall_times_that_are_missing_or_twice(wall: str) -> None:
    at = datetime.fromisoformat(wall)
    instant = moment(instant_of(at.date(), at.time(), NEW_YORK))
    assert answer(f"the instant of wall time {wall}")[1] == f"{instant:%Y-%m-%dT%H:%MZ}"


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1)])
def test_starts_on_dates_when_the_clocks_change(day: date) -> None:
    starts = local_starts(time(0), time(6), day, day)
    _, said = next((q, a) for q, a in EXAMPLES.items() if q.endswith(f"starts on {day}"))
    assert said == " ".join(f"{start:%H:%M}" for start in starts)


def test_a_range_past_midnight() -> None:
    starts = local_starts(time(22), time(2), date(2026, 3, 1), date(2026, 3, 2))
    assert answer("open Sunday 22:00–02:00")[1] == f"{starts[-1]:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize("hour", [5, 6])
def test_how_the_hour_that_comes_twice_is_said(hour: int) -> None:
    start, end = (datetime(2026, 11, 1, hour, minute, tzinfo=UTC) for minute in (30, 50))
    assert answer(f"2026-11-01T0{hour}:30Z")[1] == said_span(start, end, "America/New_York")


def test_no_example_is_left_unrun() -> None:
    assert len(EXAMPLES) - 2 == 7  # the heading and its rule are lines as well


def test_every_module_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:core|flows|providers)/[a-z_/]+)", PAGE.read_text())
    for name in named:
        path = PAGE.parents[1] / "src" / "genie" / name
        assert path.with_suffix(".py").exists() or path.is_dir(), name
