"""Times as the API writes them: instants with an offset, wall times with a zone, dates without either."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from calendar_sandbox.google import errors

DAY = timedelta(days=1)
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class When:
    """The start or end of an event: a date, or an instant (UTC, whole seconds) with its zone's name."""

    date: date | None = None
    instant: datetime | None = None
    zone: str = ""

    @property
    def all_day(self) -> bool:
        return self.date is not None

    def at(self, zone: str) -> datetime:
        """The instant; a date begins at midnight in `zone`."""
        if self.instant is not None:
            return self.instant
        assert self.date is not None
        return from_wall(datetime.combine(self.date, time()), zone)

    def as_kept(self) -> dict[str, Any]:
        """How it lies in a stored event: instants in UTC."""
        if self.date is not None:
            return {"date": self.date.isoformat()}
        assert self.instant is not None
        return {"dateTime": stamp(self.instant), "timeZone": self.zone}


@lru_cache(maxsize=1000)
def zone_info(name: str) -> tzinfo:
    """Raise ValueError for a name that is no IANA zone."""
    if name in ("UTC", "Etc/UTC", "GMT"):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise ValueError(f"no such time zone: {name}") from exc


def known_zone(name: str, *, what: str) -> str:
    """Return the name. Raise Refusal when it is no zone."""
    try:
        zone_info(name)
    except ValueError:
        raise errors.invalid(f"Invalid time zone definition for {what}.") from None
    return name


def from_wall(wall: datetime, zone: str) -> datetime:
    """The instant of a wall time: the first of two equal ones; one that is skipped moves forward."""
    return wall.replace(tzinfo=zone_info(zone)).astimezone(UTC)


def to_wall(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(zone_info(zone)).replace(tzinfo=None)


def stamp(instant: datetime) -> str:
    """`2026-11-24T09:00:00Z`"""
    return f"{instant.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def in_zone(instant: datetime, zone: str) -> str:
    """`2026-11-24T10:00:00+01:00`, or with Z in UTC."""
    local = instant.astimezone(zone_info(zone))
    if local.utcoffset() == timedelta(0):
        return f"{local.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
    return local.isoformat(timespec="seconds")


@lru_cache(maxsize=20_000)
def kept(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.fromisoformat(text)


@lru_cache(maxsize=50_000)
def shown(text: str, zone: str) -> str:
    """What `stamp` wrote, in a zone."""
    return in_zone(kept(text), zone)


def when_kept(found: dict[str, Any]) -> When:
    """Read what `as_kept` wrote."""
    if "date" in found:
        return When(date=date.fromisoformat(found["date"]))
    return When(instant=kept(found["dateTime"]), zone=found.get("timeZone", "UTC"))


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 time that must have an offset. Raise ValueError."""
    if not RFC3339.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return moment.astimezone(UTC)


def parse_when(given: dict[str, Any], *, what: str, zone: str, recurring: bool) -> When:
    """Read `start` or `end` of a request; `what` is which, `zone` the calendar's.

    Raise Refusal: both or neither of date and dateTime, a time without any zone, not a time at all.
    A series needs a zone by name, since an offset does not say what happens when clocks change.
    """
    day, moment = given.get("date"), given.get("dateTime")
    if day and moment:
        raise errors.invalid(f"Invalid {what} time.")
    if day:
        if not isinstance(day, str) or not DATE.fullmatch(day):
            raise errors.invalid(f"Invalid {what} time.")
        try:
            return When(date=date.fromisoformat(day))
        except ValueError:
            raise errors.invalid(f"Invalid {what} time.") from None
    if not moment:
        raise errors.required(f"Missing {what} time.")
    name = str(given.get("timeZone") or "")
    if name:
        known_zone(name, what=f"{what} time")
    return _timed(str(moment), name, what=what, zone=zone, recurring=recurring)


def _timed(text: str, name: str, *, what: str, zone: str, recurring: bool) -> When:
    try:
        if not RFC3339.fullmatch(text):
            raise ValueError(text)
        moment = datetime.fromisoformat(text.upper()).replace(microsecond=0)
        if moment.tzinfo is None and not name:
            raise errors.required(f"Missing time zone definition for {what} time.")
        instant = from_wall(moment, name) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise errors.invalid(f"Invalid {what} time.") from None
    if recurring and not name:
        raise errors.required(f"Missing time zone definition for {what} time.")
    return When(instant=instant, zone=name or zone)
