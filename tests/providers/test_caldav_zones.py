"""Zones that come with an event: used where they are plain, and never work without end."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from genie.providers.caldav import zones


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
