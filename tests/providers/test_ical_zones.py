"""Zones that come with an event: used where they are plain, and never work without end."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from genie.providers.caldav.mapping import read
from genie.providers.ical import zones
from genie.providers.ical.times import Setting
from genie.providers.port import Window


def definition(*rules: str, rest: str = "") -> str:
    changes = "".join(
        f"BEGIN:{kind}\r\nDTSTART:19700{month}01T020000\r\nRRULE:{rule}\r\n{rest}"
        f"TZOFFSETFROM:{before}\r\nTZOFFSETTO:{after}\r\nTZNAME:X\r\nEND:{kind}\r\n"
        for rule, (kind, month, before, after) in zip(
            rules,
            [("DAYLIGHT", 3, "+0100", "+0200"), ("STANDARD", 9, "+0200", "+0100")] * len(rules),
            strict=False,
        )
    )
    return f"BEGIN:VTIMEZONE\r\nTZID:Somewhere\r\n{changes}END:VTIMEZONE\r\n"


SPRING, AUTUMN = "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10"


def test_a_plain_definition_is_used() -> None:
    rules = zones.defined(definition(SPRING, AUTUMN))
    assert rules is not None
    assert rules.utcoffset(datetime(2026, 7, 1)) == timedelta(hours=2)
    assert rules.utcoffset(datetime(2026, 12, 1)) == timedelta(hours=1)


@pytest.mark.parametrize(
    "text",
    [
        definition("FREQ=SECONDLY", AUTUMN),
        definition("FREQ=MINUTELY;INTERVAL=1", AUTUMN),
        definition("FREQ=DAILY", AUTUMN),
        definition("FREQ=YEARLY;BYHOUR=1,2,3;BYSECOND=1,2,3", AUTUMN),
        definition("FREQ=YEARLY;\r\n BYMONTH=3\r\nRRULE:FREQ=SECONDLY", AUTUMN),  # folded, and a second rule
        definition(SPRING, AUTUMN, rest="EXRULE:FREQ=SECONDLY\r\n"),
        definition(*[SPRING] * 5),
        definition(*[f"{SPRING};UNTIL=19800101T000000Z"] * 61),
        "BEGIN:VTIMEZONE\r\nEND:VTIMEZONE\r\n",
        "x" * 60_000,
    ],
)
def test_a_definition_that_would_hold_a_worker_is_not_used(text: str) -> None:
    begun = time.process_time()
    assert zones.defined(text) is None
    assert time.process_time() - begun < 2


def test_definitions_with_the_whole_history_are_used() -> None:
    old = [
        f"FREQ=YEARLY;BYMONTH={month};BYDAY=1SU;UNTIL=19{year}0101T000000Z"
        for year in range(75, 99)
        for month in (3,)
    ]
    rules = zones.defined(definition(*old, SPRING, AUTUMN))
    assert rules is not None
    assert rules.utcoffset(datetime(2026, 7, 1)) is not None


WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC))


def event(start: str, *lines: str, beside: str = "") -> str:
    body = "\r\n".join([start, "DURATION:PT1H", *lines])
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{beside}BEGIN:VEVENT\r\nUID:x\r\n{body}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        # names that are long, definitions that are large or many, and dates that name them again and again
        event(f"DTSTART;TZID={'a/' * 400_000}:20261102T100000"),
        event(
            "DTSTART;TZID=Somewhere:20261102T100000",
            "RRULE:FREQ=DAILY",
            *["EXDATE;TZID=Somewhere:20261103T100000"] * 5_000,
            beside=f"BEGIN:VTIMEZONE\r\nTZID:Somewhere\r\nCOMMENT:{'x' * 400_000}\r\nEND:VTIMEZONE\r\n",
        ),
        event(
            "DTSTART;TZID=Somewhere:20261102T100000",
            "RRULE:FREQ=DAILY",
            *["EXDATE;TZID=Somewhere:20261103T100000"] * 5_000,
            beside="BEGIN:VTIMEZONE\r\nTZID:Somewhere\r\nEND:VTIMEZONE\r\n" * 8_000,
        ),
        event(
            "DTSTART;TZID=Zone 1:20261102T100000",
            "RRULE:FREQ=DAILY",
            *[f"EXDATE;TZID=Zone {n}:20261103T100000" for n in range(5_000)],
            beside="".join(definition(SPRING, AUTUMN).replace("Somewhere", f"Zone {n}") for n in range(900)),
        ),
    ],
    ids=["long name", "large definition", "many definitions", "many zones"],
)
def test_an_event_made_to_keep_a_worker_busy_is_read_in_a_moment(text: str) -> None:
    begun = time.process_time()
    found = read(text, Setting("UTC"), WINDOW)
    assert time.process_time() - begun < 4
    assert found.busy
