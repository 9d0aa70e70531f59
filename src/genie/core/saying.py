"""How a time is said to people: *Tue 3 Mar 2026, 10:00–11:00 (New York)*."""

from __future__ import annotations

from collections.abc import Sequence
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


def said_span(
    start: datetime, end: datetime, zone: str, *, now: datetime | None = None, place: bool = True
) -> str:
    """A span as wall time in `zone` (an unknown zone: UTC), with the city so that nobody has to guess.

    `now` leaves out the year where it is the present one; `place=False` leaves out the city, on pages that
    name it once for all. The date is repeated only when the span ends on another one. The offset from UTC is
    added where the wall time alone would be unclear: an hour that the clocks go through twice, or a span
    across their change.
    """
    where = zone_of(zone)
    first, last = (moment.astimezone(where or UTC) for moment in (start, end))
    begins, ends = said_day(start, zone, now=now), said_day(end, zone, now=now)
    span = (
        f"{begins}, {first:%H:%M}–{last:%H:%M}"
        if first.date() == last.date()
        else f"{begins}, {first:%H:%M} – {ends}, {last:%H:%M}"
    )
    offsets = _offsets(first, last)
    if place:
        return f"{span} ({', '.join(filter(None, [said_place(zone), offsets]))})"
    return f"{span} ({offsets})" if offsets else span


def said_day(moment: datetime, zone: str, *, now: datetime | None = None) -> str:
    """The local date of an instant: *Tue 3 Mar 2026*; without the year where it is the year of `now`."""
    where = zone_of(zone) or UTC
    local = moment.astimezone(where)
    # not strftime: %a and %b follow the locale of the process
    day = f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"
    return day if now and now.astimezone(where).year == local.year else f"{day} {local.year}"


def said_moment(at: datetime, zone: str, now: datetime | None) -> str:
    """An instant as wall time in `zone`: *Tue 3 Mar, 10:44*; with its year unless it is that of `now`."""
    local = at.astimezone(zone_of(zone) or UTC)
    return f"{said_day(at, zone, now=now)}, {local:%H:%M}"


def said_ago(at: datetime, now: datetime, zone: str) -> str:
    """*just now*, *4 s ago*, *3 min ago*, *2 h ago*; after a day the date and time."""
    seconds = int((now - at).total_seconds())
    if seconds < 2:
        return "just now"
    for limit, unit, word in ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h")):
        if seconds < limit:
            return f"{seconds // unit} {word} ago"
    return said_moment(at, zone, now)


def said_place(zone: str) -> str:
    """The city of a zone, as people call the zone: *New York*. UTC for a zone nobody knows."""
    return zone.rsplit("/", 1)[-1].replace("_", " ") if zone_of(zone) else "UTC"


def said_list(names: Sequence[str]) -> str:
    """“Tours”, “Visits” and “Calls”."""
    quoted = [f"“{name}”" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), *quoted[-1:]]))


def same_wall_time(start: datetime, one: str, other: str) -> bool:
    """Do people in both zones read the same time off their clocks?"""
    offsets = {start.astimezone(zone_of(name) or UTC).utcoffset() for name in (one, other)}
    return len(offsets) == 1


def _offsets(first: datetime, last: datetime) -> str:
    if first.utcoffset() == last.utcoffset() and not any(map(_occurs_twice, (first, last))):
        return ""
    both = dict.fromkeys(_offset(moment.utcoffset() or timedelta()) for moment in (first, last))
    return " to ".join(both)


def _occurs_twice(moment: datetime) -> bool:
    other = moment.replace(fold=1 - moment.fold)
    return other.utcoffset() != moment.utcoffset()


def _offset(offset: timedelta) -> str:
    minutes = abs(int(offset.total_seconds())) // 60
    return f"UTC{'−' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"
