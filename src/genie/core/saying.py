"""How a time is said to people: *Tue 3 Mar 2026, 10:00–11:00 (New York)*."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def zone_of(name: str) -> ZoneInfo | None:
    """The IANA zone of that name; None where there is none (a browser may send us anything)."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def said_span(start: datetime, end: datetime, zone: str) -> str:
    """A span as wall time in `zone` (an unknown zone: UTC), with the city so that nobody has to guess.

    The date is repeated only when the span ends on another one. The offset from UTC is added where the wall
    time alone would be unclear: an hour that the clocks go through twice, or a span across their change.
    """
    where = zone_of(zone)
    first, last = (moment.astimezone(where or UTC) for moment in (start, end))
    span = (
        f"{_date(first)}, {first:%H:%M}–{last:%H:%M}"
        if first.date() == last.date()
        else f"{_date(first)}, {first:%H:%M} – {_date(last)}, {last:%H:%M}"
    )
    return f"{span} ({_place(zone) if where else 'UTC'}{_offsets(first, last)})"


def same_wall_time(start: datetime, one: str, other: str) -> bool:
    """Do people in both zones read the same time off their clocks?"""
    offsets = {start.astimezone(zone_of(name) or UTC).utcoffset() for name in (one, other)}
    return len(offsets) == 1


def _date(moment: datetime) -> str:
    # not strftime: %a and %b follow the locale of the process
    return f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _place(zone: str) -> str:
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def _offsets(first: datetime, last: datetime) -> str:
    if first.utcoffset() == last.utcoffset() and not any(map(_occurs_twice, (first, last))):
        return ""
    both = dict.fromkeys(_offset(moment.utcoffset() or timedelta()) for moment in (first, last))
    return ", " + " to ".join(both)


def _occurs_twice(moment: datetime) -> bool:
    other = moment.replace(fold=1 - moment.fold)
    return other.utcoffset() != moment.utcoffset()


def _offset(offset: timedelta) -> str:
    minutes = abs(int(offset.total_seconds())) // 60
    return f"UTC{'−' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"
