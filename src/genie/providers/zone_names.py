"""What zones are called: IANA names, Windows names both ways, vendors' prefixes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

WINDOWS = {name.lower(): zone for name, zone in WINDOWS_TO_OLSON.items()}
LONGEST_NAME = 200
"""Characters; the longest real one, a Windows display name, has about 80."""
UTC_NAMES = {"utc", "gmt", "z", "etc/utc", "etc/gmt", "tzone://microsoft/utc", "coordinated universal time"}
WIDELY_KNOWN = {
    *(f"{name} Standard Time" for name in ("Eastern", "Central", "Mountain", "US Mountain", "Pacific")),
    *(f"{name} Standard Time" for name in ("Atlantic", "W. Europe", "GMT", "FLE", "Russian", "China")),
    *(f"{name} Standard Time" for name in ("SE Asia", "E. Africa", "W. Central Africa", "South Africa")),
}
"""Where several Windows zones have the same clocks, one of these is shown."""


@lru_cache(maxsize=1_000)
def iana(name: str) -> str:
    """The IANA zone that `name` means, "" if none is known.

    Understands Windows names and prefixed ones (`/freeassociation.sourceforge.net/Europe/Berlin`).
    """
    name = name.strip().strip('"')
    if len(name) > LONGEST_NAME:
        return ""
    if name.lower() in UTC_NAMES:
        return "UTC"
    if name.lower() in WINDOWS:
        return WINDOWS[name.lower()]
    parts = name.strip("/").split("/")
    for first in range(len(parts)):
        candidate = "/".join(parts[first:])
        if known(candidate):
            return candidate
    return ""


@lru_cache(maxsize=1_000)
def known(name: str) -> bool:
    if not name or not name[0].isalpha() or "." in name:
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


@lru_cache(maxsize=2_000)
def windows(zone: str, year: int) -> str:
    """The Windows zone whose clocks go as those of the IANA zone about `year`; "" if there is none.

    The table names one place for each Windows zone. Any other place (Vienna, Detroit) is found by its clocks:
    the same offset in each week of two years. Of several, one of the same part of the world that most people
    there would know. What zone rules say of single hours, the caller checks.
    """
    if iana(zone) == "UTC":
        return "UTC"
    if not known(zone):
        return ""
    for name, place in WINDOWS_TO_OLSON.items():
        if place == zone:
            return name
    clocks, region = _clocks(zone, year), zone.partition("/")[0]
    found = [name for name, place in WINDOWS_TO_OLSON.items() if _clocks(place, year) == clocks]
    return min(found, key=lambda name: _distance(name, region), default="")


def _distance(name: str, region: str) -> tuple[int, bool]:
    there = WINDOWS_TO_OLSON[name].partition("/")[0]
    return 0 if there == region else 2 if there == "Etc" else 1, name not in WIDELY_KNOWN


@lru_cache(maxsize=1_000)
def _clocks(zone: str, year: int) -> tuple[timedelta | None, ...]:
    if not known(zone):  # a name of the table that this machine's zone data do not have
        return (None,)
    rules: tzinfo = ZoneInfo(zone)
    first = datetime(year, 1, 1, 12, tzinfo=UTC)
    return tuple((first + timedelta(weeks=week)).astimezone(rules).utcoffset() for week in range(-26, 79))
