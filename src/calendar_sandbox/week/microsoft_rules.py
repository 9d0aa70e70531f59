"""Graph's recurrence and RRULE: what the page's form shows and asks for (pure).

Graph: learn.microsoft.com/graph/api/resources/recurrencepattern and recurrencerange. RRULE: RFC 5545 3.3.10.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from calendar_sandbox.faults import BadInput
from calendar_sandbox.microsoft.recurrence import DAYS, INDEX
from calendar_sandbox.week import rules
from calendar_sandbox.week.alike import Shift
from calendar_sandbox.week.owner import moment_of

Recurrence = dict[str, Any]
FREQUENCIES = {
    "daily": "DAILY",
    "weekly": "WEEKLY",
    "absoluteMonthly": "MONTHLY",
    "relativeMonthly": "MONTHLY",
    "absoluteYearly": "YEARLY",
    "relativeYearly": "YEARLY",
}


def rrule_of(recurrence: Recurrence | None, start: date, zone: tzinfo) -> str:
    """Return the rule as an RRULE value; a series on the weekday it starts on is just weekly."""
    if not recurrence:
        return ""
    pattern, span = recurrence["pattern"], recurrence["range"]
    parts = [f"FREQ={FREQUENCIES[pattern['type']]}"]
    if pattern["interval"] != 1:
        parts.append(f"INTERVAL={pattern['interval']}")
    parts += _places(pattern, start)
    if span["type"] == "numbered":
        parts.append(f"COUNT={span['numberOfOccurrences']}")
    if span["type"] == "endDate":
        parts.append(f"UNTIL={_until(date.fromisoformat(span['endDate']), start, zone)}")
    return ";".join(parts)


def recurrence_of(rule: str, start: date, zone: tzinfo) -> Recurrence:
    """Return what Graph is sent for a rule the form can make, of a series that starts at a wall time.

    Raise BadInput for any other rule.
    """
    parts = dict(piece.split("=", 1) for piece in rule.split(";"))
    until = parts.pop("UNTIL", "")
    weekday = DAYS[start.weekday()]
    patterns: dict[str, Recurrence] = {
        "FREQ=DAILY": {"type": "daily", "interval": 1},
        "FREQ=WEEKLY": {"type": "weekly", "interval": 1, "daysOfWeek": [weekday]},
    }
    pattern = patterns.get(";".join(f"{name}={value}" for name, value in parts.items()))
    if pattern is None:
        raise BadInput(
            "This rhythm cannot be made here.", "Nothing was saved.", "Choose daily or weekly, or keep it."
        )
    first = start.date() if isinstance(start, datetime) else start
    span: Recurrence = {"type": "noEnd", "startDate": f"{first}"}
    if until:
        span |= {"type": "endDate", "endDate": f"{_last(moment_of(until), start, zone)}"}
    return {"pattern": pattern, "range": span}


def moved(recurrence: Recurrence, shift: Shift) -> Recurrence:
    """Return the rule of a series that was moved. Raise BadInput when it is bound to days of the month."""
    pattern, span = dict(recurrence["pattern"]), dict(recurrence["range"])
    if shift.days and pattern["type"] == "weekly":
        there = [(DAYS.index(day) + shift.days) % 7 for day in pattern["daysOfWeek"]]
        pattern["daysOfWeek"] = [DAYS[day] for day in sorted(there)]
    elif shift.days and pattern["type"] != "daily":
        raise rules.bound_to_days()
    for name in ("startDate", "endDate") if span["type"] == "endDate" else ("startDate",):
        span[name] = f"{date.fromisoformat(span[name]) + timedelta(days=shift.days)}"
    return {"pattern": pattern, "range": span}


def _places(pattern: Recurrence, start: date) -> list[str]:
    """Where in the week, month or year."""
    kind = pattern["type"]
    days = [day[:2].upper() for day in pattern.get("daysOfWeek", ())]
    month = [f"BYMONTH={pattern['month']}"] if kind.endswith("Yearly") else []
    if kind.startswith("absolute"):
        return [*month, f"BYMONTHDAY={pattern['dayOfMonth']}"]
    if kind.startswith("relative"):
        return [*month, f"BYDAY={','.join(days)}", f"BYSETPOS={INDEX[pattern['index']]}"]
    usual = [DAYS[start.weekday()][:2].upper()]
    return [] if not days or days == usual else [f"BYDAY={','.join(days)}"]


def _until(last: date, start: date, zone: tzinfo) -> str:
    if not isinstance(start, datetime):
        return f"{last:%Y%m%d}"
    end_of_day = datetime.combine(last, time(23, 59, 59), zone)
    return f"{end_of_day.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _last(until: date, start: date, zone: tzinfo) -> date:
    """The last day the series may begin on."""
    if not isinstance(until, datetime):
        return until
    wall = until.astimezone(zone) if until.tzinfo else until
    if isinstance(start, datetime) and wall.time() < start.time():
        return wall.date() - timedelta(days=1)
    return wall.date()
