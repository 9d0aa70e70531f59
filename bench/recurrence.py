"""What repeating events cost: 500 weekly series with exceptions over 60 days, beside recurring-ical-events.

A series began up to five years ago and has six EXDATEs before the span and one in it, one occurrence moved
there and one called off: each by itself an object as a calendar server stores it. Both sides get it parsed;
ours is also timed from the text on. The figure of dateutil is the bare rule, stepped through from its start:
no exceptions, no zones, no busy time.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import icalendar
import recurring_ical_events
from dateutil.rrule import rrulestr

from genie.core.event import Busy
from genie.providers.caldav.mapping import read
from genie.providers.ical.busy import busy_of
from genie.providers.ical.lines import Component, parse
from genie.providers.ical.times import Setting, entry_of, span_of
from genie.providers.port import Window

SERIES = 500
ROUNDS = 9
ZONE = "America/New_York"
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(BEGIN, BEGIN + timedelta(days=60))
SETTING = Setting(ZONE)
FIRST = datetime(2021, 1, 4, 9)  # noqa: DTZ001 -- a wall time
DAYS = ("MO", "TU", "WE", "TH", "FR")


def rule_and_start(number: int, lots: random.Random) -> tuple[str, datetime]:
    weeks, day = lots.randrange(260), number % 5
    start = FIRST + timedelta(weeks=weeks, days=day, minutes=15 * (number % 30))
    return f"FREQ=WEEKLY;BYDAY={DAYS[day]}{';INTERVAL=2' if number % 3 == 0 else ''}", start


def written(number: int, rule: str, start: datetime, lots: random.Random) -> str:
    """The object of one series."""

    def line(name: str, wall: datetime) -> str:
        return f"{name};TZID={ZONE}:{wall:%Y%m%dT%H%M%S}"

    ahead = -(-(BEGIN.replace(tzinfo=None) - start).days // 14) * 14
    here = start + timedelta(days=ahead)
    body = [line("DTSTART", start), line("DTEND", start + timedelta(minutes=45)), f"RRULE:{rule}"]
    body += [line("EXDATE", start + timedelta(weeks=2 * lots.randrange(ahead // 14))) for _ in range(6)]
    body += [line("EXDATE", here)]
    moved = here + timedelta(weeks=2)
    off = here + timedelta(weeks=4)
    moved_to = [line("DTSTART", moved + timedelta(hours=3)), line("DTEND", moved + timedelta(hours=4))]
    events = [
        body,
        [line("RECURRENCE-ID", moved), *moved_to],
        [line("RECURRENCE-ID", off), line("DTSTART", off), "DURATION:PT45M", "STATUS:CANCELLED"],
    ]
    blocks = (["BEGIN:VEVENT", f"UID:{number}@bench", *one, "END:VEVENT"] for one in events)
    inner = "\r\n".join(text for block in blocks for text in block)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inner}\r\nEND:VCALENDAR\r\n"


def expanded(calendar: Component) -> Sequence[Busy]:
    entry = entry_of(calendar, SETTING)
    busy, problem = busy_of(entry, *span_of(entry, entry.master), WINDOW)
    assert not problem
    return busy


def by_library(calendar: icalendar.Calendar) -> list[tuple[datetime, datetime]]:
    found = recurring_ical_events.of(calendar).between(WINDOW.start, WINDOW.end)
    return [(one.start, one.end) for one in found if one.get("STATUS") != "CANCELLED"]


def stepped(rule: str, start: datetime) -> int:
    """The bare rule, from its start to the span's end."""
    until, count = WINDOW.end.replace(tzinfo=None), 0
    for moment in rrulestr(rule, dtstart=start):
        if moment > until:
            break
        count += 1
    return count


def cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """The median of so many rounds."""
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


def measure(*, series: int = SERIES, rounds: int = ROUNDS) -> dict[str, float]:
    """CPU milliseconds for all series together. Raises AssertionError where the two sides differ."""
    lots = random.Random(60)
    rules = [rule_and_start(number, lots) for number in range(series)]
    texts = [written(number, rule, start, lots) for number, (rule, start) in enumerate(rules)]
    ours = [parse(text) for text in texts]
    theirs = [icalendar.Calendar.from_ical(text) for text in texts]
    for mine, other in zip(ours, theirs, strict=True):
        spans = sorted((one.start.astimezone(UTC), one.end.astimezone(UTC)) for one in expanded(mine))
        assert spans == sorted((a.astimezone(UTC), b.astimezone(UTC)) for a, b in by_library(other))
    return {
        "recurrence_500x60d_cpu_ms": cpu_ms(lambda: [expanded(one) for one in ours], rounds),
        "recurrence_500x60d_from_text_cpu_ms": cpu_ms(
            lambda: [read(text, SETTING, WINDOW) for text in texts], rounds
        ),
        "recurrence_500x60d_dateutil_cpu_ms": cpu_ms(
            lambda: [stepped(rule, start) for rule, start in rules], max(rounds // 3, 1)
        ),
        "recurrence_500x60d_library_cpu_ms": cpu_ms(
            lambda: [by_library(one) for one in theirs], max(rounds // 3, 1)
        ),
    }


def report(figures: dict[str, float]) -> str:
    ours, library = figures["recurrence_500x60d_cpu_ms"], figures["recurrence_500x60d_library_cpu_ms"]
    return (
        f"500 weekly series with exceptions over 60 days   {ours:.1f} ms CPU (goal ≤ 50), "
        f"from the text {figures['recurrence_500x60d_from_text_cpu_ms']:.1f} ms\n"
        f"  the bare rules by dateutil {figures['recurrence_500x60d_dateutil_cpu_ms']:.0f} ms, all of it by "
        f"recurring-ical-events {library:.0f} ms (×{library / ours:.1f})"
    )


if __name__ == "__main__":
    print(report(measure()))
