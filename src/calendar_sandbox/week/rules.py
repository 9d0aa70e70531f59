"""Rules of repetition as RRULE values: what moving a whole series does to them (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

from calendar_sandbox.faults import BadInput
from calendar_sandbox.week.owner import moment_of

WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def shifted(rule: str, *, days: int, moved: Callable[[date], date]) -> str:
    """Return the rule of a series moved by `days`; `moved` moves one of its moments.

    Raise BadInput for a rule by day or month, which cannot be moved to other days as a whole.
    """
    parts = dict(piece.split("=", 1) for piece in rule.split(";") if "=" in piece)
    if until := parts.get("UNTIL"):
        parts["UNTIL"] = _written(moved(moment_of(until)), utc=until.endswith("Z"))
    if (
        days
        and parts.get("FREQ") == "WEEKLY"
        and re.fullmatch(r"[A-Z]{2}(,[A-Z]{2})*", parts.get("BYDAY", ""))
    ):
        there = [WEEKDAYS[(WEEKDAYS.index(day) + days) % 7] for day in parts["BYDAY"].split(",")]
        parts["BYDAY"] = ",".join(sorted(there, key=WEEKDAYS.index))
    elif days and any(name.startswith("BY") for name in parts):
        raise bound_to_days()
    return ";".join(f"{name}={value}" for name, value in parts.items())


def without_end(rule: str) -> str:
    """Return the rhythm alone."""
    return ";".join(piece for piece in rule.split(";") if not piece.startswith(("UNTIL=", "COUNT=")))


def bound_to_days() -> BadInput:
    """Say why a series cannot be moved to other days."""
    return BadInput(
        "This series follows a rule by day or month.",
        "It cannot be moved to other days as a whole; its time of day can be changed.",
        "Move this occurrence alone, or keep the day.",
    )


def no_change_of_kind() -> BadInput:
    """Say why a series cannot turn all day, or back."""
    return BadInput(
        "This series has changed or deleted occurrences, or an end.",
        "It cannot be turned from timed to all day, or back, without losing those.",
        "Change single occurrences, or delete the series and make a new one.",
    )


def _written(moment: date, *, utc: bool) -> str:
    if not isinstance(moment, datetime):
        return f"{moment:%Y%m%d}"
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" if utc else f"{moment:%Y%m%dT%H%M%S}"
