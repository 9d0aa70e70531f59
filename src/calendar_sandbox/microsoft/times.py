"""Times as Graph writes them: wall time with seven digits and a zone's name, of Windows or IANA.

Zones by name: icalendar's table of CLDR's windowsZones. Of the IANA names Graph documents only a short list
(resources/datetimetimezone); the others are refused, as it does.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from calendar_sandbox.microsoft import errors

DAY = timedelta(days=1)
STAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?")
UTC_NAMES = ("UTC", "Etc/UTC", "Etc/GMT", "GMT", "tzone://Microsoft/Utc")
CUSTOM = "tzone://Microsoft/Custom"  # a zone Outlook cannot name; only ever answered

# Besides Windows' names: learn.microsoft.com/graph/api/resources/datetimetimezone, "Additional time zones"
NAMES = """
    Etc/GMT+12 Etc/GMT+11 Pacific/Honolulu America/Anchorage America/Santa_Isabel America/Los_Angeles
    America/Phoenix America/Chihuahua America/Denver America/Guatemala America/Chicago America/Mexico_City
    America/Regina America/Bogota America/New_York America/Indiana/Indianapolis America/Caracas
    America/Asuncion America/Halifax America/Cuiaba America/La_Paz America/Santiago America/St_Johns
    America/Sao_Paulo America/Argentina/Buenos_Aires America/Cayenne America/Godthab America/Montevideo
    America/Bahia Etc/GMT+2 Atlantic/Azores Atlantic/Cape_Verde Africa/Casablanca Etc/GMT Europe/London
    Atlantic/Reykjavik Europe/Berlin Europe/Budapest Europe/Paris Europe/Warsaw Africa/Lagos Africa/Windhoek
    Europe/Bucharest Asia/Beirut Africa/Cairo Asia/Damascus Africa/Johannesburg Europe/Kyiv Europe/Kiev
    Europe/Istanbul Asia/Jerusalem Asia/Amman Asia/Baghdad Europe/Kaliningrad Asia/Riyadh Africa/Nairobi
    Asia/Tehran Asia/Dubai Asia/Baku Europe/Samara Indian/Mauritius Asia/Tbilisi Asia/Yerevan Asia/Kabul
    Asia/Tashkent Asia/Yekaterinburg Asia/Karachi Asia/Kolkata Asia/Calcutta Asia/Colombo Asia/Kathmandu
    Asia/Astana Asia/Almaty Asia/Dhaka Asia/Novosibirsk Asia/Yangon Asia/Rangoon Asia/Bangkok
    Asia/Krasnoyarsk Asia/Shanghai Asia/Irkutsk Asia/Singapore Australia/Perth Asia/Taipei Asia/Ulaanbaatar
    Asia/Tokyo Asia/Seoul Asia/Yakutsk Australia/Adelaide Australia/Darwin Australia/Brisbane
    Australia/Sydney Pacific/Port_Moresby Australia/Hobart Asia/Vladivostok Asia/Magadan
    Pacific/Guadalcanal Etc/GMT-12 Pacific/Auckland Pacific/Fiji Asia/Kamchatka Pacific/Tongatapu
    Pacific/Apia"""
IANA = frozenset(NAMES.split())
WINDOWS = {olson: name for name, olson in reversed(WINDOWS_TO_OLSON.items())}


@lru_cache(maxsize=1000)
def zone_info(name: str) -> tzinfo:
    """The zone of a name Graph knows. Raise ValueError for others."""
    if name in UTC_NAMES:
        return UTC
    olson = WINDOWS_TO_OLSON.get(name) or (name if name in IANA else "")
    if not olson:
        raise ValueError(f"no such time zone: {name}")
    return ZoneInfo(olson)


def known_zone(name: str) -> str:
    """Return the name. Raise Refusal when Graph does not know it."""
    try:
        zone_info(name)
    except (ValueError, KeyError):
        raise errors.unknown_zone(name) from None
    return name


def windows_name(olson: str) -> str:
    """What Windows calls an IANA zone; `UTC` when it has no name for it."""
    return WINDOWS.get(olson, "UTC")


def from_wall(wall: datetime, zone: str) -> datetime:
    """The instant of a wall time: the first of two equal ones; one that is skipped moves forward."""
    return wall.replace(tzinfo=zone_info(zone)).astimezone(UTC)


def to_wall(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(zone_info(zone)).replace(tzinfo=None)


def wall_text(wall: datetime) -> str:
    """`2026-11-24T09:00:00.0000000`"""
    return f"{wall.isoformat(timespec='seconds')}.0000000"


def offset_text(instant: datetime) -> str:
    """`2026-11-24T09:00:00Z`"""
    return f"{instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


@lru_cache(maxsize=50_000)
def read_wall(text: str) -> datetime:
    """Read what `wall_text` wrote."""
    return datetime.fromisoformat(text[:19])


def parsed(text: Any) -> datetime:
    """Read a time with or without an offset; whole seconds. Raise ValueError."""
    found = STAMP.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(text)
    clock = found[2] or "00:00"
    offset = (found[3] or "").upper().replace("Z", "+00:00")
    return datetime.fromisoformat(f"{found[1]}T{clock}{offset}").replace(microsecond=0)


def parse_when(given: Any, *, what: str) -> tuple[datetime, str]:
    """Read a dateTimeTimeZone: wall time and zone. Raise Refusal.

    A dateTime with an offset counts as an instant; it is then put into the zone that stands beside it.
    """
    if not isinstance(given, dict) or not given.get("dateTime"):
        raise errors.property_failed(f"The {what} property is required.")
    zone = known_zone(str(given.get("timeZone") or "UTC"))
    try:
        moment = parsed(given["dateTime"])
    except ValueError:
        raise errors.bad_literal(given["dateTime"], "Edm.DateTimeOffset") from None
    if moment.tzinfo is not None:
        return to_wall(moment, zone), zone
    return moment, zone


def parse_instant(text: str, zone: str = "UTC") -> datetime:
    """Read a time of a query; without an offset it is in `zone`. Raise ValueError."""
    moment = parsed(text.replace(" ", "+"))  # a plus that was not quoted
    return moment.astimezone(UTC) if moment.tzinfo is not None else from_wall(moment, zone)


def bounds(resource: dict[str, Any]) -> tuple[datetime, datetime]:
    """Start and end of a stored event as instants; whole days lie in the zone it was made in."""
    start, end = (read_wall(resource[name]["dateTime"]) for name in ("start", "end"))
    if resource.get("isAllDay"):
        zone = str(resource.get("originalStartTimeZone") or "UTC")
        return from_wall(start, zone), from_wall(end, zone)
    return start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)


def shown(stored: dict[str, Any], zone: str, *, all_day: bool) -> dict[str, str]:
    """A stored start or end in a zone; whole days are midnight in every zone."""
    wall = read_wall(stored["dateTime"])
    if not all_day and zone not in UTC_NAMES:
        wall = to_wall(wall.replace(tzinfo=UTC), zone)
    return {"dateTime": wall_text(wall), "timeZone": zone}


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())
