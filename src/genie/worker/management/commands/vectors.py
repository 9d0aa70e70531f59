"""`manage.py vectors FILE`: run a file of worked slot cases against the slot rules; no database is used."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from genie.core.availability import Rules, Seats, Taken, offered
from genie.core.holidays import LAST, Holiday
from genie.core.hours import Hours, Range, instant_of
from genie.core.spans import Covered, Span, micros, moment

Case = Mapping[str, Any]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Command(BaseCommand):
    help = "Run worked slot cases. Prints each failing case, then `N passed, N failed`; exits 1 on a failure."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="JSON of the form of tests/core/slot_vectors.json")

    def handle(self, *args: Any, **options: Any) -> None:
        cases = cases_in(options["file"])
        failures = 0
        for number, case in enumerate(cases, start=1):
            trouble = trouble_with(case)
            if trouble:
                failures += 1
                name = case.get("id", f"number {number}") if isinstance(case, dict) else f"number {number}"
                self.stdout.write(f"FAILED {name}\n{trouble}")
        self.stdout.write(f"{len(cases) - failures} passed, {failures} failed")
        if failures:
            raise SystemExit(1)


def cases_in(file: Path) -> list[Case]:
    """The cases of a file: an object with `cases`, or a bare list. Raises CommandError if it is neither."""
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as problem:
        raise CommandError(f"{file} cannot be read as JSON: {problem}") from problem
    cases = content.get("cases") if isinstance(content, dict) else content
    if not isinstance(cases, list):
        raise CommandError(f'{file} holds no list "cases"; see tests/core/slot_vectors.json for the form.')
    return cases


def trouble_with(case: Case) -> str:
    """Why a case fails, for a person; empty when the starts are exactly those expected."""
    try:
        zone = ZoneInfo(case["zone"])
        expected = expected_starts(case, zone)
        got = starts_of(case)
    except Exception as problem:  # whatever is wrong with one case must not hide the others
        return f"  cannot be run: {type(problem).__name__}: {problem}"
    if got == expected:
        return ""
    return f"  expected {_said(expected, zone)}\n  got      {_said(got, zone)}"


def starts_of(case: Case) -> list[datetime]:
    """What the slot rules offer in this case, as UTC datetimes."""
    day = date.fromisoformat(case["date"])
    return offered(
        hours=hours_of(case),
        rules=rules_of(case),
        holidays=[holiday_of(entry) for entry in case.get("holidays") or []],
        taken=taken_of(case),
        first=day,
        last=day,
        now=moment(_instant(case["now"], ZoneInfo(case["zone"]))),
    )


def expected_starts(case: Case, zone: ZoneInfo) -> list[datetime]:
    """`starts` as instants; a wall time said again after itself (clocks go back) is the second one."""
    found: list[datetime] = []
    for text in case["starts"]:
        value = moment(_instant(text if "-" in text else f"{case['date']}T{text}", zone))
        if found and value <= found[-1]:
            value = value.astimezone(zone).replace(fold=1).astimezone(UTC)
        found.append(value)
    return found


def hours_of(case: Case) -> Hours:
    weekly = {_weekday(name): _ranges(ranges) for name, ranges in (case.get("hours") or {}).items()}
    overrides: dict[date, list[Range]] = {}
    for entry in case.get("overrides") or []:
        overrides.setdefault(date.fromisoformat(entry["date"]), []).extend(_ranges(entry.get("hours")))
    return Hours(ZoneInfo(case["zone"]), weekly, overrides)


def rules_of(case: Case) -> Rules:
    return Rules(
        duration=case["duration"],
        between=case.get("between") or 0,
        start_every=case.get("start_every") or None,
        capacity=1 if case.get("capacity") is None else case["capacity"],
        capacity_by_weekday={
            _weekday(name): seats for name, seats in (case.get("capacity_by_weekday") or {}).items()
        },
        per_day=case.get("per_day") or 0,
        how_soon=case.get("how_soon_minutes") or 0,
        horizon_days=case.get("horizon_days"),
        horizon_months=case.get("horizon_months"),
    )


def holiday_of(entry: Mapping[str, Any]) -> Holiday:
    week = entry.get("week")
    return Holiday(
        title=entry.get("title") or "",
        month=int(entry["month"]),
        day=None if entry.get("day") is None else int(entry["day"]),
        weekday=None if entry.get("weekday") is None else _weekday(entry["weekday"]),
        week=LAST if week == "last" else None if week is None else int(week),
        year=None if entry.get("year") is None else int(entry["year"]),
    )


def taken_of(case: Case) -> Taken:
    zone = ZoneInfo(case["zone"])
    duration = timedelta(minutes=case["duration"])
    starts = [moment(_instant(text, zone)) for text in case.get("appointments") or []]
    blocked = [*(case.get("busy") or []), *(case.get("time_off") or [])]
    return Taken(
        blocked=[Covered.by((_instant(start, zone), _instant(end, zone)) for start, end in blocked)],
        seats=Seats.of([Span(start, start + duration) for start in starts], between=case.get("between") or 0),
    )


def _instant(text: str, zone: ZoneInfo) -> int:
    """A date, local wall time, or an instant with Z or offset; as microseconds since 2000."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is not None:
        return micros(value)
    return instant_of(value.date(), value.time(), zone)


def _ranges(ranges: Iterable[Iterable[str]] | None) -> list[Range]:
    return [(_wall(opens), _wall(closes)) for opens, closes in ranges or []]


def _wall(text: str) -> time:
    return time() if text.startswith("24:00") else time.fromisoformat(text.zfill(5))


def _weekday(name: str) -> int:
    return WEEKDAYS.index(name.lower()[:3])


def _said(starts: Iterable[datetime], zone: ZoneInfo) -> str:
    return ", ".join(f"{s.astimezone(zone):%m-%d %H:%M} ({s:%H:%M}Z)" for s in starts) or "nothing"
